/** Softmax over rows (Vaswani et al. 2017, §3.2.1), and its logarithm. Both subtract the row's maximum first. */
import { exp, log } from './math';
import { load_tail, max4, store_tail, sum4 } from './simd';

/** max_c x[c]; −inf for an empty row. */
function row_max(x: usize, C: usize): f32 {
  const lowest = f32x4.splat(-Infinity);
  let m = lowest;
  for (; C >= 4; C -= 4, x += 16) m = f32x4.max(m, v128.load(x));
  if (C) m = f32x4.max(m, load_tail(x, C, lowest));
  return max4(m);
}

/** Σ_c exp(x[c] − m), written to y if y is not 0. */
function row_exp(y: usize, x: usize, C: usize, m: f32): f32 {
  const shift = f32x4.splat(m);
  let sum = f32x4.splat(0);
  for (; C >= 4; C -= 4, x += 16) {
    const e = exp(f32x4.sub(v128.load(x), shift));
    sum = f32x4.add(sum, e);
    if (y) v128.store(y, e), y += 16;
  }
  if (C) {
    const e = exp(f32x4.sub(load_tail(x, C, f32x4.splat(-Infinity)), shift));
    sum = f32x4.add(sum, e);
    if (y) store_tail(y, e, C);
  }
  return sum4(sum);
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
