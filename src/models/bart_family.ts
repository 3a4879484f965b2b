/** Shared parts of BART and its descendants: the keys of their configs, and the names of their weights. */
import type { JsonNode } from '../io/json.js';
import {
  type Architecture,
  type CheckpointSummary,
  defineArchitecture,
  type EncoderDecoderChoices,
  type EncoderDecoderDims,
  type Names,
  tiesWords,
} from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { headsIn, layersIn, probabilityIn, sizeIn, unsupported } from './config.js';
import { EncoderDecoder } from './encoder_decoder.js';
import { below } from './names.js';
import { oneTable, tablesOf } from './ties.js';

/** Defaults of config keys in which families differ. */
interface BartAbsent {
  vocab_size: number;
  pad_token_id: number;
  activation_function?: string;
  attention_dropout?: number;
  d_model?: number;
  layers?: number;
  heads?: number;
  ffn_dim?: number;
}

type Seq2Seq = Architecture<EncoderDecoderDims, EncoderDecoderChoices>;

/** Architecture of BART's family under a name: the place of norms, the defaults of config keys, and the choices of blocks. */
export const likeBart = (
  name: string,
  place: 'pre' | 'post',
  absent: BartAbsent,
  own: (c: JsonNode, checkpoint: CheckpointSummary) => Partial<EncoderDecoderChoices>,
  more: Partial<Seq2Seq> = {},
): Seq2Seq =>
  defineArchitecture({
    name,
    module: EncoderDecoder,
    aliases: bartAliases,
    dims: (c) => bartDims(c, absent),
    block: (c, checkpoint) => ({ ...bartChoices(c, checkpoint, place, absent), ...own(c, checkpoint) }),
    weights: bartWeights,
    ties: bartTies,
    prefixes: ['model.'],
    ignored: bartIgnored,
    optional: ['final_logits_bias'],
    ...more,
  });

/** General names for its keys. */
const bartAliases = { hidden_size: 'd_model', num_attention_heads: 'encoder_attention_heads', num_hidden_layers: 'encoder_layers' };

const widthIn = (c: JsonNode, absent = 1024): number => sizeIn(c, 'd_model', absent);

/** The sizes in configs of the BART family. */
export function bartDims(c: JsonNode, { vocab_size, d_model, layers = 12, heads = 16, ffn_dim = 4096 }: BartAbsent): EncoderDecoderDims {
  const [C, V] = [widthIn(c, d_model), sizeIn(c, 'vocab_size', vocab_size)];
  const stack = (side: string) => {
    const H = headsIn(c, `${side}_attention_heads`, heads, C);
    return { L: layersIn(c, `${side}_layers`, layers), H, D: C / H, F: sizeIn(c, `${side}_ffn_dim`, ffn_dim) };
  };
  const positions = sizeIn(c, 'max_position_embeddings', 1024);
  return { C, V, sourceV: V, encoder: stack('encoder'), decoder: stack('decoder'), positions, eps: 1e-5 };
}

/** Tables of embeddings: one or, where the config says so, three; transformers 4 still had one for both stacks. */
function bartTables(c: JsonNode, checkpoint: CheckpointSummary): Pick<EncoderDecoderChoices, 'tables' | 'compared'> {
  if (tiesWords(c)) return tablesOf(checkpoint);
  const own = <Name extends string>(module: Name, side: string) =>
    checkpoint.has(`${side}.embed_tokens.weight`) ? module : ('embedding' as const);
  return { tables: { source: own('encoder_embedding', 'encoder'), target: own('decoder_embedding', 'decoder'), output: 'lm_head' } };
}

export const bartTies = (c: JsonNode) => (tiesWords(c) ? oneTable('lm_head', 'decoder_embedding', 'encoder_embedding') : []);

/** The token for padding. */
export const paddingIn = (c: JsonNode, absent: BartAbsent): number =>
  c.integer('pad_token_id', sizeIn(c, 'vocab_size', absent.vocab_size) - 1, absent.pad_token_id);

/** Choices of the family: layers with norms behind their sublayers, or before them with a final norm behind each stack. */
function bartChoices(c: JsonNode, checkpoint: CheckpointSummary, place: 'pre' | 'post', absent: BartAbsent): EncoderDecoderChoices {
  for (const key of place === 'post' ? ['normalize_before', 'add_final_layer_norm'] : [])
    if (c.boolean(key, false)) throw unsupported(c, key, "pre-norm layers, and heed's BART has post-norm ones");
  return {
    ...{ place, finalNorm: place === 'pre', activation: hiddenActivation(c, 'activation_function', absent.activation_function) },
    embeddingScale: c.boolean('scale_embedding', false) ? Math.sqrt(widthIn(c)) : 1,
    padding: paddingIn(c, absent),
    ...bartTables(c, checkpoint),
    logitsBias: true,
    dropout: probabilityIn(c, 'dropout', 0.1),
    attentionDropout: probabilityIn(c, 'attention_dropout', absent.attention_dropout ?? 0),
    activationDropout: probabilityIn(c, 'activation_dropout', 0),
  };
}

const attentionToEncoder = {
  'multihead_attn.in_proj': 'encoder_attn.{q_proj,k_proj,v_proj}',
  'multihead_attn.out_proj': 'encoder_attn.out_proj',
  norm2: 'encoder_attn_layer_norm',
};

/** Names of one side's layers, `own` before heed's: self-attention, a decoder's attention to the encoder, and a feed-forward sublayer. */
export const bartLayers = (own: string, side: 'encoder' | 'decoder'): Names =>
  below(`${own}layers.{l}`, `${side}.layers.{l}`, {
    'self_attn.in_proj': 'self_attn.{q_proj,k_proj,v_proj}',
    'self_attn.out_proj': 'self_attn.out_proj',
    norm1: 'self_attn_layer_norm',
    ...(side === 'decoder' && attentionToEncoder),
    linear1: 'fc1',
    linear2: 'fc2',
    [side === 'decoder' ? 'norm3' : 'norm2']: 'final_layer_norm',
  });

export const bartWeights = (): Names => ({
  embedding: 'shared',
  encoder_embedding: 'encoder.embed_tokens',
  decoder_embedding: 'decoder.embed_tokens',
  encoder_positions: 'encoder.embed_positions',
  decoder_positions: 'decoder.embed_positions',
  encoder_embedding_norm: 'encoder.layernorm_embedding',
  decoder_embedding_norm: 'decoder.layernorm_embedding',
  'transformer.encoder.norm': 'encoder.layer_norm',
  'transformer.decoder.norm': 'decoder.layer_norm',
  ...bartLayers('transformer.encoder.', 'encoder'),
  ...bartLayers('transformer.decoder.', 'decoder'),
  lm_head: 'lm_head',
  final_logits_bias: 'final_logits_bias',
});

/** Tensors that are ignored: shared tables, sinusoids, version numbers, and heads of other tasks. */
const bartIgnored = [
  ...[/\.embed_(tokens|positions)\.weights?$/, /^shared\.weight$/, /^(encoder|decoder)\.version$/],
  ...[/^classification_head\./, /^qa_outputs\./],
];
