/** Causal language modelling, with a small decoder made of nn.TransformerEncoder: it learns to go on, and what it is asked is each next token and nothing else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../../dist/entry/node.js';
import { Embedding, LayerNorm, Linear, Module, sinusoids, TransformerEncoder, TransformerEncoderLayer } from '../../../dist/nn/index.js';
import { add } from '../../../dist/ops/index.js';
import { type Tensor, tensor } from '../../../dist/tensor.js';
import { AdamW, causalLM, DataLoader, pad, Random, Trainer } from '../../../dist/train/index.js';
import { failureOf } from '../../io/memory.js';

const [V, C, PAD] = [11, 16, 0];

class Decoder extends Module {
  readonly config = { vocab_size: V, max_position_embeddings: 12 };
  readonly table = this.child('table', new Embedding(this.engine, V, C));
  readonly layers = this.child(
    'layers',
    new TransformerEncoder(
      this.engine,
      () => new TransformerEncoderLayer(this.engine, C, 2, { dimFeedforward: 32, dropout: 0, batchFirst: true, normFirst: true }),
      1,
      new LayerNorm(this.engine, C),
    ),
  );
  readonly out = this.child('out', new Linear(this.engine, C, V));

  forward(ids: Tensor, lengths?: readonly number[]): Tensor {
    return this.engine.scope(() => {
      const x = add(this.table.forward(ids), sinusoids(this.engine, ids.dim(1), C));
      return this.out.forward(this.layers.forward(x, { isCausal: true, lengths }));
    });
  }
}

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

const objective = causalLM<Decoder>();
const batchOf = (...rows: number[][]) => pad(rows, PAD);
const random = () => new Random(1);

/** −ln p of each next token, by the logits of the row alone, in float64. */
function surprise(model: Decoder, row: readonly number[]): number[] {
  const logits = engine.scope(() => model.forward(engineTensor(row), [row.length]).toHost());
  return row.slice(1).map((next, t) => {
    const scores = Array.from(logits.data.subarray(t * V, (t + 1) * V));
    const most = Math.max(...scores);
    return most + Math.log(scores.reduce((sum, x) => sum + Math.exp(x - most), 0)) - (scores[next] as number);
  });
}
const engineTensor = (row: readonly number[]) => tensor(engine, Int32Array.from(row), [1, row.length]);

describe('the exercise', () => {
  const rows = [[1, 2, 3, 4, 5], [6, 7], [8], [9, 0, 10, 10]];

  it('asks for each token after the first, of rows of any length, and for no padding', () => {
    const model = new Decoder(engine).init(1);
    const exercise = objective.prepare(model, batchOf(...rows), random());
    const wanted = rows.flatMap((row) => surprise(model, row));
    expect([exercise.targets, exercise.tokens]).toEqual([8, 8]);
    const { loss, targets, right } = exercise.sums();
    expect(targets).toBe(wanted.length);
    expect(loss).toBeCloseTo(
      wanted.reduce((a, b) => a + b),
      4,
    );
    expect(right).toBeLessThanOrEqual(8);
    const mean = engine.scope(() => exercise.loss().toHost().data[0]);
    expect(mean).toBeCloseTo((loss as number) / 8, 5);
    model.dispose();
  });

  it('of a row that has nothing to predict has no target', () => {
    const model = new Decoder(engine).init(1);
    for (const batch of [batchOf([1], [2]), batchOf([], [])]) expect(objective.prepare(model, batch, random()).targets).toBe(0);
    model.dispose();
  });

  it('is refused where the model cannot take it: the row is named', async () => {
    const model = new Decoder(engine).init(1);
    const long = await failureOf(() => objective.prepare(model, batchOf([1, 2], Array(13).fill(1)), random()));
    expect(long).toMatchObject({ code: 'ARGUMENT', culprit: 'ids', row: 1 });
    const strange = await failureOf(() => objective.prepare(model, batchOf([1, 2], [1, 11]), random()));
    expect(strange).toMatchObject({ code: 'ARGUMENT', culprit: 'ids', row: 1 });
    expect(strange.message).toMatch(/11 at position 1/);
    model.dispose();
  });

  it('smooths its labels in training alone', () => {
    const model = new Decoder(engine).init(1);
    const [plain, smooth] = [0, 0.5].map((labelSmoothing) =>
      causalLM<Decoder>({ labelSmoothing }).prepare(model, batchOf(...rows), random()),
    );
    const lossOf = (exercise: typeof plain) => engine.scope(() => exercise?.loss().toHost().data[0]);
    expect(lossOf(smooth)).not.toBe(lossOf(plain));
    expect(smooth?.sums()).toEqual(plain?.sums());
    expect(() => causalLM({ smoothing: 1 } as object)).toThrow(/no option smoothing/);
    model.dispose();
  });
});

describe('training', () => {
  it('teaches a small model to count: 1 2 3 … 10 1 2, from wherever it starts', async () => {
    const model = new Decoder(engine).init(1);
    const data = Array.from({ length: 40 }, (_, i) => Array.from({ length: 2 + (i % 9) }, (_, t) => 1 + ((i + t) % 10)));
    const loader = new DataLoader(data, { batchSize: 10, shuffle: true, collate: (rows) => batchOf(...rows) });
    const optimizer = new AdamW(model.namedParameters(), { lr: 1e-2 });
    const trainer = new Trainer(model, { objective, optimizer, loader, validation: loader, clip: 1 });
    const before = await trainer.evaluate();
    expect(before.loss).toBeGreaterThan(2);
    expect(before.perplexity).toBeCloseTo(Math.exp(before.loss as number), 5);
    const { validation } = await trainer.fit({ epochs: 20 });
    expect(validation?.loss).toBeLessThan(0.2);
    expect(validation?.accuracy).toBe(1);
    model.dispose();
  });

  it('names the example that is to blame', async () => {
    const model = new Decoder(engine).init(1);
    const loader = new DataLoader(
      [
        [1, 2],
        [3, 4],
        [5, 99],
      ],
      { batchSize: 2, collate: (rows) => batchOf(...rows) },
    );
    const trainer = new Trainer(model, { objective, optimizer: new AdamW(model.namedParameters()), loader });
    const error = await failureOf(() => trainer.fit({ epochs: 1 }));
    expect(error.message).toMatch(/batch 1, example 2/);
    model.dispose();
  });
});
