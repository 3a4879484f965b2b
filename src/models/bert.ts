/**
 * BERT (Devlin et al., arXiv 1810.04805), and what was distilled from it: MiniLM, BGE, E5, GTE and most sentence encoders.
 * Post-norm encoder blocks over word, position and type embeddings; a pooler of the first token.
 */
import { defineArchitecture, type EncoderChoices, type EncoderDims } from './architecture.js';
import { bertChoices, bertDims, bertIgnored, bertWeights, classifierDropout, oldNorms, typesIn, wordScores } from './bert_family.js';
import { activationOf, numberIn } from './config.js';
import { Encoder } from './encoder.js';

export const bert = /* @__PURE__ */ defineArchitecture<EncoderDims, EncoderChoices>({
  name: 'bert',
  className: 'Bert',
  module: Encoder,
  dims: (c) => ({ ...bertDims(c), types: typesIn(c) }),
  block: bertChoices,
  weights: bertWeights,
  prefixes: ['bert.'],
  renamed: oldNorms,
  ignored: bertIgnored,
  optional: ['pooler.'],
  heads: {
    SequenceClassification: { choices: (c) => ({ reads: 'pooler', dropout: classifierDropout(c) }), weights: { 'head.out': 'classifier' } },
    TokenClassification: { choices: (c) => ({ reads: 'tokens', dropout: classifierDropout(c) }), weights: { 'head.out': 'classifier' } },
    QuestionAnswering: { choices: () => ({ reads: 'tokens' }), weights: { 'head.out': 'qa_outputs' } },
    MaskedLM: {
      choices: (c) => wordScores(activationOf(c, 'hidden_act'), numberIn(c, 'layer_norm_eps', 1e-12)),
      weights: {
        'head.dense': 'cls.predictions.transform.dense',
        'head.norm': 'cls.predictions.transform.LayerNorm',
        'head.out': 'cls.predictions.decoder',
        'head.bias': 'cls.predictions.bias',
      },
    },
  },
});
