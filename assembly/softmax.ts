/** Softmax over rows (Vaswani et al. 2017, §3.2.1), and its logarithm. Both subtract the row's maximum first. */
import { exp, log } from './math';
import { load_tail, lower, max4, store_tail, sum2, upper } from './simd';

/** max_c x[c], NaNs passed over: they show in the sum that follows. −inf for an empty row. */
export function row_max(x: usize, C: usize): f32 {
  const lowest = f32x4.splat(-Infinity);
  let m = lowest;
  // pmax is one instruction, max eight, each waiting for the one before.
  for (; C >= 4; C -= 4, x += 16) m = f32x4.pmax(m, v128.load(x));
  if (C) m = f32x4.pmax(m, load_tail(x, C, lowest));
  return max4(m);
}

/** Σ_c exp(x[c] − m), written to y if y is not 0. */
export function row_exp(y: usize, x: usize, C: usize, m: f32): f32 {
  const shift = f32x4.splat(m);
  let a = f64x2.splat(0), b = f64x2.splat(0);
  for (; C >= 4; C -= 4, x += 16) {
    const e = exp(f32x4.sub(v128.load(x), shift));
    a = f64x2.add(a, lower(e)), b = f64x2.add(b, upper(e));
    if (y) v128.store(y, e), y += 16;
  }
  if (C) {
    const e = exp(f32x4.sub(load_tail(x, C, f32x4.splat(-Infinity)), shift));
    a = f64x2.add(a, lower(e)), b = f64x2.add(b, upper(e));
    if (y) store_tail(y, e, C);
  }
  return <f32>sum2(a, b);
}

/**
 *   y[t,c] = exp(x[t,c] − m[t]) / Σ_c exp(x[t,c] − m[t]),   m[t] = max_c x[t,c]
 * out  y [T, C]      in  x [T, C]
 * Tile t is row t. A row of −inf (all keys masked) gives zeros. y may be x.
 */
export function softmax_f32(begin: usize, end: usize, y: usize, x: usize, C: usize): void {
  for (let t = begin; t < end; t++) {
    const row = t * (C << 2), to = y + row, m = row_max(x + row, C);
    const sum = row_exp(to, x + row, C, m == -Infinity ? 0 : m);
    const r = f32x4.splat(sum == 0 ? 0 : 1 / sum);
    let c: usize = 0;
    for (; c + 4 <= C; c += 4) v128.store(to + (c << 2), f32x4.mul(v128.load(to + (c << 2)), r));
    if (c < C) store_tail(to + (c << 2), f32x4.mul(load_tail(to + (c << 2), C - c, r), r), C - c);
  }
}

/**
 *   y[t,c] = x[t,c] − m[t] − ln Σ_c exp(x[t,c] − m[t])
 * out  y [T, C]      in  x [T, C]
 * Tile t is row t. y may be x.
 */
export function log_softmax_f32(begin: usize, end: usize, y: usize, x: usize, C: usize): void {
  for (let t = begin; t < end; t++) {
    const row = t * (C << 2), from = x + row, to = y + row, m = row_max(from, C);
    const shift = f32x4.splat(m), sum = row_exp(0, from, C, m);
    const l = f32x4.add(log(f32x4.splat(sum)), f32x4.splat(sum - sum)); // log knows no NaN: 0 or NaN is added
    let c: usize = 0;
    for (; c + 4 <= C; c += 4) v128.store(to + (c << 2), f32x4.sub(f32x4.sub(v128.load(from + (c << 2)), shift), l));
    if (c < C) store_tail(to + (c << 2), f32x4.sub(f32x4.sub(load_tail(from + (c << 2), C - c, shift), shift), l), C - c);
  }
}

/** Σ_c a[c] · b[c], or Σ_c a[c] where b is 0. */
function dot_row(a: usize, b: usize, C: usize): f32 {
  const zero = f32x4.splat(0);
  let low = zero, high = zero;
  for (; C >= 4; C -= 4, a += 16) {
    let v = v128.load(a);
    if (b) v = f32x4.mul(v, v128.load(b)), b += 16;
    low = f64x2.add(low, lower(v)), high = f64x2.add(high, upper(v));
  }
  if (C) {
    let v = load_tail(a, C, zero);
    if (b) v = f32x4.mul(v, load_tail(b, C, zero));
    low = f64x2.add(low, lower(v)), high = f64x2.add(high, upper(v));
  }
  return <f32>sum2(low, high);
}

/**
 *   dx[t,c] = y[t,c] · (dy[t,c] − Σ_c dy[t,c] y[t,c])
 * out  dx [T, C]      in  dy [T, C], y [T, C] as softmax_f32 made it
 * Tile t is row t. dx may be dy.
 */
export function softmax_grad_f32(begin: usize, end: usize, dx: usize, dy: usize, y: usize, C: usize): void {
  for (let t = begin; t < end; t++) {
    const row = t * (C << 2), s = f32x4.splat(dot_row(dy + row, y + row, C));
    let p = dx + row, q = dy + row, r = y + row, left = C;
    for (; left >= 4; left -= 4, p += 16, q += 16, r += 16) v128.store(p, f32x4.mul(v128.load(r), f32x4.sub(v128.load(q), s)));
    if (left) store_tail(p, f32x4.mul(load_tail(r, left, s), f32x4.sub(load_tail(q, left, s), s)), left);
  }
}

/**
 *   dx[t,c] = dy[t,c] − exp(y[t,c]) · Σ_c dy[t,c]
 * out  dx [T, C]      in  dy [T, C], y [T, C] as log_softmax_f32 made it
 * Tile t is row t. dx may be dy.
 */
export function log_softmax_grad_f32(begin: usize, end: usize, dx: usize, dy: usize, y: usize, C: usize): void {
  for (let t = begin; t < end; t++) {
    const row = t * (C << 2), s = f32x4.splat(dot_row(dy + row, 0, C));
    let p = dx + row, q = dy + row, r = y + row, left = C;
    for (; left >= 4; left -= 4, p += 16, q += 16, r += 16) v128.store(p, f32x4.sub(v128.load(q), f32x4.mul(exp(v128.load(r)), s)));
    if (left) store_tail(p, f32x4.sub(load_tail(q, left, s), f32x4.mul(exp(load_tail(r, left, s)), s)), left);
  }
}
