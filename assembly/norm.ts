/** Normalisation over the last axis: layer norm (Ba et al., arXiv 1607.06450) and root-mean-square norm. */
import { load_tail, madd, store_tail, sum4 } from './simd';

/** Σ_c x[c]. Two chains of vectors hide the latency of the adder; their tree is fixed. */
function sum_row(x: usize, C: usize): f32 {
  let a = f32x4.splat(0), b = f32x4.splat(0);
  for (; C >= 8; C -= 8, x += 32) a = f32x4.add(a, v128.load(x)), b = f32x4.add(b, v128.load(x, 16));
  if (C >= 4) a = f32x4.add(a, v128.load(x)), C -= 4, x += 16;
  if (C) b = f32x4.add(b, load_tail(x, C, f32x4.splat(0)));
  return sum4(f32x4.add(a, b));
}

/** Σ_c (x[c] − mean)². */
/** Σ_c (x[c] − mean)². */
function square_row(x: usize, C: usize, mean: f32): f32 {
  const m = f32x4.splat(mean);
  let a = f32x4.splat(0), b = f32x4.splat(0);
  for (; C >= 8; C -= 8, x += 32) {
    const u = f32x4.sub(v128.load(x), m), v = f32x4.sub(v128.load(x, 16), m);
    a = madd(u, u, a), b = madd(v, v, b);
  }
  if (C >= 4) {
    const u = f32x4.sub(v128.load(x), m);
    a = madd(u, u, a), C -= 4, x += 16;
  }
  if (C) {
    const v = f32x4.sub(load_tail(x, C, m), m); // the padding is the mean: it adds 0
    b = madd(v, v, b);
  }
  return sum4(f32x4.add(a, b));
}

/** y[c] = (x[c] − m) · r · g[c] + b[c]; g or b may be 0: none. */
function apply_row(y: usize, x: usize, g: usize, b: usize, C: usize, mean: f32, r: f32): void {
  const m = f32x4.splat(mean), s = f32x4.splat(r);
  for (; C >= 4; C -= 4, x += 16, y += 16) {
    let v = f32x4.mul(f32x4.sub(v128.load(x), m), s);
    if (g) v = f32x4.mul(v, v128.load(g)), g += 16;
    if (b) v = f32x4.add(v, v128.load(b)), b += 16;
    v128.store(y, v);
  }
  if (C) {
    let v = f32x4.mul(f32x4.sub(load_tail(x, C, m), m), s);
    if (g) v = f32x4.mul(v, load_tail(g, C, s));
    if (b) v = f32x4.add(v, load_tail(b, C, s));
    store_tail(y, v, C);
  }
}

/**
 *   y[t,c] = (x[t,c] − mean[t]) · g[c] / sqrt(var[t] + eps) + b[c]
 * out  y [T, C]      in  x [T, C], g [C] or 0, b [C] or 0
 * Tile t is row t; mean and variance in two passes. Any C >= 1. y may be x.
 */
export function layer_norm_f32(begin: usize, end: usize, y: usize, x: usize, g: usize, b: usize, C: usize, eps: f32): void {
  for (let t = begin; t < end; t++) {
    const row = t * (C << 2), mean = sum_row(x + row, C) / <f32>C, variance = square_row(x + row, C, mean) / <f32>C;
    apply_row(y + row, x + row, g, b, C, mean, 1 / sqrt<f32>(variance + eps));
  }
}

/**
 * Zhang & Sennrich 2019, eq. 4.
 *   y[t,c] = x[t,c] · g[c] / sqrt(mean_c x[t,c]² + eps)
 * out  y [T, C]      in  x [T, C], g [C] or 0
 * Tile t is row t. Any C >= 1. y may be x.
 */
export function rms_norm_f32(begin: usize, end: usize, y: usize, x: usize, g: usize, C: usize, eps: f32): void {
  for (let t = begin; t < end; t++) {
    const row = t * (C << 2);
    apply_row(y + row, x + row, g, 0, C, 0, 1 / sqrt<f32>(square_row(x + row, C, 0) / <f32>C + eps));
  }
}
