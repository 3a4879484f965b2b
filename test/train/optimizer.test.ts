/**
 * SGD, Adam and AdamW against 60 steps of PyTorch's: a Transformer that learns to reverse a list, with padding, label smoothing and clipping. For 30 steps losses
 * are the same to float32's precision; then rounding grows exponentially, as it does between any two machines.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createEngine, type Engine, tensor } from '../../dist/entry/node.js';
import { Embedding, Linear, Module, Transformer } from '../../dist/nn/index.js';
import type { Parameter } from '../../dist/nn/parameter.js';
import { add, crossEntropy, embedding, narrow, scale, type Tensor, valueAndGrad } from '../../dist/ops/index.js';
import { Adam, AdamW, type Named, SGD } from '../../dist/train/optimizer.js';
import { parseSafetensors } from '../runtimes/fixtures.js';
import { itWith, shared } from '../shared.js';

const [V, C, B, T] = [23, 32, 8, 10];

class Reverser extends Module {
  readonly #pos: Parameter;
  readonly #src: Embedding;
  readonly #tgt: Embedding;
  readonly #transformer: Transformer;
  readonly #out: Linear;

  constructor(engine: Engine) {
    super(engine);
    this.#pos = this.parameter('pos', [16, C]);
    this.#src = this.child('src', new Embedding(engine, V, C));
    this.#tgt = this.child('tgt', new Embedding(engine, V, C));
    const sizes = { dModel: C, nhead: 4, numEncoderLayers: 2, numDecoderLayers: 2, dimFeedforward: 48, batchFirst: true };
    this.#transformer = this.child('t', new Transformer(engine, sizes));
    this.#out = this.child('out', new Linear(engine, C, V));
  }

  #embed(table: Embedding, ids: Tensor): Tensor {
    const rows = scale(embedding(ids, table.weight.tensor, { paddingIdx: 0 }), Math.sqrt(C));
    return add(rows, narrow(this.#pos.tensor, 0, 0, ids.dim(1)));
  }

  forward(src: Tensor, tgt: Tensor, lengths: number[]): Tensor {
    const masks = { src: { lengths }, memory: { lengths }, tgt: { isCausal: true } };
    return this.#out.forward(this.#transformer.forward(this.#embed(this.#src, src), this.#embed(this.#tgt, tgt), masks));
  }
}

const makers = {
  train_sgd: (parameters: Named) => new SGD(parameters, { lr: 0.05, momentum: 0.9 }),
  train_adam: (parameters: Named) => new Adam(parameters, { lr: 3e-3 }),
  train_adamw: (parameters: Named) => new AdamW(parameters, { lr: 3e-3, betas: [0.9, 0.98], eps: 1e-9, weightDecay: 0.1 }),
};

/** The fixture's losses, and heed's for as many steps. */
async function train(name: keyof typeof makers, steps: number, threads = 1): Promise<{ expected: number[]; losses: number[] }> {
  const given = parseSafetensors(readFileSync(shared(`fixtures/torch/${name}.safetensors`)));
  const numbers = (key: string) => given[key]?.data as Int32Array;
  const engine = await createEngine({ threads, deterministic: true, inlineBelow: 0 });
  const model = new Reverser(engine);
  const start = Object.entries(given).filter(([key]) => key.startsWith('init.'));
  model.loadStateDict(Object.fromEntries(start.map(([key, value]) => [key.slice('init.'.length), value])));
  model.train();
  const optimizer = makers[name](model.namedParameters());
  const losses: number[] = [];
  const held = () => engine.memory().storages;
  let before = 0;
  for (let step = 0; step < steps; step++) {
    const src = numbers('src').slice(step * B * T, (step + 1) * B * T);
    const rows = numbers('tgt').subarray(step * B * (T + 1), (step + 1) * B * (T + 1));
    const shifted = (by: number) =>
      Int32Array.from({ length: B * T }, (_, i) => rows[Math.floor(i / T) * (T + 1) + (i % T) + by] as number);
    const lengths = Array.from({ length: B }, (_, b) => src.subarray(b * T, (b + 1) * T).filter((id) => id !== 0).length);
    const loss = valueAndGrad(engine, () => {
      const logits = model.forward(tensor(engine, src, [B, T]), tensor(engine, shifted(0), [B, T]), lengths);
      return crossEntropy(logits, tensor(engine, shifted(1), [B, T]), { ignoreIndex: 0, labelSmoothing: 0.1 });
    });
    losses.push(loss);
    optimizer.step({ clip: 1 });
    optimizer.zeroGrad();
    if (step === 0) before = held();
  }
  expect(held(), 'storages after the last step and after the first').toBe(before);
  optimizer.dispose();
  model.dispose();
  await engine.dispose();
  return { expected: Array.from(given.losses?.data as Float32Array).slice(0, steps), losses };
}

describe.each(Object.keys(makers) as (keyof typeof makers)[])('%s', (name) => {
  itWith(`fixtures/torch/${name}.safetensors`)(
    'has the losses that PyTorch has, for 30 steps, and learns as much in 60',
    async () => {
      const { expected, losses } = await train(name, 60);
      for (const [i, loss] of losses.slice(0, 30).entries())
        expect(Math.abs(loss - (expected[i] as number)), `step ${i}`).toBeLessThan(1e-3);
      expect(Math.abs((losses.at(-1) as number) - (expected.at(-1) as number))).toBeLessThan(0.05);
    },
    60_000,
  );
});

describe('with several threads', () => {
  itWith('fixtures/torch/train_adam.safetensors')('a run has the same bits', async () => {
    const one = await train('train_adam', 8);
    expect((await train('train_adam', 8, 3)).losses).toEqual(one.losses);
  });
});

it('an optimizer refuses what it cannot do', async () => {
  const engine = await createEngine({ threads: 1 });
  const model = new Linear(engine, 2, 2).init(0).train();
  expect(() => new Adam([])).toThrow(/no parameters/);
  expect(() => new Adam(model.namedParameters(), { lr: -1 })).toThrow(/lr is -1/);
  expect(() => new SGD(model.namedParameters(), { betas: 1 } as object)).toThrow(/no option betas/);
  const optimizer = new SGD(model.namedParameters(), { lr: 1 });
  const broken = () => scale(model.forward(tensor(engine, [[1, 2]])), Number.MAX_VALUE);
  valueAndGrad(engine, () => {
    const y = broken();
    return narrow(narrow(y, 0, 0, 1), 1, 0, 1);
  });
  expect(() => optimizer.step()).toThrow(expect.objectContaining({ code: 'NUMERIC' }));
  await engine.dispose();
});
