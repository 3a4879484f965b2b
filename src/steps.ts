/** Work in steps, between which the caller may do something else. */

/** Runs all steps without a rest between them, and returns their result. */
export function drained<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Runs steps with a `pause` between them, a turn of the event loop say, and returns their result. Rejects with `signal.reason`. */
export async function driven<T>(steps: Generator<unknown, T>, pause: () => Promise<void>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await pause();
    signal?.throwIfAborted();
  }
}
