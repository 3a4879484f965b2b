/**
 * 8-bit weights: from float32 and from a checkpoint into panels, and back.
 *
 *   w[n,k] = q[n,k] · scale[n, k/32]      q int8, scale: one for 32 neighbours along k, a float16 in a checkpoint
 *
 * A scale below 2^−19, where float16 has less than 5 digits, has 11 in the engine, so that tiny weights are rounded no worse than others; a checkpoint has
 * the float16 above it, and integers for that.
 *
 *   q [N, K] row-major            packed: panel p holds rows 8p … 8p+7, blocks of 32 along k one behind the other; in each block
 *     row 0: a0 a1 a2 …             8 scales (float32) | a0 a1 b0 b1 c0 c1 … h0 h1 | a2 a3 b2 b3 … | … 16 pairs of k
 *     row 1: b0 b1 b2 …             a step reads a pair of k of 8 rows: 16 bytes, which widen to two vectors of 4 rows × 2 int16
 *
 * Rows that N lacks in the last panel and elements that K lacks in the last block are zeros: whoever allocates writes them, kernels
 * write what is there. A tile is one row, which shares no byte with another, so that rows may come in any portions.
 */
import { f16_to_f32, f32_to_f16 } from './convert';
import { load_tail } from './simd';

/** Elements that share a scale. */
export const BLOCK: usize = 32;
/** Bytes of a block of a panel: 8 scales, 16 pairs × 8 rows. */
export const PANEL_BLOCK: usize = 288;
const SCALES: usize = 32;

/** Where row n has its scale of block 0; its pairs begin at `pairs_of` of that. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function scale_of(packed: usize, n: usize, blocks: usize): usize {
  return packed + (n >> 3) * blocks * PANEL_BLOCK + ((n & 7) << 2);
}
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function pairs_of(scale: usize): usize {
  return scale + SCALES - ((scale & 31) >> 1);
}

/** Elements i … i + 3 of a row that has n; zeros behind it. */
export function load_part(x: usize, i: usize, n: usize): v128 {
  const zero = f32x4.splat(0);
  if (i + 4 <= n) return v128.load(x + (i << 2));
  return i < n ? load_tail(x + (i << 2), n - i, zero) : zero;
}

/** The largest magnitude of 32 elements. As integers, since those of floats without a sign are in the same order, with infinity and NaN on top. */
export function largest(a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128): f32 {
  a = i32x4.max_s(i32x4.max_s(f32x4.abs(a), f32x4.abs(b)), i32x4.max_s(f32x4.abs(c), f32x4.abs(d)));
  e = i32x4.max_s(i32x4.max_s(f32x4.abs(e), f32x4.abs(f)), i32x4.max_s(f32x4.abs(g), f32x4.abs(h)));
  a = i32x4.max_s(a, e);
  a = i32x4.max_s(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
  return f32x4.extract_lane(i32x4.max_s(a, v128.shuffle<i32>(a, a, 1, 0, 3, 2)), 0);
}

/** Below it a binary16 is subnormal: a multiple of 2^−24. */
export const NORMAL: f32 = 6.103515625e-5;
/** Below it that is too coarse: by more than a 32nd. */
const FINE: f32 = 1.9073486328125e-6;

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function up_to_subnormal(x: f32): f32 {
  return Mathf.ceil(x * 16777216) * 5.9604644775390625e-8;
}

/** The least share of its binary16 that a scale may be without a word. */
const LEAST_SHARE: f32 = 8 / 9.0;

/**
 * The scale of a block by its largest magnitude: 1/127 of it, up to the next binary16, or below FINE to the next number of 11 digits, so that no element is
 * beyond 127 scales and every product with 8 bits is exact. NaN beyond binary16.
 */
function scale_for(most: f32): f32 {
  const x = most / 127, bits = reinterpret<u32>(x);
  if (x >= FINE && x < NORMAL) return up_to_subnormal(x);
  if (x < 1.17549435e-38) return most > 0 ? reinterpret<f32>(bits + 1) : 0; // subnormal float32: every multiple is exact
  return x <= 65504 ? reinterpret<f32>((bits + 0x1fff) & 0xffffe000) : NaN;
}

/** The least binary16 from a scale on. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function to_f16(scale: f32): f32 {
  return scale > 0 && scale < FINE ? up_to_subnormal(scale) : scale; // a checkpoint's may be negative
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function quotient(x: v128, scale: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.div(x, scale)));
}

/** The 32 bytes q = round(w / scale) of a block, to the nearest, ties to even. A scale of 0 gives 0. */
function quantize_block(q: usize, a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128, scale: v128): void {
  const ab = i16x8.narrow_i32x4_s(quotient(a, scale), quotient(b, scale)), cd = i16x8.narrow_i32x4_s(quotient(c, scale), quotient(d, scale));
  const ef = i16x8.narrow_i32x4_s(quotient(e, scale), quotient(f, scale)), gh = i16x8.narrow_i32x4_s(quotient(g, scale), quotient(h, scale));
  v128.store(q, i8x16.narrow_i16x8_s(ab, cd));
  v128.store(q, i8x16.narrow_i16x8_s(ef, gh), 16);
}

/** Spreads up to 16 pairs, of n bytes, over a block of a panel. Behind an odd n comes a zero. */
function spread(pairs: usize, q: usize, n: usize): void {
  for (; n >= 2; n -= 2, q += 2, pairs += 16) store<u16>(pairs, load<u16>(q));
  if (n) store<u16>(pairs, load<u8>(q));
}

/**
 *   scale[n,b] = max_k |w[n,k]| / 127, up to the next float16 or 11 digits;   q[n,k] = round(w[n,k] / scale[n, k/32])
 * out  packed: rows first …, refused: set to 1 where a block is not finite or its scale exceeds float16      in  w [n, K]
 * `scratch` holds BLOCK bytes. Tile i is row i of w. Any K. w may be a part of the columns, from the beginning of a block on: `packed` is where the first panel has
 * that block then, and `blocks` how many its rows have in all.
 */
export function quantize_q8(
  begin: usize, end: usize, scratch: usize, packed: usize, refused: usize, w: usize, first: usize, blocks: usize, K: usize,
): void {
  for (let i = begin; i < end; i++) {
    let x = w + i * (K << 2), to = scale_of(packed, first + i, blocks), pairs = pairs_of(to);
    for (let k: usize = 0; k < K; k += BLOCK, x += 128, to += PANEL_BLOCK, pairs += PANEL_BLOCK) {
      const n = min(BLOCK, K - k);
      const a = load_part(x, 0, n), b = load_part(x, 4, n), c = load_part(x, 8, n), d = load_part(x, 12, n);
      const e = load_part(x, 16, n), f = load_part(x, 20, n), g = load_part(x, 24, n), h = load_part(x, 28, n);
      const scale = scale_for(largest(a, b, c, d, e, f, g, h));
      if (scale != scale) i32.store(refused, 1);
      quantize_block(scratch, a, b, c, d, e, f, g, h, f32x4.splat(scale));
      f32.store(to, scale);
      spread(pairs, scratch, n);
    }
  }
}

/** out  packed: q of rows first …      in  q [n, K] (int8).   Tile i is row i. */
export function pack_int_q8(begin: usize, end: usize, packed: usize, q: usize, first: usize, K: usize): void {
  const blocks = (K + 31) / BLOCK;
  for (let i = begin; i < end; i++) {
    let from = q + i * K, pairs = pairs_of(scale_of(packed, first + i, blocks));
    for (let k: usize = 0; k < K; k += BLOCK, from += BLOCK, pairs += PANEL_BLOCK) spread(pairs, from, min(BLOCK, K - k));
  }
}

/**
 * out  packed: scales of rows first …, refused: set to 1 for one that is not finite      in  scale [n, ⌈K/BLOCK⌉] (float16)
 * Tile i is row i.
 */
export function pack_scale_q8(begin: usize, end: usize, packed: usize, refused: usize, scale: usize, first: usize, K: usize): void {
  const blocks = (K + 31) / BLOCK;
  for (let i = begin; i < end; i++) {
    let from = scale + i * (blocks << 1), to = scale_of(packed, first + i, blocks);
    for (let b: usize = 0; b < blocks; b++, from += 2, to += PANEL_BLOCK) {
      const h = <u32>load<u16>(from);
      if ((h & 0x7c00) == 0x7c00) i32.store(refused, 1);
      f32.store(to, f16_to_f32(h));
    }
  }
}

/** Bytes of a block of GGUF's Q8_0: a float16, 32 int8. */
const Q8_0: usize = 34;

/**
 * out  packed: rows first …, refused: set to 1 for a scale that is not finite      in  w [n, K/BLOCK] blocks of Q8_0
 * Tile i is row i. K is a multiple of BLOCK.
 */
export function pack_q8_0(begin: usize, end: usize, packed: usize, refused: usize, w: usize, first: usize, K: usize): void {
  const blocks = K / BLOCK;
  for (let i = begin; i < end; i++) {
    let from = w + i * blocks * Q8_0, to = scale_of(packed, first + i, blocks), pairs = pairs_of(to);
    for (let b: usize = 0; b < blocks; b++, from += Q8_0, to += PANEL_BLOCK, pairs += PANEL_BLOCK) {
      const h = <u32>load<u16>(from);
      if ((h & 0x7c00) == 0x7c00) i32.store(refused, 1);
      f32.store(to, f16_to_f32(h));
      spread(pairs, from + 2, BLOCK);
    }
  }
}

/**
 *   y[i] = w[rows[i]], exactly: 8 and 11 digits make a product of 19
 * out  y [n, K]      in  packed [N, K], rows: n row numbers (int32), or 0 for the rows 0 … n − 1
 * Tile i is row i of y. 0 <= rows[i] < N.
 */
export function unpack_q8(begin: usize, end: usize, y: usize, packed: usize, rows: usize, K: usize): void {
  const blocks = (K + 31) / BLOCK;
  for (let i = begin; i < end; i++) {
    const n = rows ? <usize>i32.load(rows + (i << 2)) : i;
    let from = scale_of(packed, n, blocks), pairs = pairs_of(from), to = y + i * (K << 2);
    for (let k: usize = 0; k < K; k += BLOCK, from += PANEL_BLOCK, pairs += PANEL_BLOCK) {
      const scale = f32.load(from);
      for (let j: usize = 0, rest = min(BLOCK, K - k); j < rest; j++, to += 4)
        f32.store(to, scale * <f32>load<i8>(pairs + ((j >> 1) << 4) + (j & 1)));
    }
  }
}

/**
 * out  y: q [N, K] (int8), for scales as unpack_scale_q8 gives them, refused: set to 1 as it does      in  packed [N, K]
 * Tile i is row i.
 */
export function unpack_int_q8(begin: usize, end: usize, y: usize, packed: usize, refused: usize, K: usize): void {
  const blocks = (K + 31) / BLOCK;
  for (let i = begin; i < end; i++) {
    let from = scale_of(packed, i, blocks), pairs = pairs_of(from), to = y + i * K;
    for (let k: usize = 0; k < K; k += BLOCK, from += PANEL_BLOCK, pairs += PANEL_BLOCK) {
      const scale = f32.load(from), half = to_f16(scale), share: f32 = half == scale ? 1 : scale / half;
      if (share < LEAST_SHARE) i32.store(refused, 1);
      for (let j: usize = 0, rest = min(BLOCK, K - k); j < rest; j++, to++)
        store<i8>(to, <i8>nearest<f32>(share * <f32>load<i8>(pairs + ((j >> 1) << 4) + (j & 1))));
    }
  }
}

/**
 * out  y: scale [N, ⌈K/BLOCK⌉] (float16), refused: set to 1 where a scale is less than 8/9 of its float16      in  packed
 * Tile i is row i.
 */
export function unpack_scale_q8(begin: usize, end: usize, y: usize, packed: usize, refused: usize, K: usize): void {
  const blocks = (K + 31) / BLOCK;
  for (let i = begin; i < end; i++) {
    let from = scale_of(packed, i, blocks), to = y + i * (blocks << 1);
    for (let b: usize = 0; b < blocks; b++, from += PANEL_BLOCK, to += 2) {
      const exact = f32.load(from), half = to_f16(exact);
      if (half > 0 && exact / half < LEAST_SHARE) i32.store(refused, 1);
      store<u16>(to, f32_to_f16(half));
    }
  }
}
