/** Rows of token ids of unlike lengths: which go together into a batch, and how they lie in it. */

/** Tokens of a batch for an encoder: enough rows that matmul is as fast as it gets, few enough that activations stay in L2 and L3. */
export const ENCODER_TOKENS = 512;

/** Neighbours in length together, longest first, as many as fit into `tokens` with their padding. */
export function batchesOf<Job extends { readonly ids: readonly number[] }>(jobs: readonly Job[], tokens: number): Job[][] {
  const sorted = [...jobs].sort((a, b) => b.ids.length - a.ids.length);
  const found: Job[][] = [];
  for (const job of sorted) {
    const last = found.at(-1);
    const width = last?.[0]?.ids.length ?? 0;
    if (last && (last.length + 1) * width <= tokens) last.push(job);
    else found.push([job]);
  }
  return found;
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
