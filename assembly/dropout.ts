/**
 * Dropout (Srivastava et al. 2014), whose mask is no memory but a function: of a key of four words and an element's place. A forward, its
 * gradient and a run that was resumed get the same mask, whatever the threads.
 */
import { TILE, load_tail, store_tail, transpose4 } from './simd';

// Splatted from memory: V8 from Node 24 on would rebuild a v128 constant at every use.
const MULTIPLIERS: usize = memory.data<u32>([0xd2511f53, 0xcd9e8d57]);

/** Bytes of the random words of four counters, which kernels work in. */
export const WORDS: usize = 64;

/** The upper halves of the products of four words and m. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function high(a: v128, m: v128): v128 {
  return v128.shuffle<i32>(i64x2.extmul_low_i32x4_u(a, m), i64x2.extmul_high_i32x4_u(a, m), 1, 3, 5, 7);
}

/**
 * Philox4x32-7 (Salmon et al., SC 2011, §4: the fewest rounds that pass BigCrush) of four counters at once, which differ in `c0` and may in `c1`.
 * Word w of counter i goes to out + 16 w + 4 i. key [4] (int32): two words of Philox's key, two of the counter.
 */
export function philox(out: usize, c0: v128, c1: v128, key: usize): void {
  const m0 = v128.load32_splat(MULTIPLIERS), m1 = v128.load32_splat(MULTIPLIERS + 4);
  let k0 = i32.load(key), k1 = i32.load(key, 4);
  let c2 = v128.load32_splat(key, 8), c3 = v128.load32_splat(key, 12);
  for (let round = 0; round < 7; round++) {
    const h0 = high(c0, m0), l0 = i32x4.mul(c0, m0), h1 = high(c2, m1), l1 = i32x4.mul(c2, m1);
    c0 = v128.xor(v128.xor(h1, c1), i32x4.splat(k0)), c1 = l1;
    c2 = v128.xor(v128.xor(h0, c3), i32x4.splat(k1)), c3 = l0;
    k0 += 0x9e3779b9, k1 += 0xbb67ae85;
  }
  v128.store(out, c0), v128.store(out, c1, 16), v128.store(out, c2, 32), v128.store(out, c3, 48);
}

/**
 *   y[i] = u[i] < threshold ? 0 : x[i] · factor
 * out  y [n]      in  x [n], mask: four words of a key, threshold (uint32), factor (float32)
 * u[i] is word (i >> 2) & 3 of Philox's block for the counter (4 (i >> 4) + (i & 3), 0): 16 neighbours come from four counters, without a shuffle.
 * Tile i is elements i · TILE … (i + 1) · TILE − 1; `scratch` holds WORDS bytes. y may be x.
 */
export function dropout_f32(begin: usize, end: usize, scratch: usize, y: usize, x: usize, n: usize, mask: usize): void {
  const threshold = v128.load32_splat(mask, 16), factor = v128.load32_splat(mask, 20), zero = i32x4.splat(0);
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i += 16) {
    philox(scratch, i32x4.add(i32x4.splat(<i32>(i >> 2)), i32x4(0, 1, 2, 3)), zero, mask);
    for (let j: usize = 0; j < 16 && i + j < to; j += 4) {
      const at = (i + j) << 2, left = to - i - j;
      const v = left < 4 ? load_tail(x + at, left, zero) : v128.load(x + at);
      const w = kept(v, v128.load(scratch + (j << 2)), threshold, factor);
      if (left < 4) store_tail(y + at, w, left);
      else v128.store(y + at, w);
    }
  }
}

/** A vector, and zeros where the words are below the threshold. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function kept(v: v128, words: v128, threshold: v128, factor: v128): v128 {
  return v128.andnot(f32x4.mul(v, factor), i32x4.lt_u(words, threshold));
}

/**
 * The same in place over a block of attention weights, whose rows are ld bytes apart: row r is query t + r, column c key j + c.
 * u of query t and key j is word t & 3 of Philox's block for the counter (j, first + (t >> 2)), `first` being the head's number times ⌈T/4⌉.
 * t and j are multiples of 4; n is rounded up to 4; `words` holds WORDS bytes.
 */
export function drop_block(s: usize, ld: usize, rows: usize, n: usize, t: usize, j: usize, first: usize, mask: usize, words: usize): void {
  const threshold = v128.load32_splat(mask, 16), factor = v128.load32_splat(mask, 20);
  for (let r: usize = 0; r < rows; r += 4) {
    const c1 = i32x4.splat(<i32>(first + ((t + r) >> 2))), to = min<usize>(4, rows - r);
    for (let c: usize = 0; c < n; c += 4) {
      philox(words, i32x4.add(i32x4.splat(<i32>(j + c)), i32x4(0, 1, 2, 3)), c1, mask);
      let p = s + r * ld + (c << 2);
      for (let i: usize = 0; i < to; i++, p += ld) v128.store(p, kept(v128.load(p), v128.load(words + (i << 4)), threshold, factor));
    }
  }
}

/** The same where row r is key j + r and column c query t + c. */
export function drop_columns(s: usize, ld: usize, rows: usize, n: usize, j: usize, t: usize, first: usize, mask: usize, words: usize): void {
  const threshold = v128.load32_splat(mask, 16), factor = v128.load32_splat(mask, 20);
  for (let r: usize = 0; r < rows; r += 4) {
    const c0 = i32x4.add(i32x4.splat(<i32>(j + r)), i32x4(0, 1, 2, 3)), to = min<usize>(4, rows - r);
    for (let c: usize = 0; c < n; c += 4) {
      philox(words, c0, i32x4.splat(<i32>(first + ((t + c) >> 2))), mask);
      transpose4(words, 16, v128.load(words), v128.load(words, 16), v128.load(words, 32), v128.load(words, 48));
      let p = s + r * ld + (c << 2);
      for (let i: usize = 0; i < to; i++, p += ld) v128.store(p, kept(v128.load(p), v128.load(words + (i << 4)), threshold, factor));
    }
  }
}
