/** Sums, products and copies: what moves numbers without mixing them. A tile is 1024 elements unless it says otherwise. */
import { load_tail, store_tail } from './simd';

/**
 *   y[i] = a[i] + b[i mod period]
 * out  y [n]      in  a [n], b [period]
 * b is broadcast along the leading axes; period = n adds like shapes. y may be a.
 */
export function add_f32(begin: usize, end: usize, y: usize, a: usize, b: usize, n: usize, period: usize): void {
  for (let i = begin << 10, to = min(end << 10, n); i < to; ) {
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
  for (let i = begin << 10, to = min(end << 10, n); i < to; ) {
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
  const s = f32x4.splat(a), from = begin << 10;
  let left = min(end << 10, n) - from, p = y + (from << 2), q = x + (from << 2);
  for (; left >= 4; left -= 4, p += 16, q += 16) v128.store(p, f32x4.mul(v128.load(q), s));
  if (left) store_tail(p, f32x4.mul(load_tail(q, left, s), s), left);
}

/**
 * A boolean mask as a bias: 0 where mask[i] != 0 equals `attend`, −inf elsewhere.
 * out  y [n]      in  mask [n] (bytes)
 */
export function mask_to_bias_f32(begin: usize, end: usize, y: usize, mask: usize, n: usize, attend: i32): void {
  for (let i = begin << 10, to = min(end << 10, n); i < to; i++) {
    f32.store(y + (i << 2), i32(load<u8>(mask + i) != 0) == attend ? 0 : -Infinity);
  }
}

/**
 * A strided view made contiguous; an element is 4 bytes or, with `shift` 0 instead of 2, one.
 * out  y [n0, n1, n2, n3]      in  x: element (i, j, k, l) at i·s0 + j·s1 + k·s2 + l·s3 elements
 * Tile t is row (i, j, k) = t of y.
 */
export function copy(
  begin: usize, end: usize, y: usize, x: usize, shift: usize, n1: usize, n2: usize, n3: usize, s0: usize, s1: usize, s2: usize, s3: usize,
): void {
  for (let t = begin; t < end; t++) {
    const k = t % n2, j = (t / n2) % n1, i = t / n2 / n1;
    let from = x + ((i * s0 + j * s1 + k * s2) << shift), to = y + t * (n3 << shift);
    if (s3 == 1) memory.copy(to, from, n3 << shift);
    else if (shift) for (let l: usize = 0; l < n3; l++, to += 4, from += s3 << 2) i32.store(to, i32.load(from));
    else for (let l: usize = 0; l < n3; l++, to++, from += s3) i32.store8(to, i32.load8_u(from));
  }
}
