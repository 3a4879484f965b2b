/** Work in steps, between which whoever drives it may do something else. */

/** What steps return, without a rest between them. */
export function drained<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
