/** OLMo 2 (OLMo Team, arXiv 2501.00656): Llama with norms behind sublayers, and norms over all heads' queries and keys together. */
import { likeLlama, queryKeyNorms } from './decoder_family.js';

const sizes = { vocab_size: 50_304, eps: 1e-5 };

/** OLMo 2's model_type 'olmo2', for `registerArchitecture`: a decoder. */
export const olmo2 = /* @__PURE__ */ likeLlama('olmo2', {
  absent: { sizes },
  block: () => ({ place: 'out', queryKeyNorm: 'all', bias: false }),
  names: () => ({ ...queryKeyNorms, norm1_out: 'post_attention_layernorm', norm2_out: 'post_feedforward_layernorm' }),
  gguf: { name: 'olmo2' },
});
