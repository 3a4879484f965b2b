/** Ops at sizes, strides and masks that nobody picked: fast-check draws them, float64 judges. */

import type { Engine } from 'heed';
import type { Activation } from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AttentionShape, attentionCase, attentionWeightsCase } from '../cases/attention.js';
import { difference, placeAsViews, resultOf } from '../cases/check.js';
import { dropoutCase } from '../cases/dropout.js';
import { addCase, mulCase } from '../cases/elementwise.js';
import { embeddingCase, packCase } from '../cases/embedding.js';
import { activations } from '../cases/f64.js';
import { derivatives, gradientDifference, gradientsOf, wantedOf } from '../cases/gradient.js';
import { linearCase, plainLinearCase } from '../cases/linear.js';
import { crossEntropyCase } from '../cases/loss.js';
import { matmulCase } from '../cases/matmul.js';
import { layerNormCase, rmsNormCase } from '../cases/norm.js';
import { Random } from '../cases/random.js';
import { meanCase, sumCase } from '../cases/reduce.js';
import { rotaryCase } from '../cases/rotary.js';
import { logSoftmaxCase, softmaxCase } from '../cases/softmax.js';
import type { Inputs, OpCase } from '../cases/types.js';
import fc from '../draws.js';
import { amount } from '../thorough.js';
import { engineFor } from './engines.js';

const parameters = { numRuns: amount(60, 12) };

const size = (most: number, least = 0) => fc.integer({ min: least, max: most });
const dims = (least = 1) => fc.array(size(7, least), { minLength: 1, maxLength: 4 });
const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Axes of 1 in place of others, and fewer in front. */
const broadcastOf = (shape: readonly number[]) =>
  fc
    .tuple(fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }), size(shape.length))
    .map(([ones, from]) => shape.map((d, axis) => (ones[axis] ? 1 : d)).slice(from));

const attentionShapes: fc.Arbitrary<AttentionShape> = fc
  .record({ B: size(3, 1), G: size(3, 1), groups: size(3, 1), T: size(40), S: size(140), D: size(20, 1), Dv: size(20, 1) })
  .chain(({ groups, ...sizes }) => {
    const { B, G, T, S } = sizes;
    const H = G * groups;
    return fc
      .record({
        causal: fc.boolean(),
        window: maybe(fc.oneof(size(50), fc.tuple(size(50), size(50)))),
        lengths: maybe(fc.array(size(S), { minLength: B, maxLength: B })),
        queryOffset: size(60),
        scale: maybe(fc.double({ min: 0.1, max: 1, noNaN: true })),
        alibi: fc.boolean(),
        mask: maybe(fc.constantFrom('bool' as const, 'float' as const)),
        maskDims: broadcastOf([B, H, T, S]),
      })
      .map((options) => withoutUndefined({ ...sizes, H, ...options }));
  });

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

describe.each([true, false])('deterministic: %s', (deterministic) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineFor({ deterministic, threads: 2 });
  });

  function holds<Shape extends object, I extends Inputs<I>>(
    op: OpCase<Shape, I>,
    shapes: fc.Arbitrary<Shape>,
    differentiable: (shape: Shape) => boolean = () => true,
  ): void {
    it(`${op.name} is what float64 says, from views too`, () => {
      const property = fc.property(shapes, fc.integer(), fc.boolean(), (shape, seed, asViews) => {
        const inputs = op.inputs(shape, new Random(seed));
        const actual = asViews ? resultOf(engine, op, shape, inputs, placeAsViews) : resultOf(engine, op, shape, inputs);
        expect(difference(actual, op.oracle(inputs, shape), op.tolerance)).toBeUndefined();
      });
      fc.assert(property, parameters);
    });
    if (!op.gradients) return;
    it(`the gradient of ${op.name} is that of float64, from views too`, () => {
      const property = fc.property(shapes.filter(differentiable), fc.integer(), fc.boolean(), (shape, seed, asViews) => {
        const inputs = op.inputs(shape, new Random(seed));
        const found = asViews ? gradientsOf(engine, op, shape, inputs, placeAsViews) : gradientsOf(engine, op, shape, inputs);
        for (const name of wantedOf(op, inputs)) {
          const why = gradientDifference(found[name] as Float32Array, derivatives(op, shape, inputs, name, 0));
          expect([name, why]).toEqual([name, undefined]);
        }
      });
      fc.assert(property, parameters);
    });
  }

  const names = Object.keys(activations) as Activation[];
  const products = { M: size(40), N: size(70), K: size(70) };
  for (const op of [linearCase, plainLinearCase])
    holds(op, fc.record({ ...products, bias: fc.boolean(), activation: maybe(fc.constantFrom(...names)), residual: fc.boolean() }));
  const batches = fc.array(size(4), { maxLength: 2 }).chain((all) => fc.record({ outer: broadcastOf(all), outerB: broadcastOf(all) }));
  holds(
    matmulCase,
    fc.tuple(fc.record({ ...products, transposeB: fc.boolean() }), batches).map(([shape, outer]) => ({ ...shape, ...outer })),
  );
  holds(attentionCase, attentionShapes);
  holds(attentionWeightsCase, attentionShapes);
  for (const op of [softmaxCase, logSoftmaxCase]) holds(op, fc.record({ dims: dims(), centre: size(100), spread: size(20, 1) }));
  for (const op of [layerNormCase, rmsNormCase])
    holds(
      op,
      fc.record({ dims: dims(), weight: fc.boolean(), bias: fc.boolean(), eps: fc.constantFrom(1e-12, 1e-5, 0.1) }),
      // The norm of one channel is a sign: nothing is left of its gradient but rounding.
      ({ dims }) => (dims.at(-1) as number) > 1,
    );
  for (const op of [addCase, mulCase])
    holds(
      op,
      dims(0).chain((a) => broadcastOf(a).map((b) => ({ a, b }))),
    );
  holds(embeddingCase, fc.record({ V: size(20, 1), C: size(20), dims: dims(0) }));
  holds(dropoutCase, fc.record({ dims: dims(0), p: fc.double({ min: 0, max: 0.9, noNaN: true }), key: fc.tuple(word, word, word, word) }));
  holds(
    crossEntropyCase,
    fc.record({ dims: dims(), ignoreIndex: size(3), labelSmoothing: fc.constantFrom(0, 0.1), weight: fc.boolean(), spread: size(20, 1) }),
  );
  for (const op of [sumCase, meanCase])
    holds(
      op,
      dims().chain((d) => maybe(size(d.length - 1)).map((axis) => withoutUndefined({ dims: d, axis }))),
    );
  holds(packCase, fc.record({ N: size(40), K: size(40) }));
  holds(
    rotaryCase,
    fc
      .record({ B: size(3), H: size(3), T: size(20), half: size(10, 1), more: size(9), interleaved: fc.boolean() })
      .chain(({ half, more, ...sizes }) =>
        maybe(fc.constantFrom('row' as const, 'example' as const)).map((positions) =>
          withoutUndefined({ ...sizes, R: 2 * half, D: 2 * half + more, positions }),
        ),
      ),
  );
});
