/** OPT (Zhang et al., arXiv 2205.01068), and Galactica: GPT-3's blocks, with a table of positions whose first two rows are unused. */
import { learned } from '../nn/positions.js';
import { type DecoderChoices, type DecoderDims, defineArchitecture } from './architecture.js';
import { activationOf, headsIn, layersIn, probabilityIn, sizeIn, unsupported } from './config.js';
import { Decoder } from './decoder.js';
import { headTies, scoring } from './decoder_family.js';
import { below } from './names.js';

/** OPT's model_type 'opt', for `registerArchitecture`: a decoder. */
export const opt = /* @__PURE__ */ defineArchitecture<DecoderDims, DecoderChoices>({
  name: 'opt',
  module: Decoder,
  dims: (c) => {
    const C = sizeIn(c, 'hidden_size', 768);
    const H = headsIn(c, 'num_attention_heads', 12, C);
    const [F, V, positions] = [sizeIn(c, 'ffn_dim', 3072), sizeIn(c, 'vocab_size', 50_272), sizeIn(c, 'max_position_embeddings', 2048)];
    return { C, L: layersIn(c, 'num_hidden_layers', 12), H, G: H, D: C / H, F, V, positions, eps: 1e-5 };
  },
  block: (c, checkpoint) => {
    const C = sizeIn(c, 'hidden_size', 768);
    if (sizeIn(c, 'word_embed_proj_dim', C) !== C)
      throw unsupported(c, 'word_embed_proj_dim', 'embeddings of other channels than its layers');
    if (!c.boolean('layer_norm_elementwise_affine', true)) throw unsupported(c, 'layer_norm_elementwise_affine', 'norms without weights');
    if (!c.boolean('do_layer_norm_before', true)) throw unsupported(c, 'do_layer_norm_before', "norms behind sublayers, OPT-350m's");
    return {
      ...{ place: 'pre', finalNorm: !c.boolean('_remove_final_layer_norm', false) },
      ...{ activation: activationOf(c, 'activation_function', c.string('activation_function', 'relu')), positions: learned(2) },
      ...{ bias: c.boolean('enable_bias', true), normBias: true, ...scoring(c, checkpoint) },
      ...{ dropout: probabilityIn(c, 'dropout', 0.1), embeddingDropout: 0, activationDropout: 0 },
      attentionDropout: probabilityIn(c, 'attention_dropout', 0),
    };
  },
  weights: () => ({
    ...{ 'embeddings.word': 'embed_tokens', 'embeddings.position': 'embed_positions', norm: 'final_layer_norm', lm_head: 'lm_head' },
    ...below('layers.{l}', 'layers.{l}', {
      ...{ 'self_attn.in_proj': 'self_attn.{q_proj,k_proj,v_proj}', 'self_attn.out_proj': 'self_attn.out_proj' },
      ...{ norm1: 'self_attn_layer_norm', linear1: 'fc1', linear2: 'fc2', norm2: 'final_layer_norm' },
    }),
  }),
  ties: (c) => headTies(c),
  prefixes: ['model.decoder.', 'decoder.'],
});
