/**
 *   y[i] = w[ids[i]]
 * out  y [n, C]      in  ids [n] (int32), w [V, C]
 * Tile i is row i. 0 <= ids[i] < V.
 */
export function embedding_f32(begin: usize, end: usize, y: usize, ids: usize, w: usize, C: usize): void {
  const bytes = C << 2;
  for (let i = begin; i < end; i++) memory.copy(y + i * bytes, w + <usize>i32.load(ids + (i << 2)) * bytes, bytes);
}

/**
 *   dw[v] = Σ_{i: ids[i] = v} dy[i], i ascending; 0 for row `padding`
 * out  dw [V, C]      in  dy [n, C], ids [n] (int32)
 * Tile i is rows i · rows … of dw: whoever has it reads all ids, and nobody else adds to its rows. padding is −1 where there is none.
 */
export function embedding_grad_f32(
  begin: usize, end: usize, dw: usize, dy: usize, ids: usize, n: usize, V: usize, C: usize, rows: usize, padding: i32,
): void {
  const bytes = C << 2, low = begin * rows, high = min(end * rows, V);
  memory.fill(dw + low * bytes, 0, (high - low) * bytes);
  for (let i: usize = 0; i < n; i++) {
    const v = i32.load(ids + (i << 2));
    if (<usize>v < low || <usize>v >= high || v == padding) continue;
    let p = dw + <usize>v * bytes, q = dy + i * bytes, c = C;
    for (; c >= 4; c -= 4, p += 16, q += 16) v128.store(p, f32x4.add(v128.load(p), v128.load(q)));
    for (; c; c--, p += 4, q += 4) f32.store(p, f32.load(p) + f32.load(q));
  }
}
