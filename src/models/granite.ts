/** Granite 3 (IBM, 2024): Llama with factors of embeddings, attention scores, residuals and logits (μP: Yang et al., arXiv 2203.03466). */
import { numberIn } from './config.js';
import { ggufPairs, likeLlama } from './decoder_family.js';

/** Granite's model_type 'granite', for `registerArchitecture`: a decoder. */
export const granite = /* @__PURE__ */ likeLlama('granite', {
  block: (c) => ({
    ...{ embeddingScale: numberIn(c, 'embedding_multiplier', 1), attentionScale: numberIn(c, 'attention_multiplier', 1) },
    ...{ residualScale: numberIn(c, 'residual_multiplier', 1), logitsScale: 1 / numberIn(c, 'logits_scaling', 1) },
  }),
  gguf: {
    name: 'granite',
    config: (keys) =>
      keys.numbers({
        ...{ embedding_multiplier: 'embedding_scale', attention_multiplier: 'attention.scale' },
        ...{ residual_multiplier: 'residual_scale', logits_scaling: 'logit_scale' },
      }),
    weights: ggufPairs,
  },
});
