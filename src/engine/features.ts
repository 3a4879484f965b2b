/** What this engine can run: asked of WebAssembly itself, never of a user agent. */

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
