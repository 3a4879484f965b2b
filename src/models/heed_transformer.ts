/**
 * heed's own translator: the Transformer of Vaswani et al. 2017 with pre-norm layers, one embedding for source, target and output, and sinusoidal positions.
 * model_type `heed-transformer`; state-dict keys are torch's:  embedding.weight, transformer.encoder.layers.0 …
 *
 *   h = √C · embedding[ids] + positions,   logits = decoder(h_tgt, encoder(h_src)) · embeddingᵀ
 */
import type { Engine } from '../engine/engine.js';
import { normal } from '../nn/init.js';
import { Dropout, Embedding } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { sinusoids } from '../nn/positions.js';
import { Transformer } from '../nn/stacks.js';
import { add, scale } from '../ops/elementwise.js';
import { embedding } from '../ops/embedding.js';
import { linear } from '../ops/matmul.js';
import type { Random } from '../random.js';
import type { Tensor } from '../tensor.js';

export interface HeedTransformerConfig {
  vocab_size: number;
  d_model: number;
  num_heads: number;
  encoder_layers: number;
  decoder_layers: number;
  ffn_dim: number;
  pad_token_id: number;
  /** In training. Default 0. */
  dropout?: number;
}

export class HeedTransformer extends Module {
  readonly embedding: Embedding;
  readonly transformer: Transformer;
  readonly dropout: Dropout;

  constructor(
    engine: Engine,
    readonly config: HeedTransformerConfig,
  ) {
    super(engine);
    const { vocab_size: V, d_model: C, num_heads, encoder_layers, decoder_layers, ffn_dim, dropout = 0 } = config;
    this.embedding = this.child('embedding', new Embedding(engine, V, C));
    this.transformer = this.child(
      'transformer',
      new Transformer(engine, {
        ...{ dModel: C, nhead: num_heads, numEncoderLayers: encoder_layers, numDecoderLayers: decoder_layers },
        ...{ dimFeedforward: ffn_dim, normFirst: true, batchFirst: true, dropout },
      }),
    );
    this.dropout = this.child('dropout', new Dropout(engine, dropout));
  }

  protected override initParameter(name: string, parameter: Parameter, random: Random): void {
    if (name.startsWith('transformer.')) this.transformer.initOwn(parameter, random);
    else parameter.init(random, normal(1 / Math.sqrt(this.config.d_model)));
  }

  /** ids [B, T] → [B, T, C] */
  #embed(ids: Tensor): Tensor {
    const { d_model: C, pad_token_id: paddingIdx } = this.config;
    const rows = embedding(ids, this.embedding.weight.tensor, { paddingIdx });
    return this.dropout.forward(add(scale(rows, Math.sqrt(C)), sinusoids(this.engine, ids.dim(1), C)));
  }

  /** source [B, S], target [B, T] int32, the sources' lengths → logits [B, T, V]. Targets may be padded: what they are padded with is not seen. */
  forward(source: Tensor, target: Tensor, lengths?: readonly number[]): Tensor {
    return this.engine.scope(() => {
      const padding = { lengths };
      const masks = { src: padding, tgt: { isCausal: true }, memory: padding };
      const states = this.transformer.forward(this.#embed(source), this.#embed(target), masks);
      return linear(states, this.embedding.weight.tensor);
    });
  }
}
