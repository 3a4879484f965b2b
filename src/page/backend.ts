/**
 * Where requests of the page are answered: by the server that the page came from, or by heed in a worker of the page. Both answer the same paths with the same bodies, so that no
 * view knows which it talks to.
 */

import { startThreadsFor, threadIn } from '../runtime/web-threads.js';
import type { PageSays, WorkerSays } from '../server/protocol.js';

/** A request: a path of the server, and a body of JSON where it has one. */
export interface Asked {
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** What a model is loaded from, in a worker: an address or a name on the hub, or files that the user chose. */
export type Source = string | readonly File[];

/** A name, and where the model is. */
export interface Offer {
  readonly name: string;
  readonly source: string;
}

/** A place where models run. */
export interface Backend {
  /** Answers a request. Rejects where nobody answers, or with the signal's reason. */
  ask(asked: Asked): Promise<Response>;
  /** Loads a model by a name; `progress` hears of a share from 0 to 1. There is none where models are a server's. */
  readonly load?: (name: string, source: Source, progress: (share: number) => void) => Promise<void>;
}

/** The server of the page. `key` gives what the user has for a key. */
export const serverBackend = (key: () => string | null): Backend => ({
  ask({ path, body, signal }) {
    const own = key();
    return fetch(new URL(path, document.baseURI), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...(own && { authorization: `Bearer ${own}` }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
      cache: 'no-store',
    });
  },
});

/** What hears of an answer, until its end. */
type Hears = (said: WorkerSays) => void;

/** A worker of this page, whose script is one of heed's files. */
const workerOf = (file: string, name: string) => new Worker(new URL(file, document.baseURI), { type: 'module', name });

/** heed in a worker of this page. */
export function workerBackend(): Backend {
  const worker = workerOf('bundle/page-worker.js', 'heed');
  startThreadsFor(worker, (init) => threadIn(workerOf('runtime/web-worker.js', `heed ${init.lane}`), init));
  const hears = new Map<number, Hears>();
  let last = 0;
  const say = (said: PageSays) => worker.postMessage(said);
  // A worker whose script does not come never says anything; one that has spoken outlives an error.
  let [hasSpoken, failure]: [boolean, string | undefined] = [false, undefined];
  worker.addEventListener('message', ({ data }: MessageEvent<WorkerSays | { tell?: undefined; id: number }>) => {
    hasSpoken = true;
    if (data.tell === undefined) return; // it is about a thread
    hears.get(data.id)?.(data);
    if (data.tell === 'end') hears.delete(data.id);
  });
  worker.addEventListener('error', ({ message }) => {
    const error = `The worker of this page has ended: ${message || 'its script does not come'}`;
    for (const [id, hear] of hears) hear({ tell: 'end', id, error });
    hears.clear();
    if (!hasSpoken) failure = error;
  });
  return {
    ask: ({ path, body, signal }) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        if (failure) throw new Error(failure);
        const id = ++last;
        let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
        const leave = () => {
          say({ ask: 'abort', id });
          hears.delete(id);
          reject(signal?.reason);
          stream?.error(signal?.reason);
        };
        signal?.addEventListener('abort', leave, { once: true });
        hears.set(id, (said) => {
          if (said.tell === 'head') {
            const start = (own: NonNullable<typeof stream>) => {
              stream = own;
            };
            resolve(new Response(new ReadableStream({ start }), { status: said.status, headers: said.headers.map(([a, b]) => [a, b]) }));
          } else if (said.tell === 'bytes') stream?.enqueue(said.bytes);
          else if (said.tell === 'end') {
            signal?.removeEventListener('abort', leave);
            const error = said.error === undefined ? undefined : new Error(said.error);
            if (error) reject(error);
            if (error) stream?.error(error);
            else stream?.close();
          }
        });
        say({ ask: 'request', id, path, body });
      }),
    load: (name, source, progress) =>
      new Promise((resolve, reject) => {
        if (failure) throw new Error(failure);
        const id = ++last;
        hears.set(id, (said) => {
          if (said.tell === 'progress') progress(said.share);
          else if (said.tell === 'end') said.error === undefined ? resolve() : reject(new Error(said.error));
        });
        say({ ask: 'load', id, name, source: typeof source === 'string' ? source : filesOf(source) });
      }),
  };
}

/** Files by their paths in the folder that was chosen. */
const filesOf = (files: readonly File[]): ReadonlyMap<string, File> =>
  new Map(files.map((file) => [file.webkitRelativePath.split('/').slice(1).join('/') || file.name, file]));
