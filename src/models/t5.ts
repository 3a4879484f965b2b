/**
 * T5 (Raffel et al., arXiv 1910.10683), plain and gated (v1.1, Flan): pre-norm layers with root-mean-square norms and no biases, attention without a scale, and a bias for
 * relative positions that all layers of a stack share.
 */
import type { JsonNode } from '../io/json.js';
import { type BiasMaker, RelativeBias } from '../nn/positions.js';
import { defineArchitecture, type EncoderDecoderChoices, type EncoderDecoderDims, type Names } from './architecture.js';
import { activationOf, layersIn, numberIn, probabilityIn, sizeIn } from './config.js';
import { EncoderDecoder } from './encoder_decoder.js';
import { below } from './names.js';
import { oneTable, tablesOf } from './ties.js';

/** Two spellings: `gated-gelu` means the tanh approximation. */
function feedForwardOf(c: JsonNode, absent: string) {
  const [, gated, name = ''] = /^(gated-)?(.*)$/.exec(c.string('feed_forward_proj', absent)) ?? [];
  return { gated: gated !== undefined, activation: activationOf(c, 'feed_forward_proj', gated && name === 'gelu' ? 'gelu_new' : name) };
}

/** Distances in buckets. */
function relativeOf(c: JsonNode): BiasMaker {
  const buckets = sizeIn(c, 'relative_attention_num_buckets', 32);
  const maxDistance = sizeIn(c, 'relative_attention_max_distance', 128);
  return (engine, H, bidirectional) => new RelativeBias(engine, H, { buckets, maxDistance, bidirectional });
}

/** A stack's layers: numbered sublayers, of which number n, the last, is feed-forward. */
const layers = (gated: boolean, side: string, attention: Names, n: number): Names => ({
  [`${side}_positions`]: `${side}.block.0.layer.0.SelfAttention.relative_attention_bias`,
  ...below(`transformer.${side}.layers.{l}`, `${side}.block.{l}.layer`, {
    ...{ 'self_attn.in_proj': '0.SelfAttention.{q,k,v}', 'self_attn.out_proj': '0.SelfAttention.o', norm1: '0.layer_norm', ...attention },
    linear1: `${n}.DenseReluDense.${gated ? 'wi_0' : 'wi'}`,
    linear3: `${n}.DenseReluDense.wi_1`,
    linear2: `${n}.DenseReluDense.wo`,
    [`norm${n + 1}`]: `${n}.layer_norm`,
  }),
  [`transformer.${side}.norm`]: `${side}.final_layer_norm`,
});
const toEncoder = {
  'multihead_attn.in_proj': '1.EncDecAttention.{q,k,v}',
  'multihead_attn.out_proj': '1.EncDecAttention.o',
  norm2: '1.layer_norm',
};

/** Defaults of config keys. */
interface T5Sizes {
  vocab_size: number;
  d_ff: number;
  num_layers: number;
  num_heads: number;
  feed_forward_proj: string;
}

/** Architecture of T5 under a given name. `scaled`: whether the config says that states are multiplied by 1 / √C before the scores. */
const likeT5 = (name: string, sizes: T5Sizes, scaled: (c: JsonNode) => boolean) =>
  defineArchitecture<EncoderDecoderDims, EncoderDecoderChoices>({
    name,
    module: EncoderDecoder,
    aliases: { hidden_size: 'd_model', num_attention_heads: 'num_heads', num_hidden_layers: 'num_layers', head_dim: 'd_kv' },
    dims: (c) => {
      const [L, V] = [layersIn(c, 'num_layers', sizes.num_layers), sizeIn(c, 'vocab_size', sizes.vocab_size)];
      const stack = { H: sizeIn(c, 'num_heads', sizes.num_heads), D: sizeIn(c, 'd_kv', 64), F: sizeIn(c, 'd_ff', sizes.d_ff) };
      const decoder = { L: layersIn(c, 'num_decoder_layers', L), ...stack };
      const [positions, eps] = [Number.POSITIVE_INFINITY, numberIn(c, 'layer_norm_epsilon', 1e-6)];
      return { C: widthIn(c), V, sourceV: V, encoder: { L, ...stack }, decoder, positions, eps };
    },
    block: (c, checkpoint) => ({
      ...{ place: 'pre', norm: 'rms', bias: false, finalNorm: true, attentionScale: 1, ...feedForwardOf(c, sizes.feed_forward_proj) },
      padding: c.integer('pad_token_id', sizeIn(c, 'vocab_size', sizes.vocab_size) - 1, 0),
      relative: relativeOf(c),
      ...tablesOf(checkpoint),
      logitsScale: scaled(c) ? 1 / Math.sqrt(widthIn(c)) : 1,
      dropout: probabilityIn(c, 'dropout_rate', 0.1),
    }),
    weights: (c) => {
      const { gated } = feedForwardOf(c, sizes.feed_forward_proj);
      const tables = { encoder_embedding: 'encoder.embed_tokens', decoder_embedding: 'decoder.embed_tokens', lm_head: 'lm_head' };
      return { embedding: 'shared', ...tables, ...layers(gated, 'encoder', {}, 1), ...layers(gated, 'decoder', toEncoder, 2) };
    },
    // Tied, whatever the config's setting.
    ties: () => oneTable('encoder_embedding', 'decoder_embedding', 'lm_head'),
    ignored: [/EncDecAttention\.relative_attention_bias\.weight$/],
  });

const widthIn = (c: JsonNode): number => sizeIn(c, 'd_model', 512);

/** T5's model_type 't5', for `registerArchitecture`: an encoder-decoder. */
export const t5 = /* @__PURE__ */ likeT5(
  't5',
  { vocab_size: 32_128, d_ff: 2048, num_layers: 6, num_heads: 8, feed_forward_proj: 'relu' },
  // Transformers 4 expresses this by its ties; 5 has a key for it.
  (c) => c.boolean('scale_decoder_outputs', c.boolean('tie_word_embeddings', true)),
);

/** mT5 (Xue et al., arXiv 2010.11934): T5 v1.1 for a hundred languages. */
export const mt5 = /* @__PURE__ */ likeT5(
  'mt5',
  { vocab_size: 250_112, d_ff: 1024, num_layers: 8, num_heads: 6, feed_forward_proj: 'gated-gelu' },
  () => false,
);
