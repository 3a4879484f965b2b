/**
 * Bytes over HTTP, for every runtime that has `fetch`: opens a URL as a ByteStream, which `node-files.ts` and `web.ts`
 * share, and names files below a URL. The body is handed on as it arrives and never held whole. Caching and hub names
 * are not its business.
 */
import { HeedError, shown } from '../errors.js';
import { piecesOf } from '../pieces.js';
import type { ByteStream, OpenOptions, StreamOptions } from './types.js';

export const isUrl = (location: string): boolean => /^https?:\/\//i.test(location);

/** Returns the URL of a file below another URL; a query string, with a token say, stays. */
export function joinUrl(folder: string, file: string): string {
  if (!URL.canParse(folder))
    throw new HeedError('NOT_FOUND', `${shown(folder)} is no address`, { culprit: shown(folder), cure: 'Check it' });
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${file}`;
  return url.href;
}

/** Opens a URL. Throws NOT_FOUND for 404, 410 and web pages, NETWORK for every other failure; an abort rejects with `signal.reason`. */
export async function openUrl(url: string, { signal, bytes }: OpenOptions = {}): Promise<ByteStream> {
  signal?.throwIfAborted();
  const response = await request(url, signal, bytes === undefined ? undefined : `bytes=0-${Math.max(1, bytes) - 1}`);
  // Some servers do not support ranges.
  return streamOf(response, url, { signal, more: (range) => request(url, signal, range) });
}

/** Opens a response's body as a stream. Where it is the front of a file, `more` asks for the rest. */
export function streamOf(response: Response, url: string, { signal, more, eager = false }: StreamOptions = {}): ByteStream {
  return response.status === 206 && more
    ? frontStream(url, response, signal, more)
    : new ResponseStream(shown(url), response, signal, eager);
}

/** Requests a URL, and returns a response that has the file. */
async function request(url: string, signal: AbortSignal | undefined, range?: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...(signal && { signal }), ...(range && { headers: { range } }) });
  } catch (error) {
    throw failure(url, error, signal);
  }
  // Servers of single-page applications, Vite's for one, answer a missing file with their page and 200. No file of a model is a page.
  const isPage = response.headers.get('content-type')?.startsWith('text/html');
  if (response.ok && !isPage) return response;
  await response.body?.cancel().catch(() => {});
  const status = response.ok ? 'it sent a web page instead' : `${response.status} ${response.statusText}`.trim();
  if (response.ok || response.status === 404 || response.status === 410)
    throw new HeedError('NOT_FOUND', `${shown(url)}: the server has no such file (${status})`, {
      culprit: shown(url),
      cure: 'Check the address',
    });
  throw new HeedError('NETWORK', `${shown(url)}: the server answered ${status}`, { culprit: shown(url) });
}

/** Stream of the front of a file; reading on fetches the rest by a second request. */
function frontStream(
  url: string,
  response: Response,
  signal: AbortSignal | undefined,
  more: (range: string) => Promise<Response>,
): ByteStream {
  const total = /\/(\d{1,15})$/.exec(response.headers.get('content-range') ?? '')?.[1];
  const size = total === undefined ? undefined : Number(total);
  const name = shown(url);
  let stream = new ResponseStream(name, response, signal);
  let at = 0;
  let isFront = true;
  return {
    name,
    size,
    async read(target) {
      const count = await stream.read(target);
      at += count;
      if (count || !isFront || at === size) return count;
      isFront = false;
      const rest = await more(`bytes=${at}-`);
      stream = new ResponseStream(name, rest, signal);
      if (rest.status === 206) return this.read(target);
      throw new HeedError('NETWORK', `${name}: the server sends parts of the file at one time and not at another`, { culprit: name });
    },
    close: () => stream.close(),
  };
}

interface Piece {
  done: boolean;
  value?: Uint8Array;
}

class ResponseStream implements ByteStream {
  readonly size: number | undefined;
  readonly #next: () => Promise<Piece>;
  readonly #cancel: () => Promise<unknown>;
  #rest: Uint8Array = new Uint8Array(0);
  #received = 0;
  #done = false;

  constructor(
    readonly name: string,
    response: Response,
    readonly signal: AbortSignal | undefined,
    eager = false,
  ) {
    this.size = lengthOf(response);
    const { next, cancel } = piecesOf(response.body, { eager });
    this.#next = next as () => Promise<Piece>; // a body is of bytes
    this.#cancel = cancel;
  }

  async read(target: Uint8Array): Promise<number> {
    this.signal?.throwIfAborted();
    while (this.#rest.length === 0) {
      if (this.#done) return this.#end();
      const { done, value } = await this.#next().catch((error: unknown) => {
        throw failure(this.name, error, this.signal);
      });
      // The last piece may come with the end.
      this.#done = done;
      this.#rest = value ?? this.#rest;
      this.#received += this.#rest.length;
    }
    const count = Math.min(this.#rest.length, target.length);
    target.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  async close(): Promise<void> {
    await this.#cancel().catch(() => {});
  }

  /** Checks the length at the end of a body: not every runtime reports a body that was cut short. */
  #end(): number {
    if (this.size !== undefined && this.#received < this.size)
      throw new HeedError('NETWORK', `${this.name}: the connection ended after ${this.#received} of ${this.size} bytes`, {
        culprit: this.name,
      });
    return 0;
  }
}

/**
 * Length of the body, where the header can be believed: it counts a compressed body before it is unpacked, and a page may not see across origins whether a body was
 * compressed.
 */
function lengthOf(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  if (length === null || !/^\d{1,15}$/.test(length)) return undefined;
  return response.headers.has('content-encoding') || response.type === 'cors' ? undefined : Number(length);
}

/** Converts the error of a failed fetch. Runtimes hide the reason one level down, and some report an abort as an error of their own. */
function failure(url: string, error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  // An extension's own file, say: there is no status, and no cause of failure but a missing file.
  if (!isUrl(url))
    return new HeedError('NOT_FOUND', `${url}: there is no such file`, { culprit: url, cause: error, cure: 'Check the address' });
  const why = [error, error instanceof Error ? error.cause : undefined].filter((e) => e instanceof Error).map((e) => e.message);
  const reason = (why.join(': ') || String(error)).replaceAll(url, shown(url));
  return new HeedError('NETWORK', `${shown(url)}: the download failed (${reason})`, { culprit: shown(url), cause: error });
}
