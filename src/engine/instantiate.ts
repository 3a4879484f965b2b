/** Turns a compiled module and a memory into callable kernels, and refuses a module that was built from other sources. */
import { instantiateSync } from '@assemblyscript/loader';
import { HeedError } from '../errors.js';
import { dots, tileShape } from './features.js';
import { arities, BUILD } from './kernels.generated.js';

/** Name of an empty section that marks a module of vectors of 256 bits. */
const WIDE = 'wide';

/**
 * The bytes of a module of 256 bits: a binary's own and a mark. V8 knows modules by their bytes, so that it compiles this one anew; and whoever is handed the module,
 * as threads are, can tell.
 */
export const widened = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.of(...bytes, 0, WIDE.length + 1, WIDE.length, ...new TextEncoder().encode(WIDE));

/** `true` for a module of 256 bits. */
export const isWide = (module: WebAssembly.Module): boolean => WebAssembly.Module.customSections(module, WIDE).length > 0;

export type KernelFunction = (begin: number, end: number, ...args: number[]) => void;

export interface Instance {
  /** Kernels by their numbers, which are their places in the order of their names. */
  kernels: KernelFunction[];
  /** `true` where multiply-add may be fused, so that bits depend on the machine. */
  relaxed: boolean;
}

/** Instantiates the kernels of a module on a memory. Throws UNSUPPORTED for a module of another version of heed. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Instance {
  const exports = link(module, memory);
  const constant = (name: string): unknown => exports[name]?.valueOf();
  const names = Object.keys(exports).filter((name) => typeof exports[name] === 'function');
  const kernels = names.sort().map((name) => exports[name] as KernelFunction);
  if (constant('BUILD') !== BUILD) throw foreign(`is of build ${constant('BUILD')}, this host of build ${BUILD}`);
  const i = arities.findIndex((arity, i) => kernels[i]?.length !== arity);
  if (i >= 0)
    throw foreign(`has ${names[i] ?? 'no kernel'} of ${kernels[i]?.length ?? 0} parameters where this host calls one of ${arities[i]}`);
  return { kernels, relaxed: constant('RELAXED') === 1 };
}

const foreign = (what: string): HeedError =>
  new HeedError('UNSUPPORTED', `The .wasm module ${what}`, {
    culprit: 'module',
    cure: 'Take both from the same version of heed, and clear caches that hold an old one',
  });

function link(module: WebAssembly.Module, memory: WebAssembly.Memory): Record<string, object | undefined> {
  const imports = { env: { memory, dots: dots(), ...tileShape(isWide(module)) } };
  try {
    // Exports of the instance itself: the loader wraps its own in variadic functions, which costs every call and hides the arity.
    return instantiateSync(module, imports).instance.exports;
  } catch (cause) {
    throw new HeedError('UNSUPPORTED', 'The .wasm module does not link with this engine', {
      culprit: 'module',
      cure: "Hand over heed's `simd` or `relaxed`; binaries for threads are handed over by name",
      cause,
    });
  }
}
