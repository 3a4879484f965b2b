/**
 *   y[i] = w[ids[i]]
 * out  y [n, C]      in  ids [n] (int32), w [V, C]
 * Tile i is row i. 0 <= ids[i] < V.
 */
export function embedding_f32(begin: usize, end: usize, y: usize, ids: usize, w: usize, C: usize): void {
  const bytes = C << 2;
  for (let i = begin; i < end; i++) memory.copy(y + i * bytes, w + <usize>i32.load(ids + (i << 2)) * bytes, bytes);
}
