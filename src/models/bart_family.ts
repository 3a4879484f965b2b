/** What BART and Marian have in common: the keys of their configs, and the names of their weights. */
import type { JsonNode } from '../io/json.js';
import { type CheckpointSummary, type EncoderDecoderChoices, type EncoderDecoderDims, type Names, tiesWords } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { headsIn, layersIn, probabilityIn, sizeIn, unsupported } from './config.js';
import { below } from './names.js';
import { oneTable, tablesOf } from './ties.js';

/** What configs may leave out, and families may have otherwise. */
export interface BartSizes {
  vocab_size: number;
  pad_token_id: number;
}

/** General names for its keys. */
export const bartAliases = { hidden_size: 'd_model', num_attention_heads: 'encoder_attention_heads', num_hidden_layers: 'encoder_layers' };

const widthIn = (c: JsonNode): number => sizeIn(c, 'd_model', 1024);

/** The sizes in configs of the BART family. */
export function bartDims(c: JsonNode, { vocab_size }: BartSizes): EncoderDecoderDims {
  const [C, V] = [widthIn(c), sizeIn(c, 'vocab_size', vocab_size)];
  const stack = (side: string) => {
    const H = headsIn(c, `${side}_attention_heads`, 16, C);
    return { L: layersIn(c, `${side}_layers`, 12), H, D: C / H, F: sizeIn(c, `${side}_ffn_dim`, 4096) };
  };
  const positions = sizeIn(c, 'max_position_embeddings', 1024);
  return { C, V, sourceV: V, encoder: stack('encoder'), decoder: stack('decoder'), positions, eps: 1e-5 };
}

/** One table, or, as the config says, three; transformers 4 had one for both stacks even so. */
function bartTables(c: JsonNode, checkpoint: CheckpointSummary): Pick<EncoderDecoderChoices, 'tables' | 'compared'> {
  if (tiesWords(c)) return tablesOf(checkpoint);
  const own = <Name extends string>(module: Name, side: string) =>
    checkpoint.has(`${side}.embed_tokens.weight`) ? module : ('embedding' as const);
  return { tables: { source: own('encoder_embedding', 'encoder'), target: own('decoder_embedding', 'decoder'), output: 'lm_head' } };
}

export const bartTies = (c: JsonNode) => (tiesWords(c) ? oneTable('lm_head', 'decoder_embedding', 'encoder_embedding') : []);

/** What the family has in common. */
export function bartChoices(c: JsonNode, checkpoint: CheckpointSummary, sizes: BartSizes): Omit<EncoderDecoderChoices, 'positions'> {
  for (const key of ['normalize_before', 'add_final_layer_norm'])
    if (c.boolean(key, false)) throw unsupported(c, key, "pre-norm layers, and heed's BART has post-norm ones");
  return {
    ...{ place: 'post', activation: hiddenActivation(c, 'activation_function') },
    embeddingScale: c.boolean('scale_embedding', false) ? Math.sqrt(widthIn(c)) : 1,
    padding: c.integer('pad_token_id', sizeIn(c, 'vocab_size', sizes.vocab_size) - 1, sizes.pad_token_id),
    ...bartTables(c, checkpoint),
    logitsBias: true,
    dropout: probabilityIn(c, 'dropout', 0.1),
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

/** What is tied to tables that are not, sinusoids, numbers of versions, and heads of other tasks. */
export const bartIgnored = [
  ...[/\.embed_(tokens|positions)\.weight$/, /^shared\.weight$/, /^(encoder|decoder)\.version$/],
  ...[/^classification_head\./, /^qa_outputs\./],
];
