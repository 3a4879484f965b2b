/** createEngine's options and their checks. What is checked here is trusted by engine.ts. */
import { checkOptions, HeedError } from '../errors.js';
import { type Binary, binaries, type Runtime } from '../runtime/types.js';

export interface EngineOptions {
  /** Threads, this one included. Default: the cores this process may use, at most 8. More than there are cores is honoured. */
  threads?: number | undefined;
  /** The same bits in every runtime, for every thread count, batch and padding: no fused multiply-add. Default false. */
  deterministic?: boolean | undefined;
  /** `maximum`: the most bytes that the memory may grow to. Default 4 GiB, or what the runtime gives. */
  memory?: { maximum?: number | undefined } | undefined;
  /** A compiled module (one thread), or modules by the name of their binary, where the runtime cannot fetch them itself. */
  module?: WebAssembly.Module | Partial<Record<Binary, WebAssembly.Module>> | undefined;
  /** Gives up the start of the engine. */
  signal?: AbortSignal | undefined;
  /** Milliseconds that threads get to start in; who is late is left out. Default 5000. */
  startTimeout?: number | undefined;
  /** Milliseconds after which a thread that holds a part of a launch counts as lost. Default 10000. */
  deadline?: number | undefined;
  /** Launches of fewer operations than this stay on the caller. Default 262144, about 8 microseconds. */
  inlineBelow?: number | undefined;
}

const names = ['threads', 'deterministic', 'memory', 'module', 'signal', 'startTimeout', 'deadline', 'inlineBelow'];
const MAX_THREADS = 64;
const DEFAULT_THREADS = 8;
const LEAST_MEMORY = 1 << 20;
export const MOST_MEMORY = 2 ** 32;

/** Throws UNSUPPORTED for options that there are not, ARGUMENT for values that make no sense. */
export function checkEngineOptions(options: EngineOptions): void {
  checkOptions(options, names, 'createEngine');
  checkOptions(options.memory ?? {}, ['maximum'], "createEngine's memory");
  const { threads = 1, memory: { maximum = MOST_MEMORY } = {}, startTimeout = 0, deadline = 0, inlineBelow = 0 } = options;
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS))
    throw wrong('threads', threads, `It must be a whole number from 1 to ${MAX_THREADS}`);
  if (!(typeof maximum === 'number' && maximum >= LEAST_MEMORY && maximum <= MOST_MEMORY))
    throw wrong('memory.maximum', maximum, 'It is in bytes, from 1 MiB to 4 GiB');
  for (const [name, value] of Object.entries({ startTimeout, deadline, inlineBelow }))
    if (!(typeof value === 'number' && value >= 0)) throw wrong(name, value, 'It must be a number from 0 on');
  checkModule(options.module);
}

/** What is no module is refused rather than passed over in favour of heed's own. */
function checkModule(given: EngineOptions['module'] = {}): void {
  if (given instanceof WebAssembly.Module) return;
  const fits = ([name, module]: [string, unknown]) =>
    module === undefined || (binaries.includes(name as Binary) && module instanceof WebAssembly.Module);
  if (typeof given !== 'object' || !Object.entries(given).every(fits))
    throw wrong('module', String(given), `Give a WebAssembly.Module, or several by the names ${binaries.join(', ')}`);
}

const wrong = (name: string, value: unknown, cure: string) =>
  new HeedError('ARGUMENT', `createEngine: ${name} is ${String(value).slice(0, 60)}`, { culprit: name, cure });

/** As many threads as were asked for, or else as many as pay. */
export const wantedThreads = (runtime: Runtime, threads: number | undefined): number =>
  threads ?? Math.max(1, Math.min(DEFAULT_THREADS, runtime.cores()));
