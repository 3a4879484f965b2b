/** Asynchronous work on an engine, one task after the other, each of which can be taken back while it waits or between its steps. */

/** How a task that runs in steps lets others in: called after each step, with the work it did. */
export interface Turn {
  readonly signal: AbortSignal | undefined;
  /** Settles after the event loop had its turn, where that is due; rejects with `signal.reason` after an abort. */
  step(): Promise<void> | undefined;
}

export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all that came before have ended. Rejects with `signal.reason` when the signal comes first. */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const start = async () => {
      signal?.throwIfAborted();
      return task();
    };
    const result = this.#last.then(start, start);
    this.#last = result.catch(() => {});
    return signal ? settleEarly(result, signal) : result;
  }
}

/** The caller hears of an abort at once, though the task itself may need to reach its next step. */
function settleEarly<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
