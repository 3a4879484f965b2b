/** Mixtures of experts: each token gets what its experts say, weighted by the router, and others' experts have no part in it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { experts } from '../../dist/nn/experts.js';
import { tensor } from '../../dist/tensor.js';
import { Random } from '../cases/random.js';

const [C, F, E, K] = [6, 10, 5, 2];
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
});
afterAll(() => engine.dispose());

/** A layer of experts, and its weights as rows. */
function layer(normalized: boolean, change: (e: number, weights: Float32Array) => void = () => {}) {
  const random = new Random(3);
  const module = experts({ count: E, chosen: K, normalized })(engine, C, { F, activation: 'silu' });
  const heights: Record<string, number> = { router: 1, 'experts.linear1': F, 'experts.linear2': C, 'experts.linear3': F };
  const weights = Object.fromEntries(
    Object.entries(heights).map(([name, height]) => {
      const width = name === 'experts.linear2' ? F : C;
      const data = random.floats([E * height, width]).data as Float32Array;
      if (name !== 'router') for (let e = 0; e < E; e++) change(e, data.subarray(e * height * width, (e + 1) * height * width));
      return [name, { data, dims: [E * height, width] }];
    }),
  );
  module.loadStateDict(Object.fromEntries(Object.entries(weights).map(([name, weight]) => [`${name}.weight`, weight])));
  return {
    module,
    rows: (name: string, e: number, height: number, width: number) => (row: number) =>
      (weights[name] as { data: Float32Array }).data.subarray((e * height + row) * width, (e * height + row + 1) * width),
  };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, x, i) => sum + x * (b[i] as number), 0);
const silu = (x: number) => x / (1 + Math.exp(-x));

/** The equation in float64, token by token; and the experts of each. */
function expected({ rows }: ReturnType<typeof layer>, x: Float32Array, normalized: boolean) {
  const chosen: number[][] = [];
  const y = Array.from({ length: x.length / C }, (_, t) => {
    const token = x.subarray(t * C, (t + 1) * C);
    const scores = Array.from({ length: E }, (_, e) => dot(rows('router', 0, E, C)(e), token));
    const own = [...scores.keys()].sort((a, b) => (scores[b] as number) - (scores[a] as number)).slice(0, K);
    chosen.push(own);
    const all = (normalized ? own : [...scores.keys()]).reduce((sum, e) => sum + Math.exp(scores[e] as number), 0);
    const sum = new Array<number>(C).fill(0);
    for (const e of own) {
      const hidden = Array.from(
        { length: F },
        (_, f) => silu(dot(rows('experts.linear1', e, F, C)(f), token)) * dot(rows('experts.linear3', e, F, C)(f), token),
      );
      for (let c = 0; c < C; c++)
        sum[c] = (sum[c] as number) + (Math.exp(scores[e] as number) / all) * dot(rows('experts.linear2', e, C, F)(c), hidden);
    }
    return sum;
  });
  return { y: y.flat(), chosen };
}

describe.each([true, false])('experts whose weights add up to 1: %s', (normalized) => {
  it('give what the equation says, and a residual', () => {
    const made = layer(normalized);
    const x = new Random(4).floats([2, 7, C]).data as Float32Array;
    const { y } = expected(made, x, normalized);
    const got = engine.scope(() => {
      const input = tensor(engine, x, [2, 7, C]);
      return [made.module.forward(input), made.module.forward(input, input)].map((one) => one.toHost());
    });
    for (const [i, one] of got.entries()) {
      expect(one.dims).toEqual([2, 7, C]);
      expect(Math.max(...y.map((v, n) => Math.abs(v + i * (x[n] as number) - (one.data[n] as number))))).toBeLessThan(1e-5);
    }
    made.module.dispose();
  });

  it('compute their own tokens alone', () => {
    const x = new Random(5).floats([1, 1, C]).data as Float32Array;
    const whole = layer(normalized);
    const { y, chosen } = expected(whole, x, normalized);
    // Whoever asked another expert would hear of numbers that are none.
    const made = layer(normalized, (e, weights) => void (chosen[0]?.includes(e) || weights.fill(3e38)));
    const got = engine.scope(() => made.module.forward(tensor(engine, x, [1, 1, C])).toHost().data as Float32Array);
    expect(Math.max(...y.map((v, n) => Math.abs(v - (got[n] as number))))).toBeLessThan(1e-5);
    for (const { module } of [whole, made]) module.dispose();
  });

  it('give a token the same bits beside others', () => {
    const { module } = layer(normalized);
    const x = new Random(6).floats([1, 9, C]).data as Float32Array;
    const of = (from: number, to: number) =>
      engine.scope(() => module.forward(tensor(engine, x.slice(from * C, to * C), [1, to - from, C])).toHost().data as Float32Array);
    const all = of(0, 9);
    for (let t = 0; t < 9; t++) expect(of(t, t + 1)).toEqual(all.slice(t * C, (t + 1) * C));
    module.dispose();
  });
});
