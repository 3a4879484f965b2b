/** MultiheadAttention beyond PyTorch's fixtures: masks in every form and together, layouts, and the ops that it stands for. */
import type { Engine } from 'heed';
import { KVCache, MultiheadAttention, type MultiheadAttentionCall, RotaryPositions } from 'heed/nn';
import {
  add,
  attentionWithWeights,
  contiguous,
  linear,
  narrow,
  reshape,
  scaledDotProductAttention,
  type Tensor,
  tensor,
  transpose,
  unflatten,
} from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { beyond, bitDifference } from '../cases/check.js';
import { Random } from '../cases/random.js';
import { engineFor } from '../ops/engines.js';
import { fill } from './state.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineFor({ deterministic: true, threads: 2 });
});

const [B, T, S] = [3, 6, 9];
const random = new Random(11);
const floats = (...dims: number[]): Tensor => tensor(engine, random.floats(dims).data, dims);
const numbers = (x: Tensor): Float32Array => engine.scope(() => contiguous(x).toHost().data as Float32Array);
const same = (a: Tensor, b: Tensor): void => expect(bitDifference(numbers(a), numbers(b))).toBeUndefined();

/** Booleans by their index, true is ignored. */
const mask = (dims: readonly number[], ignored: (...index: number[]) => boolean): Tensor => {
  const data = new Uint8Array(dims.reduce((n, d) => n * d, 1));
  for (let i = 0; i < data.length; i++) {
    let rest = i;
    const index = [...dims].reverse().map((d) => {
      const at = rest % d;
      rest = Math.floor(rest / d);
      return at;
    });
    data[i] = Number(ignored(...index.reverse()));
  }
  return tensor(engine, data, dims);
};

const asFloats = (booleans: Tensor): Tensor =>
  tensor(
    engine,
    Float32Array.from(booleans.toHost().data, (ignored) => (ignored ? Number.NEGATIVE_INFINITY : 0)),
    booleans.shape,
  );

// 16 channels fill panels, so that the three projections are one product; 12 do not.
describe.each([
  [16, 4],
  [12, 3],
])('of %i channels and %i heads', (C, H) => {
  let module: MultiheadAttention;
  let [q, k, v]: Tensor[] = [];
  beforeAll(() => {
    module = new MultiheadAttention(engine, C, H, { batchFirst: true });
    fill(module);
    [q, k, v] = [floats(B, T, C), floats(B, S, C), floats(B, S, C)];
  });
  const run = (call?: MultiheadAttentionCall) => module.forward(q as Tensor, k as Tensor, v as Tensor, call).output;
  const padding = [9, 4, 1];
  const padded = () => mask([B, S], (b, s) => s >= (padding[b] as number));
  const causal = () => mask([T, S], (t, s) => s > t);

  it('is the ops that the paper writes', () => {
    const { in_proj_weight, in_proj_bias, 'out_proj.weight': out, 'out_proj.bias': outBias } = module.stateDict();
    const [w, b, wo, bo] = [in_proj_weight, in_proj_bias, out, outBias].map((x) => tensor(engine, x?.data as Float32Array, x?.dims));
    const heads = [q, k, v].map((x, i) => {
      const projected = linear(x as Tensor, narrow(w as Tensor, 0, i * C, C), narrow(b as Tensor, 0, i * C, C));
      return transpose(unflatten(projected, -1, [H, C / H]), 1, 2);
    }) as [Tensor, Tensor, Tensor];
    const joined = reshape(transpose(scaledDotProductAttention(...heads), 1, 2), [B, T, C]);
    same(run(), linear(joined, wo as Tensor, bo as Tensor));
  });

  it('gives the same bits for one source in three roles and for three copies of it', () => {
    const [x, y, z] = Array.from({ length: 3 }, () => tensor(engine, numbers(q as Tensor), [B, T, C])) as [Tensor, Tensor, Tensor];
    same(module.forward(x, x, x).output, module.forward(x, y, z).output);
    same(module.forward(x, y, y).output, module.forward(x, y, z).output);
  });

  it('takes padding as booleans, floats and lengths', () => {
    const expected = run({ keyPaddingMask: padded() });
    same(run({ keyPaddingMask: asFloats(padded()) }), expected);
    same(run({ lengths: padding }), expected);
  });

  it('takes a mask as booleans, floats, per head, and as the causal flag', () => {
    const expected = run({ attnMask: causal() });
    same(run({ attnMask: asFloats(causal()) }), expected);
    same(run({ attnMask: mask([B * H, T, S], (_, t, s) => s > t) }), expected);
    same(run({ isCausal: true }), expected);
  });

  it('takes both masks together, in every mixture of forms', () => {
    const expected = run({ attnMask: mask([B * H, T, S], (bh, t, s) => s > t || s >= (padding[Math.floor(bh / H)] as number)) });
    for (const attnMask of [causal(), asFloats(causal()), mask([B * H, T, S], (_, t, s) => s > t)])
      for (const keyPaddingMask of [padded(), asFloats(padded())]) same(run({ attnMask, keyPaddingMask }), expected);
    same(run({ isCausal: true, lengths: padding }), expected);
    same(run({ isCausal: true, keyPaddingMask: padded() }), expected);
  });

  it('adds a float mask to the scores', () => {
    const attnMask = floats(T, S);
    const twice = (x: Tensor) =>
      tensor(
        engine,
        Float32Array.from(numbers(x), (n) => 2 * n),
        x.shape,
      );
    const [once, more] = [run({ attnMask }), run({ attnMask: twice(attnMask) })].map(numbers) as [Float32Array, Float32Array];
    expect(beyond(once, more, 1e-3)).toBeDefined();
    const apart = module.forward(q as Tensor, k as Tensor, v as Tensor, { attnMask, needWeights: true, averageAttnWeights: false });
    const without = module.forward(q as Tensor, k as Tensor, v as Tensor, { needWeights: true, averageAttnWeights: false });
    // w' / w = e^bias · a constant of the row: compare neighbours.
    const [w, plain, bias] = [apart.weights, without.weights, attnMask].map((x) => numbers(x as Tensor)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    for (let i = 1; i < w.length; i++) {
      if (i % S === 0) continue;
      const ratio = ((w[i] as number) / (plain[i] as number)) * ((plain[i - 1] as number) / (w[i - 1] as number));
      const at = i % (T * S);
      expect(Math.log(ratio)).toBeCloseTo((bias[at] as number) - (bias[at - 1] as number), 4);
    }
  });

  it('gives the same output whether or not the weights are asked for; each of their rows sums to 1', () => {
    const { output, weights } = module.forward(q as Tensor, k as Tensor, v as Tensor, { needWeights: true });
    same(output, run());
    expect(weights?.shape).toEqual([B, T, S]);
    const w = numbers(weights as Tensor);
    for (let i = 0; i < w.length; i += S) expect(w.subarray(i, i + S).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  });

  it('averages the weights of its heads', () => {
    const [mean, each] = [true, false].map((averageAttnWeights) => {
      const { weights } = module.forward(q as Tensor, k as Tensor, v as Tensor, { needWeights: true, averageAttnWeights });
      return numbers(weights as Tensor);
    }) as [Float32Array, Float32Array];
    const expected = mean.map((_, i) => {
      const [b, rest] = [Math.floor(i / (T * S)), i % (T * S)];
      let sum = 0;
      for (let h = 0; h < H; h++) sum += each[(b * H + h) * T * S + rest] as number;
      return sum / H;
    });
    expect(beyond(mean, expected, 1e-6)).toBeUndefined();
  });

  it('adds a residual last', () => {
    const residual = floats(B, T, C);
    same(run({ residual }), add(run(), residual));
  });

  it('takes [T, B, C] by default, as PyTorch does', () => {
    const other = new MultiheadAttention(engine, C, H);
    fill(other);
    const [x, y, z] = [q, k, v].map((tensorOf) => contiguous(transpose(tensorOf as Tensor, 0, 1))) as [Tensor, Tensor, Tensor];
    const residual = floats(T, B, C);
    const call = { keyPaddingMask: padded(), attnMask: causal(), needWeights: true };
    const flipped = other.forward(x, y, z, { ...call, residual });
    same(transpose(flipped.output, 0, 1), run({ ...call, residual: contiguous(transpose(residual, 0, 1)) }));
    expect(flipped.weights?.shape).toEqual([B, T, S]);
    other.dispose();
  });

  it('leaves nothing but its results in the engine', () => {
    const call = { keyPaddingMask: padded(), attnMask: causal(), needWeights: true };
    const before = engine.memory().storages;
    const { output, weights } = module.forward(q as Tensor, k as Tensor, v as Tensor, call);
    expect(engine.memory().storages).toBe(before + 2);
    output.dispose();
    weights?.dispose();
  });
});

it('windows, and queries and keys that turn by their positions, are those of the ops', () => {
  const module = new MultiheadAttention(engine, 8, 2, { batchFirst: true });
  const { in_proj_weight, in_proj_bias, 'out_proj.weight': weight, 'out_proj.bias': bias } = fill(module);
  const own = (x: typeof weight) => tensor(engine, Float32Array.from(x?.data ?? []), x?.dims);
  const x = floats(B, T, 8);
  const turn = new RotaryPositions(engine, 4, 100).forward(T);
  const projected = linear(x, own(in_proj_weight), own(in_proj_bias));
  const [q, k, v] = [0, 8, 16].map((from) => transpose(unflatten(contiguous(narrow(projected, 2, from, 8)), -1, [2, 4]), 1, 2));
  const heads = scaledDotProductAttention(turn(q as Tensor), turn(k as Tensor), v as Tensor, { window: [1, 2], lengths: [T, 4, 1] });
  const want = linear(reshape(contiguous(transpose(heads, 1, 2)), [B, T, 8]), own(weight), own(bias));
  const { output } = module.forward(x, x, x, { window: [1, 2], rotary: turn, lengths: [T, 4, 1] });
  same(output, want);
  const cache = new KVCache(engine);
  expect(() => module.forward(x, x, x, { rotary: turn, cache })).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', culprit: 'rotary' }),
  );
  cache.dispose();
  turn.dispose();
});

it('true is ignored here, and attends in scaledDotProductAttention', () => {
  const [x, flags] = [floats(1, 4, 4), tensor(engine, [[false, true, true, false]])];
  const module = new MultiheadAttention(engine, 4, 1, { batchFirst: true });
  fill(module);
  const { weights } = module.forward(x, x, x, { keyPaddingMask: flags, needWeights: true });
  const seen = (w: Tensor) => Array.from(numbers(w).subarray(0, 4), (weight) => weight > 0);
  expect(seen(weights as Tensor)).toEqual([true, false, false, true]);
  expect(seen(attentionWithWeights(x, x, x, { attnMask: flags }).weights)).toEqual([false, true, true, false]);
});

it('says what is wrong with masks, sizes and options', () => {
  const module = new MultiheadAttention(engine, 8, 2, { batchFirst: true });
  fill(module);
  const x = floats(2, 3, 8);
  const failing = (call: MultiheadAttentionCall, code: string, culprit: string) =>
    expect(() => module.forward(x, x, x, call)).toThrow(expect.objectContaining({ code, culprit }));
  failing({ keyPaddingMask: mask([2, 4], () => false) }, 'SHAPE', 'keyPaddingMask');
  failing({ attnMask: mask([2, 3, 3], () => false) }, 'SHAPE', 'attnMask');
  failing({ lengths: [3] }, 'ARGUMENT', 'lengths');
  failing({ residual: floats(2, 3, 7) }, 'SHAPE', 'residual');
  failing({ dropout: 0.5 } as object, 'UNSUPPORTED', 'dropout');
  expect(() => module.forward(floats(2, 3, 7), x, x)).toThrow(expect.objectContaining({ code: 'SHAPE', culprit: 'query' }));
  expect(() => new MultiheadAttention(engine, 8, 3)).toThrow(expect.objectContaining({ code: 'ARGUMENT', culprit: 'numHeads' }));
});
