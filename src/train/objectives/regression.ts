/** Regression: a model's logits are the numbers themselves. The loss is the mean squared error, as transformers' models have it for problem_type regression. */
import { mseLoss } from '../../ops/loss_elements.js';
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

const moments = ['x', 'y', 'xx', 'yy', 'xy'] as const;

/**
 * Evaluates to the loss, to the mean absolute error (`mae`), and to Pearson's correlation of what was said with the labels, the mean of that of each column
 * (`pearson`: NaN where all are the same).
 * @example new Trainer(model.encoder, { objective: regression(), … })
 */
export const regression: <Model extends ClassificationModel>() => Objective<Model, NumbersBatch> = () => numbersOf();

/** The same of texts or pictures. */
export const numbersOf = <Model extends ClassifyingModel, Batch extends LabelledExamples<Float32Array>>(): Objective<Model, Batch> =>
  numbersObjective('regression', {
    loss: mseLoss,
    count(sums, x, y, l) {
      add(sums, 'absolute', Math.abs(x - y));
      for (const [i, value] of [x, y, x * x, y * y, x * y].entries()) add(sums, `${moments[i]}>${l}`, value);
    },
    metrics(sums) {
      const { loss = 0, targets = 0, absolute = 0, rows = 0 } = sums;
      const correlations = columnsOf(sums, moments).map((column) => {
        const [x, y, xx, yy, xy] = column.map((sum) => sum / rows) as [number, number, number, number, number];
        return (xy - x * y) / Math.sqrt((xx - x * x) * (yy - y * y));
      });
      return { loss: loss / targets, mae: absolute / targets, pearson: meanOf(correlations) };
    },
  });
