/**
 * Remote files, cached by their addresses, as the Cache API does: in browsers, in workerd, in a cache of the user's, and on a disk where the server is no hub.
 * Cached files serve without a network; with one, a file that may change is compared with the headers of the server's HEAD response. Where the cache fails, for lack
 * of room for example, loading continues without it.
 */
import { HeedError, shown } from '../errors.js';
import type { AddressCache, ByteStream, KeptFile, OpenOptions, Runtime } from '../runtime/types.js';
import { type Asking, ask } from './hub_http.js';

/** Methods that a cache must have. */
export interface CacheLike {
  /** Returns the response that was kept for an address, or the path of its file; undefined where there is none. */
  match(key: string): Promise<Response | string | undefined>;
  /** Stores a response. */
  put(key: string, response: Response): Promise<void>;
  /** Deletes a response. Without this method a damaged one stays. */
  delete?(key: string): Promise<boolean>;
}

export type AnyCache = CacheLike | AddressCache;

/** Entry of a cache: a response, a file with the headers of one, or a path alone. */
type Hit = Response | KeptFile | string;

export interface KeptOptions extends OpenOptions, Asking {
  cache: AnyCache | undefined;
  /** `true` where the network may not be used. */
  localOnly: boolean;
  /** `true` where the file of the address never changes. */
  immutable: boolean;
  /** Makes the error for a response that is not the file. */
  refusal(response: Response): HeedError;
  warn(message: string): void;
}

/** Addresses that are being opened: one file is downloaded once, for all callers that want it at the same time. */
const opening = new Map<string, Promise<void>>();

/** Runs `work` when no other caller is opening the address. */
async function inTurn<T>(url: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  for (let other = opening.get(url); other; other = opening.get(url)) {
    let stop = () => {};
    await new Promise<void>((resolve) => {
      stop = resolve;
      signal?.addEventListener('abort', stop, { once: true });
      other.then(stop);
    });
    signal?.removeEventListener('abort', stop);
    signal?.throwIfAborted();
  }
  const working = work();
  const done = working.then(
    () => {},
    () => {},
  );
  opening.set(url, done);
  try {
    return await working;
  } finally {
    if (opening.get(url) === done) opening.delete(url);
  }
}

/** Key that records that a file does not exist: optional files are asked for each time, and must not need the network. */
const absence = (url: string) => `${url}${url.includes('?') ? '&' : '?'}heed=absent`;

const quietly = <T>(work: () => Promise<T>): Promise<T | undefined> =>
  Promise.resolve()
    .then(work)
    .catch(() => undefined);

/** Opens a file, from the cache where that has the server's current version. Throws NOT_FOUND, NETWORK. */
export async function openKept(runtime: Runtime, url: string, options: KeptOptions): Promise<ByteStream> {
  const { cache, bytes, signal } = options;
  signal?.throwIfAborted();
  const open = () => openNow(runtime, url, options);
  return cache && bytes === undefined ? inTurn(url, signal, open) : open();
}

async function openNow(runtime: Runtime, url: string, options: KeptOptions): Promise<ByteStream> {
  const { cache, localOnly, bytes, signal, onFetch } = options;
  const hit = await matchIn(cache, url);
  if (hit !== undefined && (localOnly || (await isFresh(hit, url, options)))) return streamOf(runtime, hit, url, options);
  const missing = (why: string) =>
    new HeedError('NOT_FOUND', `${shown(url)} is not in the cache, and ${why}`, { culprit: shown(url), cure: 'Load it once with the net' });
  if (localOnly) throw missing('nothing may be downloaded');
  const absent = await matchIn(cache, absence(url));
  let response: Response;
  try {
    const range = bytes === undefined ? undefined : { headers: { range: `bytes=0-${Math.max(1, bytes) - 1}` } };
    response = await ask(url, options, { ...range, ...(absent && { retries: 0 }) });
  } catch (error) {
    if (absent && error instanceof HeedError && error.code === 'NETWORK') throw missing('there was none when the net was there last');
    throw error;
  }
  // Servers of single-page applications send their page in place of a missing file.
  const isPage = response.ok && response.headers.get('content-type')?.startsWith('text/html');
  if (!response.ok || isPage) {
    await response.body?.cancel().catch(() => {});
    const error = isPage
      ? new HeedError('NOT_FOUND', `${shown(url)}: the server has no such file (it sent a web page instead)`, {
          culprit: shown(url),
          cure: 'Check the address',
        })
      : options.refusal(response);
    if (cache && error.code === 'NOT_FOUND') await quietly(() => cache.put(absence(url), new Response('')));
    throw error;
  }
  // Parts of files are not cached, and without a cache the response itself is read.
  if (!cache || response.status === 206) {
    const more = (range: string) => ask(url, options, { headers: { range } });
    return runtime.streamOf(response, url, { ...options, more });
  }
  const done = await keep(cache, url, response, onFetch).catch((error: unknown) => {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof HeedError) throw error;
    options.warn(`heed: ${shown(url)} could not be cached (${error instanceof Error ? error.message : error})`);
    return false;
  });
  const kept = done ? await matchIn(cache, url) : undefined;
  if (kept !== undefined) return streamOf(runtime, kept, url, options);
  const again = await ask(url, options);
  if (!again.ok) throw options.refusal(again);
  return runtime.streamOf(again, url, options);
}

async function matchIn(cache: AnyCache | undefined, url: string): Promise<Hit | undefined> {
  const hit = cache && (await quietly<Hit | undefined>(async () => cache.match(url)));
  // A user's cache may return null or false for nothing, and another library may have stored half a file, or none.
  return !hit || (hit instanceof Response && hit.status !== 200) ? undefined : hit;
}

/**
 * Opens an entry of a cache; a custom cache may return the path of a file. Responses are read in pieces as they come: one time in four, a Chromium's service worker
 * never filled a buffer of ours.
 */
async function streamOf(runtime: Runtime, hit: Hit, url: string, options: OpenOptions): Promise<ByteStream> {
  if (hit instanceof Response) return runtime.streamOf(hit, url, { ...options, eager: true });
  return runtime.open(typeof hit === 'string' ? hit : hit.path, options);
}

/** Value of a header. A weak ETag is equal to the strong one: servers weaken it when they compress. */
const said = (headers: Headers, name: string): string | null => headers.get(name)?.replace(/^W\//, '') ?? null;

/** `true` where the cached file is the server's current one, as far as that can be told: where the server cannot be asked, it is. */
async function isFresh(hit: Hit, url: string, options: KeptOptions): Promise<boolean> {
  if (options.immutable || typeof hit === 'string') return true;
  let now: Response;
  try {
    now = await ask(url, options, { method: 'HEAD', retries: 0 });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return true;
  }
  await now.body?.cancel().catch(() => {});
  // The file is gone (404, 410), or the server does not support HEAD (405, 501).
  if (!now.ok) return ![404, 410, 405, 501].includes(now.status);
  for (const name of ['etag', 'last-modified', 'content-length']) {
    const before = said(hit.headers, name) ?? (name === 'content-length' ? said(hit.headers, SENT) : null);
    const after = said(now.headers, name);
    if (before !== null && after !== null) return before === after;
  }
  return true;
}

/** Header for the content-length of a body that may have been compressed: of no use as the body's length, but it shows whether the server's file has changed. */
const SENT = 'x-sent-length';

/** Stores a response in the cache as it arrives. Rejects, and stores nothing, where it ends early. */
async function keep(cache: AnyCache, url: string, response: Response, onFetch: OpenOptions['onFetch']): Promise<boolean> {
  const { headers, body, type } = response;
  const known = ['content-type', 'content-length', 'etag', 'last-modified'].map((name) => [name, headers.get(name)] as const);
  const kept = new Headers(known.filter((header): header is [string, string] => header[1] !== null));
  const length = headers.get('content-length');
  // The header counts the compressed body; a page may not see across origins whether it is compressed.
  const sent = length === null ? undefined : Number(length);
  const size = headers.has('content-encoding') ? undefined : sent;
  if (size === undefined || type === 'cors') {
    kept.delete('content-length');
    if (length !== null) kept.set(SENT, length);
  }
  let loaded = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      loaded += chunk.length;
      onFetch?.(loaded, sent);
      controller.enqueue(chunk);
    },
    flush() {
      if (size !== undefined && type !== 'cors' && loaded !== size)
        throw new HeedError('NETWORK', `${shown(url)}: the connection ended after ${loaded} of ${size} bytes`, { culprit: shown(url) });
    },
  });
  let failure: unknown;
  const source = (body ?? new Blob([]).stream()).pipeTo(counted.writable).catch((error: unknown) => {
    failure = error;
  });
  try {
    await cache.put(url, new Response(counted.readable, { headers: kept }));
    await source;
    if (failure !== undefined) throw failure;
    return true;
  } catch (error) {
    await quietly(async () => cache.delete?.(url));
    throw failure instanceof HeedError ? failure : error;
  }
}
