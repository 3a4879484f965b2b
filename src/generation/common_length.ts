/** Length of the common beginning of two rows of tokens, or of two texts. */
export function commonLength(a: readonly number[] | string, b: readonly number[] | string): number {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  return n;
}
