/** From the examples of a batch to the arrays of a model: rows of different lengths, padded to one. */
import type { IntTensor } from '../../text/batch.js';

/** Rows of token ids [B, T], padded at the end, with the length of each row without padding. */
export interface Padded {
  /** Token ids, int32 [B, T]. */
  readonly ids: IntTensor;
  /** Lengths of the rows, [B]. */
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
