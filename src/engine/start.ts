/** Start of an engine: one of the four binaries, a memory, the kernels on it, and threads where the runtime has them. */
import { HeedError } from '../errors.js';
import type { Binary, Runtime } from '../runtime/types.js';
import { hasRelaxed, hasSimd } from './features.js';
import { instantiate, isWide, type KernelFunction } from './instantiate.js';
import { createMemory, type EngineMemory } from './memory.js';
import { checkEngineOptions, type EngineInfo, type EngineOptions, MOST_MEMORY, wantedThreads } from './options.js';
import { ThreadPool } from './pool.js';

export interface Started {
  runtime: Runtime;
  info: EngineInfo;
  heap: EngineMemory;
  kernels: KernelFunction[];
  pool: ThreadPool | undefined;
  /** Operations below which a launch stays on the caller. */
  inlineBelow: number;
}

/** Compiles and instantiates the kernels, and starts the threads. Throws ARGUMENT, UNSUPPORTED (no SIMD, foreign module), MEMORY. */
export async function start(runtime: Runtime, options: EngineOptions): Promise<Started> {
  checkEngineOptions(options);
  const { deterministic = false, signal, startTimeout = 5000, deadline = 10_000, inlineBelow = 1 << 18 } = options;
  signal?.throwIfAborted();
  if (!hasSimd()) throw new HeedError('UNSUPPORTED', 'This runtime has no WebAssembly SIMD', noSimd);
  const reasons: string[] = [];
  const simd = deterministic || !hasRelaxed() ? 'simd' : 'relaxed';
  if (!deterministic && simd === 'simd') reasons.push('this runtime has no relaxed SIMD');
  const given = options.module;
  const single = given instanceof WebAssembly.Module ? given : undefined;
  const wanted = wantedThreads(runtime, options.threads);
  const without = wanted > 1 ? (single ? 'the module that was handed over is for one thread' : runtime.noThreads()) : undefined;
  if (without) reasons.push(without);
  const shared = wanted > 1 && !without;
  const binary: Binary = shared ? `${simd}-threads` : simd;
  const handed = single ?? (given as Partial<Record<Binary, WebAssembly.Module>>)?.[binary];
  const widened = !options.wide ? undefined : handed ? handedOver : await runtime.loadWideModule(binary);
  if (typeof widened === 'string') reasons.push(widened);
  const module = typeof widened === 'object' ? widened : (handed ?? (await runtime.loadModule(binary)));
  signal?.throwIfAborted();
  const heap = createMemory(shared, options.memory?.maximum ?? MOST_MEMORY);
  const { kernels, relaxed } = instantiate(module, heap.wasm);
  if (relaxed && deterministic) throw new HeedError('ARGUMENT', 'A relaxed module cannot be deterministic', notDeterministic);
  let pool: ThreadPool | undefined;
  if (shared) {
    const started = await ThreadPool.start({ runtime, module, memory: heap, kernels, lanes: wanted, startTimeout, deadline });
    pool = started.pool;
    if (started.missing) reasons.push(started.missing);
  }
  const info: EngineInfo = {
    runtime: runtime.name,
    simd: relaxed ? 'relaxed' : 'simd',
    wide: isWide(module),
    deterministic,
    threads: pool?.lanes ?? 1,
    shared,
    reason: reasons.join('; ') || undefined,
  };
  return { runtime, info, heap, kernels, pool, inlineBelow };
}

const handedOver = 'a module that was handed over is run as it is, with vectors of 128 bits';
const noSimd = { culprit: 'WebAssembly', cure: 'heed runs in engines from 2021 on' };
const notDeterministic = { culprit: 'module', cure: 'Hand over the binary `simd`' };
