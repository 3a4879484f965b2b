/** What decoder-only models have in common: the keys of Llama's descendants' configs, and the names of their weights. */
import type { JsonNode, JsonObject } from '../io/json.js';
import type { CheckpointSummary, DecoderChoices, DecoderDims, Names } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { layersIn, numberIn, probabilityIn, sizeIn } from './config.js';
import type { GgufKeys } from './gguf_keys.js';
import { rotaryInGguf } from './gguf_rotary.js';
import { below } from './names.js';
import { rotaryOf } from './rotary.js';

/** What configs may leave out: transformers' LlamaConfig. */
const llamaSizes = {
  ...{ vocab_size: 32_000, hidden_size: 4096, intermediate_size: 11_008, num_hidden_layers: 32, num_attention_heads: 32 },
  ...{ max_position_embeddings: 2048, eps: 1e-6 },
};

export function llamaDims(c: JsonNode, own: Partial<typeof llamaSizes> = {}): DecoderDims {
  const absent = { ...llamaSizes, ...own };
  const [C, H] = [sizeIn(c, 'hidden_size', absent.hidden_size), sizeIn(c, 'num_attention_heads', absent.num_attention_heads)];
  const G = sizeIn(c, 'num_key_value_heads', H);
  if (H % G !== 0) throw c.error(`has ${H} heads, which ${G} key heads cannot serve`);
  if (C % H !== 0 && c.get('head_dim') === undefined) throw c.error(`has ${C} channels, which ${H} heads cannot share`);
  return {
    ...{ C, L: layersIn(c, 'num_hidden_layers', absent.num_hidden_layers), H, G, D: sizeIn(c, 'head_dim', C / H) },
    ...{ F: sizeIn(c, 'intermediate_size', absent.intermediate_size), V: sizeIn(c, 'vocab_size', absent.vocab_size) },
    positions: sizeIn(c, 'max_position_embeddings', absent.max_position_embeddings),
    eps: numberIn(c, 'rms_norm_eps', absent.eps),
  };
}

/** Whether words are scored by their embeddings, and whether the checkpoint has others beside. */
export const scoring = (c: JsonNode, { apart }: CheckpointSummary, absent = true): Pick<DecoderChoices, 'tied' | 'apart'> => ({
  tied: c.boolean('tie_word_embeddings', absent),
  apart: apart('lm_head'),
});
export const headTies = (c: JsonNode, absent = true) =>
  c.boolean('tie_word_embeddings', absent) ? [{ table: 'embeddings.word', copies: ['lm_head'] }] : [];

/** Pre-norm blocks with root-mean-square norms, a gate, rotary positions, and biases where the config says so. */
export function llamaChoices(c: JsonNode, checkpoint: CheckpointSummary): DecoderChoices {
  const rotary = rotaryOf(c, llamaDims(c).positions);
  return {
    ...{ place: 'pre', norm: 'rms', activation: hiddenActivation(c, 'hidden_act', 'silu'), gated: true, layer: () => ({ rotary }) },
    ...{ bias: c.boolean('mlp_bias', false), attentionBias: c.boolean('attention_bias', false) },
    ...{ attentionDropout: probabilityIn(c, 'attention_dropout', 0), ...scoring(c, checkpoint, false) },
  };
}

/** Llama's names: those of all its descendants, but for what one has of its own. */
export const llamaWeights = (own: Names = {}): Names => ({
  ...{ 'embeddings.word': 'embed_tokens', norm: 'norm', lm_head: 'lm_head' },
  ...below('layers.{l}', 'layers.{l}', {
    ...{ 'self_attn.in_proj': 'self_attn.{q_proj,k_proj,v_proj}', 'self_attn.out_proj': 'self_attn.o_proj' },
    ...{ linear1: 'mlp.gate_proj', linear3: 'mlp.up_proj', linear2: 'mlp.down_proj' },
    ...{ norm1: 'input_layernorm', norm2: 'post_attention_layernorm' },
    ...own,
  }),
});

/** config.json out of a GGUF file's keys, which all of Llama's descendants have. Throws UNSUPPORTED, FORMAT. */
export function llamaGguf(keys: GgufKeys): JsonObject {
  return {
    ...{ num_hidden_layers: keys.number('block_count'), hidden_size: keys.number('embedding_length') },
    ...{ intermediate_size: keys.number('feed_forward_length'), max_position_embeddings: keys.number('context_length') },
    ...{ num_attention_heads: keys.number('attention.head_count'), num_key_value_heads: keys.number('attention.head_count_kv') },
    ...{ head_dim: keys.number('attention.key_length') ?? keys.number('rope.dimension_count') },
    ...{ rms_norm_eps: keys.number('attention.layer_norm_rms_epsilon'), ...rotaryInGguf(keys) },
    ...{ vocab_size: keys.number('vocab_size'), tie_word_embeddings: !keys.tensors.has('output.weight') },
    hidden_act: 'silu',
  };
}

/** What GGUF files call the weights; rows of queries and keys are interleaved, pair by pair, in each head. */
export function llamaGgufWeights(c: JsonNode): Names {
  const { H, G } = llamaDims(c);
  return {
    ...{ 'embeddings.word': 'token_embd', norm: 'output_norm', lm_head: 'output' },
    ...below('layers.{l}', 'blk.{l}', {
      ...{ 'self_attn.in_proj': { name: 'attn_{q,k,v}', permuted: [H, G, 0] }, 'self_attn.out_proj': 'attn_output' },
      ...{ linear1: 'ffn_gate', linear3: 'ffn_up', linear2: 'ffn_down', norm1: 'attn_norm', norm2: 'ffn_norm' },
    }),
  };
}
