/** Qwen 3 (Yang et al., arXiv 2505.09388): Llama with norms of each head's queries and keys. */
import { likeLlama, queryKeyNorms } from './decoder_family.js';
import { qwenSizes, qwenWindows } from './qwen2.js';

/** Qwen 3's model_type 'qwen3', for `registerArchitecture`: a decoder. */
export const qwen3 = /* @__PURE__ */ likeLlama('qwen3', {
  absent: { sizes: qwenSizes },
  block: (c, { L }) => ({ queryKeyNorm: true, layer: qwenWindows(c, L) }),
  names: queryKeyNorms,
  gguf: { name: 'qwen3' },
});
