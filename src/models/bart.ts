/**
 * BART (Lewis et al., arXiv 1910.13461): post-norm layers, learned positions, a norm behind the embeddings, one embedding for source, target and output.
 */
import type { JsonNode } from '../io/json.js';
import {
  activationOf,
  defineArchitecture,
  type EncoderDecoderChoices,
  type EncoderDecoderDims,
  headsIn,
  MOST_LAYERS,
  type Names,
  probabilityIn,
  sizeIn,
  unsupported,
} from './architecture.js';
import { EncoderDecoder } from './encoder_decoder.js';

/** The sizes in configs of the BART family; there is one vocabulary unless `decoder_vocab_size` tells of another. */
export function bartDims(c: JsonNode): EncoderDecoderDims {
  const [C, sourceV] = [sizeIn(c, 'd_model'), sizeIn(c, 'vocab_size')];
  const stack = (side: string) => {
    const H = headsIn(c, `${side}_attention_heads`, 'd_model');
    return { L: sizeIn(c, `${side}_layers`, MOST_LAYERS), H, D: C / H, F: sizeIn(c, `${side}_ffn_dim`) };
  };
  const V = c.get('decoder_vocab_size') === undefined ? sourceV : sizeIn(c, 'decoder_vocab_size');
  const positions = sizeIn(c, 'max_position_embeddings');
  return { C, V, sourceV, encoder: stack('encoder'), decoder: stack('decoder'), positions, eps: 1e-5 };
}

/** What the family has in common. */
export function bartChoices(c: JsonNode): Omit<EncoderDecoderChoices, 'positions'> {
  for (const key of ['normalize_before', 'add_final_layer_norm'])
    if (c.boolean(key, false)) throw unsupported(c, key, "pre-norm layers, and heed's BART has post-norm ones");
  return {
    ...{ place: 'post', activation: activationOf(c, 'activation_function') },
    embeddingScale: c.boolean('scale_embedding', false) ? Math.sqrt(sizeIn(c, 'd_model')) : 1,
    padding: c.integer('pad_token_id', sizeIn(c, 'vocab_size') - 1),
    shared: c.boolean('share_encoder_decoder_embeddings', true),
    tied: c.boolean('tie_word_embeddings', true),
    logitsBias: true,
    dropout: probabilityIn(c, 'dropout', 0),
    attentionDropout: probabilityIn(c, 'attention_dropout', 0),
    activationDropout: probabilityIn(c, 'activation_dropout', 0),
  };
}

/** A linear layer's or a norm's parameters, and their names in a checkpoint. */
const plain = (own: string, theirs: string): Names => ({ [`${own}.weight`]: `${theirs}.weight`, [`${own}.bias`]: `${theirs}.bias` });

const projections = (theirs: string, part: string) => ['q_proj', 'k_proj', 'v_proj'].map((name) => `${theirs}.${name}.${part}`);

const attention = (own: string, theirs: string): Names => ({
  [`${own}.in_proj_weight`]: projections(theirs, 'weight'),
  [`${own}.in_proj_bias`]: projections(theirs, 'bias'),
  ...plain(`${own}.out_proj`, `${theirs}.out_proj`),
});

/** Modules of a side's layers, and their names in a checkpoint. */
const layers = (side: string, modules: Readonly<Record<string, string>>): Names =>
  Object.assign(
    {},
    ...Object.entries(modules).map(([own, theirs]) =>
      (own.endsWith('attn') ? attention : plain)(`transformer.${side}.layers.{l}.${own}`, `${side}.layers.{l}.${theirs}`),
    ),
  );

const feedForward = { linear1: 'fc1', linear2: 'fc2' };

/** The family's weights. */
export const bartWeights = (): Names => ({
  'embedding.weight': 'shared.weight',
  'encoder_embedding.weight': 'encoder.embed_tokens.weight',
  'decoder_embedding.weight': 'decoder.embed_tokens.weight',
  'encoder_positions.weight': 'encoder.embed_positions.weight',
  'decoder_positions.weight': 'decoder.embed_positions.weight',
  ...plain('encoder_embedding_norm', 'encoder.layernorm_embedding'),
  ...plain('decoder_embedding_norm', 'decoder.layernorm_embedding'),
  ...layers('encoder', { self_attn: 'self_attn', norm1: 'self_attn_layer_norm', ...feedForward, norm2: 'final_layer_norm' }),
  ...layers('decoder', { self_attn: 'self_attn', norm1: 'self_attn_layer_norm', multihead_attn: 'encoder_attn' }),
  ...layers('decoder', { norm2: 'encoder_attn_layer_norm', ...feedForward, norm3: 'final_layer_norm' }),
  'lm_head.weight': 'lm_head.weight',
  final_logits_bias: 'final_logits_bias',
});

/** Copies of what is tied, sinusoids, and heads of other tasks. */
export const bartIgnored = [/\.embed_(tokens|positions)\.weight$/, /^lm_head\.weight$/, /^classification_head\./, /^qa_outputs\./];

export const bart = /* @__PURE__ */ defineArchitecture<EncoderDecoderDims, EncoderDecoderChoices>({
  name: 'bart',
  module: EncoderDecoder,
  dims: bartDims,
  block: (c) => ({ ...bartChoices(c), positions: { kind: 'learned', offset: 2 }, embeddingNorm: true }),
  weights: bartWeights,
  prefixes: ['model.'],
  ignored: bartIgnored,
  optional: ['final_logits_bias'],
});
