/**
 * The engine: a memory, the kernels that work on it, and threads where the runtime has them. It launches kernels, owns scopes,
 * and queues asynchronous work. It knows no tensors and no maths; src/ops gives its kernels their meaning.
 */
import { HeedError } from '../errors.js';
import type { Binary, Runtime } from '../runtime/types.js';
import { Backlog, type HostNumbers } from './backlog.js';
import { hasRelaxed, hasSimd } from './features.js';
import { instantiate, type KernelFunction } from './instantiate.js';
import type { Launch, Pointer, Struct } from './launch.js';
import { createMemory, type EngineMemory, type MemoryUse, Storage } from './memory.js';
import { checkEngineOptions, type EngineInfo, type EngineOptions, MOST_MEMORY, wantedThreads } from './options.js';
import { ThreadPool } from './pool.js';
import { Queue, started } from './queue.js';
import { Scope, storagesIn } from './scope.js';

export type { EngineInfo, EngineOptions } from './options.js';

/** A step of this many operations or milliseconds is followed by a turn of the event loop. */
const TURN_WORK = 1e9;
const TURN_MS = 16;

/**
 * An instance of the kernels with its memory and its threads. `createEngine` makes it; tensors and models live in it until they, or it, are
 * disposed of.
 */
export class Engine {
  /** The last one made, while it lives: where ops of host tensors run whose operands name none. */
  static latest: Engine | undefined;

  /** What it got: threads, SIMD, and why not more. */
  readonly info: EngineInfo;
  /** The memory that its tensors are in. */
  readonly heap: EngineMemory;
  #runtime: Runtime;
  #kernels: KernelFunction[];
  #pool: ThreadPool | undefined;
  #scope: Scope | undefined;
  #queue = new Queue();
  #backlog = new Backlog((part) => this.#compute(part));
  #scratch: Storage | undefined;
  #work = 0;
  /** When the event loop last had a turn. */
  #pausedAt = { work: 0, time: 0 };
  #inlineBelow: number;
  #disposed = false;
  /** For how many threads, while that is. */
  #rehearsing = 0;

  private constructor(runtime: Runtime, info: EngineInfo, memory: EngineMemory, kernels: KernelFunction[], inlineBelow: number) {
    this.#runtime = runtime;
    this.info = info;
    this.heap = memory;
    this.#kernels = kernels;
    this.#inlineBelow = inlineBelow;
    memory.beforeLook = () => this.#backlog.settle();
  }

  /** Compiles, instantiates, starts threads. Throws ARGUMENT, UNSUPPORTED (no SIMD, foreign module), MEMORY. */
  static async create(runtime: Runtime, options: EngineOptions = {}): Promise<Engine> {
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
    const module = single ?? (given as Partial<Record<Binary, WebAssembly.Module>>)?.[binary] ?? (await runtime.loadModule(binary));
    signal?.throwIfAborted();
    const memory = createMemory(shared, options.memory?.maximum ?? MOST_MEMORY);
    const { kernels, relaxed } = instantiate(module, memory.wasm);
    if (relaxed && deterministic) throw new HeedError('ARGUMENT', 'A relaxed module cannot be deterministic', notDeterministic);
    const info: EngineInfo = {
      runtime: runtime.name,
      simd: relaxed ? 'relaxed' : 'simd',
      deterministic,
      threads: 1,
      shared,
      reason: undefined,
    };
    const engine = new Engine(runtime, info, memory, kernels, inlineBelow);
    if (shared) {
      const started = await ThreadPool.start({ runtime, module, memory, kernels, lanes: wanted, startTimeout, deadline });
      engine.#pool = started.pool;
      info.threads = started.pool.lanes;
      if (started.missing) reasons.push(started.missing);
    }
    info.reason = reasons.join('; ') || undefined;
    if (signal?.aborted) {
      await engine.dispose();
      throw signal.reason;
    }
    Engine.latest = engine;
    return engine;
  }

  /** Where it runs. */
  get runtime(): Runtime {
    return this.#runtime;
  }

  /** Whether `dispose` was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** What the memory holds. */
  memory(): MemoryUse {
    return this.heap.use;
  }

  /** Chunks of launches that each thread has run; the first is the caller. One thread: empty. */
  get lanes(): number[] {
    return this.#pool?.ran ?? [];
  }

  /** A block of memory, owned by the innermost scope, or by the caller where there is none. */
  allocate(bytes: number): Storage {
    this.#alive();
    const storage = this.heap.allocate(bytes);
    this.#scope?.own(storage);
    return storage;
  }

  /** Runs a kernel on all of its tiles, on all threads when that pays. @example engine.launch(fill_f32({ tiles, work: n, y, n, a: 0 })) */
  launch(launch: Launch): void {
    this.#alive();
    if (launch.tiles <= 0) return;
    if (launch.scratch) launch.args[0] = this.#scratchFor(launch.scratch * (this.#rehearsing || (this.#pool?.scratchLanes ?? 1)));
    if (!this.#rehearsing) this.#backlog.launch(launch);
  }

  /** Puts a struct into the memory of the innermost scope, for kernels: its address. */
  place<Name extends string>(words: Struct<Name>): Pointer<Name> {
    const { ptr } = this.allocate(words.length * 4);
    this.write(words, (own) => this.heap.ints(ptr, own.length).set(own));
    return ptr as Pointer<Name>;
  }

  /** Writes values of the host's into the memory, in their turn where launches wait: `enter` gets them, or a copy. */
  write<T extends HostNumbers>(values: T, enter: (values: T) => void): void {
    this.#backlog.write(values, enter);
  }

  #compute(launch: Launch): void {
    const { work, kernel, first, tiles, args } = launch;
    this.#work += work;
    if (this.#pool && this.#pool.lanes > 1 && tiles > 1 && work >= this.#inlineBelow && (this.#inlineBelow === 0 || this.#pool.pays)) {
      try {
        this.#pool.run(launch);
      } catch (error) {
        this.#lose(error);
      }
      return;
    }
    const run = this.#kernels[kernel] as KernelFunction;
    // In a few calls, not one: V8 cannot replace baseline code inside a running call.
    const step = Math.ceil(tiles / 8);
    for (let tile = first, end = first + tiles; tile < end; tile += step) run(tile, Math.min(tile + step, end), ...args);
  }

  /**
   * Runs `body` and frees every tensor that it made, but for those that its result reaches: they go to the scope outside.
   * Synchronous functions only.
   */
  scope<T>(body: () => T): T {
    if (typeof body !== 'function') throw notSynchronous();
    const scope = new Scope(this.#scope);
    let kept: ReadonlySet<Storage> = new Set();
    try {
      const result = this.#within(scope, body);
      if (result instanceof Promise) {
        result.catch(() => {});
        throw notSynchronous();
      }
      kept = storagesIn(result);
      return result;
    } finally {
      scope.end(kept, this.#scope);
    }
  }

  /**
   * How much memory `body` would take: runs it, synchronously, with every allocation and without a single kernel, so that all it computes is zeros. It must
   * leave nothing behind, and believe nothing that it reads; it may rehearse parts of itself. `threads`: as an engine of so many would take it. See EngineMemory.rehearse.
   */
  rehearse(body: () => void, threads = this.#pool?.scratchLanes ?? 1): MemoryUse {
    this.#alive();
    this.#backlog.settle();
    const [scratch, outer] = [this.#scratch, this.#rehearsing];
    // A stand-in like the rest of the memory: it may be freed for a larger one.
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
   * Runs a computation that yields between its steps, after what was queued before it. Its tensors live in a scope of its own,
   * from its first step to its end, however it ends; its result must be host data. Rejects with `signal.reason` after an abort.
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
        // A last step is done as a whole, an optimizer's say.
        while (this.#backlog.advance()) {
          await this.turn(done ? undefined : signal);
          this.#alive();
        }
        if (done) return value;
        if (this.#turnIsDue) await this.turn(signal);
      }
    } finally {
      this.#backlog.drop();
      try {
        // A computation that is given up may hold what is in no scope.
        this.#within(scope, () => steps.return(undefined as never));
      } finally {
        scope.end(new Set(), undefined);
      }
    }
  }

  /** Whether the event loop has waited for long: counted over all calls, so that many short ones starve nobody either. */
  get #turnIsDue(): boolean {
    return this.#work - this.#pausedAt.work >= TURN_WORK || performance.now() - this.#pausedAt.time >= TURN_MS;
  }

  /** Gives the event loop a turn if one is due. Rejects with `signal.reason` after an abort. For long work between two calls of `run`. */
  async turn(signal?: AbortSignal): Promise<void> {
    if (this.#turnIsDue) {
      await this.#runtime.pause();
      this.#pausedAt = { work: this.#work, time: performance.now() };
    }
    signal?.throwIfAborted();
  }

  /** Ends the threads and lets go of the memory. Everything that is used afterwards throws ENGINE_LOST. */
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

  /** Goes on with one thread. Memory that is freed meanwhile stays untouched until every thread is known to have ended. */
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

const noSimd = { culprit: 'WebAssembly', cure: 'heed runs in engines from 2021 on' };
const notDeterministic = { culprit: 'module', cure: 'Hand over the binary `simd`' };

const notSynchronous = () =>
  new HeedError('ARGUMENT', 'engine.scope takes synchronous functions only', { culprit: 'body', cure: 'Open a scope between two awaits' });
