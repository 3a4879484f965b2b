/** heed's own translator: torch's keys, rows that know nothing of their neighbours' padding, and a loss that falls. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEngine, type Engine, tensor } from '../../dist/entry/node.js';
import { HeedTransformer } from '../../dist/models/heed_transformer.js';
import { crossEntropy, narrow, reshape, valueAndGrad } from '../../dist/ops/index.js';
import { AdamW } from '../../dist/train/adam.js';

const sizes = { d_model: 32, num_heads: 4, encoder_layers: 2, decoder_layers: 1, ffn_dim: 64 };
const config = { ...sizes, vocab_size: 20, pad_token_id: 0 };

let engine: Engine;
let model: HeedTransformer;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
  model = new HeedTransformer(engine, config).init(1);
});
afterAll(() => engine.dispose());

const ids = (rows: readonly number[][]) => tensor(engine, Int32Array.from(rows.flat()), [rows.length, rows[0]?.length ?? 0]);

it("has nn.Transformer's keys, and one embedding", () => {
  const keys = Object.keys(model.stateDict());
  expect(keys.filter((key) => !key.startsWith('transformer.'))).toEqual(['embedding.weight']);
  expect(keys).toContain('transformer.decoder.layers.0.multihead_attn.in_proj_weight');
  expect(keys.filter((key) => key.includes('encoder.layers.1.'))).toHaveLength(12);
});

it('begins with the same numbers for the same seed', () => {
  const [a, b, c] = [1, 1, 2].map((seed) => new HeedTransformer(engine, config).init(seed).stateDict()['embedding.weight']?.data);
  expect(a).toEqual(b);
  expect(a).not.toEqual(c);
});

it('gives a row the same bits alone and padded among others', () => {
  engine.scope(() => {
    const alone = model.forward(ids([[5, 6, 7]]), ids([[2, 8, 9]])).toHost().data;
    const source = ids([
      [5, 6, 7, 0, 0],
      [9, 8, 7, 6, 5],
    ]);
    const target = ids([
      [2, 8, 9, 0],
      [2, 3, 4, 5],
    ]);
    const among = model.forward(source, target, [3, 5]).toHost().data;
    expect(among.slice(0, alone.length)).toEqual(alone);
  });
});

it('has no gradient for padding where it is looked up, only where it could be said', () => {
  const gradientOf = (target: number[]) => {
    model.train();
    model.zeroGrad();
    // Nothing but look-ups: the targets' scores do not enter the loss.
    valueAndGrad(engine, () => narrow(reshape(model.forward(ids([[5, 0]]), ids([target])), [-1]), 0, 7, 1));
    const { grad } = model.embedding.weight;
    const rows = grad?.toHost().tolist() as number[][];
    model.eval();
    return rows;
  };
  const rows = gradientOf([2]);
  expect(rows[0]?.every((x) => x === 0)).toBe(true);
  expect(rows[5]?.some((x) => x !== 0)).toBe(true);
});

it('learns to copy, the same whether it was out of training in between or not', () => {
  const state = model.stateDict();
  const run = (interrupted: boolean): number[] => {
    model.loadStateDict(state);
    model.train();
    const optimizer = new AdamW(model.namedParameters(), { lr: 3e-3 });
    const rows = Array.from({ length: 8 }, (_, b) => [3 + b, 4 + b, 5 + b]);
    const losses = Array.from({ length: 40 }, (_, step) => {
      if (interrupted && step === 20) model.eval().train();
      const loss = valueAndGrad(engine, () =>
        crossEntropy(model.forward(ids(rows), ids(rows.map(([a = 0, b = 0]) => [2, a, b]))), ids(rows)),
      );
      optimizer.step({ clip: 1 });
      optimizer.zeroGrad();
      return loss;
    });
    optimizer.dispose();
    model.eval();
    return losses;
  };
  const losses = run(false);
  expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 10);
  expect(run(true)).toEqual(losses);
});
