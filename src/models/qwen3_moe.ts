/** Qwen 3's mixture-of-experts models (Yang et al., arXiv 2505.09388): Qwen 3 with layers in which a router chooses experts for each token. */
import { sizeIn } from './config.js';
import { ggufWeights, likeLlama, queryKeyNorms } from './decoder_family.js';
import { expertKeys, expertNames, expertsIn, ggufExperts } from './expert_layers.js';
import { qwenWindows } from './qwen2.js';

const absent = { count: 128, chosen: 8 };

/** Qwen 3's model_type 'qwen3_moe', for `registerArchitecture`: a decoder. */
export const qwen3Moe = /* @__PURE__ */ likeLlama('qwen3_moe', {
  aliases: { num_local_experts: 'num_experts' },
  absent: {
    sizes: { vocab_size: 151_936, hidden_size: 2048, intermediate_size: 6144, num_hidden_layers: 24, max_position_embeddings: 32_768 },
  },
  block: (c, { L }) => {
    const [every, dense] = [sizeIn(c, 'decoder_sparse_step', 1), c.array('mlp_only_layers', undefined)];
    const [windows, sparse] = [qwenWindows(c, L), expertsIn(c, absent, sizeIn(c, 'moe_intermediate_size', 768))];
    return { queryKeyNorm: true, layer: (l) => ({ ...windows(l), ...((l + 1) % every === 0 && !dense?.includes(l) && sparse) }) };
  },
  names: (c) => ({ ...queryKeyNorms, ...expertNames(c, absent.count) }),
  gguf: {
    name: 'qwen3moe',
    config: (keys) => ({ ...expertKeys(keys), norm_topk_prob: true }),
    weights: () => ggufWeights(ggufExperts),
  },
});
