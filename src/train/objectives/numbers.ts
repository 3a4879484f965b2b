/**
 * Objectives whose labels are numbers, one for each of a model's logits: what several labels at once and regression have in common. The loss is a mean over all
 * of them.
 */
import type { Engine } from '../../engine/engine.js';
import { HeedError } from '../../errors.js';
import { type Tensor, tensor } from '../../tensor.js';
import type { IntTensor } from '../../text/batch.js';
import type { Padded } from '../data/collate.js';
import { checkRows, ExampleError, type Limits, type Metrics, type Objective, type Sums, tokensIn, toTensor } from '../objective.js';

/** Rows of token ids, of which text they are (for pairs), and the labels of each. */
export interface LabelledBatch<Labels> {
  /** [B, T] */
  readonly inputs: Padded;
  /** [B, T]. Default all 0. */
  readonly typeIds?: IntTensor | undefined;
  /** Correct labels of the rows. */
  readonly labels: Labels;
}

/** Labels are [B, L], row by row, for a model of L logits. */
export type NumbersBatch = LabelledBatch<Float32Array>;

/** Anything that sorts texts: ids [B, T] int32, the rows' lengths, types [B, T] int32 → logits [B, classes]. */
export interface ClassificationModel {
  /** Engine on which the model runs. */
  readonly engine: Engine;
  /** ids [B, T] int32, the rows' lengths without padding, types [B, T] int32 → logits [B, classes]. */
  forward(ids: Tensor, lengths: readonly number[], typeIds?: Tensor): Tensor;
  /** Config of the model: batches are checked against its vocabulary size and its positions, where given. */
  readonly config?:
    | (Limits & {
        /** Number of classes. */
        readonly num_labels?: unknown;
      })
    | undefined;
}

/** A batch's logits, [B, classes]. */
export const logitsOf = (model: ClassificationModel, { inputs, typeIds }: LabelledBatch<unknown>): Tensor =>
  model.forward(toTensor(model.engine, inputs.ids), Array.from(inputs.lengths), typeIds && toTensor(model.engine, typeIds));

interface NumbersObjective {
  /** Mean loss over all numbers: logits and labels of one shape → []. */
  loss(logits: Tensor, labels: Tensor): Tensor;
  /** Adds to an evaluation's sums, for one logit, its label, and their column in the row. */
  count(sums: Record<string, number>, logit: number, label: number, column: number): void;
  /** Adds to an evaluation's sums at the end of a row. */
  row?(sums: Record<string, number>, logits: ArrayLike<number>, labels: ArrayLike<number>): void;
  metrics(sums: Sums): Metrics;
}

export function numbersObjective<Model extends ClassificationModel>(
  where: string,
  { loss, count, row, metrics }: NumbersObjective,
): Objective<Model, NumbersBatch> {
  return {
    metrics,
    prepare(model, batch) {
      const { inputs, labels } = batch;
      const { engine } = model;
      checkRows('inputs', inputs, model.config);
      const B = inputs.lengths.length;
      const L = labels.length / B;
      const { num_labels = L } = model.config ?? {};
      if (!(labels instanceof Float32Array) || !Number.isInteger(L) || L !== num_labels)
        throw new HeedError('SHAPE', `${where}: there are ${labels.length} labels for ${B} rows of ${num_labels}`, {
          culprit: 'labels',
          shape: [labels.length],
          cure: 'Give a Float32Array with a number for each logit of each row',
        });
      const strange = labels.findIndex((label) => !Number.isFinite(label));
      if (strange >= 0)
        throw new ExampleError(Math.floor(strange / L), `${where}: a label is ${labels[strange]}`, { culprit: 'labels', shape: [B, L] });
      const forward = () => [logitsOf(model, batch), tensor(engine, labels, [B, L])] as const;
      return {
        targets: labels.length,
        tokens: tokensIn(inputs),
        loss: () => loss(...forward()),
        sums: () =>
          engine.scope(() => {
            const [logits, targets] = forward();
            const mean = loss(logits, targets).toHost().data[0] as number;
            const { data } = logits.toHost();
            const sums: Record<string, number> = { loss: mean * labels.length, targets: labels.length, rows: B };
            for (let b = 0; b < B; b++) {
              const [said, wanted] = [data.subarray(b * L, (b + 1) * L), labels.subarray(b * L, (b + 1) * L)];
              for (let l = 0; l < L; l++) count(sums, said[l] as number, wanted[l] as number, l);
              row?.(sums, said, wanted);
            }
            return sums;
          }),
      };
    },
  };
}

/** Adds to a sum that may not have begun. */
export const add = (sums: Record<string, number>, name: string, value: number): void => {
  sums[name] = (sums[name] ?? 0) + value;
};

/** Returns the sums of each column of a row, which are named `name>column`. */
export function columnsOf(sums: Sums, names: readonly string[]): number[][] {
  const columns: number[][] = [];
  for (let l = 0; Object.hasOwn(sums, `${names[0]}>${l}`); l++) columns.push(names.map((name) => sums[`${name}>${l}`] as number));
  return columns;
}

export const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
