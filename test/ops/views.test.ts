/** What holds for every op, whatever it computes: it takes views, and leaves nothing behind. */
import type { Engine } from 'heed';
import { beforeAll, describe, expect, it } from 'vitest';
import { bitDifference, describeShape, inputsOf, place, placeAsViews, resultOf } from '../cases/check.js';
import { gradientsOf } from '../cases/gradient.js';
import { cases } from '../cases/index.js';
import { engineFor } from './engines.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineFor({ deterministic: true, threads: 1 });
});

describe.each(cases.map((op) => [op.name, op] as const))('%s', (_, op) => {
  const shapes = op.shapes.map((shape) => [describeShape(shape), shape] as const);

  it.each(shapes)('gives the same bits for views: %s', (_, shape) => {
    const inputs = inputsOf(op, shape);
    expect(bitDifference(resultOf(engine, op, shape, inputs, placeAsViews), resultOf(engine, op, shape, inputs))).toBeUndefined();
  });

  it.skipIf(!op.gradients).each(shapes)('gives the same bits of gradients for views: %s', (_, shape) => {
    const inputs = inputsOf(op, shape);
    const plain = gradientsOf(engine, op, shape, inputs);
    for (const [name, gradient] of Object.entries(gradientsOf(engine, op, shape, inputs, placeAsViews)))
      expect([name, bitDifference(gradient, plain[name] as Float32Array)]).toEqual([name, undefined]);
  });

  it.each(shapes)('leaves nothing but its result in the engine: %s', (_, shape) => {
    for (const put of [place, placeAsViews]) {
      const tensors: Record<string, { dispose(): void; storage: object }> = put(engine, inputsOf(op, shape));
      const before = engine.memory().storages;
      const result = op.run(engine, tensors as never, shape);
      const isView = Object.values(tensors).some(({ storage }) => storage === result.storage);
      const left = engine.memory().storages - before;
      if (!isView) result.dispose();
      for (const input of Object.values(tensors)) input.dispose();
      expect(left).toBe(isView ? 0 : 1);
    }
  });
});
