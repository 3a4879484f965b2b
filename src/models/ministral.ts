/** Ministral (Mistral AI, 2024): Mistral with layers of two types: sliding-window layers, and layers that see all tokens. */
import { likeLlama } from './decoder_family.js';
import { windowsIn } from './layer_types.js';

const sizes = { intermediate_size: 14_336, max_position_embeddings: 131_072 };

/** Ministral's model_type 'ministral', for `registerArchitecture`: a decoder. */
export const ministral = /* @__PURE__ */ likeLlama('ministral', {
  absent: { sizes },
  block: (c, { L }) => ({ attentionBias: false, layer: windowsIn(c, L, 4096) }),
});
