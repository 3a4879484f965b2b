/** wav2vec 2.0 (Baevski et al., arXiv 2006.11477), which scores the letters of what is said at every step of a sound. */
import type { JsonNode } from '../io/json.js';
import { defineArchitecture } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { headsIn, layersIn, numberIn, oneOf, probabilityIn, sizeIn, sizesIn, unsupported } from './config.js';
import { below } from './names.js';
import { type SoundChoices, type SoundDims, SoundEncoder } from './sound_encoder.js';
import type { Wave } from './waves.js';

/** transformers' Wav2Vec2Config: channels, steps and strides of the convolutions. */
const absent = {
  conv_dim: [512, 512, 512, 512, 512, 512, 512],
  conv_kernel: [10, 3, 3, 3, 3, 2, 2],
  conv_stride: [5, 2, 2, 2, 2, 2, 2],
};

/** The most convolutions that a config may have. */
const MOST_WAVES = 64;

const listIn = (c: JsonNode, key: keyof typeof absent) => sizesIn(c, key, absent[key], MOST_WAVES);

function wavesIn(c: JsonNode): readonly Wave[] {
  const [dims, kernels, strides] = [listIn(c, 'conv_dim'), listIn(c, 'conv_kernel'), listIn(c, 'conv_stride')];
  if (kernels.length !== dims.length || strides.length !== dims.length)
    throw c.error('must have lists of one length for conv_dim, conv_kernel, conv_stride');
  return dims.map((channels, i) => ({ channels, kernel: kernels[i] as number, stride: strides[i] as number }));
}

function positionsIn(c: JsonNode) {
  const groups = headsIn(c, 'num_conv_pos_embedding_groups', 16, sizeIn(c, 'hidden_size', 768));
  return { kernel: sizeIn(c, 'num_conv_pos_embeddings', 128, 1 << 16), groups };
}

/** wav2vec 2.0's model_type 'wav2vec2', for `registerArchitecture`: an encoder of sounds. */
export const wav2vec2 = /* @__PURE__ */ defineArchitecture<SoundDims, SoundChoices>({
  name: 'wav2vec2',
  className: 'Wav2Vec2',
  module: SoundEncoder,
  dims: (c) => {
    const C = sizeIn(c, 'hidden_size', 768);
    return {
      ...{ C, L: layersIn(c, 'num_hidden_layers', 12), H: headsIn(c, 'num_attention_heads', 12, C) },
      ...{ F: sizeIn(c, 'intermediate_size', 3072), V: sizeIn(c, 'vocab_size', 32), eps: numberIn(c, 'layer_norm_eps', 1e-5) },
      ...{ waves: wavesIn(c), positions: Number.POSITIVE_INFINITY },
    };
  },
  block: (c) => {
    if (c.boolean('add_adapter', false)) throw unsupported(c, 'add_adapter', 'an adapter behind the layers, which heed does not have');
    if (Number.isInteger(c.get('adapter_attn_dim')))
      throw unsupported(c, 'adapter_attn_dim', 'an adapter in each layer, which heed does not have');
    oneOf(c, 'feat_extract_activation', { gelu: true });
    const stable = c.boolean('do_stable_layer_norm', false);
    return {
      ...{ place: stable ? 'pre' : 'post', finalNorm: stable, embeddingNorm: !stable, activation: hiddenActivation(c) },
      ...{ norms: oneOf(c, 'feat_extract_norm', { group: 'group', layer: 'layer' } as const), positions: positionsIn(c) },
      waveBias: c.boolean('conv_bias', false),
      projectionDropout: probabilityIn(c, 'feat_proj_dropout', 0),
      dropout: probabilityIn(c, 'hidden_dropout', 0.1),
      attentionDropout: probabilityIn(c, 'attention_dropout', 0.1),
      activationDropout: probabilityIn(c, 'activation_dropout', 0.1),
    };
  },
  weights: () => ({
    'embeddings.waves.{l}.conv': 'feature_extractor.conv_layers.{l}.conv',
    'embeddings.waves.{l}.norm': 'feature_extractor.conv_layers.{l}.layer_norm',
    'embeddings.input_norm': 'feature_projection.layer_norm',
    'embeddings.projection': 'feature_projection.projection',
    'embeddings.positions.g': 'encoder.pos_conv_embed.conv.parametrizations.weight.original0',
    'embeddings.positions.v': 'encoder.pos_conv_embed.conv.parametrizations.weight.original1',
    'embeddings.positions.bias': 'encoder.pos_conv_embed.conv.bias',
    'embeddings.norm': 'encoder.layer_norm',
    ...below('layers.{l}', 'encoder.layers.{l}', {
      'self_attn.in_proj': 'attention.{q_proj,k_proj,v_proj}',
      'self_attn.out_proj': 'attention.out_proj',
      norm1: 'layer_norm',
      linear1: 'feed_forward.intermediate_dense',
      linear2: 'feed_forward.output_dense',
      norm2: 'final_layer_norm',
    }),
    norm: 'encoder.layer_norm',
  }),
  prefixes: ['wav2vec2.'],
  // What PyTorch called them before it had parametrizations.
  renamed: [
    [/pos_conv_embed\.conv\.weight_g$/, 'pos_conv_embed.conv.parametrizations.weight.original0'],
    [/pos_conv_embed\.conv\.weight_v$/, 'pos_conv_embed.conv.parametrizations.weight.original1'],
  ],
  // What pretraining alone uses, and heads of other tasks.
  ignored: [/^masked_spec_embed$/, /^(quantizer|project_q|project_hid|lm_head|projector|classifier)\./],
  heads: {
    CTC: {
      choices: (c) => ({ reads: 'tokens', dropout: probabilityIn(c, 'final_dropout', 0.1) }),
      weights: { 'head.out': 'lm_head' },
    },
  },
});
