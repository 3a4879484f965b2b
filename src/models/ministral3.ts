/**
 * Ministral 3 (Mistral AI, 2025): Mistral that sees all tokens, whose queries grow with their places once those are beyond what was pretrained, by Llama 4's rule: times
 * 1 + β log(1 + ⌊t / T⌋), T tokens of a text of pretraining.
 */
import { JsonNode } from '../io/json.js';
import { growingQueries } from '../nn/rotary_scalings.js';
import { numberIn, sizeIn } from './config.js';
import { ggufPairs, likeLlama } from './decoder_family.js';
import { rotaryInGguf } from './gguf_rotary.js';
import { windowIn } from './layer_types.js';
import { rotaryOf } from './rotary.js';

const sizes = {
  vocab_size: 131_072,
  intermediate_size: 14_336,
  num_hidden_layers: 34,
  num_key_value_heads: 8,
  max_position_embeddings: 262_144,
};
const BASE = 1_000_000;
/** What transformers has where a config says nothing of positions. */
const absent = {
  rope_type: 'yarn',
  rope_theta: BASE,
  factor: 16,
  original_max_position_embeddings: 16_384,
  beta_fast: 32,
  beta_slow: 1,
  mscale: 1,
  mscale_all_dim: 1,
  llama_4_scaling_beta: 0.1,
};

/** How much longer the query of a place is. */
function queryScaleIn(c: JsonNode): ((t: number) => number) | undefined {
  const rope = c.object(c.get('rope_parameters') === undefined ? 'rope_scaling' : 'rope_parameters');
  const beta = rope.get('llama_4_scaling_beta') === undefined ? 0 : numberIn(rope, 'llama_4_scaling_beta', 0);
  const original = sizeIn(rope, 'original_max_position_embeddings', absent.original_max_position_embeddings);
  return beta === 0 ? undefined : growingQueries(beta, original);
}

/** Ministral 3's model_type 'ministral3', for `registerArchitecture`: a decoder. */
export const ministral3 = /* @__PURE__ */ likeLlama('ministral3', {
  absent: { sizes, base: BASE },
  block: (c, { positions }) => {
    const says = c.get('rope_parameters') !== undefined || c.get('rope_scaling') !== undefined;
    const told = says ? c : new JsonNode(c.file, c.path, { ...c.value, rope_parameters: absent });
    const rotary = rotaryOf(told, positions, { base: BASE, queryScale: queryScaleIn(told) });
    return { attentionBias: false, layer: () => ({ rotary, window: windowIn(c) }) };
  },
  gguf: {
    name: 'mistral3',
    config: (keys) => {
      const { rope_scaling } = rotaryInGguf(keys) as { rope_scaling?: object };
      const llama_4_scaling_beta = keys.number('attention.temperature_scale');
      return rope_scaling ? { rope_scaling: { ...rope_scaling, llama_4_scaling_beta } } : { rope_scaling: { rope_type: 'default' } };
    },
    weights: ggufPairs,
  },
});
