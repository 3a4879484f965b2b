/**
 * Products with 4-bit weights, which lie as q4.ts shows, and activations as q4_activations.ts makes them:
 *
 *   y[m,n] = Σ_b s[m,b] · (d[n,b] · Σ_{k in b} p[m,k] · q[n,k] + m[n,b] · Σ_{k in b} p[m,k])        one float32 chain over the blocks, b ascending
 *
 * Both sums are of integers below 2^24, which float32 holds: 15 · (28 · 127 + 4 · 32640). As with 8 bits plain and relaxed binaries have the same bits.
 */
import { Dots, add_bytes, add_words, dots, pairs } from './dots';
import { ahead, read_lines } from './fetch';
import { MINIMA, NIBBLES, Q4_BLOCK } from './q4';
import { BYTES_BLOCK, BYTES_HIGH, BYTES_QUAD, BYTES_SCALE, Q4_ROW_BLOCK, WORDS_SCALE } from './q4_activations';

/** The low halves of bytes, and of words; 1 and 256 in int16; what widens a binary16: all bits but those that the sign spreads over, and 2^112. In memory: a constant would be made anew at each use. */
const C: usize = memory.data<u32>([0x0f0f0f0f, 0x000f000f, 0x00010001, 0x01000100, 0x8fffffff, 0x77800000]);

/** Four float16, which are finite, as float32. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function widened(p: usize, bits: v128, scale: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(v128.load16x4_s(p), 13), bits), scale);
}

/** acc + (sum · d + m · total) · s, the step of the chain. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function step(acc: v128, sum: v128, d: v128, m: v128, s: v128, total: v128): v128 {
  const scaled = f32x4.mul(f32x4.convert_i32x4_s(sum), d), moved = f32x4.mul(m, total);
  return f32x4.add(acc, f32x4.mul(f32x4.add(scaled, moved), s));
}

/**
 * One step of the chain of a row, whose sums stay in y between blocks: registers hold integers. x is where the block has its s and its total. Both sums are read before either
 * is written, so that they can be a pair.
 */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function step_row(y: usize, sum0: v128, sum1: v128, d0: v128, d1: v128, m0: v128, m1: v128, x: usize): void {
  const s = v128.load32_splat(x), total = v128.load32_splat(x, 4), y0 = v128.load(y), y1 = v128.load(y, 16);
  v128.store(y, step(y0, sum0, d0, m0, s, total)), v128.store(y, step(y1, sum1, d1, m1, s, total), 16);
}

/** Four rows × one panel. */
function micro_4x1_q4_i16(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, blocks: usize): void {
  let x1 = x + ldx, x2 = x1 + ldx, x3 = x2 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy, y3 = y2 + ldy, zero = f32x4.splat(0), mask = v128.load32_splat(C, 4);
  const bits = v128.load32_splat(C, 16), scale = v128.load32_splat(C, 20);
  v128.store(y, zero), v128.store(y, zero, 16), v128.store(y1, zero), v128.store(y1, zero, 16);
  v128.store(y2, zero), v128.store(y2, zero, 16), v128.store(y3, zero), v128.store(y3, zero, 16);
  do {
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0), b0 = i32x4.splat(0), b1 = i32x4.splat(0);
    let c0 = i32x4.splat(0), c1 = i32x4.splat(0), d0 = i32x4.splat(0), d1 = i32x4.splat(0);
    let p = w + NIBBLES, groups = 4;
    do {
      // k0 and k2, of the element 16 behind k0 and k2, then k1 and k3.
      let v0 = v128.load(p), v1 = v128.load(p, 16), k: usize = 0, turns = 4;
      do {
        const w0 = v128.and(v0, mask), w1 = v128.and(v1, mask);
        v0 = i16x8.shr_u(v0, 4), v1 = i16x8.shr_u(v1, 4);
        const a = v128.load32_splat(x + k);
        a0 = add_words(a0, w0, a), a1 = add_words(a1, w1, a);
        const b = v128.load32_splat(x1 + k);
        b0 = add_words(b0, w0, b), b1 = add_words(b1, w1, b);
        const c = v128.load32_splat(x2 + k);
        c0 = add_words(c0, w0, c), c1 = add_words(c1, w1, c);
        const d = v128.load32_splat(x3 + k);
        d0 = add_words(d0, w0, d), d1 = add_words(d1, w1, d);
        k += 16;
      } while (--turns);
      x += 4, x1 += 4, x2 += 4, x3 += 4, p += 32;
    } while (--groups);
    const e0 = widened(w, bits, scale), e1 = widened(w + 8, bits, scale), m0 = widened(w + MINIMA, bits, scale), m1 = widened(w + MINIMA + 8, bits, scale);
    x += WORDS_SCALE - 16, x1 += WORDS_SCALE - 16, x2 += WORDS_SCALE - 16, x3 += WORDS_SCALE - 16;
    step_row(y, a0, a1, e0, e1, m0, m1, x), step_row(y1, b0, b1, e0, e1, m0, m1, x1);
    step_row(y2, c0, c1, e0, e1, m0, m1, x2), step_row(y3, d0, d1, e0, e1, m0, m1, x3);
    x += Q4_ROW_BLOCK - WORDS_SCALE, x1 += Q4_ROW_BLOCK - WORDS_SCALE, x2 += Q4_ROW_BLOCK - WORDS_SCALE, x3 += Q4_ROW_BLOCK - WORDS_SCALE;
    w += Q4_BLOCK;
  } while (--blocks);
}

/** One row. */
function micro_1x1_q4_i16(y: usize, x: usize, w: usize, blocks: usize): void {
  const mask = v128.load32_splat(C, 4), bits = v128.load32_splat(C, 16), scale = v128.load32_splat(C, 20);
  let y0 = f32x4.splat(0), y1 = f32x4.splat(0);
  do {
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0), b0 = i32x4.splat(0), b1 = i32x4.splat(0);
    let p = w + NIBBLES, groups = 4;
    do {
      const v0 = v128.load(p), v1 = v128.load(p, 16);
      const a = v128.load32_splat(x), b = v128.load32_splat(x, 16), c = v128.load32_splat(x, 32), d = v128.load32_splat(x, 48);
      a0 = add_words(a0, v128.and(v0, mask), a), a1 = add_words(a1, v128.and(v1, mask), a);
      b0 = add_words(b0, v128.and(i16x8.shr_u(v0, 4), mask), b), b1 = add_words(b1, v128.and(i16x8.shr_u(v1, 4), mask), b);
      a0 = add_words(a0, v128.and(i16x8.shr_u(v0, 8), mask), c), a1 = add_words(a1, v128.and(i16x8.shr_u(v1, 8), mask), c);
      b0 = add_words(b0, i16x8.shr_u(v0, 12), d), b1 = add_words(b1, i16x8.shr_u(v1, 12), d);
      x += 4, p += 32;
    } while (--groups);
    x += WORDS_SCALE - 16;
    const s = v128.load32_splat(x), t = v128.load32_splat(x, 4);
    y0 = step(y0, i32x4.add(a0, b0), widened(w, bits, scale), widened(w + MINIMA, bits, scale), s, t);
    y1 = step(y1, i32x4.add(a1, b1), widened(w + 8, bits, scale), widened(w + MINIMA + 8, bits, scale), s, t);
    x += Q4_ROW_BLOCK - WORDS_SCALE, w += Q4_BLOCK;
  } while (--blocks);
  v128.store(y, y0), v128.store(y, y1, 16);
}

/** acc + Σ p q of fours as int32, or of pairs as int16, of which a block has no more than 15 bits: 8 · 2 · 15 · 128. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function add(fours: bool, acc: v128, w: v128, x: v128): v128 {
  return fours ? add_bytes(acc, w, x) : i16x8.add(acc, pairs(w, x));
}

/** What a block has of a row: acc as int32, and 256 Σ of the high bytes, which one quad has. That of w has its nibbles there, shifted by so many bits. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function total(fours: bool, acc: v128, quad: usize, shift: i32, h: v128, mask: v128, ones: v128, shifts: v128): v128 {
  const w = v128.and(i16x8.shr_u(v128.load(quad), shift), mask);
  if (fours) return i32x4.add(acc, i32x4.shl(add_bytes(i32x4.splat(0), w, h), 8));
  return i32x4.add(i32x4.dot_i16x8_s(acc, ones), i32x4.dot_i16x8_s(pairs(w, h), shifts));
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function step_bytes(
  fours: bool, y: usize, acc0: v128, acc1: v128, d0: v128, d1: v128, m0: v128, m1: v128, x: usize, w: usize, mask: v128, ones: v128, shifts: v128,
): void {
  const quad = load<u32>(x, BYTES_QUAD), at = w + NIBBLES + ((quad & 3) << 5), shift = quad & 4, h = v128.load32_splat(x, BYTES_HIGH);
  const sum0 = total(fours, acc0, at, shift, h, mask, ones, shifts), sum1 = total(fours, acc1, at + 16, shift, h, mask, ones, shifts);
  step_row(y, sum0, sum1, d0, d1, m0, m1, x + BYTES_SCALE);
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function four_rows(fours: bool, y: usize, ldy: usize, x: usize, ldx: usize, w: usize, blocks: usize): void {
  let x1 = x + ldx, x2 = x1 + ldx, x3 = x2 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy, y3 = y2 + ldy, zero = f32x4.splat(0), mask = v128.load32_splat(C);
  v128.store(y, zero), v128.store(y, zero, 16), v128.store(y1, zero), v128.store(y1, zero, 16);
  v128.store(y2, zero), v128.store(y2, zero, 16), v128.store(y3, zero), v128.store(y3, zero, 16);
  do {
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0), b0 = i32x4.splat(0), b1 = i32x4.splat(0);
    let c0 = i32x4.splat(0), c1 = i32x4.splat(0), d0 = i32x4.splat(0), d1 = i32x4.splat(0);
    for (let k: usize = 0; k < 16; k += 4) {
      const q = w + (k << 3), v0 = v128.load(q, NIBBLES), v1 = v128.load(q, NIBBLES + 16);
      const l0 = v128.and(v0, mask), l1 = v128.and(v1, mask), h0 = v128.and(i16x8.shr_u(v0, 4), mask), h1 = v128.and(i16x8.shr_u(v1, 4), mask);
      let v = v128.load32_splat(x + k), u = v128.load32_splat(x + k, 16);
      a0 = add(fours, a0, l0, v), a1 = add(fours, a1, l1, v), a0 = add(fours, a0, h0, u), a1 = add(fours, a1, h1, u);
      v = v128.load32_splat(x1 + k), u = v128.load32_splat(x1 + k, 16);
      b0 = add(fours, b0, l0, v), b1 = add(fours, b1, l1, v), b0 = add(fours, b0, h0, u), b1 = add(fours, b1, h1, u);
      v = v128.load32_splat(x2 + k), u = v128.load32_splat(x2 + k, 16);
      c0 = add(fours, c0, l0, v), c1 = add(fours, c1, l1, v), c0 = add(fours, c0, h0, u), c1 = add(fours, c1, h1, u);
      v = v128.load32_splat(x3 + k), u = v128.load32_splat(x3 + k, 16);
      d0 = add(fours, d0, l0, v), d1 = add(fours, d1, l1, v), d0 = add(fours, d0, h0, u), d1 = add(fours, d1, h1, u);
    }
    const bits = v128.load32_splat(C, 16), scale = v128.load32_splat(C, 20), ones = v128.load32_splat(C, 8), shifts = v128.load32_splat(C, 12);
    const e0 = widened(w, bits, scale), e1 = widened(w + 8, bits, scale), m0 = widened(w + MINIMA, bits, scale), m1 = widened(w + MINIMA + 8, bits, scale);
    step_bytes(fours, y, a0, a1, e0, e1, m0, m1, x, w, mask, ones, shifts), step_bytes(fours, y1, b0, b1, e0, e1, m0, m1, x1, w, mask, ones, shifts);
    step_bytes(fours, y2, c0, c1, e0, e1, m0, m1, x2, w, mask, ones, shifts), step_bytes(fours, y3, d0, d1, e0, e1, m0, m1, x3, w, mask, ones, shifts);
    x += BYTES_BLOCK, x1 += BYTES_BLOCK, x2 += BYTES_BLOCK, x3 += BYTES_BLOCK, w += Q4_BLOCK;
  } while (--blocks);
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function one_row(fours: bool, y: usize, x: usize, w: usize, blocks: usize, further: usize): void {
  const mask = v128.load32_splat(C), ones = v128.load32_splat(C, 8), shifts = v128.load32_splat(C, 12), bits = v128.load32_splat(C, 16), scale = v128.load32_splat(C, 20);
  let y0 = f32x4.splat(0), y1 = f32x4.splat(0), read = y0;
  do {
    read = read_lines(read, w + further);
    let a0 = i32x4.splat(0), a1 = i32x4.splat(0);
    for (let k: usize = 0; k < 16; k += 4) {
      const q = w + (k << 3), v0 = v128.load(q, NIBBLES), v1 = v128.load(q, NIBBLES + 16), l = v128.load32_splat(x + k), h = v128.load32_splat(x + k, 16);
      a0 = add(fours, a0, v128.and(v0, mask), l), a1 = add(fours, a1, v128.and(v1, mask), l);
      a0 = add(fours, a0, v128.and(i16x8.shr_u(v0, 4), mask), h), a1 = add(fours, a1, v128.and(i16x8.shr_u(v1, 4), mask), h);
    }
    const quad = load<u32>(x, BYTES_QUAD), at = w + NIBBLES + ((quad & 3) << 5), shift = quad & 4, h = v128.load32_splat(x, BYTES_HIGH);
    const sum0 = total(fours, a0, at, shift, h, mask, ones, shifts), sum1 = total(fours, a1, at + 16, shift, h, mask, ones, shifts);
    const s = v128.load32_splat(x, BYTES_SCALE), t = v128.load32_splat(x, BYTES_SCALE + 4);
    y0 = step(y0, sum0, widened(w, bits, scale), widened(w + MINIMA, bits, scale), s, t);
    y1 = step(y1, sum1, widened(w + 8, bits, scale), widened(w + MINIMA + 8, bits, scale), s, t);
    x += BYTES_BLOCK, w += Q4_BLOCK;
  } while (--blocks);
  v128.store(y, read);
  v128.store(y, y0), v128.store(y, y1, 16);
}

function micro_4x1_q4_pairs(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, blocks: usize): void {
  four_rows(false, y, ldy, x, ldx, w, blocks);
}
function micro_4x1_q4_i8(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, blocks: usize): void {
  four_rows(true, y, ldy, x, ldx, w, blocks);
}
function micro_1x1_q4_pairs(y: usize, x: usize, w: usize, blocks: usize, further: usize): void {
  one_row(false, y, x, w, blocks, further);
}
function micro_1x1_q4_i8(y: usize, x: usize, w: usize, blocks: usize, further: usize): void {
  one_row(true, y, x, w, blocks, further);
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function micro_4x1_q4(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, blocks: usize): void {
  const kind = dots();
  if (kind == Dots.Words) micro_4x1_q4_i16(y, ldy, x, ldx, w, blocks);
  else if (kind == Dots.Pairs) micro_4x1_q4_pairs(y, ldy, x, ldx, w, blocks);
  else micro_4x1_q4_i8(y, ldy, x, ldx, w, blocks);
}
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function micro_1x1_q4(y: usize, x: usize, w: usize, blocks: usize, further: usize): void {
  const kind = dots();
  if (kind == Dots.Words) micro_1x1_q4_i16(y, x, w, blocks);
  else if (kind == Dots.Pairs) micro_1x1_q4_pairs(y, x, w, blocks, further);
  else micro_1x1_q4_i8(y, x, w, blocks, further);
}

/** A block of M rows × P whole panels, as block_f32. Panels innermost. blocks >= 1. */
export function block_q4(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, M: usize, P: usize, blocks: usize): void {
  const panel = blocks * Q4_BLOCK;
  for (; M >= 4; M -= 4) {
    let q = w, z = y;
    for (let p: usize = 0; p < P; p++) micro_4x1_q4(z, ldy, x, ldx, q, blocks), q += panel, z += 32;
    x += ldx << 2, y += ldy << 2;
  }
  for (; M && P; P--) {
    // The second row reads from L1 what the first has brought there.
    for (let m: usize = 0; m < M; m++) micro_1x1_q4(y + m * ldy, x + m * ldx, w, blocks, m ? 0 : ahead(panel, P));
    w += panel, y += 32;
  }
}
