/** Options of createEngine, their checks, and the defaults derived from them. engine.ts trusts the values that are checked here. */
import { checkOptions, HeedError, isSignal } from '../errors.js';
import { type Binary, binaries, type Runtime } from '../runtime/types.js';

/** Options of createEngine. All are optional. */
export interface EngineOptions {
  /** Number of threads, this one included. Default: the cores that this process may use, at most 8. A number above the cores is honoured. */
  threads?: number | undefined;
  /** `true` for the same bits in every runtime, for every thread count, batch and padding: no fused multiply-add. Default false. */
  deterministic?: boolean | undefined;
  /**
   * `true` for vectors of 256 bits, with the same bits as ever, where the runtime can be told to make them of pairs of 128: Node from 24 on, on x86-64. Kernels are
   * checked beforehand; where that is not possible or not right, the engine starts without, and `info.reason` says why. Default false.
   */
  wide?: boolean | undefined;
  /** Limits of the memory. */
  memory?:
    | {
        /** Most bytes that the memory may grow to, from 1 MiB to 4 GiB. Default 4 GiB, or what the runtime gives. */
        maximum?: number | undefined;
      }
    | undefined;
  /** A compiled module (one thread), or modules by the name of their binary, where the runtime cannot fetch them itself. */
  module?: WebAssembly.Module | Partial<Record<Binary, WebAssembly.Module>> | undefined;
  /** Signal that aborts the start of the engine. */
  signal?: AbortSignal | undefined;
  /** Milliseconds that threads get to start in; a thread that is late is left out. Default 5000. */
  startTimeout?: number | undefined;
  /** Milliseconds after which a thread that holds a part of a launch counts as lost. Default 10000. */
  deadline?: number | undefined;
  /** Operations below which a launch stays on the caller. Default 262144, about 8 microseconds. 0: no launch does, whether threads pay or not. */
  inlineBelow?: number | undefined;
}

/** Features that an engine has, and why not more. */
export interface EngineInfo {
  /** Name of the runtime: 'node', 'browser', 'workerd' … */
  runtime: string;
  /** Build of the kernels: relaxed ones have a fused multiply-add. */
  simd: 'simd' | 'relaxed';
  /** `true` where vectors are of 256 bits. */
  wide: boolean;
  /** `true` where results have the same bits everywhere. */
  deterministic: boolean;
  /** Number of threads that compute, the caller's included. */
  threads: number;
  /** `true` where the memory is a SharedArrayBuffer, which threads need. */
  shared: boolean;
  /** Reason for fewer threads, or plainer SIMD, than there might be or was asked for; undefined when nothing is missing. */
  reason: string | undefined;
}

const names = ['threads', 'deterministic', 'wide', 'memory', 'module', 'signal', 'startTimeout', 'deadline', 'inlineBelow'];
const MAX_THREADS = 64;
const DEFAULT_THREADS = 8;
const LEAST_MEMORY = 1 << 20;
export const MOST_MEMORY = 2 ** 32;

/** Throws UNSUPPORTED for unknown options, ARGUMENT for invalid values. */
export function checkEngineOptions(options: EngineOptions): void {
  for (const [name, value] of Object.entries({ options, memory: options?.memory ?? {} }))
    if (typeof value !== 'object' || value === null) throw wrong(name, value, 'It must be an object');
  checkOptions(options, names, 'createEngine');
  checkOptions(options.memory ?? {}, ['maximum'], "createEngine's memory");
  const { threads = 1, deterministic = false, wide = false, signal, startTimeout = 0, deadline = 0, inlineBelow = 0 } = options;
  const { maximum = MOST_MEMORY } = options.memory ?? {};
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS))
    throw wrong('threads', threads, `It must be a whole number from 1 to ${MAX_THREADS}`);
  if (!(typeof maximum === 'number' && maximum >= LEAST_MEMORY && maximum <= MOST_MEMORY))
    throw wrong('memory.maximum', maximum, 'It is in bytes, from 1 MiB to 4 GiB');
  for (const [name, value] of Object.entries({ startTimeout, deadline, inlineBelow }))
    if (!(typeof value === 'number' && value >= 0)) throw wrong(name, value, 'It must be a number from 0 on');
  for (const [name, value] of Object.entries({ deterministic, wide }))
    if (typeof value !== 'boolean') throw wrong(name, value, 'It must be true or false');
  if (signal !== undefined && !isSignal(signal)) throw wrong('signal', signal, 'It must be an AbortSignal');
  checkModule(options.module);
}

/** Throws ARGUMENT for a value that is no module, rather than use heed's own in its place. */
function checkModule(given: EngineOptions['module'] = {}): void {
  if (given instanceof WebAssembly.Module) return;
  const fits = ([name, module]: [string, unknown]) =>
    module === undefined || (binaries.includes(name as Binary) && module instanceof WebAssembly.Module);
  if (typeof given !== 'object' || given === null || !Object.entries(given).every(fits))
    throw wrong('module', given, `Give a WebAssembly.Module, or several by the names ${binaries.join(', ')}`);
}

const wrong = (name: string, value: unknown, cure: string) => {
  // An object need not convert to a string.
  const what = typeof value === 'object' && value ? Object.prototype.toString.call(value) : String(value).slice(0, 60);
  return new HeedError('ARGUMENT', `createEngine: ${name} is ${what}`, { culprit: name, cure });
};

/** Number of threads that were asked for, or else the cores that the process may use, at most 8. */
export const wantedThreads = (runtime: Runtime, threads: number | undefined): number =>
  threads ?? Math.max(1, Math.min(DEFAULT_THREADS, runtime.cores()));
