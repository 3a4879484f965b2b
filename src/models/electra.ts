/**
 * ELECTRA (Clark et al., arXiv 2003.10555): BERT's blocks without a pooler, behind embeddings that may be narrower and are then projected. Discriminators
 * and generators are one architecture; a generator has the head for masked language modelling.
 */
import { defineArchitecture, type EncoderChoices, type EncoderDims } from './architecture.js';
import { bertChoices, bertDims, bertIgnored, bertWeights, classifierDropout, oldNorms, typesIn, wordScores } from './bert_family.js';
import { numberIn, sizeIn } from './config.js';
import { Encoder } from './encoder.js';
import { firstToken, firstTokenWeights } from './roberta.js';

/** Defaults of config keys. */
const sizes = { hidden_size: 256, num_attention_heads: 4, intermediate_size: 1024 };

/** ELECTRA's model_type 'electra', for `registerArchitecture`: an encoder. */
export const electra = /* @__PURE__ */ defineArchitecture<EncoderDims, EncoderChoices>({
  name: 'electra',
  className: 'Electra',
  module: Encoder,
  dims: (c) => ({ ...bertDims(c, sizes), E: sizeIn(c, 'embedding_size', 128), types: typesIn(c) }),
  block: (c) => ({ ...bertChoices(c), pooler: false }),
  weights: () => ({ ...bertWeights, 'embeddings.projection': 'embeddings_project' }),
  prefixes: ['electra.'],
  renamed: oldNorms,
  ignored: [...bertIgnored, /^(discriminator_predictions|generator_predictions|generator_lm_head|sequence_summary)\./],
  heads: {
    SequenceClassification: {
      choices: (c) => ({ ...firstToken(classifierDropout(c)), transform: { activation: 'gelu' } }),
      weights: firstTokenWeights,
    },
    TokenClassification: { choices: (c) => ({ reads: 'tokens', dropout: classifierDropout(c) }), weights: { 'head.out': 'classifier' } },
    QuestionAnswering: { choices: () => ({ reads: 'tokens' }), weights: { 'head.out': 'qa_outputs' } },
    MaskedLM: {
      choices: (c) => wordScores('gelu', numberIn(c, 'layer_norm_eps', 1e-12)),
      weights: {
        'head.dense': 'generator_predictions.dense',
        'head.norm': 'generator_predictions.LayerNorm',
        'head.out': 'generator_lm_head',
        'head.bias': 'generator_lm_head.bias',
      },
    },
  },
});
