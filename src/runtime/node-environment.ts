/**
 * The environment of Node, Deno and Bun: variables, the home folder, the machine's name. Nothing of it is needed: what may not be read, as Deno refuses what nobody has
 * allowed, is as if it were not there. It is read when it is asked for, never by an import.
 */
import { homedir, hostname } from 'node:os';

function ifAllowed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export const variable = (name: string): string | undefined => ifAllowed(() => process.env[name]);
export const home = (): string | undefined => ifAllowed(homedir) ?? variable('HOME');
export const machine = (): string => ifAllowed(hostname) ?? '';
