/** GPT-2 (Radford et al. 2019): a table of positions, layer norms before each sublayer, matrices that are transposed in checkpoints. */
import { learned } from '../nn/positions.js';
import { type DecoderChoices, type DecoderDims, defineArchitecture } from './architecture.js';
import { activationOf, headsIn, layersIn, numberIn, probabilityIn, sizeIn, unsupported } from './config.js';
import { Decoder } from './decoder.js';
import { ggufWeights, headTies, scoring } from './decoder_family.js';
import { below } from './names.js';

/** A Conv1D of transformers: [in, out]. */
const conv = (name: string) => ({ name, transposed: true }) as const;

/** GPT-2's model_type 'gpt2', for `registerArchitecture`: a decoder. */
export const gpt2 = /* @__PURE__ */ defineArchitecture<DecoderDims, DecoderChoices>({
  name: 'gpt2',
  module: Decoder,
  aliases: { hidden_size: 'n_embd', num_hidden_layers: 'n_layer', num_attention_heads: 'n_head', max_position_embeddings: 'n_positions' },
  dims: (c) => {
    const C = sizeIn(c, 'n_embd', 768);
    const H = headsIn(c, 'n_head', 12, C);
    const [V, positions, F] = [sizeIn(c, 'vocab_size', 50_257), sizeIn(c, 'n_positions', 1024), sizeIn(c, 'n_inner', 4 * C)];
    return { C, L: layersIn(c, 'n_layer', 12), H, G: H, D: C / H, F, V, positions, eps: numberIn(c, 'layer_norm_epsilon', 1e-5) };
  },
  block: (c, checkpoint) => {
    if (c.boolean('add_cross_attention', false)) throw unsupported(c, 'add_cross_attention', 'attention to an encoder');
    const each = c.boolean('scale_attn_by_inverse_layer_idx', false);
    const scale = c.boolean('scale_attn_weights', true) ? (sizeIn(c, 'n_embd', 768) / sizeIn(c, 'n_head', 12)) ** -0.5 : 1;
    return {
      ...{ place: 'pre', activation: activationOf(c, 'activation_function', c.string('activation_function', 'gelu_new')) },
      ...{ positions: learned(), layer: (l) => ({ attentionScale: each ? scale / (l + 1) : scale }), ...scoring(c, checkpoint) },
      ...{ dropout: probabilityIn(c, 'resid_pdrop', 0.1), embeddingDropout: probabilityIn(c, 'embd_pdrop', 0.1) },
      ...{ attentionDropout: probabilityIn(c, 'attn_pdrop', 0.1), activationDropout: 0 },
    };
  },
  weights: () => ({
    ...{ 'embeddings.word': 'wte', 'embeddings.position': 'wpe', norm: 'ln_f', lm_head: 'lm_head' },
    ...below('layers.{l}', 'h.{l}', {
      ...{ 'self_attn.in_proj': conv('attn.c_attn'), 'self_attn.out_proj': conv('attn.c_proj'), norm1: 'ln_1' },
      ...{ linear1: conv('mlp.c_fc'), linear2: conv('mlp.c_proj'), norm2: 'ln_2' },
    }),
  }),
  ties: (c) => headTies(c),
  prefixes: ['transformer.'],
  ignored: [/\.attn\.(masked_)?bias$/],
  gguf: {
    name: 'gpt2',
    config: (keys) => ({
      ...keys.numbers({
        ...{ n_embd: 'embedding_length', n_layer: 'block_count', n_head: 'attention.head_count', n_positions: 'context_length' },
        ...{ n_inner: 'feed_forward_length', layer_norm_epsilon: 'attention.layer_norm_epsilon', vocab_size: 'vocab_size' },
      }),
      tie_word_embeddings: keys.tied,
    }),
    weights: () => ggufWeights({ 'self_attn.in_proj': 'attn_qkv', linear1: 'ffn_up' }),
  },
});
