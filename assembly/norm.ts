/** Normalisation over the last axis: layer norm (Ba et al., arXiv 1607.06450) and root-mean-square norm. */
import { load_tail, madd, store_tail, sum4, sum_row } from './simd';

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

/** Row t of a norm: y[c] = (x[c] − mean) · r · g[c] + b[c]; mean and r go to the gradient where it asks for them. */
function norm_row(t: usize, y: usize, stats: usize, x: usize, g: usize, b: usize, C: usize, mean: f32, r: f32): void {
  const row = t * (C << 2);
  if (stats) f32.store(stats + (t << 3), mean), f32.store(stats + (t << 3), r, 4);
  apply_row(y + row, x + row, g, b, C, mean, r);
}

/**
 *   y[t,c] = (x[t,c] − mean[t]) · r[t] · g[c] + b[c],   r[t] = 1 / sqrt(var[t] + eps)
 * out  y [T, C]; stats [T, 2] = (mean, r) of every row, or 0      in  x [T, C], g [C] or 0, b [C] or 0
 * Tile t is row t; mean and variance in two passes. Any C >= 1. y may be x.
 */
export function layer_norm_f32(begin: usize, end: usize, y: usize, stats: usize, x: usize, g: usize, b: usize, C: usize, eps: f32): void {
  for (let t = begin; t < end; t++) {
    const from = x + t * (C << 2), mean = sum_row(from, C) / <f32>C, variance = square_row(from, C, mean) / <f32>C;
    norm_row(t, y, stats, x, g, b, C, mean, 1 / sqrt<f32>(variance + eps));
  }
}

/**
 * Zhang & Sennrich 2019, eq. 4.
 *   y[t,c] = x[t,c] · r[t] · g[c],   r[t] = 1 / sqrt(mean_c x[t,c]² + eps)
 * out  y [T, C]; stats [T, 2] = (0, r) of every row, or 0      in  x [T, C], g [C] or 0
 * Tile t is row t. Any C >= 1. y may be x.
 */
export function rms_norm_f32(begin: usize, end: usize, y: usize, stats: usize, x: usize, g: usize, C: usize, eps: f32): void {
  for (let t = begin; t < end; t++) {
    const r: f32 = 1 / sqrt<f32>(square_row(x + t * (C << 2), C, 0) / <f32>C + eps);
    norm_row(t, y, stats, x, g, 0, C, 0, r);
  }
}

/** One vector of g · dy; g may be 0: none. */
// @ts-ignore: decorator
@inline
function weighted(dy: v128, g: usize): v128 {
  return g ? f32x4.mul(dy, v128.load(g)) : dy;
}

/**
 * Both norms, backwards. With u[c] = dy[c] · g[c] and z[c] = (x[c] − mean) · r:
 *   dx[t,c] = r[t] · (u[c] − centred · mean_c(u) − z[c] · mean_c(u z))
 * out  dx [T, C]      in  dy, x [T, C], stats [T, 2] = (mean, r), g [C] or 0; centred 1 for layer norm, 0 for root mean square
 * Tile t is row t. Any C >= 1. dx may be dy.
 */
export function norm_grad_x_f32(
  begin: usize, end: usize, dx: usize, dy: usize, x: usize, stats: usize, g: usize, C: usize, centred: f32,
): void {
  const whole = C & ~3, rest = C & 3, zero = f32x4.splat(0);
  for (let t = begin; t < end; t++) {
    const row = t * (C << 2), to = dx + row, u = dy + row, v = x + row;
    const mean = f32x4.splat(f32.load(stats + (t << 3))), r = f32x4.splat(f32.load(stats + (t << 3), 4));
    let a = zero, b = zero;
    for (let c: usize = 0; c < whole; c += 4) {
      const o = c << 2, d = weighted(v128.load(u + o), g ? g + o : 0);
      a = f32x4.add(a, d), b = madd(d, f32x4.mul(f32x4.sub(v128.load(v + o), mean), r), b);
    }
    const o = whole << 2;
    let tail = zero, z = zero;
    if (rest) {
      tail = load_tail(u + o, rest, zero), z = f32x4.mul(f32x4.sub(load_tail(v + o, rest, mean), mean), r);
      if (g) tail = f32x4.mul(tail, load_tail(g + o, rest, zero));
      a = f32x4.add(a, tail), b = madd(tail, z, b);
    }
    const p = f32x4.splat(centred * sum4(a) / <f32>C), q = f32x4.splat(sum4(b) / <f32>C);
    for (let c: usize = 0; c < whole; c += 4) {
      const o = c << 2, d = weighted(v128.load(u + o), g ? g + o : 0), s = f32x4.mul(f32x4.sub(v128.load(v + o), mean), r);
      v128.store(to + o, f32x4.mul(r, f32x4.sub(f32x4.sub(d, p), f32x4.mul(s, q))));
    }
    if (rest) store_tail(to + o, f32x4.mul(r, f32x4.sub(f32x4.sub(tail, p), f32x4.mul(z, q))), rest);
  }
}

/** Rows whose sum is one chain; the chains' ends are added in order. Keeps rounding small where there are many rows. */
const ROWS: usize = 64;

/** dg[c] = Σ_t dy z, db[c] = Σ_t dy for n (1 to 4) columns; dg or db may be 0: none. */
function norm_grad_columns(dg: usize, db: usize, dy: usize, x: usize, stats: usize, T: usize, C: usize, n: usize): void {
  const zero = f32x4.splat(0), step = C << 2;
  let g = zero, b = zero;
  for (let t: usize = 0; t < T; ) {
    let u = zero, v = zero;
    for (const to = min(t + ROWS, T); t < to; t++, dy += step, x += step, stats += 8) {
      const d = n == 4 ? v128.load(dy) : load_tail(dy, n, zero), e = n == 4 ? v128.load(x) : load_tail(x, n, zero);
      const z = f32x4.mul(f32x4.sub(e, v128.load32_splat(stats)), v128.load32_splat(stats, 4));
      u = madd(d, z, u), v = f32x4.add(v, d);
    }
    g = f32x4.add(g, u), b = f32x4.add(b, v);
  }
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
 * out  dg [C] or 0, db [C] or 0      in  dy, x [T, C], stats [T, 2] = (mean, r)
 * Tile i is columns 16 i … 16 i + 15, a cache line of every row. Any T, C.
 */
export function norm_grad_weight_f32(
  begin: usize, end: usize, dg: usize, db: usize, dy: usize, x: usize, stats: usize, T: usize, C: usize,
): void {
  for (let c = begin << 4, to = min(end << 4, C); c < to; c += 4) {
    const o = c << 2;
    norm_grad_columns(dg ? dg + o : 0, db ? db + o : 0, dy + o, x + o, stats, T, C, min<usize>(4, to - c));
  }
}
