/**
 * Threads in a browser, and those of the worker that runs a page's models: the page starts and ends them for it, since in Firefox 153 the constructor of a worker within a worker now and then does not
 * return, which would leave a load without an answer. Both ends of that are here. Threads and worker share a memory; through the page goes only what begins and ends them.
 */
import type { WorkerHandle, WorkerInit } from './types.js';

/** A thread of an engine in a worker whose script is web-worker.js. */
export function threadIn(worker: Worker, init: WorkerInit): WorkerHandle {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const ready = new Promise<void>((resolve, reject) => {
    worker.addEventListener('message', () => resolve(), { once: true });
    worker.addEventListener(
      'error',
      (event) => {
        // The error is handled here: otherwise it would count as a failure of the enclosing worker.
        event.preventDefault();
        reject(new Error(event.message || 'a worker failed to start'));
      },
      { once: true },
    );
  });
  worker.postMessage(init);
  // A browser does not report when a terminated worker has ended; it runs no further script.
  return {
    ready,
    ended,
    terminate: () => {
      worker.terminate();
      end();
    },
  };
}

/** What the worker asks of the page, and what the page answers. */
type Asked = { thread: 'start'; id: number; init: WorkerInit } | { thread: 'end'; id: number };
type Answered = { thread: 'ready'; id: number } | { thread: 'failed'; id: number; why: string };

/** The page's end: starts threads for its worker, each by `startWorker`. Returns what ends them all. */
export function startThreadsFor(worker: Worker, startWorker: (init: WorkerInit) => WorkerHandle): () => void {
  const threads = new Map<number, WorkerHandle>();
  const answer = (answered: Answered) => worker.postMessage(answered);
  const failed = (id: number, error: unknown) =>
    answer({ thread: 'failed', id, why: error instanceof Error ? error.message : String(error) });
  worker.addEventListener('message', ({ data }: MessageEvent<Asked | undefined>) => {
    if (data?.thread === 'end') {
      threads.get(data.id)?.terminate();
      threads.delete(data.id);
    }
    if (data?.thread !== 'start') return;
    const { id, init } = data;
    try {
      const handle = startWorker(init);
      threads.set(id, handle);
      handle.ready.then(
        () => answer({ thread: 'ready', id }),
        (error: unknown) => failed(id, error),
      );
    } catch (error) {
      failed(id, error);
    }
  });
  return () => {
    for (const { terminate } of threads.values()) terminate();
  };
}

let last = 0;

/** The worker's end: a `Runtime`'s startWorker that asks the page. */
export function startWorkerOfPage(init: WorkerInit): WorkerHandle {
  const id = ++last;
  const ask = (asked: Asked) => postMessage(asked);
  const ready = new Promise<void>((resolve, reject) => {
    const hear = ({ data }: MessageEvent<Answered | undefined>) => {
      if (data?.thread === undefined || data.id !== id) return;
      removeEventListener('message', hear);
      if (data.thread === 'ready') resolve();
      else reject(new Error(data.why));
    };
    addEventListener('message', hear);
  });
  ask({ thread: 'start', id, init });
  return { ready, ended: Promise.resolve(), terminate: () => ask({ thread: 'end', id }) };
}
