/** What BART and Marian have in common: the keys of their configs, and the names of their weights. */
import type { JsonNode } from '../io/json.js';
import { below, type EncoderDecoderChoices, type EncoderDecoderDims, type Names } from './architecture.js';
import { activationOf, headsIn, MOST_LAYERS, probabilityIn, sizeIn, sizeOr, unsupported } from './config.js';

/** The sizes in configs of the BART family; there is one vocabulary unless `decoder_vocab_size` tells of another. */
export function bartDims(c: JsonNode): EncoderDecoderDims {
  const [C, sourceV] = [sizeIn(c, 'd_model'), sizeIn(c, 'vocab_size')];
  const stack = (side: string) => {
    const H = headsIn(c, `${side}_attention_heads`, 'd_model');
    return { L: sizeIn(c, `${side}_layers`, MOST_LAYERS), H, D: C / H, F: sizeIn(c, `${side}_ffn_dim`) };
  };
  const V = sizeOr(c, 'decoder_vocab_size', sourceV);
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

/** A side's layers: attention to itself, what comes between, and a feed-forward sublayer. */
const layers = (side: string, between: Names, lastNorm: string): Names =>
  below(`transformer.${side}.layers.{l}`, `${side}.layers.{l}`, {
    'self_attn.in_proj': 'self_attn.{q_proj,k_proj,v_proj}',
    'self_attn.out_proj': 'self_attn.out_proj',
    norm1: 'self_attn_layer_norm',
    ...between,
    linear1: 'fc1',
    linear2: 'fc2',
    [lastNorm]: 'final_layer_norm',
  });

const attentionToEncoder = {
  'multihead_attn.in_proj': 'encoder_attn.{q_proj,k_proj,v_proj}',
  'multihead_attn.out_proj': 'encoder_attn.out_proj',
  norm2: 'encoder_attn_layer_norm',
};

export const bartWeights = (): Names => ({
  embedding: 'shared',
  encoder_embedding: 'encoder.embed_tokens',
  decoder_embedding: 'decoder.embed_tokens',
  encoder_positions: 'encoder.embed_positions',
  decoder_positions: 'decoder.embed_positions',
  encoder_embedding_norm: 'encoder.layernorm_embedding',
  decoder_embedding_norm: 'decoder.layernorm_embedding',
  ...layers('encoder', {}, 'norm2'),
  ...layers('decoder', attentionToEncoder, 'norm3'),
  lm_head: 'lm_head',
  final_logits_bias: 'final_logits_bias',
});

/** Copies of what is tied, sinusoids, and heads of other tasks. */
export const bartIgnored = [/\.embed_(tokens|positions)\.weight$/, /^lm_head\.weight$/, /^classification_head\./, /^qa_outputs\./];
