/**
 * The layers of Vaswani et al. 2017, §3.1, with torch.nn's names, options and state-dict keys.
 *
 *   post-norm   x = norm(x + sublayer(x))        pre-norm (normFirst)   x = x + sublayer(norm(x))
 *
 * Sublayers: self-attention, attention to the encoder's memory (decoder only), feed-forward  linear2(activation(linear1(x))).
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import { type Activation, activationCode } from '../ops/activation.js';
import { expectBooleans, wrongArgument } from '../ops/check.js';
import { add } from '../ops/elementwise.js';
import type { Tensor } from '../tensor.js';
import { MultiheadAttention } from './attention.js';
import { Dropout, LayerNorm, Linear } from './layers.js';
import { Module } from './module.js';

export interface TransformerLayerOptions {
  dimFeedforward?: number;
  activation?: Activation;
  layerNormEps?: number;
  /** [B, T, C] instead of PyTorch's default [T, B, C]. */
  batchFirst?: boolean;
  normFirst?: boolean;
  bias?: boolean;
  /** In training, the share that is zeroed of attention weights, of what the activation gives and of each sublayer's output. Default 0, where PyTorch has 0.1. */
  dropout?: number;
}

export const layerOptionNames = ['dimFeedforward', 'activation', 'layerNormEps', 'batchFirst', 'normFirst', 'bias', 'dropout'];

/** Masks of one attention: as MultiheadAttention takes them. */
export interface LayerMasks {
  mask?: Tensor | undefined;
  keyPaddingMask?: Tensor | undefined;
  isCausal?: boolean | undefined;
  lengths?: readonly number[] | undefined;
}

/** Called with the attention weights [B, H, T, S] of a layer's self-attention; asking for them costs a second pass. They are the listener's to free, or the scope's around the call. */
export type WeightsListener = (weights: Tensor) => void;

/** What encoder and decoder layers share: options, the feed-forward sublayer, and where the norm stands. */
abstract class TransformerLayer extends Module {
  protected readonly selfAttn: MultiheadAttention;
  protected readonly linear1: Linear;
  protected readonly linear2: Linear;
  /** Behind the activation. */
  protected readonly dropout: Dropout;
  protected readonly normFirst: boolean;
  protected readonly options: Required<TransformerLayerOptions>;

  constructor(
    engine: Engine,
    readonly dModel: number,
    readonly nhead: number,
    options: TransformerLayerOptions,
  ) {
    super(engine);
    checkOptions(options, layerOptionNames, new.target.name);
    this.options = {
      dimFeedforward: 2048,
      activation: 'relu',
      layerNormEps: 1e-5,
      batchFirst: false,
      normFirst: false,
      bias: true,
      dropout: 0,
      ...options,
    };
    const { dimFeedforward, bias, normFirst, activation, batchFirst } = this.options;
    expectBooleans(new.target.name, { bias, normFirst, batchFirst });
    activationCode(activation); // throws for a name that is none
    this.normFirst = normFirst;
    this.selfAttn = this.child('self_attn', this.attention());
    this.linear1 = this.child('linear1', new Linear(engine, dModel, dimFeedforward, { bias }));
    this.linear2 = this.child('linear2', new Linear(engine, dimFeedforward, dModel, { bias }));
    this.dropout = this.child('dropout', new Dropout(engine, this.options.dropout));
  }

  protected attention(): MultiheadAttention {
    const { bias, batchFirst, dropout } = this.options;
    return new MultiheadAttention(this.engine, this.dModel, this.nhead, { bias, batchFirst, dropout });
  }

  protected norm(name: string): LayerNorm {
    const { layerNormEps: eps, bias } = this.options;
    return this.child(name, new LayerNorm(this.engine, this.dModel, { eps, bias }));
  }

  protected drop(name: string): Dropout {
    return this.child(name, new Dropout(this.engine, this.options.dropout));
  }

  /** One sublayer with its dropout, its residual and its norm on the right side. Where nothing drops, the sublayer's last projection adds the residual. */
  protected sublayer(x: Tensor, norm: LayerNorm, dropout: Dropout, run: (input: Tensor, residual?: Tensor) => Tensor): Tensor {
    const input = this.normFirst ? norm.forward(x) : x;
    const y = dropout.training && dropout.p > 0 ? add(dropout.forward(run(input)), x) : run(input, x);
    return this.normFirst ? y : norm.forward(y);
  }

  protected attendTo(attention: MultiheadAttention, memory: Tensor | undefined, masks: LayerMasks, listen?: WeightsListener) {
    return (x: Tensor, residual?: Tensor): Tensor => {
      const { mask: attnMask, keyPaddingMask, isCausal, lengths } = masks;
      const [needWeights, averageAttnWeights] = [listen !== undefined, false];
      const keys = memory ?? x;
      const { output, weights } = attention.forward(x, keys, keys, {
        attnMask,
        keyPaddingMask,
        isCausal,
        lengths,
        needWeights,
        averageAttnWeights,
        residual,
      });
      if (weights) listen?.(weights);
      return output;
    };
  }

  protected feedForward(x: Tensor, residual?: Tensor): Tensor {
    return this.linear2.forward(this.dropout.forward(this.linear1.forward(x, { activation: this.options.activation })), { residual });
  }
}

export interface EncoderLayerCall extends LayerMasks {
  onWeights?: WeightsListener | undefined;
}

const maskNames = ['mask', 'keyPaddingMask', 'isCausal', 'lengths'];
const encoderCallNames = [...maskNames, 'onWeights'];

/** Self-attention and feed-forward: [B, T, C] → [B, T, C]. */
export class TransformerEncoderLayer extends TransformerLayer {
  readonly #norm1: LayerNorm;
  readonly #norm2: LayerNorm;
  readonly #dropout1: Dropout;
  readonly #dropout2: Dropout;

  constructor(engine: Engine, dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(engine, dModel, nhead, options);
    this.#norm1 = this.norm('norm1');
    this.#norm2 = this.norm('norm2');
    this.#dropout1 = this.drop('dropout1');
    this.#dropout2 = this.drop('dropout2');
  }

  forward(src: Tensor, call: EncoderLayerCall = {}): Tensor {
    checkOptions(call, encoderCallNames, 'TransformerEncoderLayer.forward');
    if (call.onWeights !== undefined && typeof call.onWeights !== 'function')
      throw wrongArgument('TransformerEncoderLayer.forward', 'onWeights', call.onWeights, 'It must be a function');
    let weights: Tensor | undefined;
    const listen: WeightsListener | undefined = call.onWeights && ((w) => (weights = w));
    const result = this.engine.scope(() => {
      let x = src;
      x = this.sublayer(x, this.#norm1, this.#dropout1, this.attendTo(this.selfAttn, undefined, call, listen));
      x = this.sublayer(x, this.#norm2, this.#dropout2, (input, residual) => this.feedForward(input, residual));
      return { x, weights };
    });
    if (result.weights) call.onWeights?.(result.weights);
    return result.x;
  }
}

export interface DecoderLayerCall {
  tgt?: LayerMasks | undefined;
  memory?: LayerMasks | undefined;
}

const decoderCallNames = ['tgt', 'memory'];

/** Self-attention, attention to `memory`, feed-forward: tgt [B, T, C], memory [B, S, C] → [B, T, C]. */
export class TransformerDecoderLayer extends TransformerLayer {
  readonly #multiheadAttn: MultiheadAttention;
  readonly #norm1: LayerNorm;
  readonly #norm2: LayerNorm;
  readonly #norm3: LayerNorm;
  readonly #dropout1: Dropout;
  readonly #dropout2: Dropout;
  readonly #dropout3: Dropout;

  constructor(engine: Engine, dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(engine, dModel, nhead, options);
    this.#multiheadAttn = this.child('multihead_attn', this.attention());
    this.#norm1 = this.norm('norm1');
    this.#norm2 = this.norm('norm2');
    this.#norm3 = this.norm('norm3');
    this.#dropout1 = this.drop('dropout1');
    this.#dropout2 = this.drop('dropout2');
    this.#dropout3 = this.drop('dropout3');
  }

  forward(tgt: Tensor, memory: Tensor, call: DecoderLayerCall = {}): Tensor {
    checkOptions(call, decoderCallNames, 'TransformerDecoderLayer.forward');
    for (const masks of [call.tgt, call.memory]) checkOptions(masks ?? {}, maskNames, 'TransformerDecoderLayer.forward');
    return this.engine.scope(() => {
      let x = tgt;
      x = this.sublayer(x, this.#norm1, this.#dropout1, this.attendTo(this.selfAttn, undefined, call.tgt ?? {}));
      x = this.sublayer(x, this.#norm2, this.#dropout2, this.attendTo(this.#multiheadAttn, memory, call.memory ?? {}));
      return this.sublayer(x, this.#norm3, this.#dropout3, (input, residual) => this.feedForward(input, residual));
    });
  }
}
