/** Turns a compiled module and a memory into callable kernels, and refuses a module that was built from other sources. */
import { HeedError } from '../errors.js';
import { BUILD } from './build.js';
import { tileRows } from './features.js';
import { type Kernel, kernelNames, kernels } from './kernels.js';

export type KernelFunction = (begin: number, end: number, ...args: number[]) => void;
export type Kernels = Record<Kernel, KernelFunction>;

interface Constants {
  BUILD?: { valueOf(): unknown };
  RELAXED?: { valueOf(): unknown };
}

/** Throws UNSUPPORTED for a module that is not this version's. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels & Constants {
  const exports = link(module, memory);
  const build = exports.BUILD?.valueOf();
  const foreign = kernelNames.find((name) => (exports[name] as CallableFunction | undefined)?.length !== kernels[name]);
  if (build !== BUILD || foreign) {
    throw new HeedError('UNSUPPORTED', `The .wasm module is of build ${build}, this host of build ${BUILD}`, {
      culprit: 'module',
      cure: 'Take both from the same version of heed, and clear caches that hold an old one',
    });
  }
  return exports as unknown as Kernels & Constants;
}

function link(module: WebAssembly.Module, memory: WebAssembly.Memory): Record<string, unknown> & Constants {
  const imports = { env: { memory, ...tileRows() } };
  try {
    return new WebAssembly.Instance(module, imports).exports;
  } catch (cause) {
    throw new HeedError('UNSUPPORTED', 'The .wasm module does not link with this engine', {
      culprit: 'module',
      cure: "Hand over heed's `simd` or `relaxed`; binaries for threads are handed over by name",
      cause,
    });
  }
}

export const inOrder = (exports: Kernels): KernelFunction[] => kernelNames.map((name) => exports[name]);
