/**
 * The environment of Node, Deno and Bun: variables, the home folder, the machine's name. None is required: a value that may not be read, as Deno refuses without
 * permission, counts as absent. Values are read on demand, never by an import.
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
