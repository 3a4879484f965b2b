/**
 * Threads that are lost with a part of a launch: that launch fails, and nothing else does. The engine goes on with one thread,
 * and does not touch memory that a lost thread may still write to before that thread is known to have ended.
 */
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { slot } from '../../dist/engine/control.js';
import { Engine } from '../../dist/engine/engine.js';
import { scale_f32 } from '../../dist/engine/kernels.generated.js';
import type { Storage } from '../../dist/engine/memory.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { WorkerHandle, WorkerInit } from '../../dist/runtime/types.js';
import { failureOf } from '../io/memory.js';
import { expected, expectWorks, overlap, product } from './probe.js';

/** A thread that claims a chunk of the first launch it sees and never finishes it. */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const { memory, control, next, dies } = workerData;
const slots = new Int32Array(memory.buffer, control);
parentPort.postMessage('ready');
while (!(Atomics.load(slots, next) > 0 && Atomics.sub(slots, next, 1) > 0));
if (dies) process.exit(1);
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;

const DEADLINE = 100;
const LARGE = { M: 512, N: 512, K: 128 };

/** The worker's handle; `confirm` tells the engine of its end, which the engine does not hear of by itself. */
class Saboteur implements WorkerHandle {
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly worker: Worker;
  confirm = () => {};
  terminated = 0;

  constructor({ memory, control }: WorkerInit, dies: boolean) {
    this.worker = new Worker(program, { eval: true, workerData: { memory, control, next: slot.next, dies } });
    this.worker.unref();
    this.ready = new Promise((resolve) => this.worker.once('message', () => resolve()));
    this.ended = new Promise((resolve) => {
      this.confirm = resolve;
    });
  }

  terminate(): void {
    this.terminated++;
    void this.worker.terminate();
  }
}

interface Lossy {
  engine: Engine;
  saboteurs: Saboteur[];
}

async function lossyEngine({ dies = false, threads = 2, deadline = DEADLINE } = {}): Promise<Lossy> {
  const saboteurs: Saboteur[] = [];
  const startWorker = (init: WorkerInit) => {
    const worker = new Saboteur(init, dies);
    saboteurs.push(worker);
    return worker;
  };
  const runtime = { ...nodeRuntime, startWorker };
  const engine = await Engine.create(runtime, { threads, deadline, inlineBelow: 0, deterministic: true });
  return { engine, saboteurs };
}

/** Milliseconds in which a thread takes a part of a launch, on a machine that is busy with others. */
const PATIENCE = 20_000;

/** Launches until a thread has taken a part of one: the first launch, as good as always. */
async function lose({ engine }: Lossy) {
  for (const end = performance.now() + PATIENCE; performance.now() < end; ) {
    const { threads } = engine.info;
    try {
      product(engine, LARGE);
    } catch (error) {
      return failureOf(() => Promise.reject(error));
    }
    expect(threads).toBeGreaterThan(1);
  }
  throw new Error('no thread took any part');
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

afterEach(() => vi.restoreAllMocks());

describe.each([
  ['hangs', false],
  ['dies', true],
])('a thread that %s with a part of a launch', (_, dies) => {
  it('fails that launch with ENGINE_LOST, after the deadline', async () => {
    const lossy = await lossyEngine({ dies });
    const failure = await lose(lossy);
    expect(failure).toMatchObject({ code: 'ENGINE_LOST', culprit: 'thread' });
    expect(failure.message).toMatch(/within 100 ms/);
    expect(failure.cure).toMatch(/one thread/);
    expect(lossy.saboteurs[0]?.terminated).toBe(1);
  });

  it('leaves an engine of one thread that computes what is right, and says why', async () => {
    const lossy = await lossyEngine({ dies, threads: 3 });
    await lose(lossy);
    const { engine, saboteurs } = lossy;
    expect(engine.info.threads).toBe(1);
    expect(engine.info.reason).toMatch(/lost its threads/);
    for (let seed = 0; seed < 5; seed++) expect(product(engine, { seed })).toEqual(expected({ seed }));
    for (const worker of saboteurs) worker.confirm();
    await settled();
    expectWorks(engine);
    await engine.dispose();
  });
});

it('a thread that ends between two launches fails the next one, and the engine goes on with one thread', async () => {
  const start = vi.spyOn(nodeRuntime, 'startWorker');
  const engine = await Engine.create(nodeRuntime, { threads: 2, inlineBelow: 0, deterministic: true });
  const { value: worker } = start.mock.results[0] as { value: WorkerHandle };
  expect(product(engine)).toEqual(expected());
  worker.terminate();
  await worker.ended;
  const failure = await failureOf(async () => product(engine));
  expect(failure).toMatchObject({ code: 'ENGINE_LOST', culprit: 'thread' });
  expect(failure.message).toMatch(/a thread has ended/);
  expect(engine.info.threads).toBe(1);
  expect(product(engine)).toEqual(expected());
  await engine.dispose();
});

it('a caller that may not sleep, as the main thread of a page, gives a lost thread up long before the deadline', async () => {
  vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new TypeError('Atomics.wait cannot be called in this context');
  });
  const lossy = await lossyEngine({ deadline: 600_000 });
  const { message } = await lose(lossy);
  expect(Number(/within (\d+) ms/.exec(message)?.[1])).toBeLessThan(60_000);
  expectWorks(lossy.engine);
  lossy.saboteurs[0]?.confirm();
  await lossy.engine.dispose();
});

describe('memory after a loss', () => {
  it('that the failed launch knew of is not used before every thread has ended, then it is', async () => {
    const lossy = await lossyEngine({ threads: 3 });
    const { engine, saboteurs } = lossy;
    const known: Storage[] = [];
    const { allocate } = engine.heap;
    vi.spyOn(engine.heap, 'allocate').mockImplementation((bytes) => {
      const storage = allocate.call(engine.heap, bytes);
      known.push(storage);
      return storage;
    });
    await lose(lossy);
    const touched = known.splice(0);
    const touches = (block: Storage) => touched.some((one) => overlap(one, block));
    /** As many blocks as would fill all that was free. */
    const probe = () => touched.map(({ bytes }) => engine.heap.allocate(bytes));

    const early = probe();
    expect(early.filter(touches)).toEqual([]);
    saboteurs[0]?.confirm();
    await settled();
    expect(probe().filter(touches)).toEqual([]);
    saboteurs[1]?.confirm();
    await settled();
    expect(probe().some(touches)).toBe(true);
    await engine.dispose();
  });

  it('comes back to what it was, scratch included', async () => {
    const lossy = await lossyEngine();
    const { engine, saboteurs } = lossy;
    const before = engine.memory();
    await lose(lossy);
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
    saboteurs[0]?.confirm();
    await settled();
    // Threads have a block of their own.
    expect(engine.memory()).toMatchObject({ used: 0, storages: 0 });
    await engine.dispose();
  });
});

describe('calls around a loss', () => {
  it('fail where they were hit; those behind them are right', async () => {
    const { engine, saboteurs } = await lossyEngine();
    const call = (seed: number) =>
      engine.run(function* () {
        yield;
        return product(engine, { ...LARGE, seed });
      });
    let results: PromiseSettledResult<number[]>[] = [];
    let lost = -1;
    // The thread may get no core while three launches run.
    for (const end = performance.now() + PATIENCE; lost < 0 && performance.now() < end; ) {
      results = await Promise.allSettled([call(1), call(2), call(3)]);
      lost = results.findIndex(({ status }) => status === 'rejected');
    }
    expect(lost).toBeGreaterThanOrEqual(0);
    expect(results[lost]).toMatchObject({ reason: { code: 'ENGINE_LOST' } });
    for (const [i, result] of results.entries())
      if (i !== lost) expect(result).toEqual({ status: 'fulfilled', value: expected({ ...LARGE, seed: i + 1 }) });
    saboteurs[0]?.confirm();
    await engine.dispose();
  });
});

describe('a kernel that traps', () => {
  it('on threads fails its launch with ENGINE_LOST, and the engine goes on', async () => {
    const engine = await Engine.create(nodeRuntime, { threads: 2, inlineBelow: 0 });
    const nowhere = 2 ** 32 - 65536;
    const failure = await failureOf(() => engine.launch(scale_f32({ tiles: 64, work: 1e6, y: nowhere, x: nowhere, n: 65536, a: 1 })));
    expect(failure).toMatchObject({ code: 'ENGINE_LOST' });
    expect(failure.message).toMatch(/trapped/);
    await settled();
    expectWorks(engine);
    await engine.dispose();
  });
});
