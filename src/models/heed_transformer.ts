/**
 * heed's own translator: the Transformer of Vaswani et al. 2017 with pre-norm layers, one embedding for source, target and output, and sinusoidal positions.
 * model_type `heed-transformer`; state-dict keys are torch's:  embedding.weight, transformer.encoder.layers.0 …
 *
 *   h = √C · embedding[ids] + positions,   logits = decoder(h_tgt, encoder(h_src)) · embeddingᵀ
 */
import type { Engine } from '../engine/engine.js';
import { JsonNode } from '../io/json.js';
import { sinusoidal } from '../nn/positions.js';
import { defineArchitecture, type EncoderDecoderChoices, type EncoderDecoderDims } from './architecture.js';
import { headsIn, layersIn, probabilityIn, sizeIn } from './config.js';
import { EncoderDecoder } from './encoder_decoder.js';
import { type SaveOptions, save_pretrained } from './save.js';

/** A HeedTransformer's sizes and tokens, as its config.json has them. */
export interface HeedTransformerConfig {
  /** Tokens of the vocabulary, which source and target share. */
  vocab_size: number;
  /** Channels. */
  d_model: number;
  /** Heads of each attention; they divide the channels. */
  num_heads: number;
  /** Blocks that read the source. */
  encoder_layers: number;
  /** Blocks that write the target. */
  decoder_layers: number;
  /** Channels between a block's two products. */
  ffn_dim: number;
  /** The token that fills rows up, and counts for nothing. */
  pad_token_id: number;
  /** Token that the decoder starts with where there is no decoder_start_token_id. */
  bos_token_id?: number;
  /** Token that ends a generated text. */
  eos_token_id?: number;
  /** Token that the decoder starts with. */
  decoder_start_token_id?: number;
  /** Dropout in training, as a share. Default 0. */
  dropout?: number;
  /** Largest number of tokens of a row. Default: no limit. */
  max_position_embeddings?: number;
}

/** heed's own model_type, for `registerArchitecture`: an encoder-decoder as `heed train` makes it. */
export const heedTransformer = /* @__PURE__ */ defineArchitecture<EncoderDecoderDims, EncoderDecoderChoices>({
  name: 'heed-transformer',
  module: EncoderDecoder,
  dims: (c) => {
    const [C, H, F, V] = [
      sizeIn(c, 'd_model'),
      headsIn(c, 'num_heads', undefined, sizeIn(c, 'd_model')),
      sizeIn(c, 'ffn_dim'),
      sizeIn(c, 'vocab_size'),
    ];
    const stack = (layers: string) => ({ L: layersIn(c, layers), H, D: C / H, F });
    const positions = c.get('max_position_embeddings') === undefined ? Number.POSITIVE_INFINITY : sizeIn(c, 'max_position_embeddings');
    return { C, V, sourceV: V, encoder: stack('encoder_layers'), decoder: stack('decoder_layers'), positions, eps: 1e-5 };
  },
  block: (c) => ({
    ...{ place: 'pre', activation: 'relu', finalNorm: true },
    positions: sinusoidal('interleaved'),
    embeddingScale: Math.sqrt(sizeIn(c, 'd_model')),
    padding: c.integer('pad_token_id', sizeIn(c, 'vocab_size') - 1),
    tables: { source: 'embedding', target: 'embedding', output: 'embedding' },
    dropout: probabilityIn(c, 'dropout', 0),
  }),
});

/** A translator to be trained. Loaded ones are the same module without a config. */
export class HeedTransformer extends EncoderDecoder {
  /** The model's config.json. */
  readonly config: HeedTransformerConfig & {
    /** 'heed-transformer'. */
    readonly model_type: string;
  };

  constructor(engine: Engine, config: HeedTransformerConfig) {
    const node = JsonNode.of('config', config);
    super(engine, heedTransformer.dims(node), heedTransformer.block(node, { tensors: 0, has: () => false, apart: () => false }));
    this.config = { model_type: heedTransformer.name, ...config };
  }

  /** Writes weights, config.json, and a tokenizer where one is given, into a folder that AutoModelForSeq2SeqLM loads. Throws as `save_pretrained` of heed/train does. */
  async save_pretrained(folder: string, options: Pick<SaveOptions, 'dtype' | 'tokenizer'> = {}): Promise<void> {
    await save_pretrained(this, folder, options);
  }
}
