/** From the examples of a batch to the arrays that a model takes: rows of different length side by side, filled up. */
import type { IntTensor } from '../../text/batch.js';

/** Rows of token ids [B, T], filled up at the end, and how long each row is without that. */
export interface Padded {
  /** int32 [B, T]. */
  readonly ids: IntTensor;
  /** [B] */
  readonly lengths: Int32Array;
}

/** Lays rows side by side; T is the longest one's length. */
export function pad(rows: readonly ArrayLike<number>[], padId: number): Padded {
  const lengths = Int32Array.from(rows, (row) => row.length);
  const columns = lengths.reduce((most, length) => Math.max(most, length), 0);
  const data = new Int32Array(rows.length * columns).fill(padId);
  rows.forEach((row, i) => {
    data.set(row, i * columns);
  });
  return { ids: { type: 'int32', dims: [rows.length, columns], data }, lengths };
}
