/**
 * Rounds float32 to 4-bit weights (q4.ts has their panels), and gives panels back as blocks of Q4_1.
 *
 * 32 neighbours x are to be d q + m with the least sum of squared errors, q 0 … 15, d and m float16. Where q is given, the best d and m are those of a linear regression; where they are
 * given, the best q is the nearest. So both are found in turn, which comes to rest at a near optimum: the range from the least to the largest, and two narrower ones, which cut
 * what lies far out, each begin such a search, and the best of all that was seen is kept. The first that is seen is what the extremes alone give, so that the result is never worse.
 */
import { f16_to_f32, f32_to_f16 } from './convert';
import { MINIMA, Q4_BLOCK, quads_of, scale_of } from './q4';
import { BLOCK, NORMAL, largest } from './quantize';

/** Ranges that a search begins with, as shares of the whole, and how often each is fitted again. */
const SHARES: usize = memory.data<f32>([1, 0.92, 0.84]);
const FITS = 3;
/** Elements of a block; a level's distance as a share of half a range. */
const N: f32 = 32;
const STEP: f32 = 0.13333333333333333;
/** float16's largest. */
const MOST: f32 = 65504;

/** The nearest binary16, which is no more than MOST. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function near_f16(x: f32): f32 {
  if (abs<f32>(x) < NORMAL) return nearest<f32>(x * 16777216) * 5.9604644775390625e-8;
  return reinterpret<f32>((reinterpret<u32>(x) + 0x1000) & 0xffffe000);
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function sum_of(a: v128): f32 {
  return f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3));
}

/** q of four elements that have lost their m, as float32. `inverse` is 1 / d, or 0. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function codes(x: v128, inverse: v128): v128 {
  return f32x4.min(f32x4.max(f32x4.nearest(f32x4.mul(x, inverse)), f32x4.splat(0)), f32x4.splat(15));
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function inverse_of(d: f32): v128 {
  return f32x4.splat(d > 0 ? 1 / d : 0);
}

/** d of 32 elements, and m in the upper 16 bits; they are finite, and none beyond MOST. */
function fit(x: usize): u32 {
  let low = v128.load(x), high = low;
  for (let k: usize = 16; k < 128; k += 16) low = f32x4.min(low, v128.load(x + k)), high = f32x4.max(high, v128.load(x + k));
  const least = min(min(f32x4.extract_lane(low, 0), f32x4.extract_lane(low, 1)), min(f32x4.extract_lane(low, 2), f32x4.extract_lane(low, 3)));
  const most = max(max(f32x4.extract_lane(high, 0), f32x4.extract_lane(high, 1)), max(f32x4.extract_lane(high, 2), f32x4.extract_lane(high, 3)));
  const middle = (least + most) * 0.5;
  let best = f32.MAX_VALUE, found: u32 = 0;
  for (let i: usize = 0; i < 3; i++) {
    const half = (most - least) * 0.5 * f32.load(SHARES + (i << 2));
    let d = half * STEP, m = i == 0 ? least : middle - half;
    for (let turn = 0; turn <= FITS; turn++) {
      d = near_f16(max<f32>(d, 0)), m = near_f16(min<f32>(max<f32>(m, -MOST), MOST));
      const vd = f32x4.splat(d), vm = f32x4.splat(m), inverse = inverse_of(d);
      let error = f32x4.splat(0), q1 = error, q2 = error, r1 = error, qr = error;
      for (let k: usize = 0; k < 128; k += 16) {
        const r = f32x4.sub(v128.load(x + k), vm), q = codes(r, inverse), e = f32x4.sub(r, f32x4.mul(q, vd));
        error = f32x4.add(error, f32x4.mul(e, e)), q1 = f32x4.add(q1, q), q2 = f32x4.add(q2, f32x4.mul(q, q));
        r1 = f32x4.add(r1, r), qr = f32x4.add(qr, f32x4.mul(q, r));
      }
      const all = sum_of(error);
      if (all < best) best = all, found = f32_to_f16(d) | (f32_to_f16(m) << 16);
      const q = sum_of(q1), r = sum_of(r1), spread = sum_of(q2) * N - q * q;
      if (spread <= 0) break;
      d = (sum_of(qr) * N - q * r) / spread, m += (r - d * q) / N;
    }
  }
  return found;
}

/**
 *   d, m[n,b] and q[n,k] with a small Σ_{k in b} (w[n,k] − d q − m)²
 * out  packed: rows first …, refused: set to 1 where a number is not finite, or beyond float16      in  w [n, K]
 * Tile i is row i of w. K is a multiple of BLOCK. w may be a part of the columns: `packed` is where the first panel has their first block then, and `blocks` how many its rows have in all.
 */
export function quantize_q4(
  begin: usize, end: usize, packed: usize, refused: usize, w: usize, first: usize, blocks: usize, K: usize,
): void {
  for (let i = begin; i < end; i++) {
    let x = w + i * (K << 2), to = scale_of(packed, first + i, blocks), at = quads_of(to);
    for (let k: usize = 0; k < K; k += BLOCK, x += 128, to += Q4_BLOCK, at += Q4_BLOCK) {
      const most = largest(
        v128.load(x), v128.load(x, 16), v128.load(x, 32), v128.load(x, 48), v128.load(x, 64), v128.load(x, 80), v128.load(x, 96), v128.load(x, 112),
      );
      if (!(most <= MOST)) {
        i32.store(refused, 1);
        continue;
      }
      const found = fit(x), d = f16_to_f32(found & 0xffff), m = f32x4.splat(f16_to_f32(found >> 16)), inverse = inverse_of(d);
      store<u16>(to, found), store<u16>(to, found >> 16, MINIMA);
      for (let j: usize = 0; j < 64; j += 16) {
        const low = i32x4.trunc_sat_f32x4_u(codes(f32x4.sub(v128.load(x + j), m), inverse));
        const high = i32x4.trunc_sat_f32x4_u(codes(f32x4.sub(v128.load(x + j, 64), m), inverse));
        const bytes = v128.or(low, i32x4.shl(high, 4)), words = i16x8.narrow_i32x4_u(bytes, bytes);
        i32.store(at + (j << 1), i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0));
      }
    }
  }
}

/**
 * out  y [N, K/BLOCK] blocks of Q4_1: d, m, 16 bytes      in  packed [N, K]
 * Tile i is row i.
 */
export function blocks_q4(begin: usize, end: usize, y: usize, packed: usize, K: usize): void {
  const blocks = K / BLOCK;
  for (let i = begin; i < end; i++) {
    let from = scale_of(packed, i, blocks), at = quads_of(from), to = y + i * blocks * 20;
    for (let b: usize = 0; b < blocks; b++, from += Q4_BLOCK, at += Q4_BLOCK, to += 20) {
      store<u16>(to, load<u16>(from)), store<u16>(to, load<u16>(from, MINIMA), 2);
      for (let j: usize = 0; j < 4; j++) store<u32>(to + (j << 2), load<u32>(at + (j << 5)), 4);
    }
  }
}
