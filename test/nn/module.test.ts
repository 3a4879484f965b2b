/** State dicts: PyTorch's keys, the same numbers back, and errors that name what does not fit. */
import { type Engine, HeedError } from 'heed';
import { Embedding, LayerNorm, Linear, type Module, MultiheadAttention, RMSNorm, Transformer, TransformerEncoderLayer } from 'heed/nn';
import { tensor } from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { engineFor } from '../ops/engines.js';
import { fill } from './state.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineFor({ threads: 1 });
});

const attentionKeys = ['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'];
const layerKeys = [
  ...attentionKeys.map((key) => `self_attn.${key}`),
  ...['linear1', 'linear2', 'norm1', 'norm2'].flatMap((name) => [`${name}.weight`, `${name}.bias`]),
];

const modules: [string, () => Module, readonly string[]][] = [
  ['Linear', () => new Linear(engine, 3, 5), ['weight', 'bias']],
  ['Linear without a bias', () => new Linear(engine, 9, 16, { bias: false }), ['weight']],
  ['Embedding', () => new Embedding(engine, 7, 5), ['weight']],
  ['LayerNorm', () => new LayerNorm(engine, 5), ['weight', 'bias']],
  ['RMSNorm', () => new RMSNorm(engine, 5), ['weight']],
  ['MultiheadAttention', () => new MultiheadAttention(engine, 16, 2), attentionKeys],
  // Its three projections do not fill panels of 8 rows.
  ['MultiheadAttention of 12 channels', () => new MultiheadAttention(engine, 12, 3), attentionKeys],
  [
    'MultiheadAttention with other keys and values',
    () => new MultiheadAttention(engine, 12, 3, { kdim: 5, vdim: 7, addBiasKv: true }),
    ['q_proj_weight', 'k_proj_weight', 'v_proj_weight', 'in_proj_bias', 'bias_k', 'bias_v', 'out_proj.weight', 'out_proj.bias'],
  ],
  ['TransformerEncoderLayer', () => new TransformerEncoderLayer(engine, 12, 3, { dimFeedforward: 10 }), layerKeys],
  [
    'Transformer',
    () => new Transformer(engine, { dModel: 8, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 10 }),
    [
      ...layerKeys.map((key) => `encoder.layers.0.${key}`),
      ...['encoder.norm.weight', 'encoder.norm.bias'],
      ...layerKeys.map((key) => `decoder.layers.0.${key}`),
      ...attentionKeys.map((key) => `decoder.layers.0.multihead_attn.${key}`),
      ...['decoder.layers.0.norm3.weight', 'decoder.layers.0.norm3.bias', 'decoder.norm.weight', 'decoder.norm.bias'],
    ],
  ],
];

describe.each(modules)('%s', (_, make, keys) => {
  it("has PyTorch's keys", () => {
    expect([...make().namedParameters()].map(([name]) => name).sort()).toEqual([...keys].sort());
  });

  it('gives back exactly what it was filled with, also the second time', () => {
    const module = make();
    for (const seed of [1, 2]) {
      const state = fill(module, seed);
      const back = Object.entries(module.stateDict()).map(([name, { data, dims }]) => [name, { data, dims }]);
      expect(Object.fromEntries(back)).toEqual(state);
    }
    module.dispose();
  });

  it('is filled in place: another state dict takes no more memory, and disposal frees it all', () => {
    const before = engine.memory().used;
    const module = make();
    fill(module, 1);
    const filled = engine.memory();
    fill(module, 2);
    expect(engine.memory()).toMatchObject({ used: filled.used, storages: filled.storages });
    module.dispose();
    expect(engine.memory().used).toBe(before);
  });
});

describe('a state dict that does not fit', () => {
  const good = { weight: { data: [1, 2, 3, 4, 5, 6], dims: [2, 3] }, bias: { data: [7, 8], dims: [2] } };
  const numbers = (linear: Linear) => Object.values(linear.stateDict()).map(({ data }) => [...data]);

  it.each([
    ['lacks a tensor', { weight: good.weight }, 'bias'],
    ['has another', { ...good, scale: good.bias }, 'scale'],
    ['has one of another shape', { ...good, weight: { data: good.weight.data, dims: [3, 2] } }, 'weight'],
    ['has one with too few elements', { ...good, bias: { data: [7], dims: [2] } }, 'bias'],
    ['is an array', [] as unknown as typeof good, 'weight'],
  ] as [string, typeof good, string][])('is an error that names the tensor, and changes nothing: it %s', (_, state, culprit) => {
    const linear = new Linear(engine, 3, 2);
    linear.loadStateDict(good);
    expect(() => linear.loadStateDict(state)).toThrow(expect.objectContaining({ code: 'MODEL_MISMATCH', culprit }));
    expect(numbers(linear)).toEqual([good.weight.data, good.bias.data]);
    linear.dispose();
  });

  it('may be one with more or less where strict is false', () => {
    const linear = new Linear(engine, 3, 2);
    linear.loadStateDict(good);
    linear.loadStateDict({ bias: { data: [9, 9], dims: [2] }, scale: good.bias }, { strict: false });
    expect(numbers(linear)).toEqual([good.weight.data, [9, 9]]);
    expect(() => linear.loadStateDict({ bias: { data: [9], dims: [1] } }, { strict: false })).toThrow(HeedError);
    linear.dispose();
  });
});

it('a module that was not filled, or was disposed, says so', () => {
  const linear = new Linear(engine, 3, 2);
  const unfilled = expect.objectContaining({ code: 'MODEL_MISMATCH', culprit: 'Linear.weight' });
  expect(() => linear.forward(tensor(engine, [1, 2, 3]))).toThrow(unfilled);
  fill(linear);
  linear.forward(tensor(engine, [1, 2, 3]));
  linear.dispose();
  expect(() => linear.forward(tensor(engine, [1, 2, 3]))).toThrow(unfilled);
});

it('an option that there is not is an error', () => {
  const unknown = (name: string) => expect.objectContaining({ code: 'UNSUPPORTED', culprit: name });
  expect(() => new Linear(engine, 3, 2, { device: 'cuda' } as object)).toThrow(unknown('device'));
  expect(() => new MultiheadAttention(engine, 4, 2, { qkvBias: true } as object)).toThrow(unknown('qkvBias'));
  expect(() => new TransformerEncoderLayer(engine, 4, 2, { layerScale: 0.1 } as object)).toThrow(unknown('layerScale'));
});
