/** Every op at every shape of its cases, against the same mathematics in float64. */
import type { Engine } from 'heed';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeShape, difference, inputsOf, resultOf } from '../cases/check.js';
import { cases } from '../cases/index.js';
import { engineFor, variants } from './engines.js';

describe.each(Object.entries(variants))('%s', (_, options) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineFor(options);
  });

  describe.each(cases.map((op) => [op.name, op] as const))('%s', (_, op) => {
    it.each(op.shapes.map((shape) => [describeShape(shape), shape] as const))('is what float64 says for %s', (_, shape) => {
      const inputs = inputsOf(op, shape);
      expect(difference(resultOf(engine, op, shape, inputs), op.oracle(inputs, shape), op.tolerance)).toBeUndefined();
    });
  });
});
