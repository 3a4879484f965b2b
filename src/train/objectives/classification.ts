/**
 * Classification: each example is of one class. The loss is the cross entropy, in which classes may weigh differently, for data that has few of some; an evaluation
 * has the accuracy and the macro F1, which weighs every class the same however rare it is.
 */
import { checkOptions, HeedError } from '../../errors.js';
import { predictionSums } from '../../ops/loss.js';
import { type HostTensor, type Tensor, tensor } from '../../tensor.js';
import { checkIds, checkSmoothing, type Metrics, type Objective, prediction, type Sums } from '../objective.js';
import {
  type ClassificationModel,
  type ClassifyingModel,
  type ImageClassificationModel,
  type LabelledBatch,
  type LabelledExamples,
  type LabelledImages,
  readBatch,
} from './numbers.js';

/** A label that does not count, as in PyTorch. */
const IGNORED = -100;

/** Batch with one label for each row: 0 to classes − 1, or −100, which does not count. */
export type ClassificationBatch = LabelledBatch<Int32Array>;

/** The same of pictures. */
export type ImageClassificationBatch = LabelledImages<Int32Array>;

/** Options of classification. */
export interface ClassificationOptions {
  /** Weight of each class in the training loss, as `classWeights` computes it. Default equal weights. */
  weight?: ArrayLike<number> | undefined;
  /** Label smoothing: share of a target that all classes share in training, 0 to 1. Default 0. Evaluation uses none. */
  labelSmoothing?: number | undefined;
}

/**
 * The objective of sorting rows into classes: cross entropy of logits [B, classes].
 * @example new Trainer(model.encoder, { objective: classification({ weight: classWeights(labels) }), … })
 */
export const classification: <Model extends ClassificationModel>(options?: ClassificationOptions) => Objective<Model, ClassificationBatch> =
  classesOf;

/**
 * The same of pictures, by a model of pixels.
 * @example new Trainer(model.encoder, { objective: imageClassification(), … })
 */
export const imageClassification: <Model extends ImageClassificationModel>(
  options?: ClassificationOptions,
) => Objective<Model, ImageClassificationBatch> = classesOf;

/** The same of texts or pictures. */
export function classesOf<Model extends ClassifyingModel, Batch extends LabelledExamples<Int32Array>>(
  options: ClassificationOptions = {},
): Objective<Model, Batch> {
  checkOptions(options, ['weight', 'labelSmoothing'], 'classification');
  const { labelSmoothing = 0 } = options;
  checkSmoothing('classification', labelSmoothing);
  const weight = options.weight && Float32Array.from(options.weight);
  if (weight && !(weight.length > 0 && weight.every((w) => w >= 0 && Number.isFinite(w))))
    throw new HeedError('ARGUMENT', `classification: the weights are [${weight.slice(0, 9)}]`, {
      culprit: 'weight',
      cure: 'Give a number from 0 on for each class',
    });
  return {
    metrics: classificationMetrics,
    prepare(model, batch) {
      const { labels: classes } = batch;
      const { tokens, logits } = readBatch(model, batch);
      const labels = { dims: [classes.length], data: classes };
      const { num_labels } = model.config ?? {};
      if (typeof num_labels === 'number') checkIds('labels', labels, num_labels, IGNORED);
      const { engine } = model;
      const exercise = prediction(engine, { labels, ignoreIndex: IGNORED, labelSmoothing, weight, tokens, logits });
      const sums = (): Sums =>
        engine.scope(() => {
          const scores = logits();
          const { loss, targets } = predictionSums(scores, tensor(engine, classes));
          return { loss, targets, ...confusion(argmax(scores), classes) };
        });
      return { ...exercise, sums };
    },
  };
}

/** Returns the class with the largest logit of each row [B, classes]; the first among equals. */
function argmax(scores: Tensor): number[] {
  const { data, dims } = scores.toHost() as HostTensor & { data: Float32Array };
  const classes = dims[1] as number;
  return Array.from({ length: dims[0] as number }, (_, b) => {
    const row = data.subarray(b * classes, (b + 1) * classes);
    return row.reduce((best, x, i) => (x > (row[best] as number) ? i : best), 0);
  });
}

/** Counts of predictions of class j for class i, under the name `i>j`, where a label counts. */
function confusion(said: readonly number[], labels: ArrayLike<number>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [b, j] of said.entries()) {
    if (labels[b] === IGNORED) continue;
    const pair = `${labels[b]}>${j}`;
    counts[pair] = (counts[pair] ?? 0) + 1;
  }
  return counts;
}

/**
 * Loss, accuracy, and the mean of the classes' F1 = 2 right / (said + there), over classes that are there or were said (scikit-learn's f1_score with
 * average='macro').
 */
function classificationMetrics({ loss = 0, targets = 0, ...counts }: Sums): Metrics {
  const classes = new Map<number, { right: number; all: number }>();
  const of = (label: number) => {
    const found = classes.get(label) ?? { right: 0, all: 0 };
    classes.set(label, found);
    return found;
  };
  let right = 0;
  for (const [pair, n] of Object.entries(counts)) {
    const [label, said] = pair.split('>').map(Number) as [number, number];
    of(label).all += n;
    of(said).all += n;
    if (label !== said) continue;
    of(label).right += n;
    right += n;
  }
  const f1 = [...classes.values()].reduce((sum, { right, all }) => sum + (2 * right) / all, 0) / classes.size;
  return { loss: loss / targets, accuracy: right / targets, f1 };
}
