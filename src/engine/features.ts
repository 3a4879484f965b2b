/** What this engine can run, and what it runs well: asked of WebAssembly and the language themselves, never of a user agent. */
import { Dots } from './kernels.generated.js';

const zero = [253, 12, ...new Array<number>(16).fill(0)];
/** A function that returns relaxed_madd of three zeros. */
const head = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 61, 1, 59, 0];
const relaxedModule = [...head, ...zero, ...zero, ...zero, 253, 133, 2, 11];

/** A function that returns i8x16.splat(0). */
const simdModule = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];

/** A function of two bytes: `i32x4.relaxed_dot_i8x16_i7x16_add_s` of both, everywhere in a vector, and zeros. */
const dotHead = [0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 36, 1, 34, 0];
const dotModule = [...dotHead, 32, 0, 253, 15, 32, 1, 253, 15, ...zero, 253, 147, 2, 253, 27, 0, 11];

const validates = (bytes: readonly number[]): boolean => WebAssembly.validate(new Uint8Array(bytes));

/** 128-bit SIMD: required. */
export const hasSimd = (): boolean => validates(simdModule);

/** Relaxed SIMD: fused multiply-add. */
export const hasRelaxed = (): boolean => validates(relaxedModule);

/**
 * Which product of bytes is the fastest here, asked of the one of four bytes. The standard leaves to the machine what the second operand's eighth bit means: −128 · 255 four times is
 * one instruction that reads it as unsigned, −128 · −1 one that reads it as signed; anything else is several instructions, saturated on the way.
 */
export function dots(): number {
  if (!hasRelaxed()) return Dots.Words;
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(dotModule)));
    const product = (exports.f as (a: number, b: number) => number)(0x80, 0xff);
    return product === 4 * -128 * 255 || product === 4 * -128 * -1 ? Dots.Fours : Dots.Pairs;
  } catch {
    // Where nothing may be compiled from bytes.
    return Dots.Words;
  }
}

/** What the kernels import beside their memory: rows of matmul's register tile, in either build. */
export interface TileRows {
  plain_rows: number;
  relaxed_rows: number;
}

/**
 * Tile rows by compiler: some keep more than four rows in registers, V8's from 13.3 on. Measured (docs/kernels-measured.md): a shape that spills runs at half the
 * speed.
 */
const compilers = {
  older: { plain_rows: 4, relaxed_rows: 4 },
  v8: { plain_rows: 5, relaxed_rows: 6 },
  javaScriptCore: { plain_rows: 6, relaxed_rows: 6 },
  spiderMonkey: { plain_rows: 4, relaxed_rows: 6 },
} as const;

/**
 * Tile rows for this JavaScript engine. Results have the same bits for every number of rows, so a wrong guess costs speed alone. Engines are told apart by the
 * properties of their errors: JavaScriptCore's have `line`, SpiderMonkey's `lineNumber`.
 */
export function tileRows(): TileRows {
  if (!('pause' in Atomics)) return compilers.older;
  const error = new Error('whose?');
  return compilers['line' in error ? 'javaScriptCore' : 'lineNumber' in error ? 'spiderMonkey' : 'v8'];
}
