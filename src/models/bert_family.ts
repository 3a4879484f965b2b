/** Shared parts of BERT and its descendants: the keys of their configs, the names of their weights. */
import { quote } from '../io/header.js';
import type { JsonNode } from '../io/json.js';
import type { Activation } from '../ops/activation.js';
import type { EncoderChoices, EncoderDims, HeadChoices } from './architecture.js';
import { activationOf, headsIn, layersIn, numberIn, probabilityIn, sizeIn, unsupported } from './config.js';

/** Defaults of config keys: transformers' BertConfig. */
const bertSizes = { vocab_size: 30_522, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12, intermediate_size: 3072 };

/** Sizes except the number of token types, with a family's defaults. */
export function bertDims(
  c: JsonNode,
  own: Partial<typeof bertSizes> & { max_position_embeddings?: number } = {},
): Omit<EncoderDims, 'types'> {
  const absent = { ...bertSizes, ...own };
  const C = sizeIn(c, 'hidden_size', absent.hidden_size);
  return {
    ...{ C, L: layersIn(c, 'num_hidden_layers', absent.num_hidden_layers) },
    H: headsIn(c, 'num_attention_heads', absent.num_attention_heads, C),
    F: sizeIn(c, 'intermediate_size', absent.intermediate_size),
    V: sizeIn(c, 'vocab_size', absent.vocab_size),
    positions: positionsIn(c, own.max_position_embeddings),
    eps: numberIn(c, 'layer_norm_eps', 1e-12),
  };
}

/** Rows of a table of positions. */
export const positionsIn = (c: JsonNode, absent = 512): number => sizeIn(c, 'max_position_embeddings', absent);

/** Number of token types. */
export const typesIn = (c: JsonNode): number => sizeIn(c, 'type_vocab_size', 2);

export const hiddenActivation = (c: JsonNode, key = 'hidden_act', absent = 'gelu'): Activation =>
  activationOf(c, key, c.string(key, absent));

/** Post-norm blocks. Throws UNSUPPORTED for positions and decoders that are not BERT's. */
export function bertChoices(c: JsonNode): EncoderChoices {
  const positions = c.string('position_embedding_type', 'absolute');
  if (positions !== 'absolute')
    throw unsupported(c, 'position_embedding_type', `${quote(positions)} positions, and heed has absolute ones only`);
  for (const key of ['is_decoder', 'add_cross_attention'])
    if (c.boolean(key, false)) throw unsupported(c, key, 'a decoder, and this is an encoder');
  return {
    ...{ place: 'post', activation: hiddenActivation(c), dropout: hiddenDropout(c), activationDropout: 0 },
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

/** Head that scores words: reads all states through a transform with a norm. */
export const wordScores = (activation: Activation, eps: number): HeadChoices => ({
  reads: 'tokens',
  transform: { activation, norm: { eps } },
});
