/** Several batches make the step of one that is as large: whatever the objective, its weights, its smoothing, and targets that do not count. */
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { Embedding, Linear, Module } from '../../dist/nn/index.js';
import { mean, type Tensor, tensor } from '../../dist/ops/index.js';
import {
  causalLM,
  classification,
  DataLoader,
  multiLabelClassification,
  type Objective,
  pad,
  prediction,
  predictionMetrics,
  regression,
  SGD,
  Trainer,
} from '../../dist/train/index.js';
import { failureOf } from '../io/memory.js';

const [V, C, L] = [11, 8, 3];
const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
});

/** Says something of a row, or of each of its tokens: [B, L] or [B, T, V]. */
class Bag extends Module {
  readonly table = this.child('table', new Embedding(this.engine, V, C));
  readonly out;

  constructor(
    engine: Engine,
    readonly tokens: boolean,
  ) {
    super(engine);
    this.out = this.child('out', new Linear(engine, C, tokens ? V : L));
  }

  forward(ids: Tensor): Tensor {
    const x = this.table.forward(ids);
    return this.out.forward(this.tokens ? x : mean(x, 1));
  }
}

/** Rows of equal length, so that a mean over them is the same in every batch; half of a row's tokens may be without a successor. */
const rows = [
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
  [1, 5, 9],
  [2, 6, 7],
  [3, 3, 3],
  [8, 1, 2],
  [9, 9, 1],
];
const lengths = [3, 1, 2, 3, 3, 1, 1, 3];
const classes = [0, 0, 0, 0, 2, 1, 1, 2];
const numbers = rows.map((row) => row.map((x) => Number(x > 4)));

const collated = {
  classes: (batch: readonly number[]) => ({ inputs: inputsOf(batch), labels: Int32Array.from(batch, (i) => classes[i] as number) }),
  numbers: (batch: readonly number[]) => ({
    inputs: inputsOf(batch),
    labels: Float32Array.from(batch.flatMap((i) => numbers[i] as number[])),
  }),
  tokens: (batch: readonly number[]) => ({ ...inputsOf(batch), lengths: Int32Array.from(batch, (i) => lengths[i] as number) }),
};
const inputsOf = (batch: readonly number[]) =>
  pad(
    batch.map((i) => rows[i] as number[]),
    0,
  );

/** Labels that are ignored, class weights and smoothing at once, as the trainer's users write it. */
const own: Objective<Bag, ReturnType<typeof collated.classes>> = {
  metrics: predictionMetrics,
  prepare: (model, { inputs, labels }) =>
    prediction(model.engine, {
      ...{ labels: { dims: [labels.length], data: labels }, ignoreIndex: 0, labelSmoothing: 0.2, weight: Float32Array.of(5, 0.5, 3) },
      tokens: 1,
      logits: () => model.forward(tensor(model.engine, inputs.ids.data, inputs.ids.dims, 'int32')),
    }),
};
const objectives: [string, keyof typeof collated, () => Objective<never, never>][] = [
  ['classes', 'classes', () => classification()],
  ['weighted classes', 'classes', () => classification({ weight: [0.2, 3, 1.5] })],
  ['weighted, smoothed classes', 'classes', () => classification({ weight: [0.2, 3, 1.5], labelSmoothing: 0.3 })],
  ['classes of which one weighs nothing', 'classes', () => classification({ weight: [0, 1, 2] })],
  ['classes of which one is ignored', 'classes', () => own],
  ['several labels', 'numbers', () => multiLabelClassification()],
  ['numbers', 'numbers', () => regression()],
  ['tokens', 'tokens', () => causalLM({ labelSmoothing: 0.1 })],
];

async function learned(kind: keyof typeof collated, objective: () => Objective<never, never>, batchSize: number, accumulate: number) {
  const engine = await createEngine({ deterministic: true, threads: 1 });
  engines.push(engine);
  const model = new Bag(engine, kind === 'tokens').init(3);
  const losses: number[] = [];
  await new Trainer(model, {
    ...{ objective: objective() as Objective<Bag, unknown>, optimizer: new SGD(model.namedParameters(), { lr: 1 }), accumulate },
    loader: new DataLoader<number, unknown>(Array.from(rows.keys()), { batchSize, collate: collated[kind] }),
  }).fit({ epochs: 2, onProgress: ({ loss }) => losses.push(loss) });
  return { losses, weights: Object.values(model.stateDict()).flatMap(({ data }) => Array.from(data)) };
}

describe.each(objectives)('%s', (_, kind, objective) => {
  it.each([
    [1, 8],
    [2, 4],
    [3, 3],
    [5, 2],
  ])('in batches of %i, %i to a step, are as in one of 8', async (batchSize, accumulate) => {
    const whole = await learned(kind, objective, 8, 1);
    const parts = await learned(kind, objective, batchSize, accumulate);
    expect(parts.losses).toEqual(whole.losses.map((loss) => expect.closeTo(loss, 5)));
    expect(Math.max(...parts.weights.map((weight, i) => Math.abs(weight - (whole.weights[i] as number))))).toBeLessThan(2e-6);
  });
});

it('a step none of whose targets weighs anything is refused', async () => {
  expect(await failureOf(() => learned('classes', () => classification({ weight: [0, 1, 1] }), 2, 2))).toMatchObject({ culprit: 'batch' });
});
