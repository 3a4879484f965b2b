/** Classification: its loss with weights, accuracy and macro F1 against what they are by definition, and a model that learns to tell texts apart. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../../dist/entry/node.js';
import { Embedding, Module } from '../../../dist/nn/index.js';
import { contiguous, narrow, reshape } from '../../../dist/ops/index.js';
import { type Tensor, tensor } from '../../../dist/tensor.js';
import {
  AdamW,
  type ClassificationBatch,
  classification,
  classWeights,
  DataLoader,
  pad,
  Random,
  Trainer,
} from '../../../dist/train/index.js';
import { failureOf } from '../../io/memory.js';

/** Says of a text what a table has for its first token. */
class Table extends Module {
  readonly config = { vocab_size: 8, max_position_embeddings: 5, num_labels: 3 };
  readonly table = this.child('table', new Embedding(this.engine, 8, 3));
  forward(ids: Tensor, _lengths: readonly number[]): Tensor {
    return this.engine.scope(() => reshape(contiguous(narrow(this.table.forward(ids), 1, 0, 1)), [ids.dim(0), 3]));
  }
}

let engine: Engine;
let model: Table;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  model = new Table(engine).init(1);
});
afterAll(() => engine.dispose());

const batchOf = (firsts: number[], labels: number[]): ClassificationBatch => ({
  inputs: pad(
    firsts.map((id, i) => [id, ...Array(i % 3).fill(7)]),
    0,
  ),
  labels: Int32Array.from(labels),
});
const random = () => new Random(1);

/** ln softmax of a table's row. */
function logs(id: number): number[] {
  const row = Array.from(model.table.weight.toHost().data.subarray(3 * id, 3 * id + 3));
  const all = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
  return row.map((x) => x - all);
}

describe('the loss', () => {
  const [firsts, labels] = [
    [1, 2, 3, 4, 1],
    [0, 1, 2, 2, 1],
  ];
  const losses = () => firsts.map((id, b) => -(logs(id)[labels[b] as number] as number));
  const lossOf = (options: Parameters<typeof classification>[0]) =>
    engine.scope(() => classification<Table>(options).prepare(model, batchOf(firsts, labels), random()).loss().toHost().data[0]);

  it('is the mean cross entropy', () => {
    expect(lossOf({})).toBeCloseTo(losses().reduce((a, b) => a + b) / 5, 5);
  });

  it('weighs examples by their class', () => {
    const weight = classWeights(labels);
    const weights = labels.map((label) => weight[label] as number);
    const sum = losses().reduce((sum, loss, b) => sum + loss * (weights[b] as number), 0);
    expect(lossOf({ weight })).toBeCloseTo(sum / weights.reduce((a, b) => a + b), 5);
    expect(lossOf({ weight })).not.toBeCloseTo(lossOf({}) as number, 3);
  });

  it('in an evaluation is that of the examples, whatever the weights and the smoothing', () => {
    const exercise = classification<Table>({ weight: [5, 1, 1], labelSmoothing: 0.3 }).prepare(model, batchOf(firsts, labels), random());
    expect(exercise.sums().loss).toBeCloseTo(
      losses().reduce((a, b) => a + b),
      5,
    );
    expect([exercise.targets, exercise.tokens]).toEqual([5, 5 + 0 + 1 + 2 + 0 + 1]);
  });
});

describe('metrics', () => {
  const { metrics } = classification<Table>();
  it('are accuracy and the mean of the classes’ F1, as scikit-learn has it', () => {
    // f1_score([0,0,0,0,1,1,2], [0,0,1,1,1,2,2], average='macro'): F1 of 2/3, 2/5, 2/3
    const sums = { loss: 7, targets: 7, '0>0': 2, '0>1': 2, '1>1': 1, '1>2': 1, '2>2': 1 };
    const { loss, accuracy, f1 } = metrics(sums);
    expect([loss, accuracy]).toEqual([1, 4 / 7]);
    expect(f1).toBeCloseTo((2 / 3 + 2 / 5 + 2 / 3) / 3, 12);
  });

  it('count a class that was only said, or never', () => {
    expect(metrics({ loss: 0, targets: 2, '0>0': 1, '0>2': 1 }).f1).toBeCloseTo((2 / 3 + 0) / 2, 12);
    expect(metrics({ loss: 0, targets: 2, '1>1': 2 }).f1).toBe(1);
  });

  it('do not count rows whose label does not', async () => {
    const of = (ids: number[], labels: number[]) => {
      const { sums } = classification<Table>().prepare(model, batchOf(ids, labels), random());
      return metrics(sums());
    };
    const [all, counted] = [of([1, 2, 3, 4, 5], [0, -100, 1, -100, 2]), of([1, 3, 5], [0, 1, 2])];
    expect([all.accuracy, all.f1]).toEqual([counted.accuracy, counted.f1]);
    expect(all.loss).toBeCloseTo(counted.loss as number, 6);
  });

  it('are those of what the model says, over several batches', async () => {
    const examples = Array.from({ length: 23 }, (_, i) => ({ id: 1 + (i % 6), label: (i * 7) % 3 }));
    const collate = (list: readonly (typeof examples)[number][]) =>
      batchOf(
        list.map(({ id }) => id),
        list.map(({ label }) => label),
      );
    const loader = new DataLoader(examples, { batchSize: 5, collate });
    const optimizer = new AdamW(model.namedParameters());
    const trainer = new Trainer(model, { objective: classification<Table>(), optimizer, loader, validation: loader });
    const said = examples.map(({ id }) => logs(id).indexOf(Math.max(...logs(id))));
    const { accuracy, f1 } = await trainer.evaluate();
    expect(accuracy).toBeCloseTo(said.filter((label, i) => label === examples[i]?.label).length / 23, 12);
    const ofClass = (k: number) => {
      const right = examples.filter(({ label }, i) => label === k && said[i] === k).length;
      return (2 * right) / (examples.filter(({ label }) => label === k).length + said.filter((label) => label === k).length);
    };
    expect(f1).toBeCloseTo((ofClass(0) + ofClass(1) + ofClass(2)) / 3, 12);
  });
});

describe('what is wrong', () => {
  const of = (batch: ClassificationBatch) => failureOf(() => classification<Table>().prepare(model, batch, random()));
  it('is named: a label that is none, a text that is too long, a token that is none', async () => {
    expect(await of(batchOf([1, 2], [0, 3]))).toMatchObject({ code: 'ARGUMENT', culprit: 'labels', row: 1 });
    expect(await of({ inputs: pad([[1], [1, 2, 3, 4, 5, 6]], 0), labels: Int32Array.of(0, 0) })).toMatchObject({
      culprit: 'inputs',
      row: 1,
    });
    expect(await of(batchOf([1, 8], [0, 1]))).toMatchObject({ culprit: 'inputs', row: 1 });
  });

  it('with the weights is said', async () => {
    for (const weight of [[], [-1, 1, 1], [Number.NaN, 1, 1]]) expect(() => classification({ weight })).toThrow(/weights/);
    const exercise = classification<Table>({ weight: [1, 1] }).prepare(model, batchOf([1], [0]), random());
    expect(await failureOf(() => engine.scope(() => exercise.loss()))).toMatchObject({ code: 'SHAPE', culprit: 'weight' });
  });
});

describe('training', () => {
  it('tells texts apart, the rare class among them where it weighs enough', async () => {
    const labels = Array.from({ length: 60 }, (_, i) => (i % 20 === 0 ? 2 : i % 2));
    // The first token says the class, but for two tokens that are of the common and of the rare class alike.
    const examples = labels.map((label, i) => ({ id: label === 2 || i % 10 === 1 ? 5 : 1 + label, label }));
    const collate = (list: readonly (typeof examples)[number][]) =>
      batchOf(
        list.map(({ id }) => id),
        list.map(({ label }) => label),
      );
    const recallOfRare = async (weight: Float64Array | undefined) => {
      const own = new Table(engine).init(1);
      const loader = new DataLoader(examples, { batchSize: 20, shuffle: true, collate });
      const optimizer = new AdamW(own.namedParameters(), { lr: 0.1 });
      const trainer = new Trainer(own, { objective: classification<Table>({ weight }), optimizer, loader });
      await trainer.fit({ epochs: 40 });
      const row = engine.scope(() => Array.from(own.forward(tensor(engine, Int32Array.of(5), [1, 1]), [1]).toHost().data));
      own.dispose();
      return row.indexOf(Math.max(...row));
    };
    expect(await recallOfRare(undefined)).toBe(1);
    expect(await recallOfRare(classWeights(labels))).toBe(2);
  });
});
