/** What BERT's descendants have in common with it: the keys of their configs, the names of their weights. */
import { quote } from '../io/header.js';
import type { JsonNode } from '../io/json.js';
import type { Activation } from '../ops/activation.js';
import type { EncoderChoices, EncoderDims, HeadChoices } from './architecture.js';
import { activationOf, headsIn, MOST_LAYERS, numberIn, probabilityIn, sizeIn, unsupported } from './config.js';

/** Sizes, but for the number of types. */
export const bertDims = (c: JsonNode): Omit<EncoderDims, 'types'> => ({
  C: sizeIn(c, 'hidden_size'),
  L: sizeIn(c, 'num_hidden_layers', MOST_LAYERS),
  H: headsIn(c, 'num_attention_heads', 'hidden_size'),
  F: sizeIn(c, 'intermediate_size'),
  V: sizeIn(c, 'vocab_size'),
  positions: sizeIn(c, 'max_position_embeddings'),
  eps: numberIn(c, 'layer_norm_eps', 1e-12),
});

/** How many types of tokens there are. */
export const typesIn = (c: JsonNode): number => sizeIn(c, 'type_vocab_size');

/** Post-norm blocks. Throws UNSUPPORTED for positions and decoders that are not BERT's. */
export function bertChoices(c: JsonNode): EncoderChoices {
  const positions = c.string('position_embedding_type', 'absolute');
  if (positions !== 'absolute')
    throw unsupported(c, 'position_embedding_type', `${quote(positions)} positions, and heed has absolute ones only`);
  for (const key of ['is_decoder', 'add_cross_attention'])
    if (c.boolean(key, false)) throw unsupported(c, key, 'a decoder, and this is an encoder');
  return {
    ...{ place: 'post', activation: activationOf(c, 'hidden_act'), dropout: hiddenDropout(c), activationDropout: 0 },
    attentionDropout: probabilityIn(c, 'attention_probs_dropout_prob', 0.1),
  };
}

/** Embeddings, layers and pooler. */
export const bertWeights = {
  'embeddings.word': 'embeddings.word_embeddings',
  'embeddings.position': 'embeddings.position_embeddings',
  'embeddings.type': 'embeddings.token_type_embeddings',
  'embeddings.norm': 'embeddings.LayerNorm',
  'layers.{l}.self_attn.in_proj': 'encoder.layer.{l}.attention.self.{query,key,value}',
  'layers.{l}.self_attn.out_proj': 'encoder.layer.{l}.attention.output.dense',
  'layers.{l}.norm1': 'encoder.layer.{l}.attention.output.LayerNorm',
  'layers.{l}.linear1': 'encoder.layer.{l}.intermediate.dense',
  'layers.{l}.linear2': 'encoder.layer.{l}.output.dense',
  'layers.{l}.norm2': 'encoder.layer.{l}.output.LayerNorm',
  pooler: 'pooler.dense',
};

/** TensorFlow's names for the parameters of a norm, in the oldest checkpoints. */
export const oldNorms = [
  [/LayerNorm\.gamma$/, 'LayerNorm.weight'],
  [/LayerNorm\.beta$/, 'LayerNorm.bias'],
] as const;

/** Numbers of positions, and heads. */
export const bertIgnored = [/^embeddings\.(position|token_type)_ids$/, /^(cls|lm_head|classifier|qa_outputs)\./];

export const hiddenDropout = (c: JsonNode): number => probabilityIn(c, 'hidden_dropout_prob', 0.1);
export const classifierDropout = (c: JsonNode): number => probabilityIn(c, 'classifier_dropout', hiddenDropout(c));

/** What scores words reads all states through a transform with a norm. */
export const wordScores = (activation: Activation, eps: number): HeadChoices => ({
  reads: 'tokens',
  transform: { activation, norm: { eps } },
});
