/**
 * Means, variances and sums of many numbers, against float64: rows far from 0, rows of one number, and lengths at which a chain of float32 additions loses
 * digits. What is off by more than the rounding of terms and result fails. By how much PyTorch 2.13 is off (float32, one thread) stands beside the bounds.
 */
import type { Engine } from 'heed';
import {
  backward,
  contiguous,
  crossEntropy,
  layerNorm,
  logSoftmax,
  mean,
  predictionSums,
  rmsNorm,
  softmax,
  sum,
  Tape,
  type Tensor,
  tensor,
} from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../cases/random.js';
import { engineFor, variants } from './engines.js';

/** What rounding to float32 may do to a number near 1. */
const ULP = 2 ** -23;

type Row = { data: Float32Array; name: string };

const total = (x: Iterable<number>): number => {
  let all = 0;
  for (const v of x) all += v;
  return all;
};
const worst = (found: ArrayLike<number>, expected: (i: number) => number): number => {
  let most = 0;
  for (let i = 0; i < found.length; i++) most = Math.max(most, Math.abs((found[i] as number) - expected(i)));
  return most;
};

const constant = (C: number, value: number): Row => ({ data: new Float32Array(C).fill(value), name: `${C} times ${value}` });
const offset = (C: number, centre: number, spread: number): Row => ({
  data: new Random(C).floats([C], spread, centre).data,
  name: `${C} around ${centre}, ± ${spread}`,
});

const flat = [
  ...[384, 1000, 1024, 4096, 16_384, 100_003].flatMap((C) => [3.7, 100.1, 1000.1, -77.7].map((v) => constant(C, v))),
  constant(1024, 1e6 + 1 / 16),
  constant(4097, 1e30),
];
const far = [
  offset(384, 1000.1, 1e-2),
  offset(1024, 1000.1, 1),
  offset(4095, 1e6, 1),
  offset(16_384, -1e4, 0.3),
  offset(100_003, 1000.1, 0.1),
];

/** (x − mean) / sqrt(var + 1e-5) in float64. */
function normal(x: Float32Array): { z: (i: number) => number; r: number } {
  const m = total(x) / x.length;
  const r = 1 / Math.sqrt(total(Float64Array.from(x, (v) => (v - m) ** 2)) / x.length + 1e-5);
  return { z: (i) => ((x[i] as number) - m) * r, r };
}

describe.each(Object.entries(variants))('%s', (_, options) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineFor(options);
  });

  const place = (data: Float32Array, dims: readonly number[] = [1, data.length]): Tensor => tensor(engine, data, dims);
  const dataOf = (x: Tensor): Float32Array => contiguous(x).toHost().data as Float32Array;
  const of = (row: Float32Array, op: (x: Tensor) => Tensor): Float32Array => engine.scope(() => dataOf(op(place(row))));

  /** The gradients of inputs, from that of the op's result. */
  function gradients(
    inputs: readonly (readonly [Float32Array, readonly number[]])[],
    up: Float32Array,
    op: (...x: Tensor[]) => Tensor,
  ): Float32Array[] {
    return engine.scope(() => {
      const tape = new Tape(engine);
      const placed = inputs.map(([data, dims]) => place(data, dims));
      const found: Float32Array[] = [];
      placed.forEach((x, i) => {
        tape.watch(x, (gradient) => {
          found[i] = dataOf(gradient);
        });
      });
      const y = tape.record(() => op(...placed));
      backward(tape, y, place(up, y.shape));
      return found;
    });
  }

  describe.each(flat.map(({ name, data }) => [name, data] as const))('%s', (_, data) => {
    const C = data.length;
    const value = data[0] as number;

    it('have a layer norm of 0', () => {
      expect(
        worst(
          of(data, (x) => layerNorm(x)),
          () => 0,
        ),
      ).toBe(0);
    });

    it('have a root mean square of one', () => {
      expect(
        worst(
          of(data, (x) => rmsNorm(x, undefined, { eps: 0 })),
          () => Math.sign(value),
        ),
      ).toBeLessThanOrEqual(ULP);
    });

    it('have a mean that is one of them', () => {
      expect(of(data, (x) => mean(x))).toEqual(Float32Array.of(value));
      const columns = Float32Array.from({ length: 17 * 300 }, () => value);
      expect(engine.scope(() => dataOf(mean(place(columns, [300, 17]), 0)))).toEqual(new Float32Array(17).fill(value));
    });

    it('have a sum of so many times one', () => {
      expect(of(data, (x) => sum(x))).toEqual(Float32Array.of(C * value));
    });

    it('as a gradient stop at a layer norm', () => {
      const x = new Random(C).floats([1, C]);
      const [dx] = gradients([[x.data, x.dims]], data, (x) => layerNorm(x));
      // PyTorch: up to 2e-3.
      expect(worst(dx as Float32Array, () => 0) / Math.abs(value)).toBeLessThanOrEqual(ULP);
    });
  });

  describe.each(far.map(({ name, data }) => [name, data] as const))('%s', (_, data) => {
    const { z, r } = normal(data);

    it('keep their digits in a layer norm', () => {
      // PyTorch's mean is rounded to float32: off by 1e-5 around 1000.1 ± 1, by 7e-3 around ± 0.01, by 2e-2 around 1e6.
      expect(
        worst(
          of(data, (x) => layerNorm(x)),
          z,
        ),
      ).toBeLessThanOrEqual(3 * ULP);
    });

    it('keep them in its gradient', () => {
      // PyTorch: 7e-5, 4e-3 and 1e-1.
      const C = data.length;
      const up = new Random(3).floats([C]).data;
      const [dx] = gradients([[data, [1, C]]], up, (x) => layerNorm(x));
      const [u, uz] = [total(up) / C, total(up.map((v, i) => v * z(i))) / C];
      expect(worst(dx as Float32Array, (i) => r * ((up[i] as number) - u - z(i) * uz)) / r).toBeLessThanOrEqual(3 * ULP);
    });
  });

  it('gradients of gains and biases are exact over 100,000 rows', () => {
    const [T, C] = [100_000, 5];
    const x = new Random(1).floats([T, C], 0.5, 3).data;
    const up = new Float32Array(T * C).fill(0.1);
    const z = Array.from({ length: T }, (_, t) => normal(x.subarray(t * C, (t + 1) * C)).z);
    const [, dg, db] = gradients(
      [
        [x, [T, C]],
        [new Float32Array(C).fill(1), [C]],
        [new Float32Array(C), [C]],
      ],
      up,
      (...list) => layerNorm(...(list as [Tensor, Tensor, Tensor])),
    );
    const gains = Array.from({ length: C }, (_, c) => total(z.map((row) => Math.fround(0.1) * row(c))));
    expect(db).toEqual(new Float32Array(C).fill(T * Math.fround(0.1)));
    // Each of the products is rounded. PyTorch: off by 2.4e-4, and by 1.4 in the sums above.
    expect(worst(dg as Float32Array, (c) => gains[c] as number)).toBeLessThanOrEqual(1e-4);
  });

  it('a softmax over a vocabulary of 250,001 nearly equal logits adds up to 1', () => {
    const V = 250_001;
    const logits = new Float32Array(V).fill(-0.1);
    logits[77] = 0;
    const all = 1 + (V - 1) * Math.exp(Math.fround(-0.1));
    const p = of(logits, softmax);
    // PyTorch: 1.7e-4, and as much in the three that follow.
    expect(Math.abs((p[77] as number) * all - 1)).toBeLessThanOrEqual(4 * ULP);
    expect(Math.abs(total(p) - 1)).toBeLessThanOrEqual(4 * ULP);
    const log = of(logits, logSoftmax);
    expect(Math.abs((log[77] as number) + Math.log(all))).toBeLessThanOrEqual(Math.log(all) * 2 * ULP);
    const loss = (labelSmoothing: number) =>
      engine.scope(() => dataOf(crossEntropy(place(logits), tensor(engine, Int32Array.of(77)), { labelSmoothing }))[0] as number);
    expect(Math.abs(loss(0) - Math.log(all))).toBeLessThanOrEqual(Math.log(all) * 2 * ULP);
    const smooth = Math.log(all) + (0.1 * (V - 1) * 0.1) / V;
    expect(Math.abs(loss(0.1) - smooth)).toBeLessThanOrEqual(smooth * 2 * ULP);
    const [dx] = gradients([[logits, [1, V]]], new Float32Array(V).fill(0.1), logSoftmax);
    const up = Math.fround(0.1);
    expect(Math.abs((dx?.[0] as number) - (up - (V * up * Math.exp(Math.fround(-0.1))) / all))).toBeLessThanOrEqual(up * 12 * ULP);
  });

  it('the loss of 100,000 rows is that of one of them', () => {
    const T = 100_000;
    const logits = Float32Array.from({ length: 3 * T }, (_, i) => [0.3, -0.2, 1.7][i % 3] as number);
    engine.scope(() => {
      const targets = new Int32Array(T);
      const one = dataOf(crossEntropy(place(logits.subarray(0, 3)), tensor(engine, targets.subarray(0, 1))));
      const [x, y] = [place(logits, [T, 3]), tensor(engine, targets)];
      expect(dataOf(crossEntropy(x, y))).toEqual(one);
      expect(predictionSums(x, y).loss / T).toBeCloseTo(one[0] as number, 12);
    });
  });
});
