/**
 * Bytes over HTTP, for every runtime that has `fetch`: opens a URL as a ByteStream, which `node-files.ts` and `web.ts`
 * share, and names files below a URL. The body is handed on as it arrives and never held whole. Caching and hub names
 * are not its business.
 */
import { HeedError } from '../errors.js';
import type { ByteStream, OpenOptions } from './types.js';

export const isUrl = (location: string): boolean => /^https?:\/\//i.test(location);

/** The URL of a file below another; a query string, a token in it say, stays. */
export function joinUrl(folder: string, file: string): string {
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${file}`;
  return url.href;
}

/** Opens a URL. Throws NOT_FOUND for 404, 410 and web pages, NETWORK for every other failure; an abort rejects with `signal.reason`. */
export async function openUrl(url: string, { signal }: OpenOptions = {}): Promise<ByteStream> {
  signal?.throwIfAborted();
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (error) {
    throw failure(url, error, signal);
  }
  // Servers of applications with one page answer with that page, and 200, where there is nothing: Vite's, for one. No file of a model is a page.
  const isPage = response.headers.get('content-type')?.startsWith('text/html');
  if (response.ok && !isPage) return new ResponseStream(url, response, signal);
  await response.body?.cancel().catch(() => {});
  const status = response.ok ? 'it sent a web page instead' : `${response.status} ${response.statusText}`.trim();
  if (response.ok || response.status === 404 || response.status === 410)
    throw new HeedError('NOT_FOUND', `${url}: the server has no such file (${status})`, { culprit: url, cure: 'Check the address' });
  throw new HeedError('NETWORK', `${url}: the server answered ${status}`, { culprit: url });
}

class ResponseStream implements ByteStream {
  readonly size: number | undefined;
  readonly #body: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #rest: Uint8Array = new Uint8Array(0);
  #received = 0;

  constructor(
    readonly name: string,
    response: Response,
    readonly signal: AbortSignal | undefined,
  ) {
    this.size = lengthOf(response);
    this.#body = response.body?.getReader();
  }

  async read(target: Uint8Array): Promise<number> {
    this.signal?.throwIfAborted();
    while (this.#rest.length === 0) {
      const { done, value } = await this.#next();
      if (done || !value) return this.#end();
      this.#rest = value;
      this.#received += value.length;
    }
    const count = Math.min(this.#rest.length, target.length);
    target.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  async close(): Promise<void> {
    await this.#body?.cancel().catch(() => {});
  }

  async #next(): Promise<{ done: boolean; value?: Uint8Array | undefined }> {
    if (!this.#body) return { done: true };
    try {
      return await this.#body.read();
    } catch (error) {
      throw failure(this.name, error, this.signal);
    }
  }

  /** Not every runtime reports a body that was cut short. */
  #end(): number {
    if (this.size !== undefined && this.#received < this.size)
      throw new HeedError('NETWORK', `${this.name}: the connection ended after ${this.#received} of ${this.size} bytes`, {
        culprit: this.name,
      });
    return 0;
  }
}

/**
 * The body's length, where the header can be believed: it counts a compressed body before it is unpacked, and a page
 * may not see across origins whether a body was compressed.
 */
function lengthOf(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  if (length === null || !/^\d{1,15}$/.test(length)) return undefined;
  return response.headers.has('content-encoding') || response.type === 'cors' ? undefined : Number(length);
}

/** What a failed fetch becomes. Runtimes hide the reason one level down, and some report an abort as an error of their own. */
function failure(url: string, error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  // An extension's own files, say: there is no status, and nothing but a missing file to fail.
  if (!isUrl(url))
    return new HeedError('NOT_FOUND', `${url}: there is no such file`, { culprit: url, cause: error, cure: 'Check the address' });
  const why = [error, error instanceof Error ? error.cause : undefined].filter((e) => e instanceof Error).map((e) => e.message);
  return new HeedError('NETWORK', `${url}: the download failed (${why.join(': ') || String(error)})`, { culprit: url, cause: error });
}
