/**
 * ModernBERT (Warner et al., arXiv 2412.13663): pre-norm layers, most with a sliding window, rotary positions, gated feed-forward sublayers, no biases.
 * The embeddings have a norm, so the first layer has none before its attention.
 */
import type { JsonNode } from '../io/json.js';
import { defineArchitecture, type EncoderChoices, type EncoderDims, type HeadChoices, type Reading } from './architecture.js';
import { bertDims, hiddenActivation } from './bert_family.js';
import { numberIn, oneOf, probabilityIn } from './config.js';
import { Encoder } from './encoder.js';
import { alternatingLayers } from './layer_types.js';
import { below } from './names.js';

/** Transform of all heads, which score norm(activation(W h + b)) of their input. */
const scoring = (c: JsonNode, reads: Reading): HeadChoices => {
  const activation = hiddenActivation(c, 'classifier_activation');
  const norm = { eps: numberIn(c, 'norm_eps', 1e-5), bias: c.boolean('norm_bias', false) };
  const transform = { activation, norm, bias: c.boolean('classifier_bias', false) };
  return { reads, transform, dropout: probabilityIn(c, 'classifier_dropout', 0) };
};
const weights = { 'head.dense': 'head.dense', 'head.norm': 'head.norm', 'head.out': 'classifier' };
const wordWeights = { 'head.dense': 'head.dense', 'head.norm': 'head.norm', 'head.out': 'decoder', 'head.bias': 'decoder.bias' };

/** Defaults of config keys. */
const sizes = { vocab_size: 50_368, intermediate_size: 1152, num_hidden_layers: 22, max_position_embeddings: 8192 };

/** ModernBERT's model_type 'modernbert', for `registerArchitecture`: an encoder. */
export const modernbert = /* @__PURE__ */ defineArchitecture<EncoderDims, EncoderChoices>({
  name: 'modernbert',
  className: 'ModernBert',
  module: Encoder,
  dims: (c) => ({ ...bertDims(c, sizes), types: 0, eps: numberIn(c, 'norm_eps', 1e-5) }),
  block: (c) => {
    const [normBias, attentionBias, bias] = ['norm_bias', 'attention_bias', 'mlp_bias'].map((key) => c.boolean(key, false)) as [
      boolean,
      boolean,
      boolean,
    ];
    const layers = alternatingLayers(c, bertDims(c, sizes).L, {
      every: ['global_attn_every_n_layers', 3],
      window: ['local_attention', 128],
      full_attention: ['global_rope_theta', 160_000],
      sliding_attention: ['local_rope_theta', 10_000],
    });
    const attentionDropout = probabilityIn(c, 'attention_dropout', 0);
    return {
      ...{
        place: 'pre',
        activation: hiddenActivation(c, 'hidden_activation'),
        gated: 'fused',
        ...{ bias, normBias, attentionBias },
        finalNorm: true,
        pooler: false,
      },
      ...{ positions: 'none', layer: (l) => ({ ...layers[l], attentionNorm: l > 0 }) },
      ...{ embeddingDropout: probabilityIn(c, 'embedding_dropout', 0), activationDropout: probabilityIn(c, 'mlp_dropout', 0) },
      ...{ attentionDropout, attentionOutputDropout: attentionDropout },
    };
  },
  weights: () => ({
    ...{ 'embeddings.word': 'embeddings.tok_embeddings', 'embeddings.norm': 'embeddings.norm', norm: 'final_norm' },
    ...below('layers.{l}', 'layers.{l}', {
      ...{ norm1: 'attn_norm', 'self_attn.in_proj': 'attn.Wqkv', 'self_attn.out_proj': 'attn.Wo' },
      ...{ norm2: 'mlp_norm', linear1: 'mlp.Wi', linear2: 'mlp.Wo' },
    }),
  }),
  prefixes: ['model.'],
  ignored: [/^(head|decoder|classifier)\./],
  heads: {
    SequenceClassification: { choices: (c) => scoring(c, oneOf(c, 'classifier_pooling', { cls: 'first', mean: 'mean' })), weights },
    TokenClassification: { choices: (c) => scoring(c, 'tokens'), weights },
    QuestionAnswering: { choices: (c) => scoring(c, 'tokens'), weights },
    MaskedLM: { choices: (c) => ({ ...scoring(c, 'tokens'), dropout: 0, bias: c.boolean('decoder_bias', true) }), weights: wordWeights },
  },
});
