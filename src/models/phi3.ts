/** Phi-3 and Phi-4-mini (Abdin et al., arXiv 2404.14219; Microsoft, arXiv 2503.01743): Llama with fused matrices, and LongRoPE for long texts. */
import { probabilityIn } from './config.js';
import { ggufWeights, likeLlama } from './decoder_family.js';
import { windowIn } from './layer_types.js';

const sizes = { vocab_size: 32_064, hidden_size: 3072, intermediate_size: 8192, max_position_embeddings: 4096, eps: 1e-5 };

/** Phi-3's model_type 'phi3', for `registerArchitecture`: a decoder. */
export const phi3 = /* @__PURE__ */ likeLlama('phi3', {
  absent: { sizes },
  block: (c) => ({
    ...{ gated: 'fused', attentionBias: false, layer: () => ({ window: windowIn(c) }) },
    ...{ dropout: probabilityIn(c, 'resid_pdrop', 0), embeddingDropout: probabilityIn(c, 'embd_pdrop', 0), activationDropout: 0 },
  }),
  names: { 'self_attn.in_proj': 'self_attn.qkv_proj', linear1: 'mlp.gate_up_proj' },
  gguf: {
    name: 'phi3',
    config: (keys) => ({
      ...{ sliding_window: keys.number('attention.sliding_window') || undefined },
      original_max_position_embeddings: keys.number('rope.scaling.original_context_length'),
    }),
    weights: () => ggufWeights({ 'self_attn.in_proj': 'attn_qkv', linear1: 'ffn_up' }),
  },
});
