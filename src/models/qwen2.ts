/** Qwen 2 and 2.5 (Yang et al., arXiv 2407.10671, 2412.15115): Llama with biases of queries, keys and values. */
import type { JsonNode } from '../io/json.js';
import { likeLlama } from './decoder_family.js';
import { windowsIn } from './layer_types.js';

/** Windows of the last layers, where a config asks for them. */
export function qwenWindows(c: JsonNode, L: number) {
  if (!c.boolean('use_sliding_window', false)) return () => ({ window: undefined });
  const first = c.integer('max_window_layers', 1024, 28);
  return windowsIn(c, L, 4096, (l) => l >= first);
}

/** Defaults of Qwen's config keys. */
export const qwenSizes = { vocab_size: 151_936, intermediate_size: 22_016, max_position_embeddings: 32_768 };

/** Qwen 2's model_type 'qwen2', for `registerArchitecture`: a decoder. */
export const qwen2 = /* @__PURE__ */ likeLlama('qwen2', {
  absent: { sizes: qwenSizes },
  block: (c, { L }) => ({ attentionBias: true, attentionOutBias: false, layer: qwenWindows(c, L) }),
  gguf: { name: 'qwen2' },
});
