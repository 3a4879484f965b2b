/**
 * BERT (Devlin et al., arXiv 1810.04805) and its distilled descendants: MiniLM, BGE, E5, GTE and most sentence encoders.
 * Post-norm encoder blocks over word, position and type embeddings; a pooler of the first token.
 */
import type { JsonNode } from '../io/json.js';
import { defineArchitecture, type EncoderChoices, type EncoderDims } from './architecture.js';
import {
  bertChoices,
  bertDims,
  bertIgnored,
  bertWeights,
  classifierDropout,
  hiddenActivation,
  oldNorms,
  typesIn,
  wordScores,
} from './bert_family.js';
import { numberIn } from './config.js';
import { Encoder } from './encoder.js';

/** Architecture of BERT under a given name. */
export const likeBert = (name: string, className: string, block: (c: JsonNode) => EncoderChoices = bertChoices) =>
  defineArchitecture<EncoderDims, EncoderChoices>({
    name,
    className,
    module: Encoder,
    dims: (c) => ({ ...bertDims(c), types: typesIn(c) }),
    block,
    weights: bertWeights,
    prefixes: [`${name}.`],
    renamed: oldNorms,
    ignored: bertIgnored,
    optional: ['pooler.'],
    heads: {
      SequenceClassification: {
        choices: (c) => ({ reads: 'pooler', dropout: classifierDropout(c) }),
        weights: { 'head.out': 'classifier' },
      },
      TokenClassification: { choices: (c) => ({ reads: 'tokens', dropout: classifierDropout(c) }), weights: { 'head.out': 'classifier' } },
      QuestionAnswering: { choices: () => ({ reads: 'tokens' }), weights: { 'head.out': 'qa_outputs' } },
      MaskedLM: {
        choices: (c) => wordScores(hiddenActivation(c), numberIn(c, 'layer_norm_eps', 1e-12)),
        weights: {
          'head.dense': 'cls.predictions.transform.dense',
          'head.norm': 'cls.predictions.transform.LayerNorm',
          'head.out': 'cls.predictions.decoder',
          'head.bias': 'cls.predictions.bias',
        },
      },
    },
  });

/** BERT's model_type 'bert', for `registerArchitecture`: an encoder. Most sentence encoders have it. */
export const bert = /* @__PURE__ */ likeBert('bert', 'Bert');
