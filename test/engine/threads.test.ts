/** Threads: every one works, more than there are cores do no harm, and none keeps a process alive. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ranSlot } from '../../dist/engine/control.js';
import { Engine, type EngineOptions } from '../../dist/engine/engine.js';
import type { Storage } from '../../dist/engine/memory.js';
import { createEngine } from '../../dist/entry/node.js';
import { scaledDotProductAttention } from '../../dist/ops/index.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { Runtime, WorkerHandle } from '../../dist/runtime/types.js';
import { tensor } from '../../dist/tensor.js';
import { expectWorks, product } from './probe.js';

const made: Engine[] = [];
afterEach(() => Promise.all(made.splice(0).map((engine) => engine.dispose())));

async function engineWith(options: EngineOptions, runtime: Partial<Runtime> = {}): Promise<Engine> {
  const engine = await Engine.create({ ...nodeRuntime, ...runtime }, options);
  made.push(engine);
  return engine;
}

describe('threads', () => {
  it.each([2, 3, 4, 8])('%i of them all work, and get it right, however few cores there are', async (threads) => {
    const engine = await engineWith({ threads, inlineBelow: 0 });
    expect(engine.info).toMatchObject({ threads, shared: true });
    const end = performance.now() + 20_000;
    while (engine.lanes.some((chunks) => chunks === 0) && performance.now() < end) product(engine, { M: 256, N: 256, K: 64 });
    expect(engine.lanes).toHaveLength(threads);
    expect(Math.min(...engine.lanes)).toBeGreaterThan(0);
    for (let seed = 0; seed < 20; seed++) expectWorks(engine, { seed, M: 1 + ((seed * 37) % 200), N: 1 + ((seed * 53) % 150) });
  });

  it('do not touch launches that are too small', async () => {
    const engine = await engineWith({ threads: 2, inlineBelow: 1e12 });
    expectWorks(engine);
    expect(engine.lanes).toEqual([0, 0]);
  });

  it('wake up again after a rest', async () => {
    const engine = await engineWith({ threads: 2, inlineBelow: 0 });
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      expectWorks(engine, { seed: i });
    }
    const [, before] = engine.lanes as [number, number];
    const end = performance.now() + 10_000;
    while (engine.lanes[1] === before && performance.now() < end) product(engine, { M: 256, N: 256, K: 64 });
    expect(engine.lanes[1]).toBeGreaterThan(before);
  });
});

describe('a thread that does not start', () => {
  const pending = new Promise<void>(() => {});
  const ends: number[] = [];
  afterEach(() => ends.splice(0));

  /** The thread of lane 2 behaves as `odd` does, all others as they should. */
  const startWorker =
    (odd: Partial<WorkerHandle>): Runtime['startWorker'] =>
    (init) =>
      init.lane === 2
        ? { ready: pending, ended: pending, terminate: () => void ends.push(init.lane), ...odd }
        : nodeRuntime.startWorker(init);

  /** An engine whose threads' time to start is over when all are ready but that of lane 2, however long they take. The timer is the test's. */
  async function engineWithout2(threads: number, start = startWorker({})): Promise<Engine> {
    const others: Promise<void>[] = [];
    let engine: Promise<Engine> | undefined;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await new Promise<void>((begun, fail) => {
        const startWorker: Runtime['startWorker'] = (init) => {
          const worker = start(init);
          if (init.lane !== 2) others.push(worker.ready);
          if (init.lane === threads - 1) begun();
          return worker;
        };
        engine = engineWith({ threads, startTimeout: 2000, inlineBelow: 0 }, { startWorker });
        engine.catch(fail);
      });
      await Promise.all(others);
      vi.advanceTimersByTime(2000);
      return (await engine) as Engine;
    } finally {
      vi.useRealTimers();
    }
  }

  it('in time is left out, ended, and the reason says so', async () => {
    const engine = await engineWithout2(4);
    expect(engine.info.threads).toBe(3);
    expect(engine.info.reason).toMatch(/1 of 3 workers did not start: not ready after 2000 ms/);
    expect(ends).toEqual([2]);
    expectWorks(engine);
    expect(engine.lanes).toHaveLength(3);
  });

  it('leaves its number to nobody: the others write no scratch but their own', async () => {
    const engine = await engineWithout2(4);
    const allocations = vi.spyOn(engine.heap, 'allocate');
    const attend = () =>
      engine.scope(() => {
        const x = tensor(engine, new Float32Array(8 * 256 * 16).fill(1), [1, 8, 256, 16]);
        scaledDotProductAttention(x, x, x);
      });
    attend();
    const kept = allocations.mock.results.flatMap(({ value }) => (value.freed ? [] : [value as Storage]));
    const scratch = kept.at(-1) as Storage;
    const guard = Array.from({ length: 20_000 }, () => engine.allocate(64)).find(({ ptr }) => ptr === scratch.ptr + scratch.bytes);
    const guarded = engine.heap.floats(guard?.ptr as number, 16).fill(7);
    const end = performance.now() + 20_000;
    while (Math.min(...engine.lanes) === 0 && performance.now() < end) attend();
    for (let i = 0; i < 50; i++) attend();
    expect(Array.from(guarded)).toEqual(new Array(16).fill(7));
  });

  it('in time, and then does, runs nothing', async () => {
    let control = new Int32Array();
    const engine = await engineWithout2(3, (init) => {
      const worker = nodeRuntime.startWorker(init);
      if (init.lane !== 2) return worker;
      control = new Int32Array(init.memory.buffer, init.control);
      return { ...worker, ready: pending, terminate: () => {} };
    });
    expect(engine.lanes).toHaveLength(2);
    for (let i = 0; i < 50; i++) product(engine, { M: 256, N: 256, K: 64 });
    expect(control[ranSlot(1)]).toBe(engine.lanes[1]);
    expect(control[ranSlot(2)]).toBe(0);
  });

  it('because it failed is left out, and the reason says so', async () => {
    const ready = Promise.reject(new Error('no such file'));
    const engine = await engineWith({ threads: 3, inlineBelow: 0 }, { startWorker: startWorker({ ready }) });
    expect(engine.info).toMatchObject({ threads: 2 });
    expect(engine.info.reason).toMatch(/1 of 2 workers did not start: no such file/);
    expectWorks(engine);
  });

  it('because workers are forbidden leaves one thread, and the reason says so', async () => {
    const forbid = () => {
      throw new Error('refused to create a worker');
    };
    const engine = await engineWith({ threads: 3, inlineBelow: 0 }, { startWorker: forbid });
    expect(engine.info).toMatchObject({ threads: 1, shared: true });
    expect(engine.info.reason).toMatch(/2 of 2 workers did not start: refused to create a worker/);
    expectWorks(engine);
  });

  it('and fails later does so without an unhandled rejection', async () => {
    let fail = (_: Error) => {};
    const ready = new Promise<void>((_, reject) => {
      fail = reject;
    });
    const engine = await engineWith({ threads: 3, startTimeout: 300, inlineBelow: 0 }, { startWorker: startWorker({ ready }) });
    fail(new Error('too late'));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expectWorks(engine);
  });
});

describe('a process', () => {
  const entry = JSON.stringify(new URL('../../dist/entry/node.js', import.meta.url).href);
  /** Fails for one that has to be killed. */
  const run = (program: string) => {
    const flags = ['--input-type=module', '-e', `import { createEngine, tensor } from ${entry};\n${program}`];
    return promisify(execFile)(process.execPath, flags, { timeout: 20_000 });
  };

  it('ends by itself, though its engine was not disposed of', async () => {
    const { stdout, stderr } = await run('const { info } = await createEngine({ threads: 4 }); console.log(info.threads);');
    expect([stdout, stderr]).toEqual(['4\n', '']);
  });

  it('ends by itself while its threads still look for work', async () => {
    const { stdout } = await run(`
      const { linear } = await import(${JSON.stringify(new URL('../../dist/ops/index.js', import.meta.url).href)});
      const engine = await createEngine({ threads: 2, inlineBelow: 0 });
      const x = tensor(engine, new Float32Array(64 * 64), [64, 64]);
      linear(x, x);
      console.log('done');`);
    expect(stdout).toBe('done\n');
  });

  it('lives until dispose has settled', async () => {
    const { stdout } = await run('const engine = await createEngine({ threads: 3 }); await engine.dispose(); console.log("disposed");');
    expect(stdout).toBe('disposed\n');
  });

  it('lives until createEngine has settled, though its threads never get ready', async () => {
    const { stdout } = await run(`
      const { Engine } = await import(${JSON.stringify(new URL('../../dist/engine/engine.js', import.meta.url).href)});
      const { nodeRuntime } = await import(${JSON.stringify(new URL('../../dist/runtime/node.js', import.meta.url).href)});
      const never = new Promise(() => {});
      const startWorker = () => ({ ready: never, ended: never, terminate() {} });
      const { info } = await Engine.create({ ...nodeRuntime, startWorker }, { threads: 2, startTimeout: 100 });
      console.log(info.threads);`);
    expect(stdout).toBe('1\n');
  });
});

describe('an engine with threads', () => {
  it('ends them when it is disposed of', async () => {
    const ends: Promise<void>[] = [];
    const startWorker: Runtime['startWorker'] = (init) => {
      const worker = nodeRuntime.startWorker(init);
      ends.push(worker.ended);
      return worker;
    };
    const engine = await Engine.create({ ...nodeRuntime, startWorker }, { threads: 3 });
    await engine.dispose();
    await Promise.all(ends);
    expect(ends).toHaveLength(2);
  });

  it('can be made and disposed of again and again', async () => {
    for (let i = 0; i < 10; i++) {
      const engine = await createEngine({ threads: 2, inlineBelow: 0 });
      expectWorks(engine, { seed: i });
      await engine.dispose();
    }
  });
});
