/**
 * Downloads to the disk. A download continues where an earlier one stopped, and the file gets its name when its bytes are correct: by their number, and by their
 * SHA-256, or the SHA-1 that git gives to files, where the hub tells it. Memory holds one piece.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HeedError } from '../errors.js';
import { machine, variable } from './node-environment.js';
import { codeOf } from './node-failures.js';
import type { HubCache, OpenOptions, RemoteFile } from './types.js';

/** Number of retries without a byte of progress in between. */
const RETRIES = 4;
/** Seconds without a byte after which a connection counts as lost. */
const patience = () => Number(variable('HF_HUB_DOWNLOAD_TIMEOUT')) || 30;
const PIECE = 1 << 20;

type From = Parameters<HubCache['keep']>[4];

/** Hash of this machine's name, for names of files. */
const host = createHash('sha256').update(machine()).digest('hex').slice(0, 6);
let started = 0;

/** `true` where a process is alive, also where this process is not permitted to ask. */
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
};

/** Claims a file to write to: the rest of a download by a dead process of this machine, or of an earlier download of this blob, else a new file. */
async function claim(blob: string): Promise<string> {
  const own = `${blob}.${host}-${process.pid}-${++started}.incomplete`;
  const name = new RegExp(`^\\.(?:${host}-(\\d+)-\\d+\\.)?incomplete$`);
  for (const file of await readdir(dirname(blob))) {
    const found = file.startsWith(basename(blob)) ? name.exec(file.slice(basename(blob).length)) : null;
    if (!found || (found[1] && alive(Number(found[1])))) continue;
    // One of several processes that try gets the file.
    if (
      await rename(join(dirname(blob), file), own).then(
        () => true,
        () => false,
      )
    )
      return own;
  }
  return own;
}

/**
 * Downloads a blob. Throws NETWORK, errors of the file system, or the signal's reason; the bytes received until then are kept for the next time, as
 * `<blob>.incomplete`.
 */
export async function download(
  blob: string,
  remote: RemoteFile,
  from: From,
  options: OpenOptions & { signal: AbortSignal },
): Promise<void> {
  const own = await claim(blob);
  try {
    for (let again = true; ; again = false) {
      const resumed = await fetchTo(own, remote, from, options);
      const wrong = await differs(own, remote);
      if (!wrong) break;
      await truncate(own);
      // The bytes of the earlier download may have been another file's, or damaged: the download starts again, once.
      if (!resumed || !again)
        throw new HeedError('NETWORK', `${basename(blob)}: ${wrong}`, {
          culprit: basename(blob),
          cure: 'Try again; a proxy or a cache on the way may be at fault',
        });
    }
    await rename(own, blob);
  } catch (error) {
    const size = await stat(own).then(
      ({ size }) => size,
      () => 0,
    );
    // A full disk needs the room more than the next download needs the bytes.
    const keeps = size > 0 && !['ENOSPC', 'EDQUOT'].includes(codeOf(error));
    await (keeps ? rename(own, `${blob}.incomplete`) : rm(own, { force: true })).catch(() => {});
    throw error;
  }
}

/** Downloads the missing bytes. Returns whether there were some before. */
async function fetchTo(path: string, { size }: RemoteFile, from: From, { signal, onFetch }: OpenOptions & { signal: AbortSignal }) {
  const handle = await open(path, 'a');
  const buffer = new Uint8Array(PIECE);
  try {
    let at = (await handle.stat()).size;
    const resumed = at > 0;
    if (size !== undefined && at > size) {
      await handle.truncate();
      at = 0;
    }
    for (let tries = 0; at !== size; ) {
      const before = at;
      let connected = false;
      const connect: From = async (...where) => {
        const part = await from(...where);
        connected = true;
        return part;
      };
      try {
        for await (at of arriving(handle, at, buffer, connect, signal)) {
          onFetch?.(at, size);
          if (size !== undefined && at > size) break;
        }
        if (size === undefined || at > size) break;
        if (at < size) throw new HeedError('NETWORK', `the connection ended after ${at} of ${size} bytes`);
      } catch (error) {
        signal.throwIfAborted();
        tries = at > before ? 1 : tries + 1;
        // A request without an answer has been retried already, by `from`.
        if (!connected || !(error instanceof HeedError && error.code === 'NETWORK') || tries > RETRIES) throw error;
        await pause(100 * 2 ** tries, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
    await handle.sync();
    return resumed;
  } finally {
    await handle.close();
  }
}

/** Downloads over one connection, from a byte on, or from the beginning where the server cannot continue. Yields the length of the file after each piece. */
async function* arriving(
  handle: FileHandle,
  from: number,
  buffer: Uint8Array,
  ask: From,
  signal: AbortSignal,
): AsyncGenerator<number, void> {
  const lost = new AbortController();
  const { begin, stream } = await ask(from, AbortSignal.any([signal, lost.signal]));
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    if (begin !== from) await handle.truncate();
    let at = begin === from ? from : 0;
    for (;;) {
      timer = setTimeout(() => lost.abort(new HeedError('NETWORK', `the server sent nothing for ${patience()} s`)), 1000 * patience());
      const count = await stream.read(buffer);
      clearTimeout(timer);
      if (count === 0) return;
      for (let done = 0; done < count; ) done += (await handle.write(buffer, done, count - done)).bytesWritten;
      at += count;
      yield at;
    }
  } finally {
    clearTimeout(timer);
    await stream.close();
  }
}

/** Describes how a file differs from the hub's size and checksum; undefined where it does not. */
async function differs(path: string, { etag, size: promised }: RemoteFile): Promise<string | undefined> {
  const { size } = await stat(path);
  if (promised !== undefined && size !== promised) return `it has ${size} bytes, and the hub says ${promised}`;
  const kind = /^[\da-f]{64}$/.test(etag) ? 'sha256' : /^[\da-f]{40}$/.test(etag) ? 'sha1' : undefined;
  if (!kind) return undefined;
  // The hub's SHA-1 is git's, of a header and the file; a mirror's may be of the file alone.
  const hashes = [createHash(kind), ...(kind === 'sha1' ? [createHash(kind).update(`blob ${size}\0`)] : [])];
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE })) for (const hash of hashes) hash.update(chunk);
  const found = hashes.map((hash) => hash.digest('hex'));
  return found.includes(etag) ? undefined : `its checksum is ${found.at(-1)}, and the hub says ${etag}`;
}
