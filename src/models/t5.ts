/**
 * T5 (Raffel et al., arXiv 1910.10683), plain and gated (v1.1, Flan): pre-norm layers with root-mean-square norms and no biases, attention without a scale, and a bias for
 * relative positions that all layers of a stack share.
 */
import type { JsonNode } from '../io/json.js';
import { below, defineArchitecture, type EncoderDecoderChoices, type EncoderDecoderDims, type Names } from './architecture.js';
import { activationOf, MOST_LAYERS, numberIn, probabilityIn, sizeIn, sizeOr } from './config.js';
import { EncoderDecoder } from './encoder_decoder.js';

/** Two spellings: `gated-gelu` means the tanh approximation. */
function feedForwardOf(c: JsonNode) {
  const [, gated, name = ''] = /^(gated-)?(.*)$/.exec(c.string('feed_forward_proj', 'relu')) ?? [];
  return { gated: gated !== undefined, activation: activationOf(c, 'feed_forward_proj', gated && name === 'gelu' ? 'gelu_new' : name) };
}

/** A stack's layers: numbered sublayers, of which number n, the last, is feed-forward. */
const layers = (c: JsonNode, side: string, attention: Names, n: number): Names => ({
  [`${side}_positions`]: `${side}.block.0.layer.0.SelfAttention.relative_attention_bias`,
  ...below(`transformer.${side}.layers.{l}`, `${side}.block.{l}.layer`, {
    ...{ 'self_attn.in_proj': '0.SelfAttention.{q,k,v}', 'self_attn.out_proj': '0.SelfAttention.o', norm1: '0.layer_norm', ...attention },
    linear1: `${n}.DenseReluDense.${feedForwardOf(c).gated ? 'wi_0' : 'wi'}`,
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

export const t5 = /* @__PURE__ */ defineArchitecture<EncoderDecoderDims, EncoderDecoderChoices>({
  name: 't5',
  module: EncoderDecoder,
  dims: (c) => {
    const [L, V] = [sizeIn(c, 'num_layers', MOST_LAYERS), sizeIn(c, 'vocab_size')];
    const stack = { H: sizeIn(c, 'num_heads'), D: sizeIn(c, 'd_kv'), F: sizeIn(c, 'd_ff') };
    const decoder = { L: sizeOr(c, 'num_decoder_layers', L, MOST_LAYERS), ...stack };
    const [positions, eps] = [Number.POSITIVE_INFINITY, numberIn(c, 'layer_norm_epsilon', 1e-6)];
    return { C: sizeIn(c, 'd_model'), V, sourceV: V, encoder: { L, ...stack }, decoder, positions, eps };
  },
  block: (c, checkpoint) => {
    // Transformers 4 says so by what it ties; 5 has a name for it, and calls all of them tied, also those whose checkpoint has a head.
    const scaled = c.boolean('scale_decoder_outputs', c.boolean('tie_word_embeddings', true));
    const [buckets, maxDistance] = [sizeOr(c, 'relative_attention_num_buckets', 32), sizeOr(c, 'relative_attention_max_distance', 128)];
    return {
      ...{ place: 'pre', norm: 'rms', bias: false, finalNorm: true, attentionScale: 1, ...feedForwardOf(c) },
      padding: c.integer('pad_token_id', sizeIn(c, 'vocab_size') - 1),
      ...{ positions: { kind: 'relative', buckets, maxDistance }, shared: true, tied: scaled || !checkpoint.has('lm_head.weight') },
      logitsScale: scaled ? 1 / Math.sqrt(sizeIn(c, 'd_model')) : 1,
      dropout: probabilityIn(c, 'dropout_rate', 0),
    };
  },
  weights: (c) => ({ embedding: 'shared', ...layers(c, 'encoder', {}, 1), ...layers(c, 'decoder', toEncoder, 2), lm_head: 'lm_head' }),
  ignored: [/^(encoder|decoder)\.embed_tokens\.weight$/, /^lm_head\.weight$/, /EncDecAttention\.relative_attention_bias\.weight$/],
});
