/** The gradient of every op, in CI at every shape of its cases, against central differences of the same mathematics in float64. */
import type { Engine } from 'heed';
import { backward, embedding, matmul, Tape, tensor } from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeShape, inputsOf } from '../cases/check.js';
import { derivatives, gradientDifference, gradientsOf, wantedOf } from '../cases/gradient.js';
import { cases } from '../cases/index.js';
import { someOf } from '../thorough.js';
import { engineFor, variants } from './engines.js';

const differentiable = cases.filter((op) => op.gradients?.length);
const known = new Map<string, ReturnType<typeof derivatives>>();

/** Taken once, not once per engine. */
function expectedFor(op: (typeof cases)[number], shape: object, name: string): ReturnType<typeof derivatives> {
  const key = [op.name, describeShape(shape), name].join();
  const expected = known.get(key) ?? derivatives(op, shape, inputsOf(op, shape), name);
  known.set(key, expected);
  return expected;
}

describe.each(Object.entries(variants))('%s', (_, options) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineFor(options);
    // The engine keeps room for kernels to work in from the first launch that asks for it.
    engine.scope(() => void matmul(tensor(engine, [[1]]), tensor(engine, [[1]])));
  });

  describe.each(differentiable.map((op) => [op.name, op] as const))('%s', (_, op) => {
    it.each(someOf<object>(op.shapes).map((shape) => [describeShape(shape), shape] as const))(
      'has the gradient of the mathematics for %s',
      (_, shape) => {
        const inputs = inputsOf(op, shape);
        const before = engine.memory().storages;
        const found = gradientsOf(engine, op, shape, inputs);
        expect(engine.memory().storages).toBe(before);
        for (const name of wantedOf(op, inputs))
          expect([name, gradientDifference(found[name] as Float32Array, expectedFor(op, shape, name))]).toEqual([name, undefined]);
      },
    );
  });

  it('a row of an embedding that stands for padding gets no gradient', () => {
    const [ids, weight] = [tensor(engine, Int32Array.of(2, 0, 2, 1)), tensor(engine, new Float32Array(12), [4, 3])];
    const tape = new Tape(engine);
    let gradient: unknown;
    tape.watch(weight, (g) => {
      gradient = g.toHost().tolist();
    });
    const y = tape.record(() => embedding(ids, weight, { paddingIdx: 2 }));
    backward(tape, y, tensor(engine, new Float32Array(12).fill(1), [4, 3]));
    expect(gradient).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
});
