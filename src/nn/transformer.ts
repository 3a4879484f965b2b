/**
 * The layers of Vaswani et al. 2017, §3.1: a block (block.ts) with torch.nn's names, options, layouts and masks.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import type { Activation } from '../ops/activation.js';
import type { AttentionOptions } from '../ops/attention.js';
import { expectBooleans, expectShape, expectSizes, wrongArgument } from '../ops/check.js';
import { type Given, type TensorLike, withEntered } from '../ops/given.js';
import { contiguous, transpose } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import { type AttentionCall, keeping, type Turn } from './attention.js';
import { Block, type BlockSpec } from './block.js';
import type { KVCache } from './cache.js';
import { type Gate, isFused } from './feed_forward.js';
import { biasOf } from './masks.js';
import { Module } from './module.js';
import { channelsOf, expectCache, expectSequence } from './multihead_attention.js';
import { makeNorm, type Norm, type NormKind, type NormSpec } from './norm.js';

/** Options of TransformerEncoderLayer and TransformerDecoderLayer: PyTorch's in camelCase, and what other architectures have. */
export interface TransformerLayerOptions {
  /** F, the width of the feed-forward's middle. Default 2048. */
  dimFeedforward?: number;
  /** Activation of the feed-forward. Default 'relu'. */
  activation?: Activation;
  /** Constant that norms add to the variance. Default 1e-5. */
  layerNormEps?: number;
  /** `true` for operands [B, T, C] instead of PyTorch's default [T, B, C]. */
  batchFirst?: boolean;
  /** `true` where norms stand before sublayers instead of behind them. Default false. */
  normFirst?: boolean;
  /** `true` where linear layers and norms have a bias. Default true. */
  bias?: boolean;
  /** `true` where norms have biases; given where it differs from `bias`. */
  normBias?: boolean | undefined;
  /** `true` where attention has biases; given where it differs from `bias`. */
  attentionBias?: boolean | undefined;
  /** Share of attention weights, of the activation's output and of each sublayer's output that is zeroed in training. Default 0.1, as in PyTorch. */
  dropout?: number;
  /** Dropout of attention weights, where it differs from `dropout`. */
  attentionDropout?: number | undefined;
  /** Dropout of the activation's output, where it differs from `dropout`. */
  activationDropout?: number | undefined;
  /** Dropout of attention's output, where it differs from `dropout`. */
  attentionOutputDropout?: number | undefined;
  /** Kind of the norms. Default 'layer'. */
  norm?: NormKind;
  /** `true` where, with `normFirst`, attention has a norm before it; a first layer may stand on embeddings that have a norm already. Default true. */
  attentionNorm?: boolean;
  /** Gate beside the activation: `true` for linear3, 'fused' for further rows of linear1, 'fused_last' where the gate's rows come first. */
  gated?: Gate;
  /** Number of channels of a head, where it is not dModel / nhead. */
  headDim?: number | undefined;
  /** Factor of attention's scores, where it is not 1 / sqrt(headDim). */
  attentionScale?: number | undefined;
}

export const layerOptionNames = [
  ...['dimFeedforward', 'activation', 'layerNormEps', 'batchFirst', 'normFirst', 'bias', 'normBias', 'attentionBias', 'dropout'],
  ...['attentionDropout', 'activationDropout', 'attentionOutputDropout', 'norm', 'attentionNorm', 'gated', 'headDim', 'attentionScale'],
];

/** Masks of one attention: as MultiheadAttention takes them. */
export interface LayerMasks {
  /** Mask [T, S], [B·H, T, S] or [B, H, T, S]. bool: true is ignored; float32: added to the scores. */
  mask?: Tensor | undefined;
  /** Mask of padding [B, S]. bool: true is ignored; float32: added to the scores. */
  keyPaddingMask?: Tensor | undefined;
  /** `true` where each query sees only the keys up to its own position. Default false. */
  isCausal?: boolean | undefined;
  /** Number of keys of each example; later keys are padding: the faster form of a right-padded keyPaddingMask. */
  lengths?: readonly number[] | undefined;
  /** Number of keys that each query sees to its left and right, besides its own; a single number is the left side. */
  window?: AttentionOptions['window'];
  /** Rotary turn of queries and keys by their positions: see RotaryPositions. */
  rotary?: Turn | undefined;
}

/** Called with the attention weights [B, H, T, S] of one attention of a layer; asking for them costs a second pass. They are the listener's to free, or the scope's around the call. */
export type WeightsListener = (weights: Tensor) => void;

/** Arguments of one attention besides its operands. */
export interface LayerAttention extends LayerMasks {
  /** Listener that receives the attention weights [B, H, T, S]. */
  onWeights?: WeightsListener | undefined;
  /** Keys and values of earlier calls: as MultiheadAttention takes them. */
  cache?: KVCache | undefined;
}

/** The norm that layers with these options have, for C channels. */
export function normOf(engine: Engine, C: number, options: TransformerLayerOptions): Norm {
  return makeNorm(engine, C, normSpec(options));
}

function normSpec({ norm, layerNormEps = 1e-5, bias = true, normBias = bias }: TransformerLayerOptions): NormSpec {
  return { kind: norm, eps: layerNormEps, bias: normBias };
}

/** Specification of a block from PyTorch's options. Throws ARGUMENT for invalid values, UNSUPPORTED for an unknown option. */
function specOf(where: string, C: number, H: number, options: TransformerLayerOptions, crosses: boolean): BlockSpec {
  checkOptions(options, layerOptionNames, where);
  const { dimFeedforward = 2048, activation = 'relu', normFirst = false, attentionNorm = true, gated = false, batchFirst } = options;
  const { bias = true, normBias, attentionBias = bias, dropout = DROPOUT, attentionOutputDropout } = options;
  const { attentionDropout = dropout, activationDropout = dropout, headDim, attentionScale: scale } = options;
  expectBooleans(where, { bias, normBias, attentionBias, normFirst, attentionNorm, batchFirst, gated: isFused(gated) || gated });
  expectSizes(where, 'dimFeedforward', [dimFeedforward]);
  const attention = { H, D: channelsOf(C, H, headDim), bias: attentionBias, scale, dropout: attentionDropout };
  return {
    ...{ C, attention, cross: crosses ? attention : undefined, norm: normSpec(options), place: normFirst ? 'pre' : 'post' },
    feedForward: { F: dimFeedforward, activation, gated, bias, dropout: activationDropout },
    ...{ firstNorm: attentionNorm, dropout, attentionOutputDropout },
  };
}

/** PyTorch's share of what its layers zero in training. */
const DROPOUT = 0.1;

const flip = (x: Tensor): Tensor => contiguous(transpose(x, 0, 1));

/** Arguments of a layer's block besides its input. */
interface LayerRun {
  self: LayerAttention;
  memory?: Tensor | undefined;
  cross?: LayerAttention;
}

/** Base of encoder and decoder layers. */
abstract class TransformerLayer extends Module {
  /** The layer's options, with PyTorch's defaults. */
  protected readonly options: TransformerLayerOptions & Required<Pick<TransformerLayerOptions, 'batchFirst' | 'dropout'>>;
  readonly #block: Block;

  constructor(
    engine: Engine,
    /** C. */
    readonly dModel: number,
    /** H. */
    readonly nhead: number,
    options: TransformerLayerOptions,
    crosses: boolean,
  ) {
    super(engine);
    this.#block = this.child('', new Block(engine, specOf(new.target.name, dModel, nhead, options, crosses)));
    const { batchFirst = false, dropout = DROPOUT } = options;
    this.options = { ...options, batchFirst, dropout };
  }

  /** Runs the block; attention weights are passed to listeners afterwards, and then belong to them. */
  protected run(given: Tensor, others: LayerRun): Tensor {
    const { self, cross = {} } = others;
    expectSequence('query', given);
    if (others.memory !== undefined || (others.cross && !cross.cache)) expectSequence('key', others.memory);
    const heard = [self, cross].map(({ onWeights }): Tensor[] | undefined => onWeights && []);
    const y = keeping(this.engine, heard, () => {
      const [x, memory] = this.options.batchFirst ? [given, others.memory] : [flip(given), others.memory && flip(others.memory)];
      const [B, T] = x.shape as [number, number];
      expectShape('MultiheadAttention', 'query', x, [B, T, this.dModel]);
      const out = this.#block.forward(x, {
        self: this.#call(self, [B, T, T], heard[0]),
        memory,
        cross: this.#call(cross, [B, T, memory?.dim(1) ?? 0], heard[1]),
      });
      return this.options.batchFirst ? out : flip(out);
    });
    for (const [i, { onWeights }] of [self, cross].entries()) for (const weights of heard[i] ?? []) onWeights?.(weights);
    return y;
  }

  #call(given: LayerAttention, [B, T, S]: readonly [number, number, number], weights: Tensor[] | undefined): AttentionCall {
    const { mask, keyPaddingMask, isCausal, lengths, window, rotary, cache } = given;
    expectBooleans('MultiheadAttention.forward', { isCausal });
    expectCache(this.engine, cache, rotary);
    const bias = biasOf({ attnMask: mask, keyPaddingMask }, [B, this.nhead, T, S + (cache?.length ?? 0)]);
    return { bias, causal: isCausal, lengths, window, turn: rotary, cache, weights };
  }

  /** Appends a memory's keys and values to a cache, which then replaces the memory. */
  protected recall(cache: KVCache, memory: Tensor): void {
    this.#block.remember(cache, memory);
  }
}

/** Arguments of an encoder layer besides its operand. */
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
  constructor(engine: Engine, dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(engine, dModel, nhead, options, false);
  }

  /** [B, T, C] → [B, T, C], or [T, B, C] without `batchFirst`. Throws SHAPE where masks do not fit. */
  forward(src: TensorLike, call: Given<EncoderLayerCall> = {}): Tensor {
    checkAttention(call, encoderCallNames, 'TransformerEncoderLayer.forward');
    return withEntered(this.engine, [src, call] as [Tensor, EncoderLayerCall], (x, self) => this.run(x, { self }));
  }
}

/** Arguments of a decoder layer besides its operands: the masks of both its attentions. */
export interface DecoderLayerCall {
  /** Masks of the self-attention. */
  tgt?: LayerAttention | undefined;
  /** Masks of the attention to `memory`. */
  memory?: LayerAttention | undefined;
}

const decoderCallNames = ['tgt', 'memory'];

/** Self-attention, attention to `memory`, feed-forward: tgt [B, T, C], memory [B, S, C] → [B, T, C]. */
export class TransformerDecoderLayer extends TransformerLayer {
  constructor(engine: Engine, dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(engine, dModel, nhead, options, true);
  }

  /** Returns the layer's output. Without `memory`, the keys and values in `call.memory.cache` replace it. */
  forward(tgt: TensorLike, memory: TensorLike | undefined, call: Given<DecoderLayerCall> = {}): Tensor {
    checkOptions(call, decoderCallNames, 'TransformerDecoderLayer.forward');
    const args = [tgt, memory, call] as [Tensor, Tensor | undefined, DecoderLayerCall];
    return withEntered(this.engine, args, (x, seen, { tgt: self = {}, memory: cross = {} }) => {
      for (const given of [self, cross]) checkAttention(given, attentionNames, 'TransformerDecoderLayer.forward');
      return this.run(x, { self, memory: seen, cross });
    });
  }

  /** Appends a memory's keys and values to a cache, which then replaces the memory. */
  remember(cache: KVCache, memory: Tensor): void {
    this.recall(cache, memory);
  }
}
