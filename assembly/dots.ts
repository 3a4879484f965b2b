/**
 * Dot products of bytes, for 4-bit weights: of signed activations with nibbles, which are of 7 bits, so that the bit that relaxed products leave open is never set. Which
 * instruction is the fastest depends on the processor and on the host's compiler: src/engine/features.ts asks what `i32x4.relaxed_dot_i8x16_i7x16_add_s` makes of that bit, which
 * tells how it is compiled, and hands the answer over as an immutable global, a constant to the compiler. Sums of integers have no order and nothing is rounded, so that bits do not
 * depend on it.
 */

/** What products are made of. */
export enum Dots {
  /** `i32x4.dot_i16x8_s`, of activations in int16. Everywhere. */
  Words,
  /** `i16x8.relaxed_dot_i8x16_i7x16_s`, summed in 16 bits: where four products at once are several instructions. */
  Pairs,
  /** `i32x4.relaxed_dot_i8x16_i7x16_add_s`: where that is one instruction, AVX-VNNI's VPDPBUSD or ARM's SDOT. */
  Fours,
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@external("env", "dots")
declare const DOTS: i32;

/** The product that this instance is made of: plain binaries have but one. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function dots(): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? DOTS : <i32>Dots.Words;
}

/** sum + Σ of pairs of int16. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function add_words(sum: v128, w: v128, x: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(w, x));
}

/** sum + Σ of fours of bytes: w, of 7 bits, has four columns. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function add_bytes(sum: v128, w: v128, x: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w, sum);
  return sum;
}

/** Σ of pairs of bytes, as int16. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function pairs(w: v128, x: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(x, w);
  return w;
}
