/** Gemma 3's language model (Gemma Team, arXiv 2503.19786): Gemma 2 without soft caps, with norms of queries and keys; every sixth layer sees all tokens, with another base of rotary positions. */
import { sizeIn } from './config.js';
import { likeLlama, queryKeyNorms } from './decoder_family.js';
import { gemmaChoices, gemmaGguf, gemmaGgufWeights, gemmaNorms } from './gemma2.js';
import { windowsIn } from './layer_types.js';
import { rotaryOf } from './rotary.js';

const sizes = { vocab_size: 262_208, hidden_size: 2304, intermediate_size: 9216, max_position_embeddings: 131_072 };

/** Gemma 3's model_type 'gemma3_text', for `registerArchitecture`: a decoder. */
export const gemma3 = /* @__PURE__ */ likeLlama('gemma3_text', {
  absent: { sizes, tied: true },
  block: (c, dims) => {
    const every = sizeIn(c, 'sliding_window_pattern', sizeIn(c, '_sliding_window_pattern', 6));
    const windows = windowsIn(c, dims.L, 4096, (l) => (l + 1) % every !== 0);
    const whole = rotaryOf(c, dims.positions, { base: 1_000_000, type: 'full_attention' });
    const near = rotaryOf(c, dims.positions, { type: 'sliding_attention', keys: ['rope_local_base_freq'] });
    // EmbeddingGemma's tokens see both sides, of which each has half of the window.
    const both = c.boolean('use_bidirectional_attention', false);
    const seen = (window: number) => (both ? Math.floor((window + 1) / 2) : window);
    return {
      ...{ ...gemmaChoices(c, dims, { attention: 0, words: 0 }), queryKeyNorm: true, causal: !both },
      layer: (l) => {
        const { window } = windows(l);
        return window === undefined ? { rotary: whole } : { window: seen(window), rotary: near };
      },
    };
  },
  names: () => ({ ...gemmaNorms, ...queryKeyNorms }),
  gguf: {
    name: 'gemma3',
    config: (keys) => ({ ...gemmaGguf(keys, 62), ...keys.numbers({ sliding_window_pattern: 'attention.sliding_window_pattern' }) }),
    weights: gemmaGgufWeights,
  },
});
