/**
 * Multi-label classification: each label is a yes-or-no question of its own, answered yes where its logit is above 0, a probability above a half.
 * The loss is the mean binary cross entropy, as transformers' models have it for problem_type multi_label_classification.
 */
import { binaryCrossEntropyWithLogits } from '../../ops/loss_elements.js';
import type { Objective } from '../objective.js';
import {
  add,
  type ClassificationModel,
  type ClassifyingModel,
  columnsOf,
  type LabelledExamples,
  meanOf,
  type NumbersBatch,
  numbersObjective,
} from './numbers.js';

const found = (logit: number) => logit > 0;
const there = (label: number) => label > 0.5;

/**
 * Evaluates to the loss, to the share of rows all of whose labels are right (`accuracy`), and to the mean of the labels' F1, 0 for a label that neither occurs nor
 * is predicted: scikit-learn's accuracy_score and f1_score with average='macro'.
 * @example new Trainer(model.encoder, { objective: multiLabelClassification(), … })
 */
export const multiLabelClassification: <Model extends ClassificationModel>() => Objective<Model, NumbersBatch> = () => labelsApart();

/** The same of texts or pictures. */
export const labelsApart = <Model extends ClassifyingModel, Batch extends LabelledExamples<Float32Array>>(): Objective<Model, Batch> =>
  numbersObjective('multiLabelClassification', {
    loss: binaryCrossEntropyWithLogits,
    count(sums, logit, label, l) {
      const [said, wanted] = [Number(found(logit)), Number(there(label))];
      add(sums, `both>${l}`, said * wanted);
      add(sums, `either>${l}`, said + wanted);
    },
    row(sums, logits, labels) {
      add(sums, 'right', Number(Array.from(logits).every((logit, l) => found(logit) === there(labels[l] as number))));
    },
    metrics(sums) {
      const { loss = 0, targets = 0, right = 0, rows = 0 } = sums;
      const f1 = columnsOf(sums, ['both', 'either']).map(([both, either]) => (either ? (2 * (both as number)) / either : 0));
      return { loss: loss / targets, accuracy: right / rows, f1: meanOf(f1) };
    },
  });
