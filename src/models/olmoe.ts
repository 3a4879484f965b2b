/** OLMoE (Muennighoff et al., arXiv 2409.02060): Llama whose layers have experts, with norms of all heads' queries and keys together. */

import { unsupported } from './config.js';
import { ggufWeights, likeLlama, queryKeyNorms } from './decoder_family.js';
import { expertKeys, expertNames, expertsIn, ggufExperts } from './expert_layers.js';

const absent = { count: 64, chosen: 8 };

/** OLMoE's model_type 'olmoe', for `registerArchitecture`: a decoder. */
export const olmoe = /* @__PURE__ */ likeLlama('olmoe', {
  aliases: { num_local_experts: 'num_experts' },
  absent: {
    sizes: {
      vocab_size: 50_304,
      hidden_size: 2048,
      intermediate_size: 2048,
      num_hidden_layers: 16,
      num_attention_heads: 16,
      max_position_embeddings: 4096,
      eps: 1e-5,
    },
  },
  block: (c, { F }) => {
    if (c.get('clip_qkv') !== undefined) throw unsupported(c, 'clip_qkv', 'queries, keys and values that are clipped');
    const layer = expertsIn(c, absent, F);
    return { queryKeyNorm: 'all', layer: () => layer };
  },
  names: (c) => ({ ...queryKeyNorms, ...expertNames(c, absent.count) }),
  gguf: { name: 'olmoe', config: expertKeys, weights: () => ggufWeights(ggufExperts) },
});
