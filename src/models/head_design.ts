/**
 * A task's head as data: what of the states it reads, the steps from there to scores, and what checkpoints call its weights. `withHead` (architecture.ts) puts one on an encoder;
 * heads.ts makes the module.
 */
import type { JsonNode } from '../io/json.js';
import type { Activation } from '../ops/activation.js';
import type { HeadLikeMaker } from './heads.js';

/** Prefix of a head's parameters. */
export const HEAD = 'head.';

/** `true` for parameters outside of Hugging Face's base model, which therefore do not have its prefix. */
export const isBeside = (key: string): boolean => [HEAD, 'lm_head.', 'final_logits_bias'].some((start) => key.startsWith(start));

/** What can be put on an encoder, by Hugging Face's names: AutoModelFor… */
export type Task =
  | 'SequenceClassification'
  | 'TokenClassification'
  | 'QuestionAnswering'
  | 'MaskedLM'
  | 'ImageClassification'
  | 'ImageToImage'
  | 'ObjectDetection'
  | 'DepthEstimation'
  | 'SemanticSegmentation'
  | 'CTC';

/**
 * What a head reads: tanh(W h + b) of the first token, its state, that of the last, the mean of all, or of those of patches: [B, C]; the first and that mean: [B, 2C]; or
 * all states: [B, T, C].
 */
export type Reading = 'pooler' | 'first' | 'last' | 'mean' | 'patches' | 'first+patches' | 'tokens';

/** Steps of a head: input, dropout, transform (norm(activation(W x + b))), dropout, and scores. */
export interface HeadChoices {
  reads: Reading;
  /** Maker of another head in its place. */
  make?: HeadLikeMaker;
  /** Tokens that stand before the patches of a picture. Default 1. */
  leading?: number;
  /** In training, the share that is dropped of what it reads. Default 0. */
  inputDropout?: number;
  /** Transform before the scores. Default: none. */
  transform?: { activation: Activation; bias?: boolean; norm?: { eps: number; bias?: boolean } };
  /** Whether the second token is scored as well, by a matrix of its own, and the mean of both scores counts. Default false. */
  second?: boolean;
  /** Of what is scored. Default 0. */
  dropout?: number;
  /** `true` where each score has a bias. Default true. */
  bias?: boolean;
  /** `true` where a head scores words by their embeddings, by default as `tie_word_embeddings` says or true. `apart`: the checkpoint has a matrix of scores of its own. */
  tied?: boolean;
  apart?: boolean;
}

export interface HeadDesign {
  readonly choices: (config: JsonNode) => HeadChoices;
  /** How Hugging Face's class of it ends, where that is not the task's name. */
  readonly className?: (config: JsonNode) => string;
  /** As `weights`: head.dense and head.norm transform, head.out scores; of words that are scored by their embeddings head.bias alone is left. */
  readonly weights: HeadNames | ((config: JsonNode) => HeadNames);
}
/** heed's names of a head's weights -> a checkpoint's. */
export type HeadNames = Readonly<Record<string, string>>;

/** What checkpoints of this config call a head's weights. */
export const headNames = ({ weights }: HeadDesign, config: JsonNode): HeadNames =>
  typeof weights === 'function' ? weights(config) : weights;
