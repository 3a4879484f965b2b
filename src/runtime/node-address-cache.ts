/**
 * Responses of file servers, cached on the disk by address and ETag: `<hash of the address>.<hash of the ETag>` is a file, and `<hash of the address>.json` names
 * the address's current file and the headers of its response. Each file gets its name when it is complete, so that several processes may write and others read
 * meanwhile.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './node-files.js';
import type { AddressCache, KeptFile } from './types.js';

interface Entry {
  url: string;
  file: string;
  headers: Record<string, string>;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 40);
let written = 0;

/** Cache in a folder, which is made when the first response is put there. */
export function addressCache(folder: string): AddressCache {
  const entryOf = (url: string) => join(folder, `${hash(url)}.json`);
  const read = async (url: string): Promise<Entry | undefined> => {
    const entry = await readFile(entryOf(url), 'utf8').then(JSON.parse, () => undefined);
    return entry?.url === url && /^[\da-f.]+$/.test(entry.file) ? entry : undefined;
  };
  /** Writes a file under a temporary name, and renames it when it is complete. */
  const put = async (path: string, write: (path: string) => Promise<unknown>): Promise<void> => {
    const own = `${path}.${process.pid}-${++written}.tmp`;
    try {
      await write(own);
      await rename(own, path);
    } catch (error) {
      await rm(own, { force: true }).catch(() => {});
      throw error;
    }
  };
  return {
    async match(url): Promise<KeptFile | undefined> {
      const entry = await read(url);
      if (!entry) return undefined;
      const path = join(folder, entry.file);
      const length = entry.headers['content-length'];
      const { size } = await stat(path).catch(() => ({ size: undefined }));
      return size !== undefined && (length === undefined || Number(length) === size)
        ? { path, headers: new Headers(entry.headers) }
        : undefined;
    },
    async put(url, response) {
      await makeFolder(folder);
      const before = await read(url);
      const headers = Object.fromEntries(response.headers);
      const file = `${hash(url)}.${hash(headers.etag ?? headers['last-modified'] ?? '')}`;
      await put(join(folder, file), async (path) => {
        const handle = await open(path, 'w');
        try {
          for await (const chunk of response.body ?? []) await handle.writeFile(chunk);
          await handle.sync();
        } finally {
          await handle.close();
        }
      });
      const entry: Entry = { url, file, headers };
      await put(entryOf(url), (path) => writeFile(path, JSON.stringify(entry)));
      if (before && before.file !== file) await rm(join(folder, before.file), { force: true }).catch(() => {});
    },
    async delete(url) {
      await rm(entryOf(url), { force: true });
      return true;
    },
  };
}
