/**
 * BERT (Devlin et al., arXiv 1810.04805), and what was distilled from it: MiniLM, BGE, E5, GTE and most sentence encoders.
 * Post-norm encoder blocks over word, position and type embeddings; a pooler of the first token.
 */
import { quote } from '../io/header.js';
import {
  activationOf,
  type BlockChoices,
  defineArchitecture,
  type EncoderDims,
  headsIn,
  MOST_LAYERS,
  numberIn,
  probabilityIn,
  sizeIn,
  unsupported,
} from './architecture.js';
import { Encoder } from './encoder.js';

const layer = 'encoder.layer.{l}';

export const bert = /* @__PURE__ */ defineArchitecture<EncoderDims, BlockChoices>({
  name: 'bert',
  module: Encoder,
  dims: (c) => ({
    C: sizeIn(c, 'hidden_size'),
    L: sizeIn(c, 'num_hidden_layers', MOST_LAYERS),
    H: headsIn(c, 'num_attention_heads', 'hidden_size'),
    F: sizeIn(c, 'intermediate_size'),
    V: sizeIn(c, 'vocab_size'),
    positions: sizeIn(c, 'max_position_embeddings'),
    types: sizeIn(c, 'type_vocab_size'),
    eps: numberIn(c, 'layer_norm_eps', 1e-12),
  }),
  block: (c) => {
    const positions = c.string('position_embedding_type', 'absolute');
    if (positions !== 'absolute')
      throw unsupported(c, 'position_embedding_type', `${quote(positions)} positions, and heed's BERT has absolute ones only`);
    if (c.boolean('is_decoder', false)) throw unsupported(c, 'is_decoder', "a decoder, and heed's BERT is an encoder");
    return {
      ...{ place: 'post', activation: activationOf(c, 'hidden_act'), dropout: probabilityIn(c, 'hidden_dropout_prob', 0.1) },
      ...{ attentionDropout: probabilityIn(c, 'attention_probs_dropout_prob', 0.1), activationDropout: 0 },
    };
  },
  weights: {
    'embeddings.word.weight': 'embeddings.word_embeddings.weight',
    'embeddings.position.weight': 'embeddings.position_embeddings.weight',
    'embeddings.type.weight': 'embeddings.token_type_embeddings.weight',
    'embeddings.norm.weight': 'embeddings.LayerNorm.weight',
    'embeddings.norm.bias': 'embeddings.LayerNorm.bias',
    'layers.{l}.self_attn.in_proj_weight': ['query', 'key', 'value'].map((part) => `${layer}.attention.self.${part}.weight`),
    'layers.{l}.self_attn.in_proj_bias': ['query', 'key', 'value'].map((part) => `${layer}.attention.self.${part}.bias`),
    'layers.{l}.self_attn.out_proj.weight': `${layer}.attention.output.dense.weight`,
    'layers.{l}.self_attn.out_proj.bias': `${layer}.attention.output.dense.bias`,
    'layers.{l}.norm1.weight': `${layer}.attention.output.LayerNorm.weight`,
    'layers.{l}.norm1.bias': `${layer}.attention.output.LayerNorm.bias`,
    'layers.{l}.linear1.weight': `${layer}.intermediate.dense.weight`,
    'layers.{l}.linear1.bias': `${layer}.intermediate.dense.bias`,
    'layers.{l}.linear2.weight': `${layer}.output.dense.weight`,
    'layers.{l}.linear2.bias': `${layer}.output.dense.bias`,
    'layers.{l}.norm2.weight': `${layer}.output.LayerNorm.weight`,
    'layers.{l}.norm2.bias': `${layer}.output.LayerNorm.bias`,
    'pooler.weight': 'pooler.dense.weight',
    'pooler.bias': 'pooler.dense.bias',
  },
  prefixes: ['bert.'],
  // TensorFlow's names for the parameters of a norm, in the oldest checkpoints.
  renamed: [
    [/LayerNorm\.gamma$/, 'LayerNorm.weight'],
    [/LayerNorm\.beta$/, 'LayerNorm.bias'],
  ],
  ignored: [/^embeddings\.position_ids$/, /^cls\./, /^classifier\./, /^qa_outputs\./],
  optional: ['pooler.'],
  heads: {
    SequenceClassification: {
      model: 'BertForSequenceClassification',
      choices: (c) => ({ dropout: probabilityIn(c, 'classifier_dropout', probabilityIn(c, 'hidden_dropout_prob', 0.1)) }),
      weights: { 'head.out.weight': 'classifier.weight', 'head.out.bias': 'classifier.bias' },
    },
    MaskedLM: {
      model: 'BertForMaskedLM',
      choices: (c) => {
        if (!c.boolean('tie_word_embeddings', true))
          throw unsupported(c, 'tie_word_embeddings', "an output of its own, and heed's BERT scores with its word embeddings");
        return { activation: activationOf(c, 'hidden_act') };
      },
      weights: {
        'head.dense.weight': 'cls.predictions.transform.dense.weight',
        'head.dense.bias': 'cls.predictions.transform.dense.bias',
        'head.norm.weight': 'cls.predictions.transform.LayerNorm.weight',
        'head.norm.bias': 'cls.predictions.transform.LayerNorm.bias',
        'head.bias': 'cls.predictions.bias',
      },
    },
  },
});
