/** Features of the JavaScript engine: what it can run, and what it runs well. WebAssembly and the language are probed, never a user agent. */

const zero = [253, 12, ...new Array<number>(16).fill(0)];
/** A function that returns relaxed_madd of three zeros. */
const head = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 61, 1, 59, 0];
const relaxedModule = [...head, ...zero, ...zero, ...zero, 253, 133, 2, 11];

/** A function that returns i8x16.splat(0). */
const simdModule = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];

const validates = (bytes: readonly number[]): boolean => WebAssembly.validate(new Uint8Array(bytes));

/** 128-bit SIMD: required. */
export const hasSimd = (): boolean => validates(simdModule);

/** Relaxed SIMD: fused multiply-add. */
export const hasRelaxed = (): boolean => validates(relaxedModule);

/** Imports of the kernels beside their memory: rows of matmul's register tile, in either build. */
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
