import type { Binary } from '../runtime/types.js';

/** The binaries in base64. Generated into dist. */
export declare const wasm: Readonly<Record<Binary, string>>;
