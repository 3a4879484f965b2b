/** Rows of token ids of unlike lengths: which go together into a batch, and how they lie in it. */

/** Tokens of a batch for an encoder: enough rows that matmul is as fast as it gets, few enough that activations stay in L2 and L3. */
export const ENCODER_TOKENS = 512;

/**
 * Tokens that an encoder reads in the time that a batch of its own costs: weights come from memory once more, and tiles are not full. A forward of MiniLM takes about as
 * long as its tokens and 5 more (one thread) to 20 (two).
 */
export const ENCODER_BATCH = 16;

/**
 * Neighbours in length together, longest first, where a batch holds up to `tokens` with its padding: of all ways to cut the sorted rows the one that costs least, a batch
 * counting as `cost` tokens beside those that it holds. By default as few batches as can be.
 */
export function batchesOf<Job extends { readonly ids: readonly number[] }>(jobs: readonly Job[], tokens: number, cost = 2 ** 30): Job[][] {
  const sorted = [...jobs].sort((a, b) => b.ids.length - a.ids.length);
  // The least that rows 0 … end − 1 can cost, and where their last batch then begins.
  const least = new Float64Array(sorted.length + 1);
  const begins = new Int32Array(sorted.length + 1);
  for (let end = 1; end <= sorted.length; end++) {
    least[end] = Number.POSITIVE_INFINITY;
    for (let begin = end - 1; begin >= 0; begin--) {
      const size = (end - begin) * (sorted[begin] as Job).ids.length;
      if (size > tokens && begin < end - 1) break;
      const sum = (least[begin] as number) + size + cost;
      if (sum >= (least[end] as number)) continue;
      least[end] = sum;
      begins[end] = begin;
    }
  }
  const found: Job[][] = [];
  for (let end = sorted.length; end > 0; end = begins[end] as number) found.push(sorted.slice(begins[end], end));
  return found.reverse();
}

/** Rows of ids, padded on the right to [B, T]. */
export function padded(
  rows: readonly (readonly number[])[],
  pad: number,
): { ids: Int32Array; dims: readonly [B: number, T: number]; lengths: number[] } {
  const T = rows.reduce((most, { length }) => Math.max(most, length), 1);
  const ids = new Int32Array(rows.length * T).fill(pad);
  for (const [row, own] of rows.entries()) ids.set(own, row * T);
  return { ids, dims: [rows.length, T], lengths: rows.map(({ length }) => length) };
}
