/**
 * The layers of Vaswani et al. 2017, §3.1, with torch.nn's names, options and state-dict keys.
 *
 *   post-norm   x = norm(x + sublayer(x))        pre-norm (normFirst)   x = x + sublayer(norm(x))
 *
 * Sublayers: self-attention, attention to the encoder's memory (decoder only), feed-forward  linear2(activation(linear1(x))), or, gated
 * (Shazeer, arXiv 2002.05202),  linear2(activation(linear1(x)) · linear3(x)).  Gated 'fused', linear1 has the rows of both.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import { type Activation, activationCode } from '../ops/activation.js';
import type { AttentionOptions } from '../ops/attention.js';
import { expectBooleans, expectSizes, wrongArgument } from '../ops/check.js';
import { add, mul } from '../ops/elementwise.js';
import { type Given, type TensorLike, withEntered } from '../ops/given.js';
import type { Tensor } from '../tensor.js';
import { MultiheadAttention, type Turn } from './attention.js';
import type { KVCache } from './cache.js';
import { Dropout, LayerNorm, Linear, RMSNorm } from './layers.js';
import { Module } from './module.js';

/** Options of TransformerEncoderLayer and TransformerDecoderLayer: PyTorch's in camelCase, and what other architectures have. */
export interface TransformerLayerOptions {
  /** F, the width of the feed-forward's middle. Default 2048. */
  dimFeedforward?: number;
  /** What stands there. Default 'relu'. */
  activation?: Activation;
  /** What norms add to the variance. Default 1e-5. */
  layerNormEps?: number;
  /** [B, T, C] instead of PyTorch's default [T, B, C]. */
  batchFirst?: boolean;
  /** Whether norms stand before sublayers instead of behind them. Default false. */
  normFirst?: boolean;
  /** Whether linear layers and norms have a bias. Default true. */
  bias?: boolean;
  /** Whether norms, and attention, have biases, where they differ from `bias`. */
  normBias?: boolean | undefined;
  /** Whether attention has biases, where that differs from `bias`. */
  attentionBias?: boolean | undefined;
  /** In training, the share that is zeroed of attention weights, of what the activation gives and of each sublayer's output. Default 0.1, as in PyTorch. */
  dropout?: number;
  /** The same of attention weights, and of what the activation gives, where they differ from `dropout`. */
  attentionDropout?: number | undefined;
  /** The same of what the activation gives, where it differs from `dropout`. */
  activationDropout?: number | undefined;
  /** The same of what attention gives. */
  attentionOutputDropout?: number | undefined;
  /** Default 'layer'. */
  norm?: NormKind;
  /** Whether attention reads behind a norm where `normFirst`; a first layer may stand on embeddings that have one. Default true. */
  attentionNorm?: boolean;
  /** A gate beside the activation: linear3, or, 'fused', more rows of linear1. */
  gated?: Gate;
  /** Channels of a head where they are not dModel / nhead. */
  headDim?: number | undefined;
  /** What attention's scores are multiplied by where it is not 1 / sqrt(headDim). */
  attentionScale?: number | undefined;
}

/** Whether a feed-forward has a gate beside its activation: none, linear3, or, 'fused', more rows of linear1. */
export type Gate = boolean | 'fused';

/** Norms by name. */
const norms = {
  layer: (engine: Engine, C: number, eps: number, bias: boolean): LayerNorm | RMSNorm => new LayerNorm(engine, C, { eps, bias }),
  rms: (engine: Engine, C: number, eps: number): LayerNorm | RMSNorm => new RMSNorm(engine, C, { eps }),
} as const;
export type NormKind = keyof typeof norms;
/** A norm of a layer. */
export type Norm = LayerNorm | RMSNorm;

/** The norm that layers with these options have, for C channels. */
export function normOf(engine: Engine, C: number, options: TransformerLayerOptions): Norm {
  const { norm = 'layer', layerNormEps = 1e-5, bias = true, normBias = bias } = options;
  if (!Object.hasOwn(norms, norm)) throw wrongArgument('TransformerLayer', 'norm', norm, `It is one of ${Object.keys(norms).join(', ')}`);
  return norms[norm](engine, C, layerNormEps, normBias);
}

export const layerOptionNames = [
  ...['dimFeedforward', 'activation', 'layerNormEps', 'batchFirst', 'normFirst', 'bias', 'normBias', 'attentionBias', 'dropout'],
  ...['attentionDropout', 'activationDropout', 'attentionOutputDropout', 'norm', 'attentionNorm', 'gated', 'headDim', 'attentionScale'],
];

/** Masks of one attention: as MultiheadAttention takes them. */
export interface LayerMasks {
  /** Of shape [T, S], [B·H, T, S] or [B, H, T, S]. bool: true is ignored; float32: added to the scores. */
  mask?: Tensor | undefined;
  /** bool [B, S], true is ignored; float32: added to the scores. */
  keyPaddingMask?: Tensor | undefined;
  /** Each query sees the keys up to its own place. Default false. */
  isCausal?: boolean | undefined;
  /** Keys of each example, those behind are padding: the faster form of a right-padded keyPaddingMask. */
  lengths?: readonly number[] | undefined;
  /** How many keys each query sees to its left and right, itself aside; a number is the left side. */
  window?: AttentionOptions['window'];
  /** Turns queries and keys by their positions: see RotaryPositions. */
  rotary?: Turn | undefined;
}

/** Called with the attention weights [B, H, T, S] of one attention of a layer; asking for them costs a second pass. They are the listener's to free, or the scope's around the call. */
export type WeightsListener = (weights: Tensor) => void;

/** What one attention is given beside its operands. */
export interface LayerAttention extends LayerMasks {
  /** Hears of the attention weights [B, H, T, S]. */
  onWeights?: WeightsListener | undefined;
  /** Keys and values of earlier calls: as MultiheadAttention takes them. */
  cache?: KVCache | undefined;
}

type SeenWeights = [listener: WeightsListener, weights: Tensor][];

/** What encoder and decoder layers share: options, the feed-forward sublayer, and where the norm stands. */
abstract class TransformerLayer extends Module {
  /** The attention to itself. */
  protected readonly selfAttn: MultiheadAttention;
  /** C → F, or, of a fused gate, 2 F. */
  protected readonly linear1: Linear;
  /** F → C. */
  protected readonly linear2: Linear;
  /** The gate, C → F. */
  protected readonly linear3: Linear | undefined;
  /** Layers that linear1 is a stack of. */
  readonly #parts: 1 | 2;
  /** Behind the activation. */
  protected readonly dropout: Dropout;
  /** Whether norms stand before sublayers. */
  protected readonly normFirst: boolean;
  /** Whether attention has a norm. */
  protected readonly attentionNorm: boolean;
  /** The layer's options, with defaults. */
  protected readonly options: TransformerLayerOptions &
    Required<Pick<TransformerLayerOptions, 'activation' | 'batchFirst' | 'bias' | 'dropout'>>;

  constructor(
    engine: Engine,
    /** C. */
    readonly dModel: number,
    /** H. */
    readonly nhead: number,
    options: TransformerLayerOptions,
  ) {
    super(engine);
    checkOptions(options, layerOptionNames, new.target.name);
    const { dropout = 0.1 } = options;
    this.options = { activation: 'relu', batchFirst: false, bias: true, ...options, dropout };
    const { normBias, attentionBias } = this.options;
    const { dimFeedforward = 2048, bias, normFirst = false, attentionNorm = true, activation, batchFirst, gated = false } = this.options;
    expectBooleans(new.target.name, {
      bias,
      normBias,
      attentionBias,
      normFirst,
      attentionNorm,
      batchFirst,
      gated: gated === 'fused' || gated,
    });
    expectSizes(new.target.name, 'dimFeedforward', [dimFeedforward]);
    activationCode(activation); // throws for a name that is none
    this.normFirst = normFirst;
    this.attentionNorm = attentionNorm;
    this.selfAttn = this.child('self_attn', this.attention());
    this.#parts = gated === 'fused' ? 2 : 1;
    this.linear1 = this.child('linear1', new Linear(engine, dModel, this.#parts * dimFeedforward, { bias, parts: this.#parts }));
    this.linear2 = this.child('linear2', new Linear(engine, dimFeedforward, dModel, { bias }));
    if (gated === true) this.linear3 = this.child('linear3', new Linear(engine, dModel, dimFeedforward, { bias }));
    this.dropout = this.child('dropout', new Dropout(engine, this.options.activationDropout ?? this.options.dropout));
  }

  /** An attention as the options have it. */
  protected attention(): MultiheadAttention {
    const { batchFirst, headDim, attentionScale: scale } = this.options;
    const bias = this.options.attentionBias ?? this.options.bias;
    const dropout = this.options.attentionDropout ?? this.options.dropout;
    return new MultiheadAttention(this.engine, this.dModel, this.nhead, { bias, batchFirst, dropout, headDim, scale });
  }

  /** A norm as the options have it, under a name. */
  protected norm(name: string): Norm {
    return this.child(name, normOf(this.engine, this.dModel, this.options));
  }

  /** A dropout under a name. */
  protected drop(name: string, p = this.options.dropout): Dropout {
    return this.child(name, new Dropout(this.engine, p));
  }

  /** One sublayer with its dropout, its residual and its norm on the right side. Where nothing drops, the sublayer's last projection adds the residual. */
  protected sublayer(x: Tensor, norm: Norm | undefined, dropout: Dropout, run: (input: Tensor, residual?: Tensor) => Tensor): Tensor {
    const input = this.normFirst && norm ? norm.forward(x) : x;
    const y = dropout.training && dropout.p > 0 ? add(dropout.forward(run(input)), x) : run(input, x);
    return this.normFirst || !norm ? y : norm.forward(y);
  }

  /** A sublayer that attends: to itself, to a memory, or to what a cache remembers of one. Weights go to `seen`. */
  protected attendTo(attention: MultiheadAttention, to: 'self' | Tensor | undefined, given: LayerAttention, seen: SeenWeights) {
    return (x: Tensor, residual?: Tensor): Tensor => {
      const { mask: attnMask, onWeights, ...rest } = given;
      const masks = { attnMask, residual, ...rest };
      const keys = to === 'self' ? x : to;
      const wants = { needWeights: onWeights !== undefined, averageAttnWeights: false };
      const { output, weights } = attention.forward(x, keys, keys, { ...masks, ...wants });
      if (weights && onWeights) seen.push([onWeights, weights]);
      return output;
    };
  }

  /** Runs a layer in a scope; what was seen of weights is told behind it, to be the listeners'. */
  protected telling(run: (seen: SeenWeights) => Tensor): Tensor {
    const seen: SeenWeights = [];
    const { x } = this.engine.scope(() => ({ x: run(seen), seen }));
    for (const [listen, weights] of seen) listen(weights);
    return x;
  }

  /** The sublayer behind attention: [B, T, C] → [B, T, C]. */
  protected feedForward(x: Tensor, residual?: Tensor): Tensor {
    const { activation } = this.options;
    const active = this.#parts === 2 ? this.linear1.part(0, x, { activation }) : this.linear1.forward(x, { activation });
    const gate = this.#parts === 2 ? this.linear1.part(1, x) : this.linear3?.forward(x);
    const h = gate ? mul(active, gate) : active;
    return this.linear2.forward(this.dropout.forward(h), { residual });
  }
}

/** What a call of an encoder layer takes beside its operand. */
export type EncoderLayerCall = Omit<LayerAttention, 'cache'>;

const maskNames = ['mask', 'keyPaddingMask', 'isCausal', 'lengths', 'window', 'rotary'];
const encoderCallNames = [...maskNames, 'onWeights'];
const attentionNames = [...encoderCallNames, 'cache'];

function checkAttention(given: Given<LayerAttention>, names: readonly string[], where: string): void {
  checkOptions(given, names, where);
  if (given.onWeights !== undefined && typeof given.onWeights !== 'function')
    throw wrongArgument(where, 'onWeights', given.onWeights, 'It must be a function');
}

/**
 * Self-attention and feed-forward, [B, T, C] → [B, T, C]: PyTorch's nn.TransformerEncoderLayer, with its state-dict keys.
 * @example
 * ```js
 * const layer = new TransformerEncoderLayer(engine, 512, 8, { batchFirst: true, activation: 'gelu' });
 * const x = tensor(engine, new Float32Array(2 * 10 * 512), [2, 10, 512]);
 * const y = layer.forward(x, { lengths: [10, 7] }); // [2, 10, 512]; the second text has 7 tokens
 * ```
 */
export class TransformerEncoderLayer extends TransformerLayer {
  readonly #norm1: Norm | undefined;
  readonly #norm2: Norm;
  readonly #dropout1: Dropout;
  readonly #dropout2: Dropout;

  constructor(engine: Engine, dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(engine, dModel, nhead, options);
    if (this.attentionNorm) this.#norm1 = this.norm('norm1');
    this.#norm2 = this.norm('norm2');
    this.#dropout1 = this.drop('dropout1', options.attentionOutputDropout);
    this.#dropout2 = this.drop('dropout2');
  }

  /** [B, T, C] → [B, T, C], or [T, B, C] without `batchFirst`. Throws SHAPE where masks do not fit. */
  forward(src: TensorLike, call: Given<EncoderLayerCall> = {}): Tensor {
    checkAttention(call, encoderCallNames, 'TransformerEncoderLayer.forward');
    return withEntered(this.engine, [src, call] as [Tensor, EncoderLayerCall], (...entered) => this.#forward(...entered));
  }

  #forward(src: Tensor, call: EncoderLayerCall): Tensor {
    return this.telling((seen) => {
      let x = src;
      x = this.sublayer(x, this.#norm1, this.#dropout1, this.attendTo(this.selfAttn, 'self', call, seen));
      return this.sublayer(x, this.#norm2, this.#dropout2, (input, residual) => this.feedForward(input, residual));
    });
  }
}

/** What a call of a decoder layer takes beside its operands: the masks of both its attentions. */
export interface DecoderLayerCall {
  /** Of the attention to itself. */
  tgt?: LayerAttention | undefined;
  /** Of the attention to `memory`. */
  memory?: LayerAttention | undefined;
}

const decoderCallNames = ['tgt', 'memory'];

/** Self-attention, attention to `memory`, feed-forward: tgt [B, T, C], memory [B, S, C] → [B, T, C]. */
export class TransformerDecoderLayer extends TransformerLayer {
  readonly #multiheadAttn: MultiheadAttention;
  readonly #norm1: Norm | undefined;
  readonly #norm2: Norm;
  readonly #norm3: Norm;
  readonly #dropout1: Dropout;
  readonly #dropout2: Dropout;
  readonly #dropout3: Dropout;

  constructor(engine: Engine, dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(engine, dModel, nhead, options);
    this.#multiheadAttn = this.child('multihead_attn', this.attention());
    if (this.attentionNorm) this.#norm1 = this.norm('norm1');
    this.#norm2 = this.norm('norm2');
    this.#norm3 = this.norm('norm3');
    this.#dropout1 = this.drop('dropout1', options.attentionOutputDropout);
    this.#dropout2 = this.drop('dropout2', options.attentionOutputDropout);
    this.#dropout3 = this.drop('dropout3');
  }

  /** Without `memory`, what `call.memory.cache` remembers of one. */
  forward(tgt: TensorLike, memory: TensorLike | undefined, call: Given<DecoderLayerCall> = {}): Tensor {
    checkOptions(call, decoderCallNames, 'TransformerDecoderLayer.forward');
    const args = [tgt, memory, call] as [Tensor, Tensor | undefined, DecoderLayerCall];
    return withEntered(this.engine, args, (...entered) => this.#forward(...entered));
  }

  #forward(tgt: Tensor, memory: Tensor | undefined, call: DecoderLayerCall): Tensor {
    const { tgt: own = {}, memory: other = {} } = call;
    for (const given of [own, other]) checkAttention(given, attentionNames, 'TransformerDecoderLayer.forward');
    return this.telling((seen) => {
      let x = tgt;
      x = this.sublayer(x, this.#norm1, this.#dropout1, this.attendTo(this.selfAttn, 'self', own, seen));
      x = this.sublayer(x, this.#norm2, this.#dropout2, this.attendTo(this.#multiheadAttn, memory, other, seen));
      return this.sublayer(x, this.#norm3, this.#dropout3, (input, residual) => this.feedForward(input, residual));
    });
  }

  /** Appends a memory's keys and values to a cache, which then stands for it. */
  remember(cache: KVCache, memory: Tensor): void {
    this.#multiheadAttn.remember(cache, memory);
  }
}
