/**
 * Objectives: an objective turns a batch into an exercise, which has a loss for training and sums for evaluation. The trainer knows nothing
 * else about it; most objectives predict labels, and `prediction` makes their exercises.
 */
import type { Engine } from '../engine/engine.js';
import { type ErrorDetails, HeedError, kindOf } from '../errors.js';
import { crossEntropy, predictionSums } from '../ops/loss.js';
import type { Random } from '../random.js';
import { type Tensor, tensor } from '../tensor.js';
import type { Padded } from './data/collate.js';
import type { BleuTokenizer } from './metrics/tokenize.js';
import { perplexity } from './metrics/tokens.js';

/** Sums that an evaluation adds up over batches, by name. */
export type Sums = Readonly<Record<string, number>>;

/** Metrics computed from the sums: `loss`, `perplexity` and `accuracy` for predictions; `bleu` and `chrf` where there was decoding. */
export type Metrics = Readonly<Record<string, number>>;

/** A batch, checked, counted, its chances drawn; nothing of it is in the engine yet. */
export interface Exercise {
  /** Number of targets that count. */
  readonly targets: number;
  /** Total weight of the targets, by which the loss divides and batches are weighed against each other. Default the number of targets. */
  readonly weight?: number | undefined;
  /** Number of tokens that the model reads, without padding. */
  readonly tokens: number;
  /** Forward: the mean loss, []. A tape records it. */
  loss(): Tensor;
  /** Forward and sums, of a model that is out of training. */
  sums(): Sums;
}

/** Training objective: makes a loss of a batch, and metrics of sums. */
export interface Objective<Model, Batch> {
  /**
   * Makes an exercise of a batch. What chance decides, the places that are masked say, is drawn from `random`, which is a function of the seed and the batch's
   * place in the run: a resumed run draws the same. Throws for a batch that the model cannot take, with `ExampleError` where an example is to blame.
   */
  prepare(model: Model, batch: Batch, random: Random): Exercise;
  /** Metrics of all the sums. */
  metrics(sums: Sums): Metrics;
  /** Free generation by the model, scored with BLEU and chrF on request. */
  readonly decoding?: Decoding<Model, Batch> | undefined;
}

/** Generation of texts by a model, and the references that the texts are compared with. */
export interface Decoding<Model, Batch> {
  /** Returns the model's texts for a batch's examples, in order. */
  translate(
    model: Model,
    batch: Batch,
    options: {
      /** Ends the decoding, which rejects with its reason. */
      signal?: AbortSignal | undefined;
    },
  ): Promise<readonly string[]>;
  /** Returns the reference texts of a batch. */
  references(batch: Batch): readonly string[];
  /** Tokenizer of BLEU, which cuts texts into words. Default '13a'. */
  tokenize?: BleuTokenizer | undefined;
}

/** Class or token ids [...], the first axis that of examples. */
export interface Ids {
  /** Row by row. */
  readonly data: Int32Array;
  /** Length of each axis. */
  readonly dims: readonly number[];
}

/** Labels with the outputs that predict them. */
export interface Prediction {
  /** Correct class or token ids. */
  labels: Ids;
  /** Label that does not count. */
  ignoreIndex: number;
  /** Label smoothing, in training only. Default 0. */
  labelSmoothing?: number | undefined;
  /** Weight [V] of each class in the training loss. */
  weight?: Float32Array | undefined;
  /** Number of tokens that the model reads, without padding. */
  tokens: number;
  /** Forward: [..., V]. */
  logits(): Tensor;
}

/** The exercise of predicting labels: cross entropy. Throws ExampleError, on its forward, for a label that the logits do not have. */
export function prediction(engine: Engine, { labels, ignoreIndex, labelSmoothing, weight, tokens, logits }: Prediction): Exercise {
  const forward = () => {
    const scores = logits();
    checkIds('labels', labels, scores.dim(-1), ignoreIndex);
    return [scores, toTensor(engine, labels)] as const;
  };
  checkSmoothing('prediction', labelSmoothing);
  const counted = labels.data.filter((label) => label !== ignoreIndex);
  return {
    targets: counted.length,
    weight: weight && counted.reduce((sum, label) => sum + (weight[label] ?? 1), 0),
    tokens,
    loss: () => crossEntropy(...forward(), { ignoreIndex, labelSmoothing, weight: weight && tensor(engine, weight) }),
    sums: () => engine.scope(() => ({ ...predictionSums(...forward(), { ignoreIndex }) })),
  };
}

/** Throws ARGUMENT for a value that is no share of a target. */
export function checkSmoothing(where: string, labelSmoothing: number | undefined): void {
  if (labelSmoothing === undefined || (typeof labelSmoothing === 'number' && labelSmoothing >= 0 && labelSmoothing <= 1)) return;
  throw new HeedError('ARGUMENT', `${where}: labelSmoothing is ${kindOf(labelSmoothing)}`, {
    culprit: 'labelSmoothing',
    cure: 'It is a number from 0 to 1',
  });
}

/** Metrics of predictions' sums. NaN where there was no target. */
export function predictionMetrics({ loss = 0, right = 0, targets = 0 }: Sums): Metrics {
  return { loss: loss / targets, perplexity: perplexity(loss / targets), accuracy: right / targets };
}

export const toTensor = (engine: Engine, { data, dims }: Ids): Tensor => tensor(engine, data, dims, 'int32');

/** An example of a batch is to blame: `row` is its number in it. The trainer says which it is of the data. */
export class ExampleError extends HeedError {
  constructor(
    /** Number of the example in its batch. */
    readonly row: number,
    what: string,
    details: ErrorDetails = {},
  ) {
    super('ARGUMENT', what, details);
  }
}

/** Throws ExampleError for an id outside of 0 to `size` − 1 that is not `but`. */
export function checkIds(what: string, { data, dims }: Ids, size: number, but?: number): void {
  const at = data.findIndex((id) => (id < 0 || id >= size) && id !== but);
  if (at < 0) return;
  const width = data.length / Math.max(1, dims[0] ?? 1);
  const row = Math.floor(at / width);
  throw new ExampleError(row, `${what} has ${data[at]} at position ${at - row * width}, and there are ${size} of them`, {
    culprit: what,
    cure: `They run from 0 to ${size - 1}: does the tokenizer belong to this model?`,
  });
}

/** Limits of a model, by which batches are checked before they run. */
export interface Limits {
  /** V, the size of the vocabulary: ids are less than V. */
  readonly vocab_size?: unknown;
  /** Maximum number of tokens of a row. */
  readonly max_position_embeddings?: unknown;
}

/** Throws ExampleError for a row that is longer than the model's positions, and for an id outside of its vocabulary. */
export function checkRows(what: string, { ids, lengths }: Padded, { vocab_size, max_position_embeddings: most }: Limits = {}): void {
  const row = typeof most === 'number' ? lengths.findIndex((length) => length > most) : -1;
  if (row >= 0)
    throw new ExampleError(row, `${what} has ${lengths[row]} tokens, and the model ${most} positions`, {
      culprit: what,
      shape: [lengths[row] as number],
      cure: 'Cut longer examples, or leave them out: `maxLength` of TranslationDataset, `max_length` of tokenizers',
    });
  if (typeof vocab_size === 'number') checkIds(what, ids, vocab_size);
}

/** Number of tokens of all rows, without padding. */
export const tokensIn = ({ lengths }: Padded): number => lengths.reduce((sum, length) => sum + length, 0);
