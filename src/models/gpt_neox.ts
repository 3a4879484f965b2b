/** GPT-NeoX (Black et al., arXiv 2204.06745), and Pythia: attention and feed-forward side by side, rotary positions for a share of each head. */
import { type DecoderChoices, type DecoderDims, defineArchitecture } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { numberIn, probabilityIn } from './config.js';
import { Decoder } from './decoder.js';
import { ggufWeights, headTies, llamaDims, llamaGguf, scoring } from './decoder_family.js';
import { byHead } from './layouts.js';
import { below } from './names.js';
import { rotaryOf } from './rotary.js';

const sizes = (c: Parameters<typeof llamaDims>[0]): DecoderDims => ({
  ...llamaDims(c, {
    ...{ vocab_size: 50_432, hidden_size: 6144, intermediate_size: 24_576, num_hidden_layers: 44, num_attention_heads: 64 },
  }),
  eps: numberIn(c, 'layer_norm_eps', 1e-5),
});

/** GPT-NeoX's model_type 'gpt_neox', for `registerArchitecture`: a decoder. */
export const gptNeox = /* @__PURE__ */ defineArchitecture<DecoderDims, DecoderChoices>({
  name: 'gpt_neox',
  module: Decoder,
  dims: sizes,
  block: (c, checkpoint) => {
    const rotary = rotaryOf(c, sizes(c).positions, {
      base: numberIn(c, 'rotary_emb_base', 10_000),
      share: numberIn(c, 'rotary_pct', 0.25),
    });
    const dropout = probabilityIn(c, 'hidden_dropout', 0);
    return {
      ...{ place: c.boolean('use_parallel_residual', true) ? 'parallel' : 'pre', activation: hiddenActivation(c, 'hidden_act', 'gelu') },
      ...{ attentionBias: c.boolean('attention_bias', true), layer: () => ({ rotary }), ...scoring(c, checkpoint, false) },
      ...{ dropout, activationDropout: 0, attentionDropout: probabilityIn(c, 'attention_dropout', 0) },
    };
  },
  weights: (c) => ({
    ...{ 'embeddings.word': 'embed_in', norm: 'final_layer_norm', lm_head: 'embed_out' },
    ...below('layers.{l}', 'layers.{l}', {
      'self_attn.in_proj': { name: 'attention.query_key_value', layout: byHead(sizes(c).H) },
      ...{ 'self_attn.out_proj': 'attention.dense', norm1: 'input_layernorm', norm2: 'post_attention_layernorm' },
      ...{ linear1: 'mlp.dense_h_to_4h', linear2: 'mlp.dense_4h_to_h' },
    }),
  }),
  ties: (c) => headTies(c, false),
  prefixes: ['gpt_neox.'],
  ignored: [/\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/],
  gguf: {
    name: 'gptneox',
    config: (keys) => ({
      ...{ ...llamaGguf(keys), hidden_act: 'gelu' },
      ...{ layer_norm_eps: keys.number('attention.layer_norm_epsilon'), use_parallel_residual: keys.flag('use_parallel_residual') },
    }),
    weights: () => ggufWeights({ 'self_attn.in_proj': 'attn_qkv', linear1: 'ffn_up' }),
  },
});
