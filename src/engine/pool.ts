/**
 * Threads that share one memory, and the launch that gives them the tiles of a kernel. The caller works too. A launch ends when every chunk is done; when a thread
 * holds a chunk beyond the deadline, the thread and the whole pool are given up.
 */
import { HeedError } from '../errors.js';
import type { Runtime, WorkerHandle } from '../runtime/types.js';
import { Balance } from './balance.js';
import { admittedSlot, CONTROL_BYTES, ranSlot, slot, spin, viewControl, work } from './control.js';
import type { KernelFunction } from './instantiate.js';
import type { Launch } from './launch.js';
import type { EngineMemory, Storage } from './memory.js';

/** Chunks per lane: enough that the share of a late or slow lane goes to the others, and that two lanes take matmul's 48 tiles one by one. */
const CHUNKS_PER_LANE = 32;
/** Microseconds for which a thread looks for work before it sleeps: longer than the host takes between two launches, and longer than waking a thread takes. */
const THREADS_PATIENCE = 200;
/** Milliseconds that the caller spins for the last chunks before it yields its core: longer than most chunks take. */
const CALLERS_PATIENCE = 0.2;
/** Milliseconds after which a thread counts as lost to a caller that may not sleep: the caller would burn its core, and a page would stand still. */
const STANDSTILL = 1000;
/** Longest delay of a timer, in milliseconds: a longer one fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

export interface PoolOptions {
  runtime: Runtime;
  module: WebAssembly.Module;
  memory: EngineMemory;
  kernels: readonly KernelFunction[];
  /** Number of lanes, the caller's included. */
  lanes: number;
  /** Milliseconds that threads get to start in. */
  startTimeout: number;
  /** Milliseconds that a chunk may take. */
  deadline: number;
}

export class ThreadPool {
  #workers: WorkerHandle[] = [];
  #control: Storage;
  #slots: Int32Array;
  #args: Float64Array;
  #kernels: readonly KernelFunction[];
  #deadline: number;
  #mayWait: boolean;
  #balance = new Balance();
  /** Lanes that run chunks: the caller, which is 0, and the threads that started in time. */
  #lanes = [0];

  private constructor(options: PoolOptions, control: Storage) {
    const { slots, args } = viewControl(options.memory.wasm, control.ptr);
    this.#control = control;
    this.#slots = slots;
    this.#args = args;
    this.#kernels = options.kernels;
    this.#deadline = options.deadline;
    this.#mayWait = mayWait();
    slots.fill(0);
    // With more lanes than cores, a spinning thread would keep the core from a working one.
    slots[slot.patience] = options.lanes > options.runtime.cores() ? 0 : THREADS_PATIENCE;
  }

  /** Starts the threads and waits until all are ready or the time is up; the pool has those that are ready then. */
  static async start(options: PoolOptions): Promise<{ pool: ThreadPool; missing?: string }> {
    const control = options.memory.allocate(CONTROL_BYTES);
    const pool = new ThreadPool(options, control);
    const failures: string[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, Math.min(options.startTimeout, LONGEST_TIMER), 'late');
    });
    const starts = Array.from({ length: options.lanes - 1 }, async (_, i) => {
      let worker: WorkerHandle | undefined;
      try {
        worker = options.runtime.startWorker({ module: options.module, memory: options.memory.wasm, control: control.ptr, lane: i + 1 });
        if ((await Promise.race([worker.ready, timeout])) === 'late') throw new Error(`not ready after ${options.startTimeout} ms`);
        pool.#workers.push(worker);
        pool.#lanes.push(i + 1);
      } catch (error) {
        worker?.ready.catch(() => {});
        worker?.terminate();
        failures.push(error instanceof Error ? error.message : String(error));
      }
    });
    await Promise.all(starts);
    clearTimeout(timer);
    for (const lane of pool.#lanes) {
      Atomics.store(pool.#slots, admittedSlot(lane), 1);
      Atomics.notify(pool.#slots, admittedSlot(lane));
    }
    return failures.length
      ? { pool, missing: `${failures.length} of ${options.lanes - 1} workers did not start: ${failures[0]}` }
      : { pool };
  }

  /** Number of chunks that each lane has run since the start; lane 0 is the caller. */
  get ran(): number[] {
    return this.#lanes.map((lane) => this.#slots[ranSlot(lane)] as number);
  }

  get lanes(): number {
    return this.#lanes.length;
  }

  /** Number of lanes that need scratch memory: lane numbers count all threads that were asked for, not only those that started. */
  get scratchLanes(): number {
    return Math.max(...this.#lanes) + 1;
  }

  /** Runs all tiles on all lanes. Throws ENGINE_LOST when a thread dies or hangs with a chunk; call `lose` then. */
  run({ kernel, first, tiles, args, scratch }: Launch): void {
    // Without this a pool whose threads have ended between two launches would go on, as slow as the caller alone.
    for (const worker of this.#workers) if (worker.hasEnded?.()) throw lost('a thread has ended');
    const slots = this.#slots;
    const chunks = Math.min(tiles, this.lanes * CHUNKS_PER_LANE);
    slots[slot.serial] = ((slots[slot.serial] as number) + 1) | 0;
    slots[slot.kernel] = kernel;
    slots[slot.first] = first;
    slots[slot.tiles] = tiles;
    slots[slot.chunks] = chunks;
    slots[slot.argc] = args.length;
    slots[slot.scratch] = scratch;
    this.#args.set(args);
    const begin = performance.now();
    Atomics.store(slots, slot.pending, chunks);
    Atomics.store(slots, slot.next, chunks);
    Atomics.add(slots, slot.epoch, 1);
    if (Atomics.load(slots, slot.sleepers) > 0) Atomics.notify(slots, slot.epoch);
    const own = work(slots, this.#args, 0, this.#kernels);
    const worked = performance.now() - begin;
    this.#await(worked);
    const end = performance.now();
    if (own > 0) this.#balance.add(end - begin, (worked / own) * chunks, end);
    if (Atomics.exchange(slots, slot.fault, 0) !== 0) throw lost('a kernel trapped');
  }

  /** `true` where launches on threads are no slower than on the caller alone, as far as is known. */
  get pays(): boolean {
    return this.#balance.pays(performance.now());
  }

  /** Waits for the chunks that other threads hold, after the caller's own `worked` milliseconds. */
  #await(worked: number): void {
    const slots = this.#slots;
    const isDone = () => Atomics.load(slots, slot.pending) === 0;
    const begin = performance.now();
    // Chunks are alike: a chunk of a live thread takes hardly longer than all of the caller's.
    const deadline = this.#mayWait ? this.#deadline : Math.min(this.#deadline, Math.max(STANDSTILL, 10 * worked));
    // With more threads than cores, a spinning caller would keep the core from a working thread.
    if (slots[slot.patience] !== 0 || !this.#mayWait) if (spin(isDone, CALLERS_PATIENCE)) return;
    while (!isDone()) {
      if (performance.now() > begin + deadline) {
        Atomics.store(slots, slot.next, 0);
        throw lost(`a thread has not finished its part of a launch within ${Math.round(deadline)} ms`);
      }
      if (this.#mayWait) this.#sleep();
      else spin(isDone, CALLERS_PATIENCE);
    }
  }

  /** Sleeps for a millisecond, or until the last chunk is done. */
  #sleep(): void {
    const slots = this.#slots;
    Atomics.store(slots, slot.asleep, 1);
    const pending = Atomics.load(slots, slot.pending);
    if (pending !== 0) Atomics.wait(slots, slot.pending, pending, 1);
    Atomics.store(slots, slot.asleep, 0);
  }

  /** Terminates every thread; settles when all have ended. */
  async terminate(): Promise<void> {
    for (const worker of this.#workers) worker.terminate();
    await Promise.all(this.#workers.map((worker) => worker.ended));
    this.#control.free();
  }
}

const lost = (what: string) =>
  new HeedError('ENGINE_LOST', `The engine lost its threads: ${what}`, {
    culprit: 'thread',
    cure: 'This call has no result; the engine goes on with one thread. Create a new one to have threads again',
  });

/** Returns `false` where this thread may not block: a browser's main thread, not even for a millisecond. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
