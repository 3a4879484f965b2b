/** Scores [rows, V] as a request orders and keeps them. */
import { HostTensor } from '../tensor.js';

/** Rows of several parts in another order: the i-th of them at order[i]. */
export function inOrder(parts: readonly HostTensor[], order: readonly number[]): Float32Array {
  const rows = parts.flatMap(({ data, dims: [R = 0, V = 0] }) =>
    Array.from({ length: R }, (_, r) => (data as Float32Array).subarray(r * V, (r + 1) * V)),
  );
  const V = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * V);
  for (const [at, row] of rows.entries()) all.set(row, (order[at] as number) * V);
  return all;
}

/** Appends a copy of a step's rows to a list, each row `each` times. */
export function keep(into: HostTensor[] | undefined, rows: readonly Float32Array[], each: number): void {
  if (!into) return;
  const V = rows[0]?.length ?? 0;
  const data = new Float32Array(rows.length * each * V);
  for (let row = 0; row < rows.length * each; row++) data.set(rows[Math.floor(row / each)] as Float32Array, row * V);
  into.push(new HostTensor('float32', data, [rows.length * each, V]));
}
