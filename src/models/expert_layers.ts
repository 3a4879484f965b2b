/** Mixture-of-experts layers in configs and checkpoints. */
import type { JsonNode } from '../io/json.js';
import { type ExpertsSpec, experts } from '../nn/experts.js';
import type { LayerChoices, Names } from './architecture.js';
import { sizeIn } from './config.js';
import type { GgufKeys } from './gguf_keys.js';

/** The most experts of a layer: a name each. */
const MOST = 4096;

/** Mixture-of-experts sublayer with a config's number of experts, each F channels wide. */
export function expertsIn(c: JsonNode, absent: Omit<ExpertsSpec, 'normalized'>, F: number): LayerChoices {
  const [count, chosen] = [countIn(c, absent.count), sizeIn(c, 'num_experts_per_tok', absent.chosen, MOST)];
  if (chosen > count) throw c.error(`has ${count} experts, and ${chosen} for each token`);
  return { feedForward: { make: experts({ count, chosen, normalized: c.boolean('norm_topk_prob', false) }), F } };
}

const countIn = (c: JsonNode, absent: number) => sizeIn(c, 'num_experts', absent, MOST);

/** Names of a layer's experts in checkpoints. */
export const expertNames = (c: JsonNode, absent: number): Names => {
  const all = (name: string) => `mlp.experts.{${Array.from({ length: countIn(c, absent) }, (_, e) => e).join()}}.${name}`;
  return {
    router: 'mlp.gate',
    ...{ 'experts.linear1': all('gate_proj'), 'experts.linear3': all('up_proj'), 'experts.linear2': all('down_proj') },
  };
};

/** Keys of config.json from a GGUF file's, and the file's names of a layer's experts, stacked. */
export const expertKeys = (keys: GgufKeys) =>
  keys.numbers({
    num_experts: 'expert_count',
    num_experts_per_tok: 'expert_used_count',
    moe_intermediate_size: 'expert_feed_forward_length',
  });
export const ggufExperts: Names = {
  router: 'ffn_gate_inp',
  'experts.linear1': 'ffn_gate_exps',
  'experts.linear3': 'ffn_up_exps',
  'experts.linear2': 'ffn_down_exps',
};
