/**
 * Objectives whose labels are numbers, one for each of a model's logits: shared by multi-label classification and regression. The loss is a mean over all
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

/** Pictures, and the labels of each. */
export interface LabelledImages<Labels> {
  /** float32 [B, channels, height, width], as an image processor gives them. */
  readonly pixels: {
    /** Numbers, one picture after the other. */
    readonly data: Float32Array;
    /** Pictures, channels, height, width. */
    readonly dims: readonly number[];
  };
  /** Correct labels of the pictures. */
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

/** A model that sorts pictures: pixels [B, channels, height, width] → logits [B, classes]. */
export interface ImageClassificationModel {
  /** Engine on which the model runs. */
  readonly engine: Engine;
  /** pixels [B, channels, height, width] → logits [B, classes]. */
  forward(pixels: Tensor): Tensor;
  /** Config of the model. */
  readonly config?: ClassificationModel['config'];
}

/** A model that sorts texts or pictures, and what it learns from. */
export type ClassifyingModel = ClassificationModel | ImageClassificationModel;
export type LabelledExamples<Labels = Int32Array | Float32Array> = LabelledBatch<Labels> | LabelledImages<Labels>;

/** What a batch gives a model: rows, the tokens of texts or else the pictures in them, and its logits, [B, classes]. Throws ARGUMENT for rows that the model does not take. */
export function readBatch(model: ClassifyingModel, batch: LabelledExamples<unknown>): { rows: number; tokens: number; logits(): Tensor } {
  const { engine } = model;
  if ('pixels' in batch) {
    const { data, dims } = batch.pixels;
    const [rows = 0] = dims;
    return { rows, tokens: rows, logits: () => (model as ImageClassificationModel).forward(tensor(engine, data, dims)) };
  }
  const { inputs, typeIds } = batch;
  checkRows('inputs', inputs, model.config);
  const types = () => typeIds && toTensor(engine, typeIds);
  const logits = () => (model as ClassificationModel).forward(toTensor(engine, inputs.ids), Array.from(inputs.lengths), types());
  return { rows: inputs.lengths.length, tokens: tokensIn(inputs), logits };
}

interface NumbersObjective {
  /** Mean loss over all numbers: logits and labels of one shape → []. */
  loss(logits: Tensor, labels: Tensor): Tensor;
  /** Adds to an evaluation's sums, for one logit, its label, and their column in the row. */
  count(sums: Record<string, number>, logit: number, label: number, column: number): void;
  /** Adds to an evaluation's sums at the end of a row. */
  row?(sums: Record<string, number>, logits: ArrayLike<number>, labels: ArrayLike<number>): void;
  metrics(sums: Sums): Metrics;
}

export function numbersObjective<Model extends ClassifyingModel, Batch extends LabelledExamples<Float32Array>>(
  where: string,
  { loss, count, row, metrics }: NumbersObjective,
): Objective<Model, Batch> {
  return {
    metrics,
    prepare(model, batch) {
      const { labels } = batch;
      const { engine } = model;
      const { rows: B, tokens, logits } = readBatch(model, batch);
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
      const forward = () => [logits(), tensor(engine, labels, [B, L])] as const;
      return {
        targets: labels.length,
        tokens,
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
