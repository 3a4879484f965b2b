/**
 * Writing of files on Node, Deno and Bun: each file is written completely or not at all, whenever the process or the machine stops, but for appended ones.
 * node-files.ts reads them.
 */
import { appendFile as append, type FileHandle, open, readdir, readlink, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HeedError } from '../errors.js';
import { codeOf, storageFailure } from './node-failures.js';
import { isFileUrl, makeFolder } from './node-files.js';

/** Temporary name of a file until it is complete. */
const temporary = (path: string) => `${path}.tmp`;

export async function writeFile(location: string, chunks: Iterable<Uint8Array>): Promise<number> {
  const path = pathOf(location);
  const isWhole = !(await isStream(path));
  const first = isWhole ? temporary(path) : path;
  let handle: FileHandle | undefined;
  try {
    await makeFolder(dirname(path));
    handle = await open(first, 'w');
    let length = 0;
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten;
      length += chunk.length;
    }
    if (isWhole) await handle.sync();
    await handle.close();
    handle = undefined;
    if (!isWhole) return length;
    await rename(first, path);
    await flushFolder(dirname(path));
    return length;
  } catch (error) {
    await handle?.close().catch(() => {});
    if (isWhole) await rm(first, { force: true }).catch(() => {});
    throw error instanceof HeedError ? error : storageFailure(location, 'cannot be written', error);
  }
}

/** `true` for a device, a pipe or an open descriptor (/dev/null, /dev/stdout): bytes are written into it, and no file may take its place. */
async function isStream(path: string): Promise<boolean> {
  const [found, target] = await Promise.all([stat(path).catch(() => undefined), readlink(path).catch(() => '')]);
  return found !== undefined && (target.startsWith('/proc/') || !(found.isFile() || found.isDirectory()));
}

export async function appendFile(location: string, bytes: Uint8Array, { fresh = false }: { fresh?: boolean } = {}): Promise<boolean> {
  const path = pathOf(location);
  let folder = false;
  try {
    await makeFolder(dirname(path));
    folder = true;
    await append(path, bytes, { flag: fresh ? 'ax' : 'a' });
    return true;
  } catch (error) {
    // EEXIST of a parent that is no folder remains an error.
    if (fresh && folder && codeOf(error) === 'EEXIST') return false;
    throw storageFailure(location, 'cannot be written', error);
  }
}

export async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(pathOf(folder));
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') throw new HeedError('NOT_FOUND', `The folder ${folder} does not exist`, { culprit: folder, cause });
    throw storageFailure(folder, 'cannot be listed', cause);
  }
}

export async function removeFile(location: string): Promise<void> {
  try {
    await rm(pathOf(location), { force: true });
  } catch (error) {
    throw storageFailure(location, 'cannot be removed', error);
  }
}

const pathOf = (location: string) => (isFileUrl(location) ? fileURLToPath(location) : location);

/** Flushes a folder: its new name has to reach the disk as well. Windows has no such call, and some file systems refuse it. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
