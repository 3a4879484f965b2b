/** DistilBERT (Sanh et al., arXiv 1910.01108): BERT's blocks, half as many, without token types and without a pooler, under names of their own. */
import { defineArchitecture, type EncoderChoices, type EncoderDims } from './architecture.js';
import { hiddenActivation, oldNorms, positionsIn, wordScores } from './bert_family.js';
import { headsIn, layersIn, probabilityIn, sizeIn } from './config.js';
import { Encoder } from './encoder.js';

/** DistilBERT's model_type 'distilbert', for `registerArchitecture`: an encoder. */
export const distilbert = /* @__PURE__ */ defineArchitecture<EncoderDims, EncoderChoices>({
  name: 'distilbert',
  className: 'DistilBert',
  module: Encoder,
  aliases: { hidden_size: 'dim', num_attention_heads: 'n_heads', num_hidden_layers: 'n_layers' },
  dims: (c) => {
    const [C, V] = [sizeIn(c, 'dim', 768), sizeIn(c, 'vocab_size', 30_522)];
    const sizes = { L: layersIn(c, 'n_layers', 6), H: headsIn(c, 'n_heads', 12, C), F: sizeIn(c, 'hidden_dim', 3072) };
    return { C, V, ...sizes, positions: positionsIn(c), types: 0, eps: 1e-12 };
  },
  block: (c) => ({
    ...{ place: 'post', activation: hiddenActivation(c, 'activation'), pooler: false },
    ...{ dropout: probabilityIn(c, 'dropout', 0.1), attentionDropout: probabilityIn(c, 'attention_dropout', 0.1) },
    ...{ activationDropout: 0, attentionOutputDropout: 0 },
  }),
  weights: {
    'embeddings.word': 'embeddings.word_embeddings',
    'embeddings.position': 'embeddings.position_embeddings',
    'embeddings.norm': 'embeddings.LayerNorm',
    'layers.{l}.self_attn.in_proj': 'transformer.layer.{l}.attention.{q_lin,k_lin,v_lin}',
    'layers.{l}.self_attn.out_proj': 'transformer.layer.{l}.attention.out_lin',
    'layers.{l}.norm1': 'transformer.layer.{l}.sa_layer_norm',
    'layers.{l}.linear1': 'transformer.layer.{l}.ffn.lin1',
    'layers.{l}.linear2': 'transformer.layer.{l}.ffn.lin2',
    'layers.{l}.norm2': 'transformer.layer.{l}.output_layer_norm',
  },
  prefixes: ['distilbert.'],
  renamed: oldNorms,
  ignored: [/^embeddings\.position_ids$/, /^(vocab_(transform|layer_norm|projector)|pre_classifier|classifier|qa_outputs)\./],
  heads: {
    SequenceClassification: {
      choices: (c) => ({ reads: 'first', transform: { activation: 'relu' }, dropout: probabilityIn(c, 'seq_classif_dropout', 0.2) }),
      weights: { 'head.dense': 'pre_classifier', 'head.out': 'classifier' },
    },
    TokenClassification: {
      choices: (c) => ({ reads: 'tokens', dropout: probabilityIn(c, 'dropout', 0.1) }),
      weights: { 'head.out': 'classifier' },
    },
    QuestionAnswering: {
      choices: (c) => ({ reads: 'tokens', dropout: probabilityIn(c, 'qa_dropout', 0.1) }),
      weights: { 'head.out': 'qa_outputs' },
    },
    MaskedLM: {
      choices: (c) => wordScores(hiddenActivation(c, 'activation'), 1e-12),
      weights: {
        'head.dense': 'vocab_transform',
        'head.norm': 'vocab_layer_norm',
        'head.out': 'vocab_projector',
        'head.bias': 'vocab_projector.bias',
      },
    },
  },
});
