/** Features of the JavaScript engine: what it can run, and what it runs well. They are tested by WebAssembly modules and by the language itself, never by a user agent. */
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
 * The fastest product of bytes here, found by a test of the four-byte one. The standard leaves the meaning of the second operand's eighth bit to the machine: −128 · 255 four times is
 * one instruction that reads it as unsigned, −128 · −1 one that reads it as signed; any other result takes several instructions, saturated on the way.
 */
export function dots(): number {
  if (!hasRelaxed()) return Dots.Words;
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(dotModule)));
    const product = (exports.f as (a: number, b: number) => number)(0x80, 0xff);
    return product === 4 * -128 * 255 || product === 4 * -128 * -1 ? Dots.Fours : Dots.Pairs;
  } catch {
    // Reached where compiling from bytes is forbidden.
    return Dots.Words;
  }
}

/** A function of three numbers: `f32x4.relaxed_madd` of them, everywhere in a vector. */
const fusedHead = [0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 125, 125, 125, 1, 125, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 22, 1, 20, 0];
const fusedModule = [...fusedHead, 32, 0, 253, 19, 32, 1, 253, 19, 32, 2, 253, 19, 253, 133, 2, 253, 31, 0, 11];

/** Fused multiply-add in one instruction: on x86-64 such processors have vectors of 256 bits too. */
export function hasFused(): boolean {
  if (!hasRelaxed()) return false;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(fusedModule)));
  const x = 1 + 2 ** -12;
  // (1 + 2^-12)² = 1 + 2^-11 + 2^-24, whose last term is lost where the product is rounded.
  return (exports.f as (a: number, b: number, c: number) => number)(x, x, -(1 + 2 ** -11)) === 2 ** -24;
}

/** What the kernels import beside their memory: rows of matmul's register tile, in either build, and its panels of eight columns. */
export interface TileShape {
  plain_rows: number;
  relaxed_rows: number;
  tile_panels: number;
}

/**
 * Tiles by compiler: some keep more than four rows in registers, V8's from 13.3 on. Measured (docs/kernels-measured.md): a shape that spills runs at half the
 * speed.
 */
const compilers = {
  older: { plain_rows: 4, relaxed_rows: 4, tile_panels: 1 },
  v8: { plain_rows: 5, relaxed_rows: 6, tile_panels: 1 },
  wide: { plain_rows: 5, relaxed_rows: 5, tile_panels: 2 },
  javaScriptCore: { plain_rows: 6, relaxed_rows: 6, tile_panels: 1 },
  spiderMonkey: { plain_rows: 4, relaxed_rows: 6, tile_panels: 1 },
} as const;

/**
 * The tile for this JavaScript engine, and for vectors of 256 bits. Results have the same bits for every shape, so a wrong guess costs speed alone. Engines are told apart by
 * the properties of their errors: JavaScriptCore's have `line`, SpiderMonkey's `lineNumber`.
 */
export function tileShape(wide: boolean): TileShape {
  if (wide) return compilers.wide;
  if (!('pause' in Atomics)) return compilers.older;
  const error = new Error('whose?');
  return compilers['line' in error ? 'javaScriptCore' : 'lineNumber' in error ? 'spiderMonkey' : 'v8'];
}
