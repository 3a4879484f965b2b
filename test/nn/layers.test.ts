/** Layers and stacks beyond PyTorch's fixtures: layouts, the bits of a batch, how stacks are made of layers, and what is left in memory. */
import type { Engine } from 'heed';
import {
  Embedding,
  LayerNorm,
  Linear,
  RMSNorm,
  Transformer,
  TransformerDecoder,
  TransformerDecoderLayer,
  TransformerEncoder,
  TransformerEncoderLayer,
} from 'heed/nn';
import { contiguous, embedding, gelu, layerNorm, linear, narrow, rmsNorm, type Tensor, tensor, transpose } from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { bitDifference } from '../cases/check.js';
import { Random } from '../cases/random.js';
import { engineFor } from '../ops/engines.js';
import { fill } from './state.js';

const engines: Engine[] = [];
let engine: Engine;
beforeAll(async () => {
  for (const threads of [1, 2, 4]) engines.push(await engineFor({ deterministic: true, threads }));
  engine = engines[0] as Engine;
});

const [B, T, C, H] = [3, 37, 24, 4];
const options = { dimFeedforward: 40, activation: 'gelu', batchFirst: true } as const;
const random = new Random(5);
const floats = (...dims: number[]): Tensor => tensor(engine, random.floats(dims).data, dims);
const numbers = (x: Tensor): Float32Array => contiguous(x).toHost().data as Float32Array;
const same = (a: Tensor, b: Tensor): void => expect(bitDifference(numbers(a), numbers(b))).toBeUndefined();
const weights = (state: Record<string, { data: ArrayLike<number>; dims: readonly number[] }>, name: string): Tensor =>
  tensor(engine, Float32Array.from(state[name]?.data ?? []), state[name]?.dims);

describe('the layers without a structure', () => {
  it('Linear, LayerNorm, RMSNorm and Embedding are the ops over their parameters', () => {
    const x = floats(5, C);
    const [one, norm, rms, table] = [
      new Linear(engine, C, 7),
      new LayerNorm(engine, C, { eps: 0.1 }),
      new RMSNorm(engine, C),
      new Embedding(engine, 9, C),
    ];
    const [a, b, c, d] = [one, norm, rms, table].map((module) => fill(module)) as [
      ReturnType<typeof fill>,
      ReturnType<typeof fill>,
      ReturnType<typeof fill>,
      ReturnType<typeof fill>,
    ];
    same(one.forward(x), linear(x, weights(a, 'weight'), weights(a, 'bias')));
    same(one.forward(x, { activation: 'gelu' }), gelu(one.forward(x)));
    same(norm.forward(x), layerNorm(x, weights(b, 'weight'), weights(b, 'bias'), { eps: 0.1 }));
    same(rms.forward(x), rmsNorm(x, weights(c, 'weight')));
    const ids = tensor(engine, Int32Array.of(8, 0, 3));
    same(table.forward(ids), embedding(ids, weights(d, 'weight')));
  });

  it.each([6, 16])('a Linear of stacked parts is several: of %i outputs', (outputs) => {
    const x = floats(5, C);
    const stacked = new Linear(engine, C, outputs, { parts: 2 });
    const { weight, bias } = fill(stacked);
    for (const part of [0, 1]) {
      const half = (given: typeof weight) =>
        Float32Array.from(given?.data ?? []).slice(
          ((part + 0) * (given?.data.length ?? 0)) / 2,
          ((part + 1) * (given?.data.length ?? 0)) / 2,
        );
      const want = linear(x, tensor(engine, half(weight), [outputs / 2, C]), tensor(engine, half(bias)), { activation: 'gelu' });
      same(stacked.part(part, x, { activation: 'gelu' }), want);
    }
    expect(() => new Linear(engine, C, 7, { parts: 2 })).toThrow(expect.objectContaining({ code: 'ARGUMENT', culprit: 'parts' }));
  });
});

describe('an encoder layer', () => {
  it('whose gate is fused has the rows of both in linear1', () => {
    const apart = new TransformerEncoderLayer(engine, C, H, { ...options, gated: true });
    const { 'linear3.weight': gate, 'linear3.bias': gateBias, ...state } = fill(apart);
    const joined = (a: typeof gate, b: typeof gate, dims: number[]) => ({
      data: [...Array.from(a?.data ?? []), ...Array.from(b?.data ?? [])],
      dims,
    });
    const fused = new TransformerEncoderLayer(engine, C, H, { ...options, gated: 'fused' });
    fused.loadStateDict({
      ...state,
      'linear1.weight': joined(state['linear1.weight'], gate, [80, C]),
      'linear1.bias': joined(state['linear1.bias'], gateBias, [80]),
    });
    const x = floats(B, T, C);
    same(fused.forward(x), apart.forward(x));
    const last = new TransformerEncoderLayer(engine, C, H, { ...options, gated: 'fused_last' });
    last.loadStateDict({
      ...state,
      'linear1.weight': joined(gate, state['linear1.weight'], [80, C]),
      'linear1.bias': joined(gateBias, state['linear1.bias'], [80]),
    });
    same(last.forward(x), apart.forward(x));
    expect(() => new TransformerEncoderLayer(engine, C, H, { gated: 'joined' as 'fused' })).toThrow(
      expect.objectContaining({ code: 'ARGUMENT', culprit: 'gated' }),
    );
  });

  it('may read without a norm what has one', () => {
    const normed = new TransformerEncoderLayer(engine, C, H, { ...options, normFirst: true });
    const plain = new TransformerEncoderLayer(engine, C, H, { ...options, normFirst: true, attentionNorm: false });
    const { 'norm1.weight': weight, 'norm1.bias': bias, ...state } = fill(normed);
    plain.loadStateDict(state);
    expect(Object.keys(plain.stateDict())).not.toContain('norm1.weight');
    // Of rows that are their own norm, by weights of 1 and no bias.
    const x = layerNorm(floats(B, T, C), tensor(engine, new Float32Array(C).fill(1)), tensor(engine, new Float32Array(C)), { eps: 1e-12 });
    normed.loadStateDict({
      ...state,
      'norm1.weight': { data: weight?.dims.flatMap(() => Array(C).fill(1)) ?? [], dims: [C] },
      'norm1.bias': { data: Array(C).fill(0), dims: bias?.dims ?? [C] },
    });
    const [a, b] = [numbers(plain.forward(x)), numbers(normed.forward(x))];
    expect(Math.max(...a.map((y, i) => Math.abs(y - (b[i] as number))))).toBeLessThan(1e-4);
  });
});

describe.each([false, true])('an encoder layer (normFirst: %s)', (normFirst) => {
  const make = (on = engine) => {
    const layer = new TransformerEncoderLayer(on, C, H, { ...options, normFirst });
    fill(layer);
    return layer;
  };

  it('gives an example the same bits alone, in a batch, and padded', () => {
    const [layer, x, lengths] = [make(), floats(B, T, C), [T, 20, 1]];
    const batch = layer.forward(x, { lengths });
    lengths.forEach((n, b) => {
      const own = (all: Tensor) => contiguous(narrow(narrow(all, 0, b, 1), 1, 0, n));
      same(own(batch), layer.forward(own(x)));
    });
  });

  it('gives the same bits for 1, 2 and 4 threads', () => {
    const { data, dims } = random.floats([B, T, C]);
    const [one, ...more] = engines.map((on) => on.scope(() => numbers(make(on).forward(tensor(on, data, dims)))));
    for (const other of more) expect(bitDifference(other, one as Float32Array)).toBeUndefined();
  });

  it('takes [T, B, C] by default, as PyTorch does', () => {
    const { batchFirst, ...rest } = options;
    const [layer, flipped, x] = [make(), new TransformerEncoderLayer(engine, C, H, { ...rest, normFirst }), floats(B, T, C)];
    fill(flipped);
    same(transpose(flipped.forward(contiguous(transpose(x, 0, 1))), 0, 1), layer.forward(x));
  });

  it('hands its attention weights to who asks, with the same output', () => {
    const [layer, x] = [make(), floats(B, T, C)];
    let heard: Tensor | undefined;
    same(layer.forward(x, { onWeights: (w) => (heard = w) }), layer.forward(x));
    expect(heard?.shape).toEqual([B, H, T, T]);
    const rows = numbers(heard as Tensor);
    for (let i = 0; i < rows.length; i += T) expect(rows.subarray(i, i + T).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  });
});

describe('stacks', () => {
  const encoderLayer = () => new TransformerEncoderLayer(engine, C, H, options);
  const decoderLayer = () => new TransformerDecoderLayer(engine, C, H, options);

  it('run their layers one after the other, then the norm', () => {
    const stack = new TransformerEncoder(engine, encoderLayer, 3, new LayerNorm(engine, C));
    fill(stack);
    const x = floats(B, T, C);
    const through = stack.layers.reduce((h, layer) => layer.forward(h, { isCausal: true }), x);
    same(stack.forward(x, { isCausal: true }), (stack.norm as LayerNorm).forward(through));
  });

  it('leave the input to the caller, and nothing but the result in the engine', () => {
    const encoder = new TransformerEncoder(engine, encoderLayer, 2);
    const decoder = new TransformerDecoder(engine, decoderLayer, 2, new LayerNorm(engine, C));
    for (const module of [encoder, decoder]) fill(module);
    const [src, tgt] = [floats(B, T, C), floats(B, 5, C)];
    const before = engine.memory().storages;
    const memory = encoder.forward(src);
    expect(engine.memory().storages).toBe(before + 1);
    const y = decoder.forward(tgt, memory, { tgt: { isCausal: true } });
    expect(engine.memory().storages).toBe(before + 2);
    for (const x of [src, tgt, memory, y]) expect(numbers(x).every(Number.isFinite)).toBe(true);
  });

  it('of no layers are their norm', () => {
    const norm = new LayerNorm(engine, C);
    const stack = new TransformerEncoder(engine, encoderLayer, 0, norm);
    fill(stack);
    const x = floats(2, 3, C);
    same(stack.forward(x), norm.forward(x));
    same(new TransformerEncoder(engine, encoderLayer, 0).forward(x), x);
    expect(x.storage.freed).toBe(false);
  });

  it('make a Transformer: an encoder whose output the decoder reads', () => {
    const sizes = { dModel: C, nhead: H, numEncoderLayers: 2, numDecoderLayers: 1, ...options };
    const transformer = new Transformer(engine, sizes);
    fill(transformer);
    const [src, tgt] = [floats(B, T, C), floats(B, 5, C)];
    const padding = { lengths: [T, 9, 2] };
    const memory = transformer.encoder.forward(src, padding);
    same(
      transformer.forward(src, tgt, { src: padding, tgt: { isCausal: true }, memory: padding }),
      transformer.decoder.forward(tgt, memory, { tgt: { isCausal: true }, memory: padding }),
    );
  });

  it('give a prefix of the target the same bits, since it cannot see what follows', () => {
    const layer = decoderLayer();
    fill(layer);
    const [tgt, memory] = [floats(B, 12, C), floats(B, T, C)];
    const whole = layer.forward(tgt, memory, { tgt: { isCausal: true } });
    const prefix = contiguous(narrow(tgt, 1, 0, 5));
    same(narrow(whole, 1, 0, 5), layer.forward(prefix, memory, { tgt: { isCausal: true } }));
  });
});
