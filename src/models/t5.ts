/**
 * T5 (Raffel et al., arXiv 1910.10683), plain and gated (v1.1, Flan): pre-norm layers with root-mean-square norms and no biases, attention without a scale, and a bias for
 * relative positions that all layers of a stack share.
 */
import type { JsonNode } from '../io/json.js';
import {
  activationOf,
  defineArchitecture,
  type EncoderDecoderChoices,
  type EncoderDecoderDims,
  MOST_LAYERS,
  type Names,
  numberIn,
  probabilityIn,
  sizeIn,
} from './architecture.js';
import { EncoderDecoder } from './encoder_decoder.js';

/** A size that a config may leave out. */
const sizeOr = (c: JsonNode, key: string, absent: number) => (c.get(key) === undefined ? absent : sizeIn(c, key));

/** Two spellings: `gated-gelu` means the tanh approximation. */
function feedForwardOf(c: JsonNode) {
  const [first = '', second] = c.string('feed_forward_proj', 'relu').split('-');
  const gated = first === 'gated';
  const name = gated ? (second ?? '') : first;
  return { gated, activation: activationOf(c, 'feed_forward_proj', gated && name === 'gelu' ? 'gelu_new' : name) };
}

const attention = (own: string, theirs: string) => ({
  [`${own}.in_proj_weight`]: ['q', 'k', 'v'].map((part) => `${theirs}.${part}.weight`),
  [`${own}.out_proj.weight`]: `${theirs}.o.weight`,
});

/** Sublayers of a block are numbered: the feed-forward one is the last. The plain one has no second matrix to tell its first from. */
const feedForward = (side: string, sublayer: number, gated: boolean) => {
  const [own, theirs] = [`transformer.${side}.layers.{l}`, `${side}.block.{l}.layer.${sublayer}`];
  return {
    [`${own}.linear1.weight`]: `${theirs}.DenseReluDense.${gated ? 'wi_0' : 'wi'}.weight`,
    [`${own}.linear3.weight`]: `${theirs}.DenseReluDense.wi_1.weight`,
    [`${own}.linear2.weight`]: `${theirs}.DenseReluDense.wo.weight`,
    [`${own}.norm${sublayer + 1}.weight`]: `${theirs}.layer_norm.weight`,
  };
};

const relative = 'SelfAttention.relative_attention_bias.weight';

const t5Weights = (c: JsonNode): Names => ({
  'embedding.weight': 'shared.weight',
  'encoder_positions.weight': `encoder.block.0.layer.0.${relative}`,
  'decoder_positions.weight': `decoder.block.0.layer.0.${relative}`,
  ...attention('transformer.encoder.layers.{l}.self_attn', 'encoder.block.{l}.layer.0.SelfAttention'),
  ...attention('transformer.decoder.layers.{l}.self_attn', 'decoder.block.{l}.layer.0.SelfAttention'),
  ...attention('transformer.decoder.layers.{l}.multihead_attn', 'decoder.block.{l}.layer.1.EncDecAttention'),
  'transformer.encoder.layers.{l}.norm1.weight': 'encoder.block.{l}.layer.0.layer_norm.weight',
  'transformer.decoder.layers.{l}.norm1.weight': 'decoder.block.{l}.layer.0.layer_norm.weight',
  'transformer.decoder.layers.{l}.norm2.weight': 'decoder.block.{l}.layer.1.layer_norm.weight',
  ...feedForward('encoder', 1, feedForwardOf(c).gated),
  ...feedForward('decoder', 2, feedForwardOf(c).gated),
  'transformer.encoder.norm.weight': 'encoder.final_layer_norm.weight',
  'transformer.decoder.norm.weight': 'decoder.final_layer_norm.weight',
  'lm_head.weight': 'lm_head.weight',
});

export const t5 = /* @__PURE__ */ defineArchitecture<EncoderDecoderDims, EncoderDecoderChoices>({
  name: 't5',
  module: EncoderDecoder,
  dims: (c) => {
    const [L, V] = [sizeIn(c, 'num_layers', MOST_LAYERS), sizeIn(c, 'vocab_size')];
    const stack = { H: sizeIn(c, 'num_heads'), D: sizeIn(c, 'd_kv'), F: sizeIn(c, 'd_ff') };
    return {
      ...{ C: sizeIn(c, 'd_model'), V, sourceV: V },
      encoder: { L, ...stack },
      decoder: { L: c.get('num_decoder_layers') === undefined ? L : sizeIn(c, 'num_decoder_layers', MOST_LAYERS), ...stack },
      positions: Number.POSITIVE_INFINITY,
      eps: numberIn(c, 'layer_norm_epsilon', 1e-6),
    };
  },
  block: (c, checkpoint) => {
    // Transformers 4 says so by what it ties; 5 has a name for it, and calls all of them tied, also those whose checkpoint has a head.
    const scaled = c.boolean('scale_decoder_outputs', c.boolean('tie_word_embeddings', true));
    return {
      ...{ place: 'pre', norm: 'rms', bias: false, finalNorm: true, attentionScale: 1, ...feedForwardOf(c) },
      positions: {
        kind: 'relative',
        buckets: sizeOr(c, 'relative_attention_num_buckets', 32),
        maxDistance: sizeOr(c, 'relative_attention_max_distance', 128),
      },
      padding: c.integer('pad_token_id', sizeIn(c, 'vocab_size') - 1),
      ...{ shared: true, tied: scaled || !checkpoint.has('lm_head.weight') },
      logitsScale: scaled ? 1 / Math.sqrt(sizeIn(c, 'd_model')) : 1,
      dropout: probabilityIn(c, 'dropout_rate', 0),
    };
  },
  weights: t5Weights,
  ignored: [/^(encoder|decoder)\.embed_tokens\.weight$/, /^lm_head\.weight$/, /EncDecAttention\.relative_attention_bias\.weight$/],
});
