/**
 * What every kernel shares: the one multiply-add of the build, reductions with a fixed tree, and vectors for the tail
 * of a row whose length is no multiple of 4. Tails are read and written exactly, and padded with the identity of the
 * reduction (0, −inf), never walked as scalars: so a row's bits depend on its values alone.
 *
 * Sums that may be long (means, variances, denominators, reductions) are kept in float64, two lanes at a time, and rounded once: a chain of n float32
 * additions loses up to n/2 ulp, and in a row of equal numbers every addition errs in the same direction.
 *
 * `@ts-ignore: decorator`, here and elsewhere: asc knows @inline on functions, TypeScript's checker in editors refuses any decorator there.
 */

/** Elements of a tile of what goes element by element. */
export const TILE: usize = 1024;

/** Columns of a tile of what sums over rows: a cache line of each. */
export const STRIP: usize = 16;

/**
 * a·b + c. One rounding where the relaxed build meets a machine with fused multiply-add, two in the plain build.
 * The only place where the builds differ.
 */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** Lanes 0 and 1, and lanes 2 and 3, in float64. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function lower(a: v128): v128 {
  return f64x2.promote_low_f32x4(a);
}
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function upper(a: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f64>(a, a, 1, 1));
}

/** Both lanes of a + b. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function sum2(a: v128, b: v128): f64 {
  const pair = f64x2.add(a, b);
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}

/** The four lanes of two float64 vectors, rounded to float32. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function round4(low: v128, high: v128): v128 {
  return v128.shuffle<f64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

/** (a0 + a2) + (a1 + a3). */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function sum4(a: v128): f32 {
  const pairs = f32x4.add(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The largest lane; a NaN in any lane gives NaN. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function max4(a: v128): f32 {
  const pairs = f32x4.max(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/** Lanes below n (1 to 3) from p, the others from `fill`. Reads nothing behind lane n − 1. */
export function load_tail(p: usize, n: usize, fill: v128): v128 {
  let v = v128.load_lane<f32>(p, fill, 0);
  if (n > 1) v = v128.load_lane<f32>(p, v, 1, 4);
  if (n > 2) v = v128.load_lane<f32>(p, v, 2, 8);
  return v;
}

/** Σ_c x[c] in float64. */
export function sum_row(x: usize, C: usize): f64 {
  let a = f64x2.splat(0), b = f64x2.splat(0);
  for (; C >= 4; C -= 4, x += 16) {
    const v = v128.load(x);
    a = f64x2.add(a, lower(v)), b = f64x2.add(b, upper(v));
  }
  if (C) {
    const v = load_tail(x, C, f32x4.splat(0));
    a = f64x2.add(a, lower(v)), b = f64x2.add(b, upper(v));
  }
  return sum2(a, b);
}

/** Writes the lanes below n (1 to 3) to p. */
export function store_tail(p: usize, v: v128, n: usize): void {
  v128.store_lane<f32>(p, v, 0);
  if (n > 1) v128.store_lane<f32>(p, v, 1, 4);
  if (n > 2) v128.store_lane<f32>(p, v, 2, 8);
}

/** Four vectors, transposed, to four rows that lie `step` bytes apart:  a0 a1 a2 a3 / b0 … / c0 … / d0 …   →   a0 b0 c0 d0 at out, a1 b1 c1 d1 behind it, … */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function transpose4(out: usize, step: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<f64>(ab0, cd0, 0, 2)), out += step;
  v128.store(out, v128.shuffle<f64>(ab0, cd0, 1, 3)), out += step;
  v128.store(out, v128.shuffle<f64>(ab1, cd1, 0, 2)), out += step;
  v128.store(out, v128.shuffle<f64>(ab1, cd1, 1, 3));
}
