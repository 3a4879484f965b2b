/** BLOOM (Le Scao et al., arXiv 2211.05100): attention scores that fall with distance (ALiBi) instead of positions, and a norm of the embeddings. */
import { alibiSlopes } from '../nn/alibi.js';
import { type DecoderChoices, type DecoderDims, defineArchitecture } from './architecture.js';
import { headsIn, layersIn, numberIn, probabilityIn, sizeIn, unsupported } from './config.js';
import { Decoder } from './decoder.js';
import { ggufWeights, headTies, scoring } from './decoder_family.js';
import { byHead } from './layouts.js';
import { below } from './names.js';

const sizes = (c: Parameters<typeof sizeIn>[0]): DecoderDims => {
  const C = sizeIn(c, 'hidden_size', 64);
  const H = headsIn(c, 'n_head', 8, C);
  const [L, V, eps] = [layersIn(c, 'n_layer', 2), sizeIn(c, 'vocab_size', 250_880), numberIn(c, 'layer_norm_epsilon', 1e-5)];
  return { C, L, H, G: H, D: C / H, F: 4 * C, V, positions: Number.POSITIVE_INFINITY, eps };
};

/** BLOOM's model_type 'bloom', for `registerArchitecture`: a decoder. */
export const bloom = /* @__PURE__ */ defineArchitecture<DecoderDims, DecoderChoices>({
  name: 'bloom',
  module: Decoder,
  aliases: { n_embed: 'hidden_size', num_hidden_layers: 'n_layer', num_attention_heads: 'n_head' },
  dims: sizes,
  block: (c, checkpoint) => {
    const other = 'apply_residual_connection_post_layernorm';
    if (c.boolean(other, false)) throw unsupported(c, other, 'residuals from behind the norms');
    const slopes = alibiSlopes(sizes(c).H);
    return {
      ...{ place: 'pre', activation: 'geluTanh', embeddingNorm: true, layer: () => ({ slopes }), ...scoring(c, checkpoint) },
      ...{ dropout: probabilityIn(c, 'hidden_dropout', 0), embeddingDropout: 0, activationDropout: 0 },
      attentionDropout: probabilityIn(c, 'attention_dropout', 0),
    };
  },
  weights: (c) => ({
    ...{ 'embeddings.word': 'word_embeddings', 'embeddings.norm': 'word_embeddings_layernorm', norm: 'ln_f', lm_head: 'lm_head' },
    ...below('layers.{l}', 'h.{l}', {
      'self_attn.in_proj': { name: 'self_attention.query_key_value', layout: byHead(sizes(c).H) },
      ...{ 'self_attn.out_proj': 'self_attention.dense', norm1: 'input_layernorm', norm2: 'post_attention_layernorm' },
      ...{ linear1: 'mlp.dense_h_to_4h', linear2: 'mlp.dense_4h_to_h' },
    }),
  }),
  ties: (c) => headTies(c),
  prefixes: ['transformer.'],
  gguf: {
    name: 'bloom',
    config: (keys) => ({
      ...keys.numbers({
        ...{ hidden_size: 'embedding_length', n_layer: 'block_count', n_head: 'attention.head_count', vocab_size: 'vocab_size' },
        layer_norm_epsilon: 'attention.layer_norm_epsilon',
      }),
      tie_word_embeddings: keys.tied,
    }),
    weights: () => ggufWeights({ 'self_attn.in_proj': 'attn_qkv', linear1: 'ffn_up' }),
  },
});
