/** Asynchronous work on an engine: one call after the other, the event loop in between, and a way back at every step. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Engine } from '../../dist/engine/engine.js';
import { scale_f32 } from '../../dist/engine/kernels.generated.js';
import { createEngine } from '../../dist/entry/node.js';
import { scale } from '../../dist/ops/index.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { tensor } from '../../dist/tensor.js';
import { failureOf } from '../io/memory.js';
import { expected, expectWorks, product } from './probe.js';

let engine: Engine;
let pauses = 0;
beforeAll(async () => {
  const pause = () => {
    pauses++;
    return nodeRuntime.pause();
  };
  engine = await Engine.create({ ...nodeRuntime, pause }, { threads: 2, inlineBelow: 0 });
  product(engine); // threads keep their scratch
});
afterAll(() => engine.dispose());

let before: ReturnType<Engine['memory']>;
beforeEach(() => {
  before = engine.memory();
  pauses = 0;
});
afterEach(async () => {
  vi.restoreAllMocks();
  // Behind all that the test has queued: nothing of it is left.
  await engine.run(() => steps(1));
  expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
});

/** A computation of `count` steps that makes a tensor in each, and calls `at` in the middle of it. */
function* steps(count: number, at: (step: number) => void = () => {}): Generator<void, number> {
  let sum = 0;
  for (let step = 0; step < count; step++) {
    const x = scale(tensor(engine, [step]), 2);
    at(step);
    sum += x.toHost().data[0] as number;
    yield;
  }
  return sum;
}

/** So long that a turn of the event loop is due. */
function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('calls', () => {
  it('run one after the other, in the order in which they came', async () => {
    const seen: string[] = [];
    const call = (name: string, count: number) => engine.run(() => steps(count, (step) => void seen.push(name + step)));
    expect(await Promise.all([call('a', 3), call('b', 1), call('c', 2)])).toEqual([6, 0, 2]);
    expect(seen).toEqual(['a0', 'a1', 'a2', 'b0', 'c0', 'c1']);
  });

  it('are not hindered by one that fails', async () => {
    const error = new Error('mine');
    const first = engine.run(() =>
      steps(3, (step) => {
        if (step === 1) throw error;
      }),
    );
    const second = engine.run(() => steps(3));
    await expect(first).rejects.toBe(error);
    expect(await second).toBe(6);
  });

  it('see nothing of the scopes that were open when they were made', async () => {
    const call = engine.scope(() => ({ made: engine.run(() => steps(2)) }));
    expect(await call.made).toBe(2);
  });

  it('leave alone what is computed between their steps', async () => {
    const call = engine.run(() => steps(8, () => busy(20)));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const between = tensor(engine, [1, 2]);
    await call;
    expect(Array.from(between.toHost().data)).toEqual([1, 2]);
    between.dispose();
  });

  it('are right when 64 of them come at once', async () => {
    const calls = Array.from({ length: 64 }, (_, seed) =>
      engine.run(function* () {
        const first = product(engine, { seed });
        yield;
        return [first, product(engine, { seed, M: 8 + seed })];
      }),
    );
    for (const [seed, got] of (await Promise.all(calls)).entries())
      expect(got).toEqual([expected({ seed }), expected({ seed, M: 8 + seed })]);
  });

  it('are right when they run on two engines at once', async () => {
    const other = await createEngine({ threads: 2, inlineBelow: 0 });
    const run = (on: Engine, seed: number) =>
      on.run(function* () {
        const results: number[][] = [];
        for (let i = 0; i < 8; i++) {
          results.push(product(on, { seed: seed + i }));
          busy(17);
          yield;
        }
        return results;
      });
    const [a, b] = await Promise.all([run(engine, 0), run(other, 100)]);
    expect(a).toEqual(Array.from({ length: 8 }, (_, i) => expected({ seed: i })));
    expect(b).toEqual(Array.from({ length: 8 }, (_, i) => expected({ seed: 100 + i })));
    await other.dispose();
    expectWorks(engine);
  });
});

describe('the event loop', () => {
  it('has its turn between steps of a long computation', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await engine.run(() => steps(10, () => busy(20)));
    clearInterval(timer);
    expect(ticks).toBeGreaterThanOrEqual(8);
  });

  it('has none between steps that take no time', async () => {
    // The clock is the test's: a thread that gets no core makes a step long.
    vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    await engine.run(() => steps(5));
    expect(pauses).toBeLessThanOrEqual(1);
  });

  it('has its turn by the amount of work where the clock stands still', async () => {
    vi.spyOn(performance, 'now').mockReturnValue(0);
    const x = tensor(engine, [1]);
    await engine.run(function* () {
      for (let i = 0; i < 10; i++) {
        engine.launch(scale_f32({ tiles: 1, work: 6e8, y: x.ptr, x: x.ptr, n: 1, a: 1 }));
        yield;
      }
    });
    expect(pauses).toBe(5);
    x.dispose();
  });
});

describe('an abort', () => {
  const reason = { my: 'reason' };

  it('beforehand rejects with the reason, and nothing runs', async () => {
    const seen: number[] = [];
    await expect(engine.run(() => steps(2, (step) => void seen.push(step)), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(seen).toEqual([]);
  });

  it('while the call waits rejects at once; what runs and what waits behind it go on', async () => {
    const controller = new AbortController();
    const seen: string[] = [];
    const first = engine.run(() =>
      steps(5, (step) => {
        seen.push(`first ${step}`);
        busy(20);
      }),
    );
    const second = engine.run(() => steps(1, () => void seen.push('second')), controller.signal);
    const third = engine.run(() => steps(1, () => void seen.push('third')));
    setTimeout(() => controller.abort(reason), 10);
    await expect(second).rejects.toBe(reason);
    expect(seen.at(-1)).toMatch(/^first [0-3]$/);
    expect(await Promise.all([first, third])).toEqual([20, 0]);
    expect(seen.slice(-2)).toEqual(['first 4', 'third']);
  });

  it.each([0, 1, 2, 3, 4])('in step %i of 5 rejects with the reason, runs no further step and frees what was made', async (last) => {
    const controller = new AbortController();
    const seen: number[] = [];
    const call = engine.run(
      () =>
        steps(5, (step) => {
          seen.push(step);
          if (step === last) controller.abort(reason);
        }),
      controller.signal,
    );
    await expect(call).rejects.toBe(reason);
    await engine.run(() => steps(1)); // behind what is left of it
    expect(seen).toEqual([0, 1, 2, 3, 4].slice(0, last + 1));
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
    expectWorks(engine);
  });

  it('during a pause rejects with the reason and runs no further step', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const call = engine.run(
      () =>
        steps(50, (step) => {
          seen.push(step);
          busy(18);
        }),
      controller.signal,
    );
    setTimeout(() => controller.abort(reason), 40);
    await expect(call).rejects.toBe(reason);
    const count = seen.length;
    expect(count).toBeLessThan(10);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).toHaveLength(count);
  });

  it('after the end changes nothing, and no listener stays behind', async () => {
    const controller = new AbortController();
    const added = vi.spyOn(controller.signal, 'addEventListener');
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    expect(await engine.run(() => steps(2), controller.signal)).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(added).toHaveBeenCalledOnce();
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
    controller.abort(reason);
  });
});

describe('an engine that was disposed', () => {
  it('fails the call that runs and those that wait with ENGINE_LOST, and frees their memory', async () => {
    const lost = await createEngine({ threads: 2, inlineBelow: 0 });
    const { storages } = lost.memory();
    const seen: string[] = [];
    const call = (name: string) =>
      lost.run(function* () {
        for (let i = 0; i < 3; i++) {
          tensor(lost, [i]);
          seen.push(name + i);
          if (name === 'a' && i === 1) void lost.dispose();
          yield;
        }
      });
    const failures = await Promise.all(['a', 'b', 'c'].map((name) => failureOf(() => call(name))));
    expect(failures.map(({ code }) => code)).toEqual(['ENGINE_LOST', 'ENGINE_LOST', 'ENGINE_LOST']);
    expect(failures[0]?.cure).toMatch(/new one/);
    expect(seen).toEqual(['a0', 'a1']);
    expect(lost.memory().storages).toBe(storages);
  });

  it('fails what is asked of it afterwards with ENGINE_LOST', async () => {
    const lost = await createEngine({ threads: 2, inlineBelow: 0 });
    const x = tensor(lost, [1]);
    await lost.dispose();
    for (const use of [() => tensor(lost, [1]), () => scale(x, 2), () => lost.run(() => steps(1)), () => product(lost)])
      expect((await failureOf(use)).code).toBe('ENGINE_LOST');
    x.dispose();
  });

  it('can be disposed of again, and while it is being disposed of', async () => {
    const lost = await createEngine({ threads: 3 });
    await Promise.all([lost.dispose(), lost.dispose()]);
    await lost.dispose();
  });

  it('leaves other engines alone', async () => {
    const lost = await createEngine({ threads: 2 });
    await lost.dispose();
    expectWorks(engine);
  });
});
