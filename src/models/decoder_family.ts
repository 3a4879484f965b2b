/** Shared parts of decoder-only models: the keys of Llama's descendants' configs, and the names of their weights. */
import type { JsonNode, JsonObject } from '../io/json.js';
import type { Architecture, CheckpointSummary, DecoderChoices, DecoderDims, GgufSpelling, Names } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { layersIn, numberIn, probabilityIn, sizeIn } from './config.js';
import { Decoder } from './decoder.js';
import type { GgufKeys } from './gguf_keys.js';
import { rotaryInGguf } from './gguf_rotary.js';
import { pairs } from './layouts.js';
import { below } from './names.js';
import { rotaryOf } from './rotary.js';

/** Defaults of config keys: transformers' LlamaConfig. */
const llamaSizes = {
  vocab_size: 32_000,
  hidden_size: 4096,
  intermediate_size: 11_008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  max_position_embeddings: 2048,
  eps: 1e-6,
};
type Sizes = Partial<typeof llamaSizes>;

export function llamaDims(c: JsonNode, own: Sizes = {}): DecoderDims {
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

/** Scoring of words: by their embeddings or not, and whether the checkpoint has a matrix of its own. */
export const scoring = (c: JsonNode, { apart }: CheckpointSummary, absent = true): Pick<DecoderChoices, 'tied' | 'apart'> => ({
  tied: c.boolean('tie_word_embeddings', absent),
  apart: apart('lm_head'),
});
export const headTies = (c: JsonNode, absent = true) =>
  c.boolean('tie_word_embeddings', absent) ? [{ table: 'embeddings.word', copies: ['lm_head'] }] : [];

/** Defaults of config keys: sizes, the base of rotary positions, whether embeddings score words. */
export interface Absent {
  sizes?: Sizes;
  base?: number;
  tied?: boolean;
}

/** Pre-norm blocks with root-mean-square norms, a gate, rotary positions, and biases where the config says so. */
export function llamaChoices(c: JsonNode, checkpoint: CheckpointSummary, { sizes, base, tied = false }: Absent = {}): DecoderChoices {
  const rotary = rotaryOf(c, llamaDims(c, sizes).positions, { ...(base && { base }) });
  return {
    ...{ place: 'pre', norm: 'rms', activation: hiddenActivation(c, 'hidden_act', 'silu'), gated: true, layer: () => ({ rotary }) },
    ...{ bias: c.boolean('mlp_bias', false), attentionBias: c.boolean('attention_bias', false) },
    ...{ attentionDropout: probabilityIn(c, 'attention_dropout', 0), ...scoring(c, checkpoint, tied) },
  };
}

/** Names of the norms of queries and keys, where a descendant has them. */
export const queryKeyNorms: Names = { 'self_attn.q_norm': 'self_attn.q_norm', 'self_attn.k_norm': 'self_attn.k_norm' };

/** Llama's names, which all its descendants share, with a descendant's own. */
export const llamaWeights = (own: Names = {}): Names => ({
  ...{ 'embeddings.word': 'embed_tokens', norm: 'norm', lm_head: 'lm_head' },
  ...below('layers.{l}', 'layers.{l}', {
    ...{ 'self_attn.in_proj': 'self_attn.{q_proj,k_proj,v_proj}', 'self_attn.out_proj': 'self_attn.o_proj' },
    ...{ linear1: 'mlp.gate_proj', linear3: 'mlp.up_proj', linear2: 'mlp.down_proj' },
    ...{ norm1: 'input_layernorm', norm2: 'post_attention_layernorm' },
    ...own,
  }),
});

/** Differences of one of Llama's descendants. */
interface Descendant {
  /** Aliases like those of an architecture. */
  aliases?: Readonly<Record<string, string>>;
  /** Defaults of config keys, where they differ. */
  absent?: Absent;
  /** Choices of blocks that differ. */
  block?: (c: JsonNode, dims: DecoderDims) => Partial<DecoderChoices>;
  /** Names of a layer's modules, or a function that gives them. */
  names?: Names | ((c: JsonNode) => Names);
  /** GGUF spelling: `config` gives keys beside Llama's; `weights` default to the names that all decoders share. */
  gguf?: { name: string; config?: GgufSpelling['config']; weights?: GgufSpelling['weights'] };
}

/** Architecture of a model_type that equals Llama except for the given differences. */
export const likeLlama = (
  name: string,
  { absent = {}, block, names, gguf, aliases = {} }: Descendant = {},
): Architecture<DecoderDims, DecoderChoices> => {
  const dims = (c: JsonNode) => llamaDims(c, absent.sizes);
  return {
    ...{ name, module: Decoder, aliases, dims, prefixes: ['model.'], ignored: [/\.rotary_emb\.inv_freq$/, /^rope_f\w+\.weight$/] },
    block: (c, checkpoint) => {
      const [llama, own] = [llamaChoices(c, checkpoint, absent), block?.(c, dims(c))];
      return { ...llama, ...own, layer: (l) => ({ ...llama.layer?.(l), ...own?.layer?.(l) }) };
    },
    weights: (c) => llamaWeights(typeof names === 'function' ? names(c) : names),
    ties: (c) => headTies(c, absent.tied ?? false),
    ...(gguf && {
      gguf: {
        name: gguf.name,
        config: (keys) => ({ ...llamaGguf(keys), ...gguf.config?.(keys) }),
        weights: gguf.weights ?? (() => ggufWeights()),
      },
    }),
  };
};

/** Keys of config.json that all of Llama's descendants have, by a GGUF file's. */
const ggufKeys = {
  num_hidden_layers: 'block_count',
  hidden_size: 'embedding_length',
  intermediate_size: 'feed_forward_length',
  num_attention_heads: 'attention.head_count',
  num_key_value_heads: 'attention.head_count_kv',
  head_dim: 'attention.key_length',
  vocab_size: 'vocab_size',
  max_position_embeddings: 'context_length',
  rms_norm_eps: 'attention.layer_norm_rms_epsilon',
};

/** config.json from a GGUF file's keys, which all of Llama's descendants share. Throws UNSUPPORTED for rotary positions with a scaling that heed does not have. */
export const llamaGguf = (keys: GgufKeys): JsonObject => ({
  ...{ ...keys.numbers(ggufKeys), ...rotaryInGguf(keys) },
  ...{ tie_word_embeddings: keys.tied, hidden_act: 'silu' },
});

/** Names of the weights in GGUF files, shared by all decoders, with a descendant's own. */
export const ggufWeights = (own: Names = {}): Names => ({
  ...{ 'embeddings.word': 'token_embd', 'embeddings.position': 'position_embd', 'embeddings.norm': 'token_embd_norm' },
  ...{ norm: 'output_norm', lm_head: 'output' },
  ...below('layers.{l}', 'blk.{l}', {
    ...{ 'self_attn.in_proj': 'attn_{q,k,v}', 'self_attn.out_proj': 'attn_output' },
    ...{ 'self_attn.q_norm': 'attn_q_norm', 'self_attn.k_norm': 'attn_k_norm' },
    ...{ linear1: 'ffn_gate', linear3: 'ffn_up', linear2: 'ffn_down' },
    ...{ norm1: 'attn_norm', norm2: 'ffn_norm', norm1_out: 'post_attention_norm', norm2_out: 'post_ffw_norm' },
    ...own,
  }),
});

/** Names like `ggufWeights`, where rows of queries and keys are interleaved pair by pair in each head. Of the config only the numbers of heads are read. */
export function ggufPairs(c: JsonNode): Names {
  const { H, G } = llamaDims(c);
  return ggufWeights({ 'self_attn.in_proj': { name: 'attn_{q,k,v}', layout: pairs(H, G) } });
}
