/**
 * 4-bit weights, as GGUF's Q4_0 and Q4_1 have them: from a checkpoint's blocks into panels, and back.
 *
 *   w[n,k] = q[n,k] · d[n, k/32] + m[n, k/32]      q 0 … 15; d, m: float16 for 32 neighbours along k. Q4_0, d · (q − 8), has m = −8 d, exactly
 *
 *   packed: panel p holds rows 8p … 8p+7, blocks of 32 along k one behind the other; in each block
 *     8 d | 8 m | a0 a1 a2 a3 b0 b1 b2 b3 … h3 | a4 a5 a6 a7 b4 … | … 4 quads of k of 8 rows, a byte each: its low half is that element, its high one the element 16 behind.
 *
 * K is a multiple of 32: files have no others. Rows that N lacks in the last panel are zeros, which whoever allocates writes.
 */
import { f16_to_f32, f32_to_f16 } from './convert';
import { BLOCK } from './quantize';

/** Bytes of a block of a panel: 8 d, 8 m, 8 rows × 32 elements. */
export const Q4_BLOCK: usize = 160;
export const MINIMA: usize = 16;
export const NIBBLES: usize = 32;

/** Where row n has its d of block 0. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function scale_of(packed: usize, n: usize, blocks: usize): usize {
  return packed + (n >> 3) * blocks * Q4_BLOCK + ((n & 7) << 1);
}
/** Where the row has its first quad of the same block. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function quads_of(scale: usize): usize {
  return scale + NIBBLES + (scale & 15);
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function is_finite(h: u32): bool {
  return (h & 0x7c00) != 0x7c00;
}

/**
 * out  packed: rows first …, refused: set to 1 where d or m is not finite, or 8 d exceeds float16      in  w [n, K/BLOCK] blocks of 18 bytes (Q4_0) or 20 (Q4_1)
 * A block of w: d, m in Q4_1, and 16 bytes: in their low halves elements 0 … 15, in their high ones 16 … 31. Tile i is row i.
 */
export function pack_q4(begin: usize, end: usize, packed: usize, refused: usize, w: usize, first: usize, K: usize, bytes: usize): void {
  const blocks = K / BLOCK;
  for (let i = begin; i < end; i++) {
    let from = w + i * blocks * bytes, to = scale_of(packed, first + i, blocks), at = quads_of(to);
    for (let b: usize = 0; b < blocks; b++, from += bytes, to += Q4_BLOCK, at += Q4_BLOCK) {
      const d = <u32>load<u16>(from), least = f16_to_f32(d) * -8;
      const m = bytes == 20 ? <u32>load<u16>(from, 2) : abs<f32>(least) <= 65504 ? f32_to_f16(least) : 0x7c00;
      if (!is_finite(d) || !is_finite(m)) i32.store(refused, 1);
      store<u16>(to, d), store<u16>(to, m, MINIMA);
      const quads = from + bytes - 16;
      store<u32>(at, load<u32>(quads)), store<u32>(at, load<u32>(quads, 4), 32), store<u32>(at, load<u32>(quads, 8), 64), store<u32>(at, load<u32>(quads, 12), 96);
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
    let from = scale_of(packed, n, blocks), at = quads_of(from), to = y + i * (K << 2);
    for (let b: usize = 0; b < blocks; b++, from += Q4_BLOCK, at += Q4_BLOCK) {
      const d = f16_to_f32(<u32>load<u16>(from)), m = f16_to_f32(<u32>load<u16>(from, MINIMA));
      for (let k: usize = 0; k < BLOCK; k++, to += 4) {
        const byte = <u32>load<u8>(at + ((k & 12) << 3) + (k & 3));
        f32.store(to, d * <f32>(k < 16 ? byte & 15 : byte >> 4) + m);
      }
    }
  }
}
