/** How attention is cut into blocks, and what its kernels and their gradients share. */

/** Rows and columns of a block of scores: 32 × 128 × 4 bytes = 16 KiB, half of an L1. */
export const QUERIES: usize = 32;
export const KEYS: usize = 128;

/** Bytes of scores; behind them lie y [QUERIES, Dv up to a multiple of 8], m [QUERIES] and l [QUERIES]. */
export const SCORES: usize = QUERIES * KEYS * 4;

/**
 * What the kernels of a call share: which keys a query sees, and how the tensors lie. Row (b, h, t) of q begins at b·qb + h·qh + t·qt floats, and so those
 * of y and of the bias.
 */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@unmanaged
export class Attention {
  /**
   * Addresses, or 0: the bias, S wide; lengths [B] int32, at most S, where keys lie in pages as many as those hold (else all S); offsets [B] int32, the keys that queries 0 stand on, as many as a cache held before (else 0);
   * slopes [H]; dropout_f32's mask, which zeroes weights behind the softmax.
   */
  bias: usize; lengths: usize; offsets: usize; slopes: usize; mask: usize;
  /** Where keys and values lie in pages: their table [B, most, 2] (pages.ts), and the bytes of a number in one, 4 or 1. Else 0: they were packed for this call. */
  pages: usize; most: usize; bytes: usize;
  H: usize; G: usize; T: usize; S: usize; D: usize; Dv: usize;
  qb: usize; qh: usize; qt: usize;
  yb: usize; yh: usize; yt: usize;
  bb: usize; bh: usize; bt: usize;
  left: i32; right: i32;
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function first_key(i: i32, left: i32): i32 {
  return max<i32>(0, i - left);
}
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function end_key(i: i32, right: i32, length: i32): i32 {
  return max<i32>(0, min<i32>(length, i + right + 1));
}

/** How many keys example b has, and on which its query 0 stands. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function length_of(at: Attention, b: usize): i32 {
  return at.lengths ? i32.load(at.lengths + (b << 2)) : <i32>at.S;
}
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function offset_of(at: Attention, b: usize): i32 {
  return at.offsets ? i32.load(at.offsets + (b << 2)) : 0;
}
