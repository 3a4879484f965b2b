/**
 * Products with 8-bit weights. Activations are rounded to int16 with one scale for 32 along k, so that a block's sum of products is one of
 * integers, which are exact in any order, and only its scaling rounds:
 *
 *   y[m,n] = Σ_b s[m,b] · scale[n,b] · Σ_{k in b} p[m,k] · q[n,k]        one float32 chain over the blocks, b ascending
 *
 * |Σ| <= 32 · 32767 · 128 < 2^31. The chain multiplies and adds in both builds, where float32 kernels fuse: so plain and relaxed have the same bits,
 * at 2 % of the speed. Weights lie as quantize.ts shows; a row of x is made of blocks of 68 bytes: 32 int16 and their scale.
 *
 * Eight columns to a panel, as for float32: a tile of rows × 8 walks one stream of weights. Panels of four, two at a time, are two streams, and half
 * as fast when weights come from memory (docs/kernels.md).
 */
import { add_words } from './dots';
import { ahead, read_lines } from './fetch';
import { BLOCK, PANEL_BLOCK, largest, load_part } from './quantize';

/** Bytes of a block of a row of x. */
export const ROW_BLOCK: usize = 68;

/** 1.5 · 2^23, which rounds to the nearest integer and leaves it in the low bits; int16's largest; the least scale, whose inverse is finite. */
const C: usize = memory.data<f32>([12582912, 32767, 5.877471754111438e-39]);

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function rounded(x: v128, inverse: v128, magic: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(x, inverse), magic), magic);
}

/** A block of x. One that holds an infinity or a NaN has the scale NaN: it spoils the whole row, as it would in float32. */
function round_block(to: usize, a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128): void {
  const most = largest(a, b, c, d, e, f, g, h);
  const scale = max<f32>(most / f32.load(C + 4), f32.load(C + 8));
  const inverse = f32x4.splat(1 / scale), magic = v128.load32_splat(C);
  a = i16x8.narrow_i32x4_s(rounded(a, inverse, magic), rounded(b, inverse, magic));
  c = i16x8.narrow_i32x4_s(rounded(c, inverse, magic), rounded(d, inverse, magic));
  e = i16x8.narrow_i32x4_s(rounded(e, inverse, magic), rounded(f, inverse, magic));
  g = i16x8.narrow_i32x4_s(rounded(g, inverse, magic), rounded(h, inverse, magic));
  v128.store(to, a), v128.store(to, c, 16), v128.store(to, e, 32), v128.store(to, g, 48);
  f32.store(to, most < Infinity ? scale : NaN, 64);
}

/**
 *   s[m,b] = max_{k in b} |x[m,k]| / 32767,   p[m,k] = round(x[m,k] / s[m,b])
 * out  y [M, blocks] of 68 bytes: p [32] (int16), s      in  x [M, K]
 * Tile i is row i. Any K; behind the last element are zeros.
 */
export function quantize_i16(begin: usize, end: usize, y: usize, x: usize, K: usize): void {
  const blocks = (K + 31) / BLOCK, rest = K % BLOCK;
  for (let m = begin; m < end; m++) {
    let from = x + m * (K << 2), to = y + m * blocks * ROW_BLOCK;
    for (let k = BLOCK; k <= K; k += BLOCK, from += 128, to += ROW_BLOCK) {
      round_block(
        to, v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48),
        v128.load(from, 64), v128.load(from, 80), v128.load(from, 96), v128.load(from, 112),
      );
    }
    if (rest) {
      round_block(
        to, load_part(from, 0, rest), load_part(from, 4, rest), load_part(from, 8, rest), load_part(from, 12, rest),
        load_part(from, 16, rest), load_part(from, 20, rest), load_part(from, 24, rest), load_part(from, 28, rest),
      );
    }
  }
}

/** acc + sum · (scale · s), the step of the chain. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function step(acc: v128, sum: v128, scale: v128, s: v128): v128 {
  return f32x4.add(acc, f32x4.mul(f32x4.convert_i32x4_s(sum), f32x4.mul(scale, s)));
}

/** One step of the chain of a row, whose sums stay in y between blocks: registers hold integers. Both are read before either is written, so that they can be a pair. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function scale_row(y: usize, sum0: v128, sum1: v128, scale0: v128, scale1: v128, x: usize): void {
  const s = v128.load32_splat(x), y0 = v128.load(y), y1 = v128.load(y, 16);
  v128.store(y, step(y0, sum0, scale0, s)), v128.store(y, step(y1, sum1, scale1, s), 16);
}

/** Four rows × one panel. */
function micro_4x1_q8(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, blocks: usize): void {
  let x1 = x + ldx, x2 = x1 + ldx, x3 = x2 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy, y3 = y2 + ldy, zero = f32x4.splat(0);
  v128.store(y, zero), v128.store(y, zero, 16), v128.store(y1, zero), v128.store(y1, zero, 16);
  v128.store(y2, zero), v128.store(y2, zero, 16), v128.store(y3, zero), v128.store(y3, zero, 16);
  do {
    const scale0 = v128.load(w), scale1 = v128.load(w, 16);
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0), b0 = i32x4.splat(0), b1 = i32x4.splat(0);
    let c0 = i32x4.splat(0), c1 = i32x4.splat(0), d0 = i32x4.splat(0), d1 = i32x4.splat(0);
    let pairs = 16;
    do {
      const w0 = v128.load8x8_s(w, 32), w1 = v128.load8x8_s(w, 40);
      const a = v128.load32_splat(x);
      a0 = add_words(a0, w0, a), a1 = add_words(a1, w1, a);
      const b = v128.load32_splat(x1);
      b0 = add_words(b0, w0, b), b1 = add_words(b1, w1, b);
      const c = v128.load32_splat(x2);
      c0 = add_words(c0, w0, c), c1 = add_words(c1, w1, c);
      const d = v128.load32_splat(x3);
      d0 = add_words(d0, w0, d), d1 = add_words(d1, w1, d);
      x += 4, x1 += 4, x2 += 4, x3 += 4, w += 16;
    } while (--pairs);
    scale_row(y, a0, a1, scale0, scale1, x), scale_row(y1, b0, b1, scale0, scale1, x1);
    scale_row(y2, c0, c1, scale0, scale1, x2), scale_row(y3, d0, d1, scale0, scale1, x3);
    x += 4, x1 += 4, x2 += 4, x3 += 4, w += 32;
  } while (--blocks);
}

/** Two rows; two pairs a turn, where registers are left. */
function micro_2x1_q8(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, blocks: usize): void {
  let x1 = x + ldx;
  let y0 = f32x4.splat(0), y1 = f32x4.splat(0), y2 = f32x4.splat(0), y3 = f32x4.splat(0);
  do {
    const scale0 = v128.load(w), scale1 = v128.load(w, 16);
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0), b0 = i32x4.splat(0), b1 = i32x4.splat(0);
    let pairs = 8;
    do {
      const w0 = v128.load8x8_s(w, 32), w1 = v128.load8x8_s(w, 40);
      const a = v128.load32_splat(x), b = v128.load32_splat(x1);
      a0 = add_words(a0, w0, a), a1 = add_words(a1, w1, a), b0 = add_words(b0, w0, b), b1 = add_words(b1, w1, b);
      const v0 = v128.load8x8_s(w, 48), v1 = v128.load8x8_s(w, 56);
      const c = v128.load32_splat(x, 4), d = v128.load32_splat(x1, 4);
      a0 = add_words(a0, v0, c), a1 = add_words(a1, v1, c), b0 = add_words(b0, v0, d), b1 = add_words(b1, v1, d);
      x += 8, x1 += 8, w += 32;
    } while (--pairs);
    const s = v128.load32_splat(x), t = v128.load32_splat(x1);
    y0 = step(y0, a0, scale0, s), y1 = step(y1, a1, scale1, s), y2 = step(y2, b0, scale0, t), y3 = step(y3, b1, scale1, t);
    x += 4, x1 += 4, w += 32;
  } while (--blocks);
  v128.store(y, y0), v128.store(y, y1, 16), v128.store(y + ldy, y2), v128.store(y + ldy, y3, 16);
}

/** One row. `further` is how many bytes behind a block the lines lie that are read beside it, by `ahead`. */
export function micro_1x1_q8(y: usize, x: usize, w: usize, blocks: usize, further: usize): void {
  let y0 = f32x4.splat(0), y1 = f32x4.splat(0), read = y0;
  do {
    read = read_lines(read_lines(read, w + further), w + further + 128);
    const scale0 = v128.load(w), scale1 = v128.load(w, 16);
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0);
    let pairs = 8;
    do {
      const a = v128.load32_splat(x), b = v128.load32_splat(x, 4);
      a0 = add_words(a0, v128.load8x8_s(w, 32), a), a1 = add_words(a1, v128.load8x8_s(w, 40), a);
      a0 = add_words(a0, v128.load8x8_s(w, 48), b), a1 = add_words(a1, v128.load8x8_s(w, 56), b);
      x += 8, w += 32;
    } while (--pairs);
    const s = v128.load32_splat(x);
    y0 = step(y0, a0, scale0, s), y1 = step(y1, a1, scale1, s);
    x += 4, w += 32;
  } while (--blocks);
  v128.store(y, read);
  v128.store(y, y0), v128.store(y, y1, 16);
}

/** A block of M rows × P whole panels, as block_f32. Panels innermost. blocks >= 1. */
export function block_q8(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, M: usize, P: usize, blocks: usize): void {
  const panel = blocks * PANEL_BLOCK;
  for (; M >= 4; M -= 4) {
    let q = w, z = y;
    for (let p: usize = 0; p < P; p++) micro_4x1_q8(z, ldy, x, ldx, q, blocks), q += panel, z += 32;
    x += ldx << 2, y += ldy << 2;
  }
  if (M == 3) {
    // The second reads from L1 what the first has brought there.
    for (; P; P--) micro_2x1_q8(y, ldy, x, ldx, w, blocks), micro_1x1_q8(y + (ldy << 1), x + (ldx << 1), w, blocks, 0), w += panel, y += 32;
  } else if (M == 2) {
    for (; P; P--) micro_2x1_q8(y, ldy, x, ldx, w, blocks), w += panel, y += 32;
  } else if (M == 1) {
    for (; P; P--) micro_1x1_q8(y, x, w, blocks, ahead(panel, P)), w += panel, y += 32;
  }
}
