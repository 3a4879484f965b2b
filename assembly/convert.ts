/** A checkpoint's floats: half precision widened to float32, exactly, and the search for what is no number. A tile is TILE elements. */
import { TILE, load_tail } from './simd';

/**
 * out  refused: set to 1 where an x[i] is infinite or NaN      in  x [n]
 */
export function check_finite_f32(begin: usize, end: usize, refused: usize, x: usize, n: usize): void {
  let left = min(end * TILE, n) - (begin * TILE), p = x + ((begin * TILE) << 2);
  // As integers: those of floats without a sign are in the same order, with infinity and NaN on top.
  let a = i32x4.splat(0), b = i32x4.splat(0);
  for (; left >= 8; left -= 8, p += 32) a = i32x4.max_s(a, f32x4.abs(v128.load(p))), b = i32x4.max_s(b, f32x4.abs(v128.load(p, 16)));
  for (; left >= 4; left -= 4, p += 16) a = i32x4.max_s(a, f32x4.abs(v128.load(p)));
  if (left) b = i32x4.max_s(b, f32x4.abs(load_tail(p, left, f32x4.splat(0))));
  if (v128.any_true(i32x4.gt_s(i32x4.max_s(a, b), i32x4.splat(0x7f7fffff)))) i32.store(refused, 1);
}

/**
 * y[i] = x[i], bfloat16 → float32: the upper half of the same bits.
 * out  y [n]      in  x [n] (2 bytes each)
 */
export function convert_bf16_f32(begin: usize, end: usize, y: usize, x: usize, n: usize): void {
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i++) store<u32>(y + (i << 2), <u32>load<u16>(x + (i << 1)) << 16);
}

/** Subnormals, infinities and NaNs included. Shifted into place, the exponent is 112 too small: one multiplication by 2^112 mends it, and normalises subnormals. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function f16_to_f32(h: u32): f32 {
  const magnitude = h & 0x7fff;
  const wide = reinterpret<u32>(reinterpret<f32>(magnitude << 13) * reinterpret<f32>(0x77800000));
  const bits = magnitude >= 0x7c00 ? (magnitude << 13) | 0x7f800000 : wide;
  return reinterpret<f32>(bits | ((h & 0x8000) << 16));
}

/** The bits of a float32 that binary16 holds exactly. */
export function f32_to_f16(x: f32): u32 {
  const bits = reinterpret<u32>(x), magnitude = bits & 0x7fffffff;
  const normal = (magnitude >> 13) - (112 << 10), small = <u32>(reinterpret<f32>(magnitude) * 16777216);
  return ((bits >> 16) & 0x8000) | (magnitude < 0x38800000 ? small : normal);
}

/**
 * y[i] = x[i], IEEE 754 binary16 → float32.
 * out  y [n]      in  x [n] (2 bytes each)
 */
export function convert_f16_f32(begin: usize, end: usize, y: usize, x: usize, n: usize): void {
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i++) f32.store(y + (i << 2), f16_to_f32(<u32>load<u16>(x + (i << 1))));
}
