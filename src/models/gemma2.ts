/** Gemma 2 (Gemma Team, arXiv 2408.00118): norms that multiply by 1 + w, before and behind sublayers, soft-capped scores, and a sliding window in every other layer. */
import type { JsonNode, JsonObject } from '../io/json.js';
import type { DecoderChoices, DecoderDims, Names } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { numberIn, sizeIn, unsupported } from './config.js';
import { ggufWeights, likeLlama } from './decoder_family.js';
import type { GgufKeys } from './gguf_keys.js';
import { windowsIn } from './layer_types.js';
import { plus } from './layouts.js';

/** A config's null is no bound. */
const boundIn = (c: JsonNode, key: string, absent: number) => (c.value[key] === null ? 0 : numberIn(c, key, absent));

/** Choices of blocks of Gemma 2 and 3. `bounds` are the defaults of soft caps. */
export function gemmaChoices(c: JsonNode, { C }: DecoderDims, bounds = { attention: 50, words: 30 }): Partial<DecoderChoices> {
  return {
    ...{ place: 'both', norm: 'rms1', activation: hiddenActivation(c, 'hidden_activation', 'gelu_pytorch_tanh') },
    ...{ embeddingScale: Math.sqrt(C), attentionScale: sizeIn(c, 'query_pre_attn_scalar', 256) ** -0.5 },
    softCap: boundIn(c, 'attn_logit_softcapping', bounds.attention),
    logitsCap: boundIn(c, 'final_logit_softcapping', bounds.words),
  };
}

/** Names of a layer's four norms. */
export const gemmaNorms: Names = {
  norm1_out: 'post_attention_layernorm',
  norm2: 'pre_feedforward_layernorm',
  norm2_out: 'post_feedforward_layernorm',
};

/** config.json's keys from a GGUF file's, apart from those that all decoders share. Files need not say how queries are scaled: by C / H in the largest model. */
export const gemmaGguf = (keys: GgufKeys, largest: number): JsonObject => {
  const of = (key: string) => keys.number(key) ?? 0;
  const [scale, whole] = [of('attention.scale'), of('block_count') === largest];
  const scalar = whole ? of('embedding_length') / of('attention.head_count') : of('attention.key_length') || 256;
  return {
    ...keys.numbers({ sliding_window: 'attention.sliding_window' }),
    attn_logit_softcapping: keys.number('attn_logit_softcapping') ?? null,
    final_logit_softcapping: keys.number('final_logit_softcapping') ?? null,
    query_pre_attn_scalar: scale ? Math.round(scale ** -2) : scalar,
    ...{ hidden_act: undefined, hidden_activation: 'gelu_pytorch_tanh' },
  };
};

/** Names of the weights in GGUF files, which have norms as their factors 1 + w. */
export const gemmaGgufWeights = (): Names =>
  Object.fromEntries(
    Object.entries(ggufWeights()).map(([key, name]) => [key, /norm/.test(key) ? { name: name as string, layout: plus(1) } : name]),
  );

/** Gemma 2's model_type 'gemma2', for `registerArchitecture`: a decoder. */
export const gemma2 = /* @__PURE__ */ likeLlama('gemma2', {
  absent: { sizes: { vocab_size: 256_000, hidden_size: 2304, intermediate_size: 9216, max_position_embeddings: 8192 }, tied: true },
  block: (c, dims) => {
    if (c.boolean('use_bidirectional_attention', false))
      throw unsupported(c, 'use_bidirectional_attention', 'attention to what comes later');
    return { ...gemmaChoices(c, dims), layer: windowsIn(c, dims.L, 4096, (l) => l % 2 === 0) };
  },
  names: gemmaNorms,
  gguf: { name: 'gemma2', config: (keys) => gemmaGguf(keys, 46), weights: gemmaGgufWeights },
});
