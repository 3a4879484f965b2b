/** Steps of `engine.run` that take long: their work is computed in parts, the event loop has its turns in between, and nobody can tell from the numbers. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Engine } from '../../dist/engine/engine.js';
import { add_f32 } from '../../dist/engine/kernels.generated.js';
import { add, linear, matmul } from '../../dist/ops/index.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { type Tensor, tensor } from '../../dist/tensor.js';
import { failureOf } from '../io/memory.js';
import { expectWorks } from './probe.js';

let engine: Engine;
let pauses = 0;
/** What is done in the event loop's next turn. */
let meanwhile = (): void => {};
beforeAll(async () => {
  const pause = async () => {
    pauses++;
    await nodeRuntime.pause();
    meanwhile();
  };
  engine = await Engine.create({ ...nodeRuntime, pause }, { threads: 2, deterministic: true });
});
afterAll(() => engine.dispose());

let before: ReturnType<Engine['memory']>;
beforeEach(() => {
  expectWorks(engine);
  before = engine.memory();
  pauses = 0;
  meanwhile = () => {};
});
afterEach(async () => {
  // Behind all that the test has queued.
  await engine.run(() => steps(0));
  expect(engine.memory().storages - before.storages).toBeLessThanOrEqual(1); // scratch
});

const SIZE = 512;
const matrix = (seed: number) =>
  tensor(
    engine,
    Float32Array.from({ length: SIZE * SIZE }, (_, i) => ((i * 7 + seed) % 11) / 11 - 0.5),
    [SIZE, SIZE],
  );

/** A chain of products that takes thousands of millions of operations, with memory that is freed and used again, and numbers that the host writes in the middle of it. */
function chain(length: number): Tensor {
  let x = matrix(1);
  for (let i = 0; i < length; i++) {
    const next = engine.scope(() => add(linear(x, matrix(i), undefined, { activation: 'gelu' }), tensor(engine, [i / 10, 1].slice(0, 1))));
    x.dispose();
    x = next;
  }
  return x;
}

/** The same without any waiting: what a scope outside of `run` computes. */
const atOnce = (length: number) => engine.scope(() => chain(length).toHost().data);

/** A long step, the end of another one, and what it came to. */
function* steps(length = 6): Generator<void, ArrayLike<number>> {
  const x = chain(length);
  yield;
  return x.toHost().data;
}

describe('a long step', () => {
  it('gives what it gives at once, bit by bit, and the event loop its turns', async () => {
    expect(await engine.run(() => steps())).toEqual(atOnce(6));
    expect(pauses).toBeGreaterThan(0);
  });

  it('takes no more memory than at once', async () => {
    const peakOf = async (work: () => unknown) => {
      const fresh = await Engine.create(nodeRuntime, { threads: 1 });
      const own = engine;
      engine = fresh;
      try {
        await work();
        return fresh.memory().peak;
      } finally {
        engine = own;
        await fresh.dispose();
      }
    };
    expect(await peakOf(() => engine.run(() => steps()))).toBe(await peakOf(() => atOnce(6)));
  });

  it('is complete for whoever looks at its results within the step', async () => {
    const found = await engine.run(function* () {
      yield;
      return chain(4).toHost().data;
    });
    expect(found).toEqual(atOnce(4));
  });

  it('ends soon after an abort, with its reason, and leaves nothing behind', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let turns = 0;
    meanwhile = () => {
      if (++turns === 2) controller.abort(reason);
    };
    await expect(engine.run(() => steps(40), controller.signal)).rejects.toBe(reason);
    // As many parts as ran before the abort, and none after it.
    await engine.run(() => steps(0));
    expect(turns).toBeLessThanOrEqual(3);
    expectWorks(engine);
  });

  it('is done as a whole where it is the last: what it changes is changed', async () => {
    const controller = new AbortController();
    const kept = tensor(engine, new Float32Array(SIZE * SIZE), [SIZE, SIZE]);
    const work = function* () {
      yield;
      // Not before: a turn between the steps would be in time.
      meanwhile = () => controller.abort(new Error('too late'));
      const x = chain(5);
      engine.launch(add_f32({ tiles: 1, work: 1, y: kept.ptr, a: kept.ptr, b: x.ptr, n: 8, period: 8 }));
    };
    await expect(engine.run(work, controller.signal)).rejects.toThrow('too late');
    await engine.run(() => steps(0));
    expect(kept.toHost().data.slice(0, 8)).toEqual(atOnce(5).slice(0, 8));
    kept.dispose();
  });
});

describe('while parts of a step wait', () => {
  it('others compute, and neither sees anything of it', async () => {
    const seen: unknown[] = [];
    meanwhile = () => {
      if (seen.length) return; // since it has the rest computed too
      const x = engine.scope(() => matmul(tensor(engine, [[1, 2]]), tensor(engine, [[3], [4]])).toHost().data[0]);
      seen.push(x);
    };
    expect(await engine.run(() => steps())).toEqual(atOnce(6));
    expect(seen).toEqual([11]);
  });

  it('others write, into memory that the step has let go', async () => {
    const made: Tensor[] = [];
    meanwhile = () => {
      if (made.length < 3) made.push(matrix(made.length));
    };
    expect(await engine.run(() => steps())).toEqual(atOnce(6));
    for (const [i, x] of made.entries()) {
      const again = matrix(i);
      expect(x.toHost().data).toEqual(again.toHost().data);
      again.dispose();
      x.dispose();
    }
  });

  it('an engine that is disposed of says so', async () => {
    const other = await Engine.create(nodeRuntime, { threads: 1 });
    const own = engine;
    engine = other;
    try {
      const call = other.run(() => steps(40));
      const failure = failureOf(() => call);
      setTimeout(() => other.dispose(), 5);
      expect((await failure).code).toBe('ENGINE_LOST');
    } finally {
      engine = own;
    }
  });
});
