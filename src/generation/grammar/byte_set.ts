/** Sets of bytes. */

/** Bytes as 256 bits. */
export type ByteSet = Uint32Array;

export const bytesOf = (...runs: readonly (readonly [first: number, last: number])[]): ByteSet => {
  const set = new Uint32Array(8);
  for (const [first, last] of runs) for (let byte = first; byte <= last; byte++) add(set, byte);
  return set;
};

export const has = (set: ByteSet, byte: number): boolean => (((set[byte >> 5] as number) >>> (byte & 31)) & 1) === 1;
export const add = (set: ByteSet, byte: number): void => {
  set[byte >> 5] = (set[byte >> 5] as number) | (1 << (byte & 31));
};
export const union = (a: ByteSet, b: ByteSet): ByteSet => a.map((word, i) => word | (b[i] as number));
export const keyOf = (set: ByteSet): string => set.join();

/** Bytes at which a run of the set, or a gap between runs, begins. */
export function cutsOf(set: ByteSet): ByteSet {
  const cuts = new Uint32Array(8);
  for (let byte = 1; byte < 256; byte++) if (has(set, byte) !== has(set, byte - 1)) add(cuts, byte);
  return cuts;
}
