/** MPNet (Song et al., arXiv 2004.09297): RoBERTa's positions, and a relative position bias that all layers share. */
import { countingAllBut, learned, RelativeBias } from '../nn/positions.js';
import { defineArchitecture, type EncoderChoices, type EncoderDims } from './architecture.js';
import { bertChoices, bertDims, bertIgnored, bertWeights, hiddenDropout, oldNorms, wordScores } from './bert_family.js';
import { numberIn, sizeIn, unsupported } from './config.js';
import { Encoder } from './encoder.js';
import { firstToken, firstTokenWeights, positionsBehind, wordScoresWeights } from './roberta.js';

/** Whatever the config calls padding, this token does not count. */
const PADDING = 1;
const BUCKETS = 32;

/** MPNet's model_type 'mpnet', for `registerArchitecture`: an encoder. */
export const mpnet = /* @__PURE__ */ defineArchitecture<EncoderDims, EncoderChoices>({
  name: 'mpnet',
  className: 'MPNet',
  module: Encoder,
  dims: (c) => ({ ...bertDims(c, { vocab_size: 30_527 }), positions: positionsBehind(c, PADDING + 1), types: 0 }),
  block: (c) => {
    const key = 'relative_attention_num_buckets';
    if (c.get(key) !== undefined && sizeIn(c, key) !== BUCKETS) throw unsupported(c, key, `other than ${BUCKETS} buckets of distances`);
    return {
      ...bertChoices(c),
      ...{ positions: learned(PADDING + 1), count: countingAllBut(PADDING) },
      relative: (engine, H) => new RelativeBias(engine, H, { buckets: BUCKETS, maxDistance: 128 }),
    };
  },
  weights: () => ({
    ...bertWeights,
    relative: 'encoder.relative_attention_bias',
    'layers.{l}.self_attn.in_proj': 'encoder.layer.{l}.attention.attn.{q,k,v}',
    'layers.{l}.self_attn.out_proj': 'encoder.layer.{l}.attention.attn.o',
    'layers.{l}.norm1': 'encoder.layer.{l}.attention.LayerNorm',
  }),
  prefixes: ['mpnet.'],
  renamed: oldNorms,
  ignored: bertIgnored,
  optional: ['pooler.'],
  heads: {
    SequenceClassification: { choices: (c) => firstToken(hiddenDropout(c)), weights: firstTokenWeights },
    TokenClassification: { choices: (c) => ({ reads: 'tokens', dropout: hiddenDropout(c) }), weights: { 'head.out': 'classifier' } },
    QuestionAnswering: { choices: () => ({ reads: 'tokens' }), weights: { 'head.out': 'qa_outputs' } },
    MaskedLM: { choices: (c) => wordScores('gelu', numberIn(c, 'layer_norm_eps', 1e-12)), weights: wordScoresWeights },
  },
});
