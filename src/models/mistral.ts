/** Mistral (Jiang et al., arXiv 2310.06825): Llama with a sliding window. GGUF files name it llama. */
import { likeLlama } from './decoder_family.js';
import { windowIn } from './layer_types.js';

const sizes = { intermediate_size: 14_336, max_position_embeddings: 131_072 };

/** Mistral's model_type 'mistral', for `registerArchitecture`: a decoder. */
export const mistral = /* @__PURE__ */ likeLlama('mistral', {
  absent: { sizes },
  block: (c) => ({ attentionBias: false, layer: () => ({ window: windowIn(c, 4096) }) }),
});
