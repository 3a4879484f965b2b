/** Rows of token ids of different lengths: their grouping into batches, and their place in a batch. */

/** Number of tokens of an encoder's batch: enough rows that matmul is as fast as it gets, few enough that activations stay in L2 and L3. */
export const ENCODER_TOKENS = 512;

/**
 * Tokens that an encoder reads in the time that a batch of its own costs: weights come from memory once more, and tiles are not full. A forward of MiniLM takes about as
 * long as its tokens and 5 more (one thread) to 20 (two).
 */
export const ENCODER_BATCH = 16;

/**
 * Groups rows of similar lengths, longest first, into batches of up to `tokens` with their padding: of all ways to cut the sorted rows the one of the least cost, where a batch
 * costs `cost` tokens beside its own. By default as few batches as possible.
 */
export function batchesOf<Job extends { readonly ids: readonly number[] }>(jobs: readonly Job[], tokens: number, cost = 2 ** 30): Job[][] {
  const sorted = [...jobs].sort((a, b) => b.ids.length - a.ids.length);
  // The least cost of rows 0 … end − 1, and the begin of their last batch.
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
