/** SmolLM3 (Hugging Face, 2025): Llama with no positions in every fourth layer (NoPE: Yang et al., arXiv 2501.18795). */
import { sizeIn } from './config.js';
import { ggufPairs, likeLlama } from './decoder_family.js';
import { windowsIn } from './layer_types.js';

const sizes = { vocab_size: 128_256, hidden_size: 2048, num_hidden_layers: 36, num_attention_heads: 16, max_position_embeddings: 32_768 };

/** SmolLM3's model_type 'smollm3', for `registerArchitecture`: a decoder. */
export const smollm3 = /* @__PURE__ */ likeLlama('smollm3', {
  absent: { sizes, base: 2_000_000, tied: true },
  block: (c, { L }) => {
    const [listed, every] = [c.array('no_rope_layers', undefined), sizeIn(c, 'no_rope_layer_interval', 4)];
    // The list has 1 for a layer with rotary positions.
    const turns = (l: number) => (listed ? Boolean(listed[l]) : (l + 1) % every !== 0);
    const windows = c.boolean('use_sliding_window', false) ? windowsIn(c, L, undefined, (l) => !turns(l)) : undefined;
    return { layer: (l) => ({ ...windows?.(l), ...(!turns(l) && { rotary: undefined }) }) };
  },
  gguf: { name: 'smollm3', weights: ggufPairs },
});
