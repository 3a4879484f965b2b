/**
 * Files for Node, Deno and Bun: opens a path, a file: URL or a web address as a ByteStream, and joins names to either. This is the half of node.ts that touches the
 * disk, and makes the folders that others write into. A path that is not a plain, readable file is NOT_FOUND, with the reason.
 */
import { constants, type FileHandle, mkdir, open as openHandle, stat } from 'node:fs/promises';
import { dirname, join as joinPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HeedError } from '../errors.js';
import { isUrl, joinUrl, openUrl } from './fetch.js';
import type { ByteStream, OpenOptions } from './types.js';

export const isFileUrl = (location: string) => /^file:/i.test(location);

export function join(folder: string, file: string): string {
  return isUrl(folder) || isFileUrl(folder) ? joinUrl(folder, file) : joinPath(folder, file);
}

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Makes a folder and the folders above it. mkdir's own `recursive` is not used, since it never ends where a file system cannot have folders, as /proc. */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path).catch(async (error) => {
    // Another process may have been faster.
    if (!(await isFolder(path))) throw error;
  });
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );

export async function open(location: string, options: OpenOptions = {}): Promise<ByteStream> {
  if (isUrl(location)) return openUrl(location, options);
  const { signal } = options;
  signal?.throwIfAborted();
  const handle = await openFile(location);
  try {
    const info = await handle.stat();
    if (info.isDirectory()) throw notFound(location, 'is a folder, not a file');
    if (!info.isFile()) throw notFound(location, 'is not a plain file');
    signal?.throwIfAborted();
    return new FileStream(location, info.size, handle, signal);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class FileStream implements ByteStream {
  constructor(
    readonly name: string,
    readonly size: number,
    readonly handle: FileHandle,
    readonly signal: AbortSignal | undefined,
  ) {}

  async read(target: Uint8Array): Promise<number> {
    this.signal?.throwIfAborted();
    try {
      return (await this.handle.read(target, 0, target.length, null)).bytesRead;
    } catch (error) {
      throw notFound(this.name, 'could not be read', error);
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** Descriptions of errors of paths, and what to do about them. */
const reasons: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['does not exist', 'Check the path'],
  ENOTDIR: ['does not exist: a part of the path is a file', 'Check the path'],
  EACCES: ['may not be read', 'Check its permissions'],
  EPERM: ['may not be read', 'Check its permissions'],
  EISDIR: ['is a folder, not a file', 'Name a file in it'],
};

async function openFile(location: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK, a named pipe would hold one of the process's few I/O threads until somebody writes to it. Windows has no such flag.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
    return await openHandle(isFileUrl(location) ? fileURLToPath(location) : location, flags);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const [why, cure] = reasons[code] ?? ['cannot be opened', undefined];
    throw notFound(location, why, error, cure);
  }
}

function notFound(location: string, why: string, cause?: unknown, cure?: string): HeedError {
  const detail = cure === undefined && cause instanceof Error ? ` (${cause.message})` : '';
  return new HeedError('NOT_FOUND', `${location} ${why}${detail}`, { culprit: location, cause, ...(cure && { cure }) });
}
