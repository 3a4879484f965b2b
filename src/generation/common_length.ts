/** How many elements two rows of tokens, or two texts, begin with alike. */
export function commonLength(a: readonly number[] | string, b: readonly number[] | string): number {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  return n;
}
