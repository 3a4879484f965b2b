/** Files that commands write: whole or not at all, and refused before there is work done for them. */
import { accessSync, constants, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { HeedError } from '../errors.js';

/** Throws ARGUMENT for an option whose file could not be written: there is no folder for it, or it is one. */
export function checkFile(option: string, path: string): void {
  const wrong = (what: string) => new HeedError('ARGUMENT', `${option} ${path}: ${what}`, { culprit: option });
  const folder = dirname(resolve(path));
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw wrong(`there is no folder ${folder}`);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw wrong('this is a folder');
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw wrong(`the folder ${folder} cannot be written to`);
  }
}

/** Writes a file under another name first. Throws NOT_FOUND where that fails, and leaves what was there. */
export function writeWhole(path: string, content: string): void {
  const unfinished = `${path}.${process.pid}.part`;
  try {
    writeFileSync(unfinished, content);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    throw new HeedError('NOT_FOUND', `${path} could not be written: ${code ?? message}`, { culprit: path, cause: error });
  }
}
