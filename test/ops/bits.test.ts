/**
 * The contract of deterministic mode: bits depend on a row's own numbers alone. Not on threads, on the other rows, on padding,
 * on whether ops were fused, or on how a mask was put.
 */
import type { Engine } from 'heed';
import {
  type Activation,
  activate,
  activations,
  add,
  cat,
  contiguous,
  expand,
  linear,
  matmul,
  narrow,
  pack,
  quantize,
  reshape,
  rmsNorm,
  scaledDotProductAttention,
  softmax,
  type Tensor,
  tensor,
} from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { bitDifference, describeShape, inputsOf, resultOf } from '../cases/check.js';
import { type Gradients, gradientsOf } from '../cases/gradient.js';
import { cases } from '../cases/index.js';
import { Random } from '../cases/random.js';
import { engineFor } from './engines.js';

const engines: Engine[] = [];
let engine: Engine;
beforeAll(async () => {
  for (const threads of [1, 2, 4]) engines.push(await engineFor({ deterministic: true, threads }));
  engine = engines[0] as Engine;
});

const random = new Random(7);
const floats = (...dims: number[]): Tensor => tensor(engine, random.floats(dims).data, dims);

/** Both ways to the same numbers, on one engine. */
const expectSame = (one: () => Tensor, other: () => Tensor): void => {
  const [a, b] = [one, other].map((way) => engine.scope(() => contiguous(way()).toHost().data as Float32Array));
  expect(bitDifference(a as Float32Array, b as Float32Array)).toBeUndefined();
};

describe('threads', () => {
  describe.each(cases.map((op) => [op.name, op] as const))('%s', (_, op) => {
    it.each(op.shapes.map((shape) => [describeShape(shape), shape] as const))('1, 2 and 4 give the same bits: %s', (_, shape) => {
      const inputs = inputsOf(op, shape);
      const [one, ...more] = engines.map((on) => resultOf(on, op, shape, inputs));
      for (const other of more) expect(bitDifference(other, one as Float32Array)).toBeUndefined();
    });
  });

  describe.each(cases.filter((op) => op.gradients).map((op) => [op.name, op] as const))('the gradient of %s', (_, op) => {
    it.each(op.shapes.map((shape) => [describeShape(shape), shape] as const))('1, 2 and 4 give the same bits: %s', (_, shape) => {
      const [one, ...more] = engines.map((on) => gradientsOf(on, op, shape));
      for (const other of more)
        for (const [name, gradient] of Object.entries(one as Gradients))
          expect([name, bitDifference(other[name] as Float32Array, gradient)]).toEqual([name, undefined]);
    });
  });

  it.each([2, 4])('all of %i take part', (threads) => {
    const on = engines.find(({ info }) => info.threads === threads) as Engine;
    const x = tensor(on, random.floats([256, 256]).data, [256, 256]);
    for (let launches = 0; launches < 500 && on.lanes.includes(0); launches++) on.scope(() => void matmul(x, x));
    expect(on.lanes).toHaveLength(threads);
    expect(on.lanes).not.toContain(0);
  });
});

describe('rows', () => {
  /** The op on each row alone, one behind the other. */
  const apart = (x: Tensor, op: (row: Tensor) => Tensor) =>
    cat(
      Array.from({ length: x.dim(0) }, (_, i) => op(narrow(x, 0, i, 1))),
      0,
    );

  it.each([2, 3, 4, 5, 6, 7, 33, 70].flatMap((M) => [['float32', M, pack] as const, ['q8', M, quantize] as const]))(
    'of a product with a %s weight do not know that there are %i',
    (_, M, into) => {
      for (const [N, K] of [
        [13, 9],
        [64, 33],
        [200, 130],
      ] as const) {
        const [x, w, bias, residual] = [floats(M, K), into(floats(N, K)), floats(N), floats(M, N)];
        const op = (rows: Tensor) => linear(rows, w, bias, { activation: 'gelu' });
        expectSame(
          () => op(x),
          () => apart(x, op),
        );
        expectSame(
          () => linear(x, w, bias, { residual }),
          () => add(linear(x, w, bias), residual),
        );
      }
    },
  );

  it.each(['softmax', 'rmsNorm'] as const)('of %s do not know of each other', (name) => {
    const op = { softmax, rmsNorm: (x: Tensor) => rmsNorm(x) }[name];
    const x = floats(9, 37);
    expectSame(
      () => op(x),
      () => apart(x, op),
    );
  });
});

describe('attention', () => {
  const lengths = [5, 150, 97];
  const S = 150;
  const setup = () => ({ q: floats(3, 2, S, 12), k: floats(3, 2, S, 12), v: floats(3, 2, S, 7) });

  it.each([true, false])('of an example alone, without padding, has the bits it has in a padded batch (causal: %s)', (isCausal) => {
    const { q, k, v } = setup();
    const batch = scaledDotProductAttention(q, k, v, { lengths, isCausal });
    lengths.forEach((n, b) => {
      const own = (x: Tensor) => narrow(narrow(x, 0, b, 1), 2, 0, n);
      expectSame(
        () => own(batch),
        () => scaledDotProductAttention(own(q), own(k), own(v), { isCausal }),
      );
    });
  });

  it('of one query at a time has the bits of all at once', () => {
    const { q, k, v } = setup();
    const whole = scaledDotProductAttention(q, k, v, { isCausal: true });
    for (const t of [0, 1, 31, 32, 127, 128, 149]) {
      const seen = (x: Tensor) => narrow(x, 2, 0, t + 1);
      expectSame(
        () => narrow(whole, 2, t, 1),
        () => scaledDotProductAttention(narrow(q, 2, t, 1), seen(k), seen(v), { isCausal: true, queryOffset: t }),
      );
    }
  });

  /** Who sees whom, as a mask [B, 1, S, S] of booleans. */
  const maskOf = (sees: (b: number, t: number, s: number) => boolean): Tensor => {
    const flags = Uint8Array.from({ length: 3 * S * S }, (_, i) => Number(sees(Math.floor(i / S / S), Math.floor(i / S) % S, i % S)));
    return tensor(engine, flags, [3, 1, S, S]);
  };

  it.each([
    ['causal', { isCausal: true }, (_, t, s) => s <= t],
    ['a window', { window: [9, 4] }, (_, t, s) => s >= t - 9 && s <= t + 4],
    ['lengths', { lengths }, (b, _, s) => s < (lengths[b] as number)],
  ] as [string, object, (b: number, t: number, s: number) => boolean][])(
    'has the same bits for %s and for a mask that says it',
    (_, options, sees) => {
      const { q, k, v } = setup();
      const mask = maskOf(sees);
      const bias = tensor(
        engine,
        Float32Array.from(mask.toHost().data, (m) => (m ? 0 : Number.NEGATIVE_INFINITY)),
        mask.shape,
      );
      for (const attnMask of [mask, bias])
        expectSame(
          () => scaledDotProductAttention(q, k, v, options),
          () => scaledDotProductAttention(q, k, v, { attnMask }),
        );
    },
  );

  it('has the same bits for grouped heads and for heads that are repeated', () => {
    const [q, k, v] = [floats(2, 6, 40, 8), floats(2, 2, 40, 8), floats(2, 2, 40, 8)];
    const repeat = (x: Tensor) => reshape(expand(reshape(x, [2, 2, 1, 40, 8]), [2, 2, 3, 40, 8]), [2, 6, 40, 8]);
    expectSame(
      () => scaledDotProductAttention(q, k, v, { enableGqa: true }),
      () => scaledDotProductAttention(q, repeat(k), repeat(v)),
    );
  });
});

describe('fused and unfused', () => {
  it.each(Object.keys(activations) as Activation[])('bias, %s and residual have the same bits', (activation) => {
    const [x, weight, bias, residual] = [floats(11, 23), floats(29, 23), floats(29), floats(11, 29)];
    expectSame(
      () => linear(x, weight, bias, { activation, residual }),
      () => add(activate(add(linear(x, weight), bias), activation), residual),
    );
  });

  it('linear, over a packed weight or a plain one, is matmul', () => {
    const [x, weight] = [floats(37, 65), floats(43, 65)];
    expectSame(
      () => linear(x, weight),
      () => matmul(x, weight, { transposeB: true }),
    );
    expectSame(
      () => linear(x, pack(weight)),
      () => linear(x, weight),
    );
  });
});
