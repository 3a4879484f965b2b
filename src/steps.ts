/** Work in steps, between which the caller may do something else. */

/** Runs all steps without a rest between them, and returns their result. */
export function drained<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
