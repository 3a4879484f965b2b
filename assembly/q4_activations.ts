/**
 * Activations as products with 4-bit weights meet them: integers, with a scale for 32 neighbours. Those are bytes, but for the four that the block's largest is among, a quad, which
 * have 16 bits: an activation that is far larger than its neighbours does not make them coarse.
 *
 *   s = max(|x| outside of the quad of the largest / 127, |x| of the largest / 32512),   p[k] = round(x[k] / s)
 *
 * A block of a row, a quad being x0 x1 x2 x3:
 *   for products of int16    x0 x2 of 8 quads | x1 x3 of 8 quads (int16) | s | Σ p
 *                of bytes    8 quads (int8): p − 256 h | h of the quad of 16 bits | which that is | s | Σ p
 */
import { Dots, dots } from './dots';
import { BLOCK } from './quantize';
import { rounded } from './quantized';

/** The most bytes of a block of a row, those of int16. */
export const Q4_ROW_BLOCK: usize = 72;
export const WORDS_SCALE: usize = 64;
/** Bytes of a block of bytes. */
export const BYTES_BLOCK: usize = 48;
export const BYTES_HIGH: usize = 32;
export const BYTES_QUAD: usize = 36;
export const BYTES_SCALE: usize = 40;

/** Σ p, behind the scale. */
const TOTAL: usize = 4;

/** 1.5 · 2^23, which rounds to the nearest integer and leaves it in the low bits; the largest of the quad of 16 bits, and of others; the least scale, whose inverse is finite. */
const C: usize = memory.data<f32>([12582912, 32512, 127, 5.877471754111438e-39]);

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function pair_sums(a: v128, b: v128): v128 {
  return i32x4.add(i32x4.extadd_pairwise_i16x8_s(a), i32x4.extadd_pairwise_i16x8_s(b));
}

/** The largest lane of each of four vectors. As integers, since those of floats without a sign are in the same order, with infinity and NaN on top. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function quad_maxima(a: v128, b: v128, c: v128, d: v128): v128 {
  a = f32x4.abs(a), b = f32x4.abs(b), c = f32x4.abs(c), d = f32x4.abs(d);
  const ab = i32x4.max_s(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.shuffle<i32>(a, b, 2, 3, 6, 7));
  const cd = i32x4.max_s(v128.shuffle<i32>(c, d, 0, 1, 4, 5), v128.shuffle<i32>(c, d, 2, 3, 6, 7));
  return i32x4.max_s(v128.shuffle<i32>(ab, cd, 0, 2, 4, 6), v128.shuffle<i32>(ab, cd, 1, 3, 5, 7));
}

/** The largest lane in all lanes. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function spread_largest(a: v128): v128 {
  a = i32x4.max_s(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
  return i32x4.max_s(a, v128.shuffle<i32>(a, a, 1, 0, 3, 2));
}

/** x0 and x2 of four quads, and x1 and x3 of them 32 bytes behind: what the bytes of 4-bit weights are parted into. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function store_parted(to: usize, p: v128, q: v128): void {
  v128.store(to, v128.shuffle<i16>(p, q, 0, 2, 4, 6, 8, 10, 12, 14)), v128.store(to, v128.shuffle<i16>(p, q, 1, 3, 5, 7, 9, 11, 13, 15), 32);
}

/** 16 low bytes. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function store_bytes(to: usize, p: v128, q: v128): void {
  v128.store(to, v128.shuffle<i8>(p, q, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30));
}

/** What a signed low byte leaves for the high one. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function high_bytes(p: v128, q: v128, half: v128): v128 {
  return i8x16.narrow_i16x8_s(i16x8.shr_s(i16x8.add(p, half), 8), i16x8.shr_s(i16x8.add(q, half), 8));
}

/** A block of x. One that holds an infinity or a NaN has the scale NaN: it spoils the whole row, as it would in float32. */
function round_block(to: usize, a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128): void {
  const m = quad_maxima(a, b, c, d), n = quad_maxima(e, f, g, h), top = spread_largest(i32x4.max_s(m, n));
  const inM = i32x4.eq(m, top), inN = i32x4.eq(n, top), quads = i32x4.bitmask(inM) | (i32x4.bitmask(inN) << 4);
  const others = spread_largest(i32x4.max_s(v128.andnot(m, inM), v128.andnot(n, inN)));
  const most = f32x4.extract_lane(top, 0), next = quads & (quads - 1) ? most : f32x4.extract_lane(others, 0);
  const scale = max<f32>(max<f32>(next / f32.load(C + 8), most / f32.load(C + 4)), f32.load(C + 12));
  const inverse = f32x4.splat(1 / scale), magic = v128.load32_splat(C), s: f32 = most < Infinity ? scale : NaN;
  a = i16x8.narrow_i32x4_s(rounded(a, inverse, magic), rounded(b, inverse, magic));
  c = i16x8.narrow_i32x4_s(rounded(c, inverse, magic), rounded(d, inverse, magic));
  e = i16x8.narrow_i32x4_s(rounded(e, inverse, magic), rounded(f, inverse, magic));
  g = i16x8.narrow_i32x4_s(rounded(g, inverse, magic), rounded(h, inverse, magic));
  let sums = i32x4.add(pair_sums(a, c), pair_sums(e, g));
  sums = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1));
  const total = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  let at = to + WORDS_SCALE;
  if (dots() == Dots.Words) {
    store_parted(to, a, c), store_parted(to + 16, e, g);
  } else {
    const half = i16x8.splat(128);
    store_bytes(to, a, c), store_bytes(to + 16, e, g);
    let high = v128.or(high_bytes(a, c, half), high_bytes(e, g, half));
    high = v128.or(high, v128.shuffle<i32>(high, high, 2, 3, 0, 1));
    i32.store(to + BYTES_HIGH, i32x4.extract_lane(high, 0) | i32x4.extract_lane(high, 1)), i32.store(to + BYTES_QUAD, ctz(quads));
    at = to + BYTES_SCALE;
  }
  f32.store(at, s), f32.store(at + TOTAL, <f32>total);
}

/**
 *   y[m,b] = p, s and Σ p of x[m, 32b … 32b + 31]
 * out  y [M, K/BLOCK] as the file's head shows, Q4_ROW_BLOCK bytes for each at most      in  x [M, K]
 * Tile i is row i. K is a multiple of BLOCK.
 */
export function quantize_i8(begin: usize, end: usize, y: usize, x: usize, K: usize): void {
  const step = row_block();
  let from = x + begin * (K << 2), to = y + begin * (K / BLOCK) * step;
  for (const last = x + end * (K << 2); from < last; from += BLOCK << 2, to += step)
    round_block(
      to, v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48),
      v128.load(from, 64), v128.load(from, 80), v128.load(from, 96), v128.load(from, 112),
    );
}

/** Bytes of a block of a row. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function row_block(): usize {
  return dots() == Dots.Words ? Q4_ROW_BLOCK : BYTES_BLOCK;
}
