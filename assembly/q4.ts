/**
 * 4-bit weights, as GGUF's Q4_0 and Q4_1 have them: from a checkpoint's blocks into panels, back, and products.
 *
 *   w[n,k] = q[n,k] · d[n, k/32] + m[n, k/32]      q 0 … 15; d, m: float16 for 32 neighbours along k. Q4_0, d · (q − 8), has m = −8 d, exactly
 *
 *   packed: panel p holds rows 8p … 8p+7, blocks of 32 along k one behind the other; in each block
 *     8 d | 8 m | 4 groups of 8 elements along k, each of 8 rows × 2 words of 16 bits: word j of a row holds its elements j, j + 2, j + 4, j + 6, the first lowest.
 *     So a word's lowest bits, and what shifts by 4 bring there, are pairs of neighbours of 8 rows, as int16: what a step of the product reads.
 *
 * A product meets activations as quantized.ts rounds them, whose blocks have their sums:
 *
 *   y[m,n] = Σ_b s[m,b] · (d[n,b] · Σ_{k in b} p[m,k] · q[n,k] + m[n,b] · Σ_{k in b} p[m,k])        one float32 chain over the blocks, b ascending
 *
 * Both sums are of integers below 2^24, which float32 holds: 15 · 32767 · 32. As with 8 bits plain and relaxed binaries have the same bits. K is a multiple of 32: files
 * have no others. Rows that N lacks in the last panel are zeros, which whoever allocates writes.
 */
import { f16_to_f32, f32_to_f16 } from './convert';
import { BLOCK } from './quantize';
import { add_dot } from './quantized';

/** Bytes of a block of a panel: 8 d, 8 m, 8 rows × 32 elements. */
export const Q4_BLOCK: usize = 160;
const MINIMA: usize = 16;
const WORDS: usize = 32;

/** Where row n has its d of block 0. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function scale_of(packed: usize, n: usize, blocks: usize): usize {
  return packed + (n >> 3) * blocks * Q4_BLOCK + ((n & 7) << 1);
}
/** Where the row has its words of the same block. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function words_of(scale: usize): usize {
  return scale + WORDS + (scale & 15);
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function is_finite(h: u32): bool {
  return (h & 0x7c00) != 0x7c00;
}

/** Of 8 elements, in the low halves of bytes, the words of a row: elements 0, 2, 4, 6 and 1, 3, 5, 7. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function words(bytes: u64): u32 {
  const even = bytes & 0x000f000f000f000f, odd = (bytes >> 8) & 0x000f000f000f000f;
  const low = (even | (even >> 12) | (even >> 24) | (even >> 36)) & 0xffff, high = (odd | (odd >> 12) | (odd >> 24) | (odd >> 36)) & 0xffff;
  return <u32>low | (<u32>high << 16);
}

/**
 * out  packed: rows first …, refused: set to 1 where d or m is not finite, or 8 d exceeds float16      in  w [n, K/BLOCK] blocks of 18 bytes (Q4_0) or 20 (Q4_1)
 * A block of w: d, m in Q4_1, and 16 bytes: in their low halves elements 0 … 15, in their high ones 16 … 31. Tile i is row i.
 */
export function pack_q4(begin: usize, end: usize, packed: usize, refused: usize, w: usize, first: usize, K: usize, bytes: usize): void {
  const blocks = K / BLOCK;
  for (let i = begin; i < end; i++) {
    let from = w + i * blocks * bytes, to = scale_of(packed, first + i, blocks), at = words_of(to);
    for (let b: usize = 0; b < blocks; b++, from += bytes, to += Q4_BLOCK, at += Q4_BLOCK) {
      const d = <u32>load<u16>(from), least = f16_to_f32(d) * -8;
      const m = bytes == 20 ? <u32>load<u16>(from, 2) : abs<f32>(least) <= 65504 ? f32_to_f16(least) : 0x7c00;
      if (!is_finite(d) || !is_finite(m)) i32.store(refused, 1);
      store<u16>(to, d), store<u16>(to, m, MINIMA);
      const low = load<u64>(from + bytes - 16), high = load<u64>(from + bytes - 8);
      store<u32>(at, words(low)), store<u32>(at, words(high), 32);
      store<u32>(at, words(low >> 4), 64), store<u32>(at, words(high >> 4), 96);
    }
  }
}

/**
 *   y[i] = w[rows[i]]: q · d is exact, and adding m rounds once, as ggml's own dequantization does
 * out  y [n, K]      in  packed [N, K], rows: n row numbers (int32), or 0 for the rows 0 … n − 1
 * Tile i is row i of y. 0 <= rows[i] < N.
 */
export function unpack_q4(begin: usize, end: usize, y: usize, packed: usize, rows: usize, K: usize): void {
  const blocks = K / BLOCK;
  for (let i = begin; i < end; i++) {
    const n = rows ? <usize>i32.load(rows + (i << 2)) : i;
    let from = scale_of(packed, n, blocks), at = words_of(from), to = y + i * (K << 2);
    for (let b: usize = 0; b < blocks; b++, from += Q4_BLOCK, at += Q4_BLOCK) {
      const d = f16_to_f32(<u32>load<u16>(from)), m = f16_to_f32(<u32>load<u16>(from, MINIMA));
      for (let k: usize = 0; k < BLOCK; k++, to += 4) {
        const word = <u32>load<u16>(at + ((k >> 3) << 5) + ((k & 1) << 1));
        f32.store(to, d * <f32>((word >> (((<u32>k >> 1) & 3) << 2)) & 15) + m);
      }
    }
  }
}

/** Four float16, which are finite, as float32. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function widened(p: usize): v128 {
  const bits = v128.and(i32x4.shl(v128.load16x4_s(p), 13), i32x4.splat(<i32>0x8fffffff));
  return f32x4.mul(bits, f32x4.splat(reinterpret<f32>(0x77800000))); // 2^112, as in f16_to_f32
}

/** acc + (sum · d + m · total) · s, the step of the chain; x is where the block has its s and its total. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function step(acc: v128, sum: v128, d: v128, m: v128, x: usize): v128 {
  const scaled = f32x4.mul(f32x4.convert_i32x4_s(sum), d), moved = f32x4.mul(m, v128.load32_splat(x, 4));
  return f32x4.add(acc, f32x4.mul(f32x4.add(scaled, moved), v128.load32_splat(x)));
}

/** One step of the chain of a row, whose sums stay in y between blocks: registers hold integers. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function step_row(y: usize, sum0: v128, sum1: v128, w: usize, x: usize): void {
  v128.store(y, step(v128.load(y), sum0, widened(w), widened(w + MINIMA), x));
  v128.store(y, step(v128.load(y, 16), sum1, widened(w + 8), widened(w + MINIMA + 8), x), 16);
}

/** Four rows × one panel. */
function micro_4x1_q4(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, blocks: usize): void {
  let x1 = x + ldx, x2 = x1 + ldx, x3 = x2 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy, y3 = y2 + ldy, zero = f32x4.splat(0), mask = i16x8.splat(15);
  v128.store(y, zero), v128.store(y, zero, 16), v128.store(y1, zero), v128.store(y1, zero, 16);
  v128.store(y2, zero), v128.store(y2, zero, 16), v128.store(y3, zero), v128.store(y3, zero, 16);
  do {
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0), b0 = i32x4.splat(0), b1 = i32x4.splat(0);
    let c0 = i32x4.splat(0), c1 = i32x4.splat(0), d0 = i32x4.splat(0), d1 = i32x4.splat(0);
    let p = w + WORDS;
    w += Q4_BLOCK;
    do {
      let v0 = v128.load(p), v1 = v128.load(p, 16), pairs = 4;
      do {
        const w0 = v128.and(v0, mask), w1 = v128.and(v1, mask);
        v0 = i16x8.shr_u(v0, 4), v1 = i16x8.shr_u(v1, 4);
        const a = v128.load32_splat(x);
        a0 = add_dot(a0, w0, a), a1 = add_dot(a1, w1, a);
        const b = v128.load32_splat(x1);
        b0 = add_dot(b0, w0, b), b1 = add_dot(b1, w1, b);
        const c = v128.load32_splat(x2);
        c0 = add_dot(c0, w0, c), c1 = add_dot(c1, w1, c);
        const d = v128.load32_splat(x3);
        d0 = add_dot(d0, w0, d), d1 = add_dot(d1, w1, d);
        x += 4, x1 += 4, x2 += 4, x3 += 4;
      } while (--pairs);
      p += 32;
    } while (p < w);
    const scales = w - Q4_BLOCK;
    step_row(y, a0, a1, scales, x), step_row(y1, b0, b1, scales, x1), step_row(y2, c0, c1, scales, x2), step_row(y3, d0, d1, scales, x3);
    x += 8, x1 += 8, x2 += 8, x3 += 8;
  } while (--blocks);
}

/** Two rows: a group's words are in registers as a whole. */
function micro_2x1_q4(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, blocks: usize): void {
  const mask = i16x8.splat(15);
  let x1 = x + ldx;
  let y0 = f32x4.splat(0), y1 = f32x4.splat(0), y2 = f32x4.splat(0), y3 = f32x4.splat(0);
  do {
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0), b0 = i32x4.splat(0), b1 = i32x4.splat(0);
    let p = w + WORDS;
    w += Q4_BLOCK;
    do {
      let v0 = v128.load(p), v1 = v128.load(p, 16), pairs = 4;
      do {
        const w0 = v128.and(v0, mask), w1 = v128.and(v1, mask), a = v128.load32_splat(x), b = v128.load32_splat(x1);
        v0 = i16x8.shr_u(v0, 4), v1 = i16x8.shr_u(v1, 4);
        a0 = add_dot(a0, w0, a), a1 = add_dot(a1, w1, a), b0 = add_dot(b0, w0, b), b1 = add_dot(b1, w1, b);
        x += 4, x1 += 4;
      } while (--pairs);
      p += 32;
    } while (p < w);
    const scales = w - Q4_BLOCK, d0 = widened(scales), d1 = widened(scales + 8), m0 = widened(scales + MINIMA), m1 = widened(scales + MINIMA + 8);
    y0 = step(y0, a0, d0, m0, x), y1 = step(y1, a1, d1, m1, x), y2 = step(y2, b0, d0, m0, x1), y3 = step(y3, b1, d1, m1, x1);
    x += 8, x1 += 8;
  } while (--blocks);
  v128.store(y, y0), v128.store(y, y1, 16), v128.store(y + ldy, y2), v128.store(y + ldy, y3, 16);
}

/** One row; four pairs a turn. */
export function micro_1x1_q4(y: usize, x: usize, w: usize, blocks: usize): void {
  const mask = i16x8.splat(15);
  let y0 = f32x4.splat(0), y1 = f32x4.splat(0);
  do {
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0);
    let p = w + WORDS;
    w += Q4_BLOCK;
    do {
      const v0 = v128.load(p), v1 = v128.load(p, 16);
      const a = v128.load32_splat(x), b = v128.load32_splat(x, 4), c = v128.load32_splat(x, 8), d = v128.load32_splat(x, 12);
      a0 = add_dot(a0, v128.and(v0, mask), a), a1 = add_dot(a1, v128.and(v1, mask), a);
      a0 = add_dot(a0, v128.and(i16x8.shr_u(v0, 4), mask), b), a1 = add_dot(a1, v128.and(i16x8.shr_u(v1, 4), mask), b);
      a0 = add_dot(a0, v128.and(i16x8.shr_u(v0, 8), mask), c), a1 = add_dot(a1, v128.and(i16x8.shr_u(v1, 8), mask), c);
      a0 = add_dot(a0, i16x8.shr_u(v0, 12), d), a1 = add_dot(a1, i16x8.shr_u(v1, 12), d);
      x += 16, p += 32;
    } while (p < w);
    const scales = w - Q4_BLOCK;
    y0 = step(y0, a0, widened(scales), widened(scales + MINIMA), x), y1 = step(y1, a1, widened(scales + 8), widened(scales + MINIMA + 8), x);
    x += 8;
  } while (--blocks);
  v128.store(y, y0), v128.store(y, y1, 16);
}

/** A block of M rows × P whole panels, as block_f32. Panels innermost. blocks >= 1. */
export function block_q4(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, M: usize, P: usize, blocks: usize): void {
  const panel = blocks * Q4_BLOCK;
  for (; M >= 4; M -= 4) {
    let q = w, z = y;
    for (let p: usize = 0; p < P; p++) micro_4x1_q4(z, ldy, x, ldx, q, blocks), q += panel, z += 32;
    x += ldx << 2, y += ldy << 2;
  }
  if (M >= 2) {
    let q = w, z = y;
    for (let p: usize = 0; p < P; p++) micro_2x1_q4(z, ldy, x, ldx, q, blocks), q += panel, z += 32;
    x += ldx << 1, y += ldy << 1, M -= 2;
  }
  if (M) for (; P; P--) micro_1x1_q4(y, x, w, blocks), w += panel, y += 32;
}
