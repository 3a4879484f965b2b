/** Windows of a sequence laid side by side, so that a convolution is a product with them; and back. */

/**
 *   y[b, s, c K + k] = x[b, c, s · stride + k − padding], 0 outside of x
 * out  y [B, S, C K]      in  x: element (b, c, l) at b·xb + c·xc + l·xl floats, 0 <= l < L
 * Tile t is row (b, s) = t of y.
 */
export function unfold_f32(
  begin: usize, end: usize, y: usize, x: usize, S: usize, C: usize, L: usize, K: usize, stride: usize, padding: usize,
  xb: usize, xc: usize, xl: usize,
): void {
  for (let t = begin; t < end; t++) {
    const at = <isize>((t % S) * stride) - <isize>padding;
    // Taps low … high − 1 are inside.
    const low = at < 0 ? <usize>min(-at, <isize>K) : 0;
    const high = <usize>max(<isize>low, min(<isize>K, <isize>L - at));
    let to = y + t * ((C * K) << 2), from = x + (((t / S) * xb) << 2) + (at + <isize>low) * <isize>(xl << 2);
    for (let c: usize = 0; c < C; c++, to += K << 2, from += xc << 2) {
      let k: usize = 0;
      for (; k < low; k++) f32.store(to + (k << 2), 0);
      for (let p = from; k < high; k++, p += xl << 2) f32.store(to + (k << 2), f32.load(p));
      for (; k < K; k++) f32.store(to + (k << 2), 0);
    }
  }
}

/**
 *   dx[b, l, c] = Σ_{k: s · stride + k − padding = l} dy[b, s, c K + k], k ascending
 * out  dx [B, L, C]      in  dy [B, S, C K]
 * Tile t is row (b, l) = t of dx.
 */
export function fold_f32(
  begin: usize, end: usize, dx: usize, dy: usize, S: usize, C: usize, L: usize, K: usize, stride: usize, padding: usize,
): void {
  const row = (C * K) << 2;
  for (let t = begin; t < end; t++) {
    const l = (t % L) + padding, to = dx + t * (C << 2), from = dy + (t / L) * S * row;
    memory.fill(to, 0, C << 2);
    for (let k: usize = 0; k < K && k <= l; k++) {
      const s = (l - k) / stride;
      if ((l - k) % stride != 0 || s >= S) continue;
      let p = from + s * row + (k << 2);
      for (let c: usize = 0; c < C; c++, p += K << 2) f32.store(to + (c << 2), f32.load(to + (c << 2)) + f32.load(p));
    }
  }
}
