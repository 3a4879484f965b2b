/** Asynchronous work on an engine, one task after the other, each of which can be taken back while it waits or between its steps. */
import { HeedError, kindOf } from '../errors.js';

/** Whether a value can be asked if it was aborted. */
export const isSignal = (value: unknown): value is AbortSignal => typeof (value as AbortSignal | null)?.throwIfAborted === 'function';

/** Throws ARGUMENT for what is given as a signal and is none. */
export function expectSignal(signal: unknown): void {
  if (signal === undefined || isSignal(signal)) return;
  throw new HeedError('ARGUMENT', `signal is ${kindOf(signal)}`, { culprit: 'signal', cure: 'It must be an AbortSignal' });
}

export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all that came before have ended. Rejects with `signal.reason` when the signal comes first. */
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

/** The caller hears of an abort at once, though what it waits for goes on: to its next step, or for others. */
export function settleEarly<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return result;
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** Throws ARGUMENT for what makes no generator. */
export function started<T>(steps: () => Generator<unknown, T>): Generator<unknown, T> {
  const made = typeof steps === 'function' ? steps() : undefined;
  if (typeof made?.next === 'function') return made;
  throw new HeedError('ARGUMENT', 'engine.run takes a generator function', {
    culprit: 'steps',
    cure: 'Write function* and yield between steps',
  });
}
