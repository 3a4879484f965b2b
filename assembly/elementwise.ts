/** Sums, products and copies of single elements. A tile is TILE elements unless it says otherwise. */
import { TILE, load_tail, store_tail } from './simd';

/**
 *   y[i] = a[i] + b[i mod period]
 * out  y [n]      in  a [n], b [period]
 * b is broadcast along the leading axes; period = n adds like shapes. y may be a.
 */
export function add_f32(begin: usize, end: usize, y: usize, a: usize, b: usize, n: usize, period: usize): void {
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; ) {
    const j = i % period;
    let left = min(to - i, period - j), p = y + (i << 2), q = a + (i << 2), r = b + (j << 2);
    i += left;
    for (; left >= 4; left -= 4, p += 16, q += 16, r += 16) v128.store(p, f32x4.add(v128.load(q), v128.load(r)));
    if (left) store_tail(p, f32x4.add(load_tail(q, left, f32x4.splat(0)), load_tail(r, left, f32x4.splat(0))), left);
  }
}

/**
 *   y[i] = a[i] · b[i mod period]
 * out  y [n]      in  a [n], b [period]
 * As add_f32.
 */
export function mul_f32(begin: usize, end: usize, y: usize, a: usize, b: usize, n: usize, period: usize): void {
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; ) {
    const j = i % period;
    let left = min(to - i, period - j), p = y + (i << 2), q = a + (i << 2), r = b + (j << 2);
    i += left;
    for (; left >= 4; left -= 4, p += 16, q += 16, r += 16) v128.store(p, f32x4.mul(v128.load(q), v128.load(r)));
    if (left) store_tail(p, f32x4.mul(load_tail(q, left, f32x4.splat(0)), load_tail(r, left, f32x4.splat(0))), left);
  }
}

/**
 *   y[i] = a · x[i]
 * out  y [n]      in  x [n]
 * y may be x.
 */
export function scale_f32(begin: usize, end: usize, y: usize, x: usize, n: usize, a: f32): void {
  const s = f32x4.splat(a), from = begin * TILE;
  let left = min(end * TILE, n) - from, p = y + (from << 2), q = x + (from << 2);
  for (; left >= 4; left -= 4, p += 16, q += 16) v128.store(p, f32x4.mul(v128.load(q), s));
  if (left) store_tail(p, f32x4.mul(load_tail(q, left, s), s), left);
}

/**
 * A boolean mask as a bias: 0 where mask[i] != 0 equals `attend`, −inf elsewhere.
 * out  y [n]      in  mask [n] (bytes)
 */
export function mask_to_bias_f32(begin: usize, end: usize, y: usize, mask: usize, n: usize, attend: i32): void {
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i++) {
    f32.store(y + (i << 2), i32(load<u8>(mask + i) != 0) == attend ? 0 : -Infinity);
  }
}

/**
 * y[i] = a
 * out  y [n]
 */
export function fill_f32(begin: usize, end: usize, y: usize, n: usize, a: f32): void {
  const s = f32x4.splat(a), from = begin * TILE;
  let left = min(end * TILE, n) - from, p = y + (from << 2);
  for (; left >= 4; left -= 4, p += 16) v128.store(p, s);
  if (left) store_tail(p, s, left);
}
