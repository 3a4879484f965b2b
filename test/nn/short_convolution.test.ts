/** Gated short convolutions: by their formula, with gradients, and the same bits in pieces, whose rows are moved, joined and taken back. */
import { afterAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../dist/entry/node.js';
import type { ConvolutionCache } from '../../dist/nn/convolution_cache.js';
import { shortConvolution } from '../../dist/nn/short_convolution.js';
import { crossEntropy, valueAndGrad } from '../../dist/ops/index.js';
import { Random } from '../../dist/random.js';
import { type Tensor, tensor } from '../../dist/tensor.js';
import { failureOf } from '../io/memory.js';

const engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
afterAll(() => engine.dispose());
const [B, T, C, K] = [3, 9, 8, 3];
const spec = shortConvolution(K, true);
const module = spec.make(engine, C).init(3);
const random = new Random(5);
const values = Float32Array.from({ length: B * T * C }, () => random.normal());
const numbers = (x: Tensor) => [...(x.toHost().data as Float32Array)];
const state = (name: string) => Array.from(module.stateDict()[name]?.data as Float32Array);

/** Tokens from .. to of the rows. */
const piece = (rows: readonly number[], from: number, to: number) =>
  tensor(
    engine,
    rows.flatMap((b) => [...values.subarray((b * T + from) * C, (b * T + to) * C)]),
    [rows.length, to - from, C],
  );
const whole = () => engine.scope(() => numbers(module.forward(piece([0, 1, 2], 0, T), undefined)));
const part = (all: readonly number[], rows: readonly number[], from: number, to: number) =>
  rows.flatMap((b) => all.slice((b * T + from) * C, (b * T + to) * C));
const go = (cache: ConvolutionCache, rows: readonly number[], from: number, to: number) =>
  engine.scope(() => numbers(module.forward(piece(rows, from, to), undefined, { cache: cache as never })));

it('is what its formula says', () => {
  const [wi, bi, w, bc, wo, bo] = ['in_proj.weight', 'in_proj.bias', 'conv.weight', 'conv.bias', 'out_proj.weight', 'out_proj.bias'].map(
    state,
  ) as [...(readonly number[][])] as number[][] as [number[], number[], number[], number[], number[], number[]];
  const row = (matrix: number[], bias: number[], x: ArrayLike<number>, n: number) =>
    Array.from({ length: n }, (_, i) => Array.from(x).reduce((sum, v, k) => sum + v * (matrix[i * C + k] as number), bias[i] as number));
  const far = whole().map((got, at) => {
    const [b, t, o] = [Math.floor(at / T / C), Math.floor(at / C) % T, at % C];
    const inner = (s: number) => row(wi, bi, values.subarray((b * T + s) * C, (b * T + s + 1) * C), 3 * C);
    const u = (s: number, c: number) => (s < 0 ? 0 : (inner(s)[c] as number) * (inner(s)[2 * C + c] as number));
    const mixed = Array.from({ length: C }, (_, c) => {
      const sum = Array.from({ length: K }, (_, j) => (w[c * K + j] as number) * u(t - K + 1 + j, c)).reduce(
        (a, x) => a + x,
        bc[c] as number,
      );
      return sum * (inner(t)[C + c] as number);
    });
    return Math.abs(got - (row(wo, bo, mixed, C)[o] as number));
  });
  expect(Math.max(...far)).toBeLessThan(1e-5);
});

describe('in pieces', () => {
  it('has the same bits, whatever their lengths', () => {
    const all = whole();
    const { used } = engine.memory();
    const cache = spec.cache(engine);
    for (const [from, to] of [
      [0, 1],
      [1, 5],
      [5, 6],
      [6, 9],
    ] as const)
      expect(go(cache, [0, 1, 2], from, to)).toEqual(part(all, [0, 1, 2], from, to));
    expect([cache.rows, cache.lengths]).toEqual([3, [9, 9, 9]]);
    cache.dispose();
    expect(engine.memory().used).toBe(used);
  });

  it('rows are moved, doubled and joined', () => {
    const all = whole();
    const { used } = engine.memory();
    const [one, other] = [spec.cache(engine), spec.cache(engine)];
    go(one, [0, 1], 0, 4);
    go(other, [2], 0, 2);
    one.reorder([1, 0, 1]);
    one.join(other);
    expect(one.lengths).toEqual([4, 4, 4, 2]);
    const next = engine.scope(() => tensor(engine, [...part([...values], [1, 0, 1], 4, 5), ...part([...values], [2], 2, 3)], [4, 1, C]));
    expect(engine.scope(() => numbers(module.forward(next, undefined, { cache: one as never })))).toEqual([
      ...part(all, [1, 0, 1], 4, 5),
      ...part(all, [2], 2, 3),
    ]);
    expect(go(other, [2], 2, 3)).toEqual(part(all, [2], 2, 3));
    next.dispose();
    for (const cache of [one, other]) cache.dispose();
    expect(engine.memory().used).toBe(used);
  });

  it('the last tokens can be taken back, and no others', async () => {
    const all = whole();
    const cache = spec.cache(engine);
    for (const [from, to] of [
      [0, 3],
      [3, 5],
      [5, 7],
    ] as const)
      go(cache, [0, 1, 2], from, to);
    cache.truncate([7, 7, 7]);
    cache.truncate([5, 5, 5]);
    expect(go(cache, [0, 1, 2], 5, 9)).toEqual(part(all, [0, 1, 2], 5, 9));
    expect(await failureOf(() => cache.truncate([3, 3, 3]))).toMatchObject({ code: 'UNSUPPORTED' });
    cache.dispose();
  });
});

it('has the gradients of differences', () => {
  module.train();
  const classes = tensor(
    engine,
    Int32Array.from({ length: T }, (_, t) => t % C),
    [1, T],
  );
  const x = piece([1], 0, T);
  const loss = () => crossEntropy(module.forward(x, undefined), classes);
  valueAndGrad(engine, loss);
  for (const [name, parameter] of module.namedParameters()) {
    const gradient = parameter.grad?.toHost().data as Float32Array;
    const { ptr } = parameter.value;
    const before = Float32Array.from(engine.heap.floats(ptr, gradient.length));
    const norm = Math.hypot(...gradient);
    const at = (step: number) => {
      engine.heap.floats(ptr, gradient.length).set(before.map((v, i) => v + (step * (gradient[i] as number)) / norm));
      return engine.scope(() => loss().toHost().data[0] as number);
    };
    const slope = (at(0.02) - at(-0.02)) / 0.04;
    at(0);
    expect(Math.abs(slope - norm) / norm, name).toBeLessThan(0.02);
  }
  module.zeroGrad();
  for (const one of [x, classes]) one.dispose();
  module.eval();
});

it('refuses padding before tokens, which it would read', async () => {
  const bias = tensor(engine, new Float32Array(T), [1, 1, 1, T]);
  expect(await failureOf(() => module.forward(piece([0], 0, T), undefined, { bias }))).toMatchObject({
    code: 'UNSUPPORTED',
    culprit: 'attention_mask',
  });
});
