/**
 * How exact exp, log, tanh and erf are: the figures in assembly/math.ts are this test's. Then what the ops that are made of
 * them do with numbers out of the ordinary: infinities, NaN, ±0, subnormals, and arguments far outside of the interesting range.
 */
import type { Engine } from 'heed';
import { type Activation, activate, logSoftmax, softmax, type Tensor, tensor } from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { activations, erf } from '../cases/f64.js';
import { engineFor } from './engines.js';
import { compileMath } from './math-module.js';

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Every `step`th float from one positive number to another. */
function grid(from: number, to: number, step: number): Float32Array {
  const [first, last] = [from, to].map((x) => {
    float[0] = x;
    return bits[0] as number;
  }) as [number, number];
  return new Float32Array(Uint32Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step).buffer);
}

const negative = (x: Float32Array): Float32Array => x.map((v) => -v);

/** The largest error, relative to the exact value and in units of its last place as a float32. */
function errors(x: Float32Array, y: Float32Array, exact: (x: number) => number): { relative: number; ulp: number } {
  let [relative, ulp] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const b = exact(x[i] as number);
    const error = Math.abs((y[i] as number) - b);
    relative = Math.max(relative, error / Math.abs(b));
    ulp = Math.max(ulp, error / 2 ** (Math.floor(Math.log2(Math.abs(b))) - 23));
  }
  return { relative, ulp };
}

describe('the functions of assembly/math.ts', async () => {
  const functions = await compileMath();

  // What the comments there promise. Over all floats of these ranges; here over a sample, whose worst comes close.
  it.each([
    ['exp', 'below 0', Math.exp, negative(grid(1e-9, 87.33, 1009)), { relative: 8.2e-8, ulp: 0.97 }],
    ['exp', 'above 0', Math.exp, grid(1e-9, 88.37, 1009), { relative: 8.2e-8, ulp: 0.97 }],
    ['log', 'near 1', Math.log, grid(0.5, 2, 97), { relative: 8.1e-8, ulp: 0.83 }],
    ['log', 'of all normal numbers', Math.log, grid(2 ** -126, 3.4e38, 10007), { relative: 8.1e-8, ulp: 0.83 }],
    ['tanh', 'of all normal numbers', Math.tanh, grid(2 ** -126, 3.4e38, 10007), { relative: 1.4e-7, ulp: 1.4 }],
    ['tanh', 'where it bends', Math.tanh, grid(0.5, 1, 97), { relative: 1.4e-7, ulp: 1.4 }],
    ['erf', 'of all normal numbers', erf, grid(2 ** -126, 3.4e38, 20011), { relative: 4.9e-7, ulp: 8.2 }],
    ['erf', 'where it bends', erf, grid(2, 4, 197), { relative: 4.9e-7, ulp: 8.2 }],
  ] as const)('%s is as exact as its comment says, %s', (name, _, exact, x, promised) => {
    const found = errors(x, functions[name](x), exact);
    expect(found.relative).toBeLessThanOrEqual(promised.relative);
    expect(found.ulp).toBeLessThanOrEqual(promised.ulp);
  });

  it.each(['tanh', 'erf'] as const)('%s is odd, to the bit', (name) => {
    const x = grid(2 ** -149, Number.POSITIVE_INFINITY, 20011);
    expect(functions[name](negative(x))).toEqual(negative(functions[name](x)));
  });

  const inf = Number.POSITIVE_INFINITY;
  it.each([
    ['exp', [0, -0, 2 ** -149, -(2 ** -149)], [1, 1, 1, 1]],
    ['exp', [-inf, -3e38, -87.34, Number.NaN], [0, 0, 0, Number.NaN]],
    ['exp', [88.38, 3e38, inf], [2.406143627396789e38, 2.406143627396789e38, 2.406143627396789e38]],
    ['log', [1, 2, 0.5], [0, Math.fround(Math.LN2), -Math.fround(Math.LN2)]],
    ['tanh', [inf, -inf, 3e38, -3e38, 2 ** -149, Number.NaN], [1, -1, 1, -1, 2 ** -149, Number.NaN]],
    ['erf', [inf, -inf, 3e38, -3e38, 3.93, -3.93, 2 ** -149, Number.NaN], [1, -1, 1, -1, 1, -1, 2 ** -149, Number.NaN]],
  ] as const)('%s of %j is %j', (name, x, y) => {
    expect([...functions[name](Float32Array.from(x))]).toEqual(y);
  });
});

describe.each([true, false])('deterministic: %s', (deterministic) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineFor({ deterministic, threads: 1 });
  });

  const through = (op: (x: Tensor) => Tensor, x: ArrayLike<number>): Float32Array =>
    engine.scope(() => op(tensor(engine, Float32Array.from(x))).toHost().data as Float32Array);
  const nan = Number.NaN;
  const inf = Number.POSITIVE_INFINITY;
  const names = Object.keys(activations) as Activation[];
  /** A NaN may carry anything: which of its bits are set must not matter. */
  const payloads = new Float32Array(Uint32Array.of(0x7fc00000, 0xffc00000, 0x7fc00001, 0xffc001ff, 0x7fffffff, 0xffffffff).buffer);

  it.each(names)('%s: NaN stays NaN', (name) => {
    expect([...through((x) => activate(x, name), payloads)]).toEqual(Array.from(payloads, () => nan));
  });

  /** What its error is measured by: the argument, but where the function is not 0 at 0, or grows faster. */
  const measures: Partial<Record<Activation, (x: number) => number>> = {
    sigmoid: () => 1,
    laplace: () => 1,
    sqrtSoftplus: (x) => Math.max(1, Math.abs(x)),
    relu2: (x) => x * x,
  };
  it.each(names)('%s is within 4e-7 of the argument, or of 1, from the smallest float to the largest', (name) => {
    const measure = measures[name] ?? Math.abs;
    for (const x of [grid(2 ** -149, 3.4e38, 100003), negative(grid(2 ** -149, 3.4e38, 100003)), Float32Array.of(0, -0)]) {
      const y = through((v) => activate(v, name), x);
      const worst = x.reduce((most, v, i) => {
        const exact = activations[name](v);
        // Both may be beyond float32.
        if (y[i] === Math.fround(exact)) return most;
        return Math.max(most, Math.abs((y[i] as number) - exact) / Math.max(measure(v), 2 ** -126));
      }, 0);
      expect(worst).toBeLessThanOrEqual(4e-7);
    }
  });

  // As PyTorch has them: x σ(x) is −∞ · 0 there.
  it.each([
    ['relu', [inf, 0]],
    ['gelu', [inf, nan]],
    ['geluTanh', [inf, nan]],
    ['quickGelu', [inf, nan]],
    ['silu', [inf, nan]],
    ['tanh', [1, -1]],
    ['sigmoid', [1, 0]],
    ['identity', [inf, -inf]],
    ['hardswish', [inf, nan]],
    ['laplace', [1, 0]],
    ['leakyRelu', [inf, -inf]],
    ['mish', [inf, nan]],
    ['relu2', [inf, 0]],
    ['relu6', [6, 0]],
    ['sqrtSoftplus', [inf, 0]],
  ] as const)('%s of ±∞ is what PyTorch says: %j', (name, expected) => {
    expect([...through((x) => activate(x, name), [inf, -inf])]).toEqual(expected);
  });

  it.each(['gelu', 'geluTanh', 'quickGelu', 'silu', 'gelu10', 'hardswish', 'mish', 'laplace', 'sqrtSoftplus'] as const)(
    '%s goes to 0 on the left and stays there',
    (name) => {
      for (const y of through((x) => activate(x, name), [-100, -1e4, -1e10, -1e30, -3e38])) expect(Math.abs(y)).toBeLessThan(1e-36);
    },
  );

  it.each([
    [
      [inf, 0, 1],
      [nan, nan, nan],
    ],
    [
      [nan, 0, 1],
      [nan, nan, nan],
    ],
    [
      [-inf, 0, -inf],
      [0, 1, 0],
    ],
    [
      [-inf, -inf],
      [0, 0],
    ],
    [
      [3e38, -3e38, 3e38],
      [0.5, 0, 0.5],
    ],
    [[-3e38], [1]],
    [
      [2 ** -149, -(2 ** -149)],
      [0.5, 0.5],
    ],
  ])('softmax of %j is %j', (x, y) => {
    expect([...through(softmax, x)]).toEqual(y);
  });

  it.each([
    [
      [inf, 0, 1],
      [nan, nan, nan],
    ],
    [
      [nan, 0, 1],
      [nan, nan, nan],
    ],
    [
      [-inf, 0, -inf],
      [-inf, 0, -inf],
    ],
    [
      [-inf, -inf],
      [nan, nan],
    ],
    [
      [1000, -1000],
      [0, -2000],
    ],
    [[-3e38], [0]],
  ])('logSoftmax of %j is %j', (x, y) => {
    expect([...through(logSoftmax, x)]).toEqual(y);
  });

  it('softmax and its logarithm are within 8 units in the last place, over rows that reach from 0 to −80', () => {
    const x = Float32Array.from({ length: 4001 }, (_, i) => -i / 50);
    const sum = x.reduce((s, v) => s + Math.exp(v), 0);
    expect(errors(x, through(softmax, x), (v) => Math.exp(v) / sum).ulp).toBeLessThanOrEqual(8);
    expect(errors(x, through(logSoftmax, x), (v) => v - Math.log(sum)).ulp).toBeLessThanOrEqual(8);
  });
});
