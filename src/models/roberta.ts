/**
 * RoBERTa (Liu et al., arXiv 1907.11692): BERT's blocks, positions that begin behind the padding token's id and do not count padding, and other heads.
 */
import type { JsonNode } from '../io/json.js';
import { countingAllBut, learned } from '../nn/positions.js';
import { defineArchitecture, type EncoderChoices, type EncoderDims, type HeadChoices } from './architecture.js';
import {
  bertChoices,
  bertDims,
  bertIgnored,
  bertWeights,
  classifierDropout,
  oldNorms,
  positionsIn,
  typesIn,
  wordScores,
} from './bert_family.js';
import { numberIn } from './config.js';
import { Encoder } from './encoder.js';

/** The token that does not count. */
export const padding = (c: JsonNode): number => c.integer('pad_token_id', 1 << 24, 1);

/** Largest number of tokens of a row where a table of positions begins with `reserved` rows that no token has. */
export function positionsBehind(c: JsonNode, reserved: number): number {
  const rows = positionsIn(c);
  if (rows > reserved) return rows - reserved;
  throw c.error(`must have max_position_embeddings above the ${reserved} that tokens do not use`);
}

/** tanh(W h + b) of the first token, which is scored. */
export const firstToken = (dropout: number): HeadChoices => ({
  ...{ reads: 'first', inputDropout: dropout, transform: { activation: 'tanh' }, dropout },
});

/** The names of its heads' weights. */
export const firstTokenWeights = { 'head.dense': 'classifier.dense', 'head.out': 'classifier.out_proj' };
export const wordScoresWeights = {
  'head.dense': 'lm_head.dense',
  'head.norm': 'lm_head.layer_norm',
  'head.out': 'lm_head.decoder',
  'head.bias': 'lm_head.bias',
};

/** Architecture of RoBERTa under a given name, with the prefix of its weights. */
export const likeRoberta = (name: string, className: string, prefix = 'roberta.', vocab_size = 30_522) =>
  defineArchitecture<EncoderDims, EncoderChoices>({
    name,
    className,
    module: Encoder,
    dims: (c) => ({ ...bertDims(c, { vocab_size }), positions: positionsBehind(c, padding(c) + 1), types: typesIn(c) }),
    block: (c) => ({ ...bertChoices(c), positions: learned(padding(c) + 1), count: countingAllBut(padding(c)) }),
    weights: bertWeights,
    prefixes: [prefix],
    renamed: oldNorms,
    ignored: bertIgnored,
    optional: ['pooler.'],
    heads: {
      SequenceClassification: { choices: (c) => firstToken(classifierDropout(c)), weights: firstTokenWeights },
      TokenClassification: { choices: (c) => ({ reads: 'tokens', dropout: classifierDropout(c) }), weights: { 'head.out': 'classifier' } },
      QuestionAnswering: { choices: () => ({ reads: 'tokens' }), weights: { 'head.out': 'qa_outputs' } },
      MaskedLM: { choices: (c) => wordScores('gelu', numberIn(c, 'layer_norm_eps', 1e-12)), weights: wordScoresWeights },
    },
  });

/** RoBERTa's model_type 'roberta', for `registerArchitecture`: an encoder. */
export const roberta = /* @__PURE__ */ likeRoberta('roberta', 'Roberta', 'roberta.', 50_265);
