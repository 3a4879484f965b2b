/** Normalisation over the last axis: layer norm (Ba et al., arXiv 1607.06450) and root-mean-square norm. */
import { STRIP, load_tail, lower, madd, round4, store_tail, sum2, sum_row, upper } from './simd';

/** Σ_c (x[c] − mean)² in float64. */
function square_row(x: usize, C: usize, mean: f32): f64 {
  const m = f32x4.splat(mean);
  let a = f64x2.splat(0), b = f64x2.splat(0);
  for (; C >= 4; C -= 4, x += 16) {
    const v = f32x4.sub(v128.load(x), m), low = lower(v), high = upper(v);
    a = f64x2.add(a, f64x2.mul(low, low)), b = f64x2.add(b, f64x2.mul(high, high));
  }
  if (C) {
    const v = f32x4.sub(load_tail(x, C, m), m), low = lower(v), high = upper(v); // the padding is the mean: it adds 0
    a = f64x2.add(a, f64x2.mul(low, low)), b = f64x2.add(b, f64x2.mul(high, high));
  }
  return sum2(a, b);
}

/** (x − mean) · r + shift: the normalised x. The difference is exact where x is near the mean, and shift holds what the mean lost when it was rounded. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function normal(x: v128, mean: v128, r: v128, shift: v128): v128 {
  return madd(f32x4.sub(x, mean), r, shift);
}

/** y[c] = normal(x[c]) · (g[c] + offset) + b[c]; g or b may be 0: none. */
function apply_row(y: usize, x: usize, g: usize, b: usize, C: usize, mean: f32, r: f32, shift: f32, offset: f32): void {
  const m = f32x4.splat(mean), s = f32x4.splat(r), z = f32x4.splat(shift), o = f32x4.splat(offset);
  for (; C >= 4; C -= 4, x += 16, y += 16) {
    let v = normal(v128.load(x), m, s, z);
    if (g) v = f32x4.mul(v, f32x4.add(v128.load(g), o)), g += 16;
    if (b) v = f32x4.add(v, v128.load(b)), b += 16;
    v128.store(y, v);
  }
  if (C) {
    let v = normal(load_tail(x, C, m), m, s, z);
    if (g) v = f32x4.mul(v, f32x4.add(load_tail(g, C, s), o));
    if (b) v = f32x4.add(v, load_tail(b, C, s));
    store_tail(y, v, C);
  }
}

/** Bytes of a row's (mean, r, shift). */
const STATS: usize = 12;

/** Row t of a norm, whose mean is `mean + rest`; mean, r and shift go to the gradient where it asks for them. */
function norm_row(t: usize, y: usize, stats: usize, x: usize, g: usize, b: usize, C: usize, mean: f32, rest: f64, variance: f64, offset: f32 = 0): void {
  const row = t * (C << 2), r = 1 / sqrt<f64>(variance), shift = <f32>(-rest * r);
  if (stats) f32.store(stats + t * STATS, mean), f32.store(stats + t * STATS, <f32>r, 4), f32.store(stats + t * STATS, shift, 8);
  apply_row(y + row, x + row, g, b, C, mean, <f32>r, shift, offset);
}

/**
 *   y[t,c] = (x[t,c] − mean[t]) · r[t] · g[c] + b[c],   r[t] = 1 / sqrt(var[t] + eps)
 * out  y [T, C]; stats [T, 3] = (mean, r, shift) of every row, or 0      in  x [T, C], g [C] or 0, b [C] or 0
 * Tile t is row t; mean and variance in two passes, in float64. Any C >= 1. y may be x. A row of one number gives b exactly.
 */
export function layer_norm_f32(begin: usize, end: usize, y: usize, stats: usize, x: usize, g: usize, b: usize, C: usize, eps: f32): void {
  for (let t = begin; t < end; t++) {
    const from = x + t * (C << 2), exact = sum_row(from, C) / <f64>C, mean = <f32>exact, rest = exact - <f64>mean;
    // The squares are those of differences from the rounded mean.
    norm_row(t, y, stats, x, g, b, C, mean, rest, max<f64>(0, square_row(from, C, mean) / <f64>C - rest * rest) + eps);
  }
}

/**
 * Zhang & Sennrich 2019, eq. 4.
 *   y[t,c] = x[t,c] · r[t] · (g[c] + offset),   r[t] = 1 / sqrt(mean_c x[t,c]² + eps)
 * out  y [T, C]; stats [T, 3] = (0, r, 0) of every row, or 0      in  x [T, C], g [C] or 0
 * Tile t is row t. Any C >= 1. y may be x.
 */
export function rms_norm_f32(begin: usize, end: usize, y: usize, stats: usize, x: usize, g: usize, C: usize, eps: f32, offset: f32): void {
  for (let t = begin; t < end; t++) {
    norm_row(t, y, stats, x, g, 0, C, 0, 0, square_row(x + t * (C << 2), C, 0) / <f64>C + eps, offset);
  }
}

/** One vector of (g + offset) · dy; g may be 0: none. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function weighted(dy: v128, g: usize, offset: v128): v128 {
  return g ? f32x4.mul(dy, f32x4.add(v128.load(g), offset)) : dy;
}

/**
 * Both norms, backwards. With u[c] = dy[c] · (g[c] + offset) and z[c] = (x[c] − mean) · r + shift:
 *   dx[t,c] = r[t] · (u[c] − centred · mean_c(u) − z[c] · mean_c(u z))
 * out  dx [T, C]      in  dy, x [T, C], stats [T, 3] = (mean, r, shift), g [C] or 0; centred 1 for layer norm, 0 for root mean square
 * Tile t is row t. Any C >= 1. dx may be dy.
 */
export function norm_grad_x_f32(
  begin: usize, end: usize, dx: usize, dy: usize, x: usize, stats: usize, g: usize, C: usize, centred: f32, offset: f32,
): void {
  const whole = C & ~3, rest = C & 3, zero = f32x4.splat(0), shifted = f32x4.splat(offset);
  for (let t = begin; t < end; t++) {
    const row = t * (C << 2), to = dx + row, u = dy + row, v = x + row;
    const at = stats + t * STATS, mean = v128.load32_splat(at), r = v128.load32_splat(at, 4), shift = v128.load32_splat(at, 8);
    let a = zero, b = zero, e = zero, f = zero;
    for (let c: usize = 0; c < whole; c += 4) {
      const o = c << 2, d = weighted(v128.load(u + o), g ? g + o : 0, shifted), p = f32x4.mul(d, normal(v128.load(v + o), mean, r, shift));
      a = f64x2.add(a, lower(d)), b = f64x2.add(b, upper(d));
      e = f64x2.add(e, lower(p)), f = f64x2.add(f, upper(p));
    }
    const o = whole << 2;
    let tail = zero, z = zero;
    if (rest) {
      tail = load_tail(u + o, rest, zero), z = normal(load_tail(v + o, rest, mean), mean, r, shift);
      if (g) tail = f32x4.mul(tail, f32x4.add(load_tail(g + o, rest, zero), shifted));
      const p = f32x4.mul(tail, z);
      a = f64x2.add(a, lower(tail)), b = f64x2.add(b, upper(tail));
      e = f64x2.add(e, lower(p)), f = f64x2.add(f, upper(p));
    }
    const p = f32x4.splat(centred * <f32>(sum2(a, b) / <f64>C)), q = f32x4.splat(<f32>(sum2(e, f) / <f64>C));
    for (let c: usize = 0; c < whole; c += 4) {
      const o = c << 2, d = weighted(v128.load(u + o), g ? g + o : 0, shifted), s = normal(v128.load(v + o), mean, r, shift);
      v128.store(to + o, f32x4.mul(r, f32x4.sub(f32x4.sub(d, p), f32x4.mul(s, q))));
    }
    if (rest) store_tail(to + o, f32x4.mul(r, f32x4.sub(f32x4.sub(tail, p), f32x4.mul(z, q))), rest);
  }
}

/** dg[c] = Σ_t dy z, db[c] = Σ_t dy for n (1 to 4) columns; dg or db may be 0: none. */
function norm_grad_columns(dg: usize, db: usize, dy: usize, x: usize, stats: usize, T: usize, C: usize, n: usize): void {
  const zero = f32x4.splat(0), step = C << 2;
  let g0 = zero, g1 = zero, b0 = zero, b1 = zero;
  for (; T; T--, dy += step, x += step, stats += STATS) {
    const d = n == 4 ? v128.load(dy) : load_tail(dy, n, zero), e = n == 4 ? v128.load(x) : load_tail(x, n, zero);
    const p = f32x4.mul(d, normal(e, v128.load32_splat(stats), v128.load32_splat(stats, 4), v128.load32_splat(stats, 8)));
    g0 = f64x2.add(g0, lower(p)), g1 = f64x2.add(g1, upper(p));
    b0 = f64x2.add(b0, lower(d)), b1 = f64x2.add(b1, upper(d));
  }
  const g = round4(g0, g1), b = round4(b0, b1);
  if (n == 4) {
    if (dg) v128.store(dg, g);
    if (db) v128.store(db, b);
  } else {
    if (dg) store_tail(dg, g, n);
    if (db) store_tail(db, b, n);
  }
}

/**
 * Both norms, backwards, with z as above:
 *   dg[c] = Σ_t dy[t,c] · z[t,c],   db[c] = Σ_t dy[t,c]
 * out  dg [C] or 0, db [C] or 0      in  dy, x [T, C], stats [T, 3] = (mean, r, shift)
 * Tile i is strip i. Any T, C.
 */
export function norm_grad_weight_f32(
  begin: usize, end: usize, dg: usize, db: usize, dy: usize, x: usize, stats: usize, T: usize, C: usize,
): void {
  for (let c = begin * STRIP, to = min(end * STRIP, C); c < to; c += 4) {
    const o = c << 2;
    norm_grad_columns(dg ? dg + o : 0, db ? db + o : 0, dy + o, x + o, stats, T, C, min<usize>(4, to - c));
  }
}
