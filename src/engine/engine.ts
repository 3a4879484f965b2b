/**
 * The engine: a memory, the kernels that work on it, and threads where the runtime has them. The engine launches kernels, owns scopes, and queues asynchronous work.
 * Tensors and maths are outside of it; src/ops gives its kernels their meaning.
 */
import { HeedError } from '../errors.js';
import type { Runtime } from '../runtime/types.js';
import { Backlog, type HostNumbers } from './backlog.js';
import type { KernelFunction } from './instantiate.js';
import type { Launch, Pointer, Struct } from './launch.js';
import { type EngineMemory, type MemoryUse, Storage } from './memory.js';
import type { EngineInfo, EngineOptions } from './options.js';
import type { ThreadPool } from './pool.js';
import { Queue, started } from './queue.js';
import type { Recording } from './recording.js';
import { Scope, storagesIn } from './scope.js';
import { type Started, start } from './start.js';
import { Turns } from './turns.js';

export type { EngineInfo, EngineOptions } from './options.js';

/** Operations of one call of a kernel, where tiles allow it, and the most calls of a launch on one thread. */
const CALL = 1 << 19;
const MOST_CALLS = 8;

/**
 * An instance of the kernels with its memory and its threads, made by `createEngine`. Tensors and models live in the engine until they, or the engine, are disposed
 * of.
 */
export class Engine {
  /** Engine that was made or used last, while it lives: ops run there whose operands are all host tensors. */
  static latest: Engine | undefined;

  /** Threads and SIMD of the engine, and why not more. */
  readonly info: EngineInfo;
  /** Memory that holds the engine's tensors. */
  readonly heap: EngineMemory;
  #runtime: Runtime;
  #kernels: KernelFunction[];
  #pool: ThreadPool | undefined;
  #scope: Scope | undefined;
  #recording: Recording | undefined;
  #queue = new Queue();
  #backlog = new Backlog((part) => this.#compute(part));
  #scratch: Storage | undefined;
  #turns = new Turns();
  #inlineBelow: number;
  #disposed = false;
  /** Number of threads that a rehearsal stands for; 0 outside of rehearsals. */
  #rehearsing = 0;

  private constructor({ runtime, info, heap, kernels, pool, inlineBelow }: Started) {
    this.#runtime = runtime;
    this.info = info;
    this.heap = heap;
    this.#kernels = kernels;
    this.#pool = pool;
    this.#inlineBelow = inlineBelow;
    heap.beforeLook = () => this.#backlog.settle();
  }

  /** Compiles and instantiates the kernels, and starts the threads. Throws ARGUMENT, UNSUPPORTED (no SIMD, foreign module), MEMORY. */
  static async create(runtime: Runtime, options: EngineOptions = {}): Promise<Engine> {
    const engine = new Engine(await start(runtime, options));
    if (options.signal?.aborted) {
      await engine.dispose();
      throw options.signal.reason;
    }
    Engine.latest = engine;
    return engine;
  }

  /** Runtime of the engine. */
  get runtime(): Runtime {
    return this.#runtime;
  }

  /** `true` once `dispose` was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** `true` during a rehearsal, whose tensors are not kept by the engine. */
  get isRehearsing(): boolean {
    return this.#rehearsing > 0;
  }

  /** Use of the engine's memory. */
  memory(): MemoryUse {
    return this.heap.use;
  }

  /** Number of chunks that each thread has run; the first is the caller. Empty with one thread. */
  get lanes(): number[] {
    return this.#pool?.ran ?? [];
  }

  /**
   * Allocates a block of memory, owned by the innermost scope, or by the caller where there is none. `lasting`: the host writes to the block, which a recording does
   * but once.
   */
  allocate(bytes: number, lasting = false): Storage {
    this.#alive();
    const storage = this.#recording?.allocate(bytes, lasting) ?? this.heap.allocate(bytes);
    this.#scope?.own(storage);
    return storage;
  }

  /** Runs a kernel on all of its tiles, on all threads when that pays. @example engine.launch(fill_f32({ tiles, work: n, y, n, a: 0 })) */
  launch(launch: Launch): void {
    this.#alive();
    if (launch.tiles <= 0) return;
    this.#recording?.launches.push(launch);
    if (launch.scratch) launch.args[0] = this.#scratchFor(launch.scratch * (this.#rehearsing || (this.#pool?.scratchLanes ?? 1)));
    if (!this.#rehearsing) this.#backlog.launch(launch);
  }

  /** Puts a struct for kernels into memory of the innermost scope, and returns its address. */
  place<Name extends string>(words: Struct<Name>): Pointer<Name> {
    const { ptr } = this.allocate(words.length * 4, true);
    this.write(words, (own) => this.heap.ints(ptr, own.length).set(own));
    return ptr as Pointer<Name>;
  }

  /** Writes numbers of the host into the memory, in their turn where launches wait: `enter` gets the values, or a copy. */
  write<T extends HostNumbers>(values: T, enter: (values: T) => void): void {
    this.#backlog.write(values, enter);
  }

  /** Runs `body`, synchronous, and records its launches. Memory that `body` allocates belongs to the recording. */
  record<T>(recording: Recording, body: () => T): T {
    const outer = this.#recording;
    this.#recording = recording;
    try {
      return body();
    } finally {
      this.#recording = outer;
    }
  }

  /** Runs the launches of a recording again. */
  replay({ launches }: Recording): void {
    for (const launch of launches) this.launch(launch);
  }

  #compute(launch: Launch): void {
    const { work, kernel, first, tiles, args } = launch;
    this.#turns.work += work;
    if (this.#pool && this.#pool.lanes > 1 && tiles > 1 && work >= this.#inlineBelow && (this.#inlineBelow === 0 || this.#pool.pays)) {
      try {
        this.#pool.run(launch);
      } catch (error) {
        this.#lose(error);
      }
      return;
    }
    const run = this.#kernels[kernel] as KernelFunction;
    // Long work is split into a few calls: V8 cannot replace baseline code inside a running call.
    const step = Math.ceil(tiles / Math.max(1, Math.min(MOST_CALLS, work / CALL)));
    for (let tile = first, end = first + tiles; tile < end; tile += step) run(tile, Math.min(tile + step, end), ...args);
  }

  /** Runs `body` and frees every tensor that it made, except those that its result reaches, which go to the enclosing scope. Synchronous functions only. */
  scope<T>(body: () => T): T {
    if (typeof body !== 'function') throw notSynchronous();
    const scope = new Scope(this.#scope);
    let kept = none;
    try {
      const result = this.#within(scope, body);
      if (result instanceof Promise) {
        result.catch(() => {});
        throw notSynchronous();
      }
      if (!scope.isEmpty) kept = storagesIn(result);
      return result;
    } finally {
      scope.end(kept, this.#scope);
    }
  }

  /**
   * Measures the memory that `body` would take: runs it, synchronously, with every allocation and without a single kernel, so that all results are zeros. `body`
   * must leave nothing behind, and rely on nothing that it reads; it may rehearse parts of itself. `threads`: the number of threads of the engine to measure for.
   * See EngineMemory.rehearse.
   */
  rehearse(body: () => void, threads = this.#pool?.scratchLanes ?? 1): MemoryUse {
    this.#alive();
    this.#backlog.settle();
    const [scratch, outer] = [this.#scratch, this.#rehearsing];
    // A stand-in, as the rest of the memory is: the scratch memory may be freed for a larger block.
    this.#scratch = scratch && new Storage(this.heap, scratch.ptr, scratch.bytes);
    this.#rehearsing = threads;
    try {
      return this.heap.rehearse(() => this.scope(body));
    } finally {
      this.#rehearsing = outer;
      this.#scratch = scratch;
    }
  }

  #within<T>(scope: Scope, body: () => T): T {
    const outer = this.#scope;
    this.#scope = scope;
    try {
      return body();
    } finally {
      this.#scope = outer;
    }
  }

  /**
   * Runs a computation that yields between its steps, after those that were queued before. Its tensors live in a scope of its own, from the first step until the
   * computation ends, however it ends; the result must be host data. Rejects with `signal.reason` after an abort.
   */
  run<T>(steps: () => Generator<unknown, T>, signal?: AbortSignal): Promise<T> {
    return this.#queue.run(() => this.#drive(started(steps), signal), signal);
  }

  async #drive<T>(steps: Generator<unknown, T>, signal: AbortSignal | undefined): Promise<T> {
    const scope = new Scope(undefined);
    try {
      for (;;) {
        this.#alive();
        signal?.throwIfAborted();
        const { done, value } = this.#backlog.during(() => this.#within(scope, () => steps.next()));
        // A last step, such as an optimizer's, is completed even after an abort.
        while (this.#backlog.advance()) {
          if (this.#turns.isDue) await this.turn(done ? undefined : signal);
          this.#alive();
        }
        if (done) return value;
        if (this.#turns.isDue) await this.turn(signal);
      }
    } finally {
      this.#backlog.drop();
      try {
        // A computation that is aborted may hold memory that is in no scope.
        this.#within(scope, () => steps.return(undefined as never));
      } finally {
        scope.end(none, undefined);
      }
    }
  }

  /** Gives the event loop a turn if one is due. Rejects with `signal.reason` after an abort. For long work between two calls of `run`. */
  async turn(signal?: AbortSignal): Promise<void> {
    if (this.#turns.isDue) await this.#turns.give(this.#runtime);
    signal?.throwIfAborted();
  }

  /** Ends the threads and frees the memory. Whatever is used afterwards throws ENGINE_LOST. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    if (Engine.latest === this) Engine.latest = undefined;
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.terminate();
  }

  #alive(): void {
    if (this.#disposed) throw new HeedError('ENGINE_LOST', 'This engine was disposed', { culprit: 'engine', cure: 'Create a new one' });
  }

  /** Releases the lost pool; the engine continues with one thread. Memory that is freed meanwhile stays untouched until every thread is known to have ended. */
  #lose(error: unknown): never {
    const pool = this.#pool as ThreadPool;
    this.#pool = undefined;
    this.info.threads = 1;
    this.info.reason = error instanceof Error ? error.message : String(error);
    this.heap.hold();
    this.#scratch?.free();
    this.#scratch = undefined;
    pool.terminate().then(
      () => this.heap.unhold(),
      () => {},
    );
    throw error;
  }

  #scratchFor(bytes: number): number {
    if (!this.#scratch || this.#scratch.bytes < bytes) {
      this.#scratch?.free();
      this.#scratch = undefined;
      this.#scratch = this.heap.allocate(bytes);
    }
    return this.#scratch.ptr;
  }
}

const none: ReadonlySet<Storage> = /* @__PURE__ */ new Set();

const notSynchronous = () =>
  new HeedError('ARGUMENT', 'engine.scope takes synchronous functions only', { culprit: 'body', cure: 'Open a scope between two awaits' });
