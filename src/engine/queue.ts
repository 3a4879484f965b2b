/** Queue of an engine's asynchronous work: tasks run one after the other, and each can be aborted while it waits or between its steps. */
import { expectSignal, HeedError } from '../errors.js';

export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all earlier tasks have ended. Rejects with `signal.reason` when the signal comes first. */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      expectSignal(signal);
    } catch (error) {
      return Promise.reject(error);
    }
    const start = async () => {
      signal?.throwIfAborted();
      return task();
    };
    const result = this.#last.then(start, start);
    this.#last = result.catch(() => {});
    return settleEarly(result, signal);
  }
}

/** Rejects at once when the signal aborts, while the work behind `result` continues: to its next step, or for other callers. */
export function settleEarly<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return result;
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** Returns the generator of `steps`. Throws ARGUMENT for a value that is no generator function. */
export function started<T>(steps: () => Generator<unknown, T>): Generator<unknown, T> {
  const made = typeof steps === 'function' ? steps() : undefined;
  if (typeof made?.next === 'function') return made;
  throw new HeedError('ARGUMENT', 'engine.run takes a generator function', {
    culprit: 'steps',
    cure: 'Write function* and yield between steps',
  });
}
