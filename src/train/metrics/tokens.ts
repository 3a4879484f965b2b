/** Metrics of a model that predicts tokens. */
import { HeedError } from '../../errors.js';

/** The perplexity that a mean cross entropy per token, in nats, amounts to: exp(loss). */
export const perplexity = (loss: number): number => Math.exp(loss);

/**
 * Share, from 0 to 1, of labels that equal the predictions; NaN where there is no label. `predictions` and `labels` are ids of any, but
 * the same, shape; labels of `ignoreIndex` do not count. Throws SHAPE where their numbers differ.
 */
export function tokenAccuracy(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  {
    ignoreIndex,
  }: {
    /** A label that does not count. Default: all do. */
    ignoreIndex?: number | undefined;
  } = {},
): number {
  if (predictions.length !== labels.length)
    throw new HeedError('SHAPE', `there are ${predictions.length} predictions for ${labels.length} labels`, {
      culprit: 'predictions',
      shape: [predictions.length],
    });
  let [right, counted] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === ignoreIndex) continue;
    counted++;
    if (labels[i] === predictions[i]) right++;
  }
  return right / counted;
}
