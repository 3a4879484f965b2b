/** createEngine's options and their checks, and what comes of them. What is checked here is trusted by engine.ts. */
import { checkOptions, HeedError } from '../errors.js';
import { type Binary, binaries, type Runtime } from '../runtime/types.js';
import { isSignal } from './queue.js';

/** Options of createEngine. None has to be given. */
export interface EngineOptions {
  /** Threads, this one included. Default: the cores this process may use, at most 8. More than there are cores is honoured. */
  threads?: number | undefined;
  /** The same bits in every runtime, for every thread count, batch and padding: no fused multiply-add. Default false. */
  deterministic?: boolean | undefined;
  /** Limits of the memory. */
  memory?:
    | {
        /** The most bytes that it may grow to, from 1 MiB to 4 GiB. Default 4 GiB, or what the runtime gives. */
        maximum?: number | undefined;
      }
    | undefined;
  /** A compiled module (one thread), or modules by the name of their binary, where the runtime cannot fetch them itself. */
  module?: WebAssembly.Module | Partial<Record<Binary, WebAssembly.Module>> | undefined;
  /** Gives up the start of the engine. */
  signal?: AbortSignal | undefined;
  /** Milliseconds that threads get to start in; who is late is left out. Default 5000. */
  startTimeout?: number | undefined;
  /** Milliseconds after which a thread that holds a part of a launch counts as lost. Default 10000. */
  deadline?: number | undefined;
  /** Launches of fewer operations than this stay on the caller. Default 262144, about 8 microseconds. 0: none do, whether threads pay or not. */
  inlineBelow?: number | undefined;
}

/** What an engine got, and why not more. */
export interface EngineInfo {
  /** The runtime's name: 'node', 'browser', 'workerd' … */
  runtime: string;
  /** Which of the kernels run: relaxed ones have a fused multiply-add. */
  simd: 'simd' | 'relaxed';
  /** Whether results have the same bits everywhere. */
  deterministic: boolean;
  /** How many compute, the caller's included. */
  threads: number;
  /** Whether the memory is a SharedArrayBuffer, as threads need it. */
  shared: boolean;
  /** Why there are fewer threads, or plainer SIMD, than there might be; undefined when nothing is missing. */
  reason: string | undefined;
}

const names = ['threads', 'deterministic', 'memory', 'module', 'signal', 'startTimeout', 'deadline', 'inlineBelow'];
const MAX_THREADS = 64;
const DEFAULT_THREADS = 8;
const LEAST_MEMORY = 1 << 20;
export const MOST_MEMORY = 2 ** 32;

/** Throws UNSUPPORTED for options that there are not, ARGUMENT for values that make no sense. */
export function checkEngineOptions(options: EngineOptions): void {
  for (const [name, value] of Object.entries({ options, memory: options?.memory ?? {} }))
    if (typeof value !== 'object' || value === null) throw wrong(name, value, 'It must be an object');
  checkOptions(options, names, 'createEngine');
  checkOptions(options.memory ?? {}, ['maximum'], "createEngine's memory");
  const { threads = 1, deterministic = false, signal, startTimeout = 0, deadline = 0, inlineBelow = 0 } = options;
  const { maximum = MOST_MEMORY } = options.memory ?? {};
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS))
    throw wrong('threads', threads, `It must be a whole number from 1 to ${MAX_THREADS}`);
  if (!(typeof maximum === 'number' && maximum >= LEAST_MEMORY && maximum <= MOST_MEMORY))
    throw wrong('memory.maximum', maximum, 'It is in bytes, from 1 MiB to 4 GiB');
  for (const [name, value] of Object.entries({ startTimeout, deadline, inlineBelow }))
    if (!(typeof value === 'number' && value >= 0)) throw wrong(name, value, 'It must be a number from 0 on');
  if (typeof deterministic !== 'boolean') throw wrong('deterministic', deterministic, 'It must be true or false');
  if (signal !== undefined && !isSignal(signal)) throw wrong('signal', signal, 'It must be an AbortSignal');
  checkModule(options.module);
}

/** What is no module is refused rather than passed over in favour of heed's own. */
function checkModule(given: EngineOptions['module'] = {}): void {
  if (given instanceof WebAssembly.Module) return;
  const fits = ([name, module]: [string, unknown]) =>
    module === undefined || (binaries.includes(name as Binary) && module instanceof WebAssembly.Module);
  if (typeof given !== 'object' || given === null || !Object.entries(given).every(fits))
    throw wrong('module', given, `Give a WebAssembly.Module, or several by the names ${binaries.join(', ')}`);
}

const wrong = (name: string, value: unknown, cure: string) => {
  // An object need not have a string.
  const what = typeof value === 'object' && value ? Object.prototype.toString.call(value) : String(value).slice(0, 60);
  return new HeedError('ARGUMENT', `createEngine: ${name} is ${what}`, { culprit: name, cure });
};

/** As many threads as were asked for, or else as many as pay. */
export const wantedThreads = (runtime: Runtime, threads: number | undefined): number =>
  threads ?? Math.max(1, Math.min(DEFAULT_THREADS, runtime.cores()));
