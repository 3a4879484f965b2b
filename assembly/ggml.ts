/**
 * ggml's blocks that no product reads (ggml-common.h, ggml-quants.c): widened to float32, with the bits of ggml's own dequantization, or recoded, into the blocks that
 * products' panels are filled with (q4.ts, quantize.ts). Of K-quants a block has 256 elements, in parts of 16 or 32 with a scale of few bits each; d and dmin are float16:
 *
 *   Q2_K   (d sc) q − (dmin m)     q 0 … 3,  sc, m 0 … 15 for 16       Q5_K   (d sc) q − (dmin m)     q 0 … 31, sc, m 0 … 63 for 32
 *   Q3_K   (d sc) (q − 4)          q 0 … 7,  sc −32 … 31 for 16        Q6_K   (d sc) (q − 32)         q 0 … 63, sc int8 for 16
 *   Q4_K   (d sc) q − (dmin m)     q 0 … 15, sc, m 0 … 63 for 32
 *   Q5_0   d (q − 16)              Q5_1   d q + m     q 0 … 31         IQ4_NL  d v[q]     16 values v of int8                          for 32 in a block
 *
 * A tile is a block of x, wherever rows begin: they are whole blocks.
 */
import { f16_to_f32, f32_to_f16 } from './convert';

const K: usize = 256, HALF: usize = 128, PART: usize = 32;
/** Bytes of blocks of 32 that are made: Q8_0 a float16 and 32 int8; Q4_1 two float16 and 16 bytes, low halves first. */
const Q8_0: usize = 34, Q4_1: usize = 20;

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function f16(p: usize): f32 {
  return f16_to_f32(<u32>load<u16>(p));
}

/** The nearest float16, of two the even one; infinity beyond. */
function nearest_f16(x: f32): u32 {
  const bits = reinterpret<u32>(x), magnitude = bits & 0x7fffffff, sign = (bits >> 16) & 0x8000;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | <u32>nearest(reinterpret<f32>(magnitude) * 16777216);
  return f32_to_f16(reinterpret<f32>((bits + 0xfff + ((bits >> 13) & 1)) & 0xffffe000));
}

/** Scale and minimum of part i, of 6 bits each, in 12 bytes of Q4_K and Q5_K. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function scale6(p: usize, i: usize): f32 {
  return <f32>(i < 4 ? <u32>load<u8>(p + i) & 63 : (<u32>load<u8>(p + i, 4) & 15) | ((<u32>load<u8>(p + i - 4) >> 6) << 4));
}
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function least6(p: usize, i: usize): f32 {
  return <f32>(i < 4 ? <u32>load<u8>(p + i, 4) & 63 : (<u32>load<u8>(p + i, 4) >> 4) | ((<u32>load<u8>(p + i) >> 6) << 4));
}

/** Element l of 32, of those that shift j of 2 bits brings down in half h: its part of 16. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function sixteenth(h: usize, j: usize, l: usize): usize {
  return (h << 3) + (j << 1) + (l >> 4);
}

const Q2_K: usize = 84;

/** Element l of 32 in half h behind shift j: 16 bytes of scales and minima, 64 of q, d, dmin. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function value_q2_k(x: usize, h: usize, j: usize, l: usize): f32 {
  const s = <u32>load<u8>(x + sixteenth(h, j, l)), q = (<u32>load<u8>(x + (h << 5) + l, 16) >> (<u32>j << 1)) & 3;
  return f16(x + 80) * <f32>(s & 15) * <f32>q - f16(x + 82) * <f32>(s >> 4);
}

/** out  y [256 n]      in  x: n blocks of Q2_K */
export function widen_q2_k(begin: usize, end: usize, y: usize, x: usize): void {
  x += begin * Q2_K, y += begin * (K << 2);
  for (let i = begin; i < end; i++, x += Q2_K)
    for (let h: usize = 0; h < 2; h++)
      for (let j: usize = 0; j < 4; j++) for (let l: usize = 0; l < PART; l++, y += 4) f32.store(y, value_q2_k(x, h, j, l));
}

/** Writes a block of Q4_1, but for its integers. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function head_q4_1(y: usize, d: u32, m: u32): void {
  store<u16>(y, d), store<u16>(y, m, 2);
}

/**
 * 32 neighbours share 16 values between their least and their largest in place of two times 4.
 * out  y: 8 n blocks of Q4_1      in  x: n blocks of Q2_K
 */
export function recode_q2_k(begin: usize, end: usize, y: usize, x: usize): void {
  x += begin * Q2_K, y += begin * (Q4_1 << 3);
  for (let i = begin; i < end; i++, x += Q2_K)
    for (let h: usize = 0; h < 2; h++)
      for (let j: usize = 0; j < 4; j++, y += Q4_1) {
        let low = value_q2_k(x, h, j, 0), high = low;
        for (let l: usize = 1; l < PART; l++) {
          const value = value_q2_k(x, h, j, l);
          low = min(low, value), high = max(high, value);
        }
        const m = nearest_f16(low), least = f16_to_f32(m), d = nearest_f16((high - least) / 15), step = f16_to_f32(d);
        head_q4_1(y, d, m);
        const inverse: f32 = step > 0 ? 1 / step : 0;
        for (let l: usize = 0; l < 16; l++) {
          const a = <i32>nearest((value_q2_k(x, h, j, l) - least) * inverse), b = <i32>nearest((value_q2_k(x, h, j, l + 16) - least) * inverse);
          store<u8>(y + l, <u32>max(0, min(15, a)) | (<u32>max(0, min(15, b)) << 4), 4);
        }
      }
}

const Q3_K: usize = 110;

/**
 * Exact: sc (4 − q) is −128 … 124, an int8, and −d its scale.
 * out  y: 8 n blocks of Q8_0      in  x: n blocks of Q3_K: 32 bytes of highest bits, 64 of q, 12 of scales, d
 */
export function recode_q3_k(begin: usize, end: usize, y: usize, x: usize): void {
  x += begin * Q3_K, y += begin * (Q8_0 << 3);
  for (let i = begin; i < end; i++, x += Q3_K)
    for (let h: usize = 0; h < 2; h++)
      for (let j: usize = 0; j < 4; j++, y += Q8_0) {
        store<u16>(y, <u32>load<u16>(x, 108) ^ 0x8000);
        for (let l: usize = 0; l < PART; l++) {
          const s = sixteenth(h, j, l), low = <u32>load<u8>(x + (s & 7), 96) >> (s < 8 ? 0 : 4);
          const high = <u32>load<u8>(x + (s & 3), 104) >> (<u32>(s >> 2) << 1), scale = <i32>((low & 15) | ((high & 3) << 4)) - 32;
          const bit = (<u32>load<u8>(x + l) >> <u32>((h << 2) + j)) & 1, q = ((<u32>load<u8>(x + (h << 5) + l, 32) >> (<u32>j << 1)) & 3) | (bit << 2);
          store<i8>(y + l, scale * (4 - <i32>q), 2);
        }
      }
}

const Q4_K: usize = 144;

/** out  y [256 n]      in  x: n blocks of Q4_K: d, dmin, 12 bytes of scales and minima, 128 of q */
export function widen_q4_k(begin: usize, end: usize, y: usize, x: usize): void {
  x += begin * Q4_K, y += begin * (K << 2);
  for (let i = begin; i < end; i++, x += Q4_K)
    for (let s: usize = 0; s < 8; s++) {
      const d = f16(x) * scale6(x + 4, s), m = f16(x + 2) * least6(x + 4, s), shift = (<u32>s & 1) << 2, q = x + 16 + ((s >> 1) << 5);
      for (let l: usize = 0; l < PART; l++, y += 4) f32.store(y, d * <f32>((<u32>load<u8>(q + l) >> shift) & 15) - m);
    }
}

/**
 * The integers stay; d sc and −dmin m are rounded to float16, by 2^−12 of them at most.
 * out  y: 8 n blocks of Q4_1      in  x: n blocks of Q4_K
 */
export function recode_q4_k(begin: usize, end: usize, y: usize, x: usize): void {
  x += begin * Q4_K, y += begin * (Q4_1 << 3);
  for (let i = begin; i < end; i++, x += Q4_K)
    for (let s: usize = 0; s < 8; s++, y += Q4_1) {
      head_q4_1(y, nearest_f16(f16(x) * scale6(x + 4, s)), nearest_f16(-(f16(x + 2) * least6(x + 4, s))));
      const q = x + 16 + ((s >> 1) << 5), shift = (<u32>s & 1) << 2;
      for (let l: usize = 0; l < 16; l++)
        store<u8>(y + l, ((<u32>load<u8>(q + l) >> shift) & 15) | (((<u32>load<u8>(q + l, 16) >> shift) & 15) << 4), 4);
    }
}

const Q5_K: usize = 176;

/** out  y [256 n]      in  x: n blocks of Q5_K: d, dmin, 12 bytes of scales and minima, 32 of fifth bits, 128 of q */
export function widen_q5_k(begin: usize, end: usize, y: usize, x: usize): void {
  x += begin * Q5_K, y += begin * (K << 2);
  for (let i = begin; i < end; i++, x += Q5_K)
    for (let s: usize = 0; s < 8; s++) {
      const d = f16(x) * scale6(x + 4, s), m = f16(x + 2) * least6(x + 4, s), shift = (<u32>s & 1) << 2, q = x + 48 + ((s >> 1) << 5);
      for (let l: usize = 0; l < PART; l++, y += 4) {
        const low = (<u32>load<u8>(q + l) >> shift) & 15, high = ((<u32>load<u8>(x + l, 16) >> <u32>s) & 1) << 4;
        f32.store(y, d * <f32>(low | high) - m);
      }
    }
}

const Q6_K: usize = 210;

/** out  y [256 n]      in  x: n blocks of Q6_K: 128 bytes of q's low halves, 64 of its highest two bits, 16 scales, d */
export function widen_q6_k(begin: usize, end: usize, y: usize, x: usize): void {
  x += begin * Q6_K, y += begin * (K << 2);
  for (let i = begin; i < end; i++, x += Q6_K)
    for (let h: usize = 0; h < 2; h++)
      for (let j: usize = 0; j < 4; j++)
        for (let l: usize = 0; l < PART; l++, y += 4) {
          const low = (<u32>load<u8>(x + (h << 6) + ((j & 1) << 5) + l) >> (<u32>(j >> 1) << 2)) & 15;
          const high = (<u32>load<u8>(x + (h << 5) + l, HALF) >> (<u32>j << 1)) & 3;
          f32.store(y, f16(x + 208) * <f32>load<i8>(x + sixteenth(h, j, l), 192) * <f32>(<i32>(low | (high << 4)) - 32));
        }
}

/** Element l of a block of 32: 4 bytes of fifth bits, 16 of q's low halves. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function q5(x: usize, l: usize): u32 {
  const low = <u32>load<u8>(x + (l & 15), 4) >> (l < 16 ? 0 : 4);
  return (low & 15) | (((load<u32>(x) >> <u32>l) & 1) << 4);
}

/** Exact. out  y: n blocks of Q8_0      in  x: n blocks of Q5_0: d, fifth bits, q */
export function recode_q5_0(begin: usize, end: usize, y: usize, x: usize): void {
  x += begin * 22, y += begin * Q8_0;
  for (let i = begin; i < end; i++, x += 22, y += Q8_0) {
    store<u16>(y, <u32>load<u16>(x));
    for (let l: usize = 0; l < PART; l++) store<i8>(y + l, <i32>q5(x + 2, l) - 16, 2);
  }
}

/** out  y [32 n]      in  x: n blocks of Q5_1: d, m, fifth bits, q */
export function widen_q5_1(begin: usize, end: usize, y: usize, x: usize): void {
  x += begin * 24, y += begin * (PART << 2);
  for (let i = begin; i < end; i++, x += 24)
    for (let l: usize = 0; l < PART; l++, y += 4) f32.store(y, f16(x) * <f32>q5(x + 4, l) + f16(x + 2));
}

/** Exact: −127 −104 −83 −65 −49 −35 −22 −10 1 13 25 38 53 69 89 113 are int8. out  y: n blocks of Q8_0      in  x: n blocks of IQ4_NL: d, 16 bytes of q */
export function recode_iq4_nl(begin: usize, end: usize, y: usize, x: usize): void {
  const values = i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113), low = i8x16.splat(15);
  x += begin * 18, y += begin * Q8_0;
  for (let i = begin; i < end; i++, x += 18, y += Q8_0) {
    const q = v128.load(x, 2);
    store<u16>(y, <u32>load<u16>(x));
    v128.store(y, i8x16.swizzle(values, v128.and(q, low)), 2), v128.store(y, i8x16.swizzle(values, i8x16.shr_u(q, 4)), 18);
  }
}
