/** From logits to results: probabilities, and sorted labels. Computed on the host, rounded to float32 (src/math.ts). */
import { HeedError, kindOf } from '../errors.js';
import type { JsonObject } from '../io/json.js';
import { exp } from '../math.js';

/** A label and its probability. */
export interface Classification {
  /** Name of the label in config.json's id2label. */
  label: string;
  /** Probability of the label, or the value of `function_to_apply` for its logit. */
  score: number;
}

/** exp(x) / Σ exp(x), shifted by the largest x. Throws NUMERIC for NaN. */
export function softmax(logits: ArrayLike<number>): Float32Array {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) most = Math.max(most, logits[i] as number);
  const scores = Float32Array.from(logits, (x) => exp(x - most));
  let sum = 0;
  for (const power of scores) sum += power;
  for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] as number) / sum;
  return numbers(scores);
}

/** 1 / (1 + exp(−x)) of each logit. Throws NUMERIC for NaN. */
export const sigmoid = (logits: ArrayLike<number>): Float32Array => numbers(Float32Array.from(logits, (x) => 1 / (1 + exp(-x))));

/** Returns a model's output. Throws NUMERIC where a value is not finite, as of a model that diverged. */
export function numbers(given: Float32Array, culprit = 'logits'): Float32Array {
  if (given.every(Number.isFinite)) return given;
  throw new HeedError('NUMERIC', `The model's ${culprit} are not finite numbers`, {
    culprit,
    cure: 'Its weights have diverged: train it again at a lower learning rate, or load another checkpoint',
  });
}

/** Functions of a classifier's logits, by Hugging Face's names. */
export const scoring = { softmax, sigmoid, none: (logits: ArrayLike<number>) => numbers(Float32Array.from(logits)) } as const;
/** Function of a classifier's logits: 'softmax', probabilities that add up to 1; 'sigmoid', a probability for each alone; 'none', the logits. */
export type Scoring = keyof typeof scoring;

/** Scoring that `asked` names: without `asked`, config.json's problem_type and the number of labels decide, as in Hugging Face's pipelines. */
export function scoringOf(asked: unknown, { problem_type }: JsonObject, labels: number): Scoring {
  if (asked === undefined) {
    if (problem_type === 'regression') return 'none';
    return problem_type === 'multi_label_classification' || labels === 1 ? 'sigmoid' : 'softmax';
  }
  if (typeof asked === 'string' && Object.hasOwn(scoring, asked)) return asked as Scoring;
  throw new HeedError('ARGUMENT', `There is no function ${kindOf(asked)}`, {
    culprit: 'function_to_apply',
    cure: `Use ${Object.keys(scoring).join(', ')}`,
  });
}

/** Labels by their scores, the highest first. */
export const ranked = (scores: ArrayLike<number>, labels: readonly string[]): Classification[] =>
  Array.from(scores, (score, i) => ({ label: labels[i] as string, score })).sort((a, b) => b.score - a.score);
