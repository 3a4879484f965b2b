/**
 * torch.nn.MultiheadAttention: attention.ts with PyTorch's names, options, layouts and checks. In its masks a true boolean is ignored (in
 * scaledDotProductAttention a true one attends).
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import type { AttentionOptions } from '../ops/attention.js';
import { expectBooleans, expectShape, expectTensor, kindOf, wrongArgument, wrongShape } from '../ops/check.js';
import { entered, type Given, type TensorLike, withEntered } from '../ops/given.js';
import { matmul } from '../ops/matmul.js';
import { cat, contiguous, expand, reshape, transpose } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import { Attention, type Turn } from './attention.js';
import type { KVCache } from './cache.js';
import { checkProbability, type Linear } from './layers.js';
import { biasOf } from './masks.js';
import { Module } from './module.js';

/** Options of MultiheadAttention: PyTorch's, in camelCase. */
export interface MultiheadAttentionOptions {
  /** `true` where projections have a bias. Default true. */
  bias?: boolean;
  /** Width of keys and values where it is not embedDim. */
  kdim?: number;
  /** Width of values where it is not embedDim. */
  vdim?: number;
  /** `true` to append a learned key and value. */
  addBiasKv?: boolean;
  /** `true` to append a key and value of zeros. */
  addZeroAttn?: boolean;
  /** `true` for operands [B, T, C] instead of PyTorch's default [T, B, C]. */
  batchFirst?: boolean;
  /** Share of attention weights that are zeroed in training. Default 0. */
  dropout?: number;
  /** Channels of a head. Default embedDim / numHeads. */
  headDim?: number | undefined;
  /** Factor of the scores. Default 1 / sqrt(headDim). */
  scale?: number | undefined;
}

/** Arguments of a call of MultiheadAttention besides query, key and value. */
export interface MultiheadAttentionCall {
  /** Mask of padding [B, S]. bool: true is ignored; float32: added to the scores. */
  keyPaddingMask?: Tensor | undefined;
  /** Mask [T, S] or [B·H, T, S], or [B, H, T, S] where axes of 1 are repeated. bool: true is ignored; float32: added to the scores. */
  attnMask?: Tensor | undefined;
  /** `true` where each query sees only the keys up to its own position, and the keys of a cache. Default false. */
  isCausal?: boolean | undefined;
  /** Number of keys that each query sees to its left and right, besides its own; a single number is the left side. */
  window?: AttentionOptions['window'];
  /** Rotary turn of queries and keys by their positions: see RotaryPositions. */
  rotary?: Turn | undefined;
  /** Number of keys of each example; later keys are padding: the faster form of a right-padded keyPaddingMask. */
  lengths?: readonly number[] | undefined;
  /** `true` to return the attention weights too. Default false: weights cost a second pass. */
  needWeights?: boolean | undefined;
  /** `true` (default) for the mean of the weights over heads [B, T, S], `false` for [B, H, T, S]. */
  averageAttnWeights?: boolean | undefined;
  /** Residual in the shape of the output, added to the output within the last projection. */
  residual?: Tensor | undefined;
  /**
   * Keys and values of earlier calls, to which those of this call are appended: queries attend to all, and stand at the last T positions. Without `key` and
   * `value` they attend to the cache alone. S in masks and weights counts all keys of the longest row.
   */
  cache?: KVCache | undefined;
}

/** Result of attention. */
export interface MultiheadAttentionResult {
  /** Output [B, T, C] or [T, B, C], in the layout of the query. */
  output: Tensor;
  /** Attention weights [B, T, S] or [B, H, T, S], with `needWeights`. */
  weights?: Tensor;
}

const optionNames = ['bias', 'kdim', 'vdim', 'addBiasKv', 'addZeroAttn', 'batchFirst', 'dropout', 'headDim', 'scale'];
const callNames = [
  ...['cache', 'keyPaddingMask', 'attnMask', 'isCausal', 'window', 'rotary', 'lengths'],
  ...['needWeights', 'averageAttnWeights', 'residual'],
];

/**
 * Attention of H heads, with projections of query, key, value and output (Vaswani et al. 2017, §3.2.2): PyTorch's nn.MultiheadAttention,
 * with its state-dict keys.
 * @example
 * ```js
 * const attention = new MultiheadAttention(engine, 512, 8, { batchFirst: true });
 * const x = tensor(engine, new Float32Array(2 * 10 * 512), [2, 10, 512]);
 * const { output, weights } = attention.forward(x, x, x, { isCausal: true, needWeights: true }); // [2, 10, 512], [2, 10, 10]
 * ```
 */
export class MultiheadAttention extends Module {
  /** `true` where inputs are [B, T, C]; else [T, B, C]. */
  readonly batchFirst: boolean;
  /** Share of attention weights that are zeroed in training. */
  readonly dropout: number;
  readonly #attention: Attention;
  readonly #zero: boolean;

  constructor(
    engine: Engine,
    /** C, the width of queries and of the output. */
    readonly embedDim: number,
    /** H, the number of heads. */
    readonly numHeads: number,
    options: MultiheadAttentionOptions = {},
  ) {
    super(engine);
    checkOptions(options, optionNames, 'MultiheadAttention');
    const { bias = true, kdim = embedDim, vdim = embedDim, addBiasKv = false, addZeroAttn = false, batchFirst = false } = options;
    expectBooleans('MultiheadAttention', { bias, addBiasKv, addZeroAttn, batchFirst });
    const D = channelsOf(embedDim, numHeads, options.headDim);
    const { scale, dropout = 0 } = options;
    [this.batchFirst, this.dropout, this.#zero] = [batchFirst, checkProbability('MultiheadAttention', 'dropout', dropout), addZeroAttn];
    const spec = { H: numHeads, D, sources: [kdim, vdim] as const, bias, scale, dropout, learnedKey: addBiasKv };
    this.#attention = this.child('', new Attention(engine, embedDim, spec));
  }

  /** Projection of the output of all heads: [H · D] → [embedDim]. */
  get outProj(): Linear {
    return this.#attention.outProj;
  }

  /** query [B, T, C], key [B, S, kdim], value [B, S, vdim] → output [B, T, C]; axes 0 and 1 exchanged without batchFirst. */
  forward(
    query: TensorLike,
    key: TensorLike | undefined,
    value: TensorLike | undefined,
    call: Given<MultiheadAttentionCall> = {},
  ): MultiheadAttentionResult {
    checkOptions(call, callNames, 'MultiheadAttention.forward');
    return withEntered(
      this.engine,
      [query, key, value, call] as [Tensor, Tensor | undefined, Tensor | undefined, MultiheadAttentionCall],
      (...entered) => this.#forward(...entered),
    );
  }

  #forward(query: Tensor, key: Tensor | undefined, value: Tensor | undefined, call: MultiheadAttentionCall): MultiheadAttentionResult {
    const { isCausal, needWeights, averageAttnWeights, cache } = call;
    expectBooleans('MultiheadAttention.forward', { isCausal, needWeights, averageAttnWeights });
    this.#checkCache(cache, call.rotary);
    const recalls = cache !== undefined && key === undefined && value === undefined;
    for (const [name, x] of Object.entries(recalls ? { query } : { query, key, value })) expectSequence(name, x);
    return this.engine.scope(() => {
      if (this.batchFirst) return this.#attend(query, key, value, call);
      const flip = (x: Tensor) => contiguous(transpose(x, 0, 1));
      const q = flip(query);
      const k = key === query ? q : key && flip(key);
      const v = value === key ? k : value && flip(value);
      const result = this.#attend(q, k, v, { ...call, residual: call.residual && flip(call.residual) });
      return { ...result, output: flip(result.output) };
    });
  }

  /** Appends the keys and values of `memory` [B, S, C] to a cache, for later calls without key and value. batchFirst only. */
  remember(cache: KVCache, given: TensorLike): void {
    this.#checkCache(cache);
    this.engine.scope(() => {
      const memory = entered<Tensor>(given, this.engine);
      expectSequence('memory', memory);
      this.#attention.remember(cache, memory);
    });
  }

  #checkCache(cache: KVCache | undefined, rotary?: Turn): void {
    expectCache(this.engine, cache, rotary);
    if (cache && (this.#attention.learned.length || this.#zero))
      throw new HeedError('UNSUPPORTED', 'MultiheadAttention: a cache cannot hold what addBiasKv and addZeroAttn append', {
        culprit: 'cache',
      });
  }

  #attend(query: Tensor, key: Tensor | undefined, value: Tensor | undefined, call: MultiheadAttentionCall): MultiheadAttentionResult {
    const { cache, rotary, lengths, isCausal, window, residual, needWeights, averageAttnWeights = true } = call;
    const [B, T] = query.shape as [number, number];
    expectShape('MultiheadAttention', 'query', query, [B, T, this.embedDim]);
    const [q, ...rest] = this.#attention.project(key && value ? [query, key, value] : [query]) as [Tensor, ...Tensor[]];
    const [k, v] = this.#extend(rest);
    // S includes the keys that the cache already holds.
    const S = (cache?.length ?? 0) + (rest[0]?.dim(1) ?? 0);
    const bias = this.#extendBias(biasOf(call, [B, this.numHeads, T, S]), (k?.dim(1) ?? 0) - (rest[0]?.dim(1) ?? 0), call);
    const weights: Tensor[] | undefined = needWeights ? [] : undefined;
    const output = this.#attention.attend(k && v ? [q, k, v] : [q], {
      ...{ bias, lengths, causal: isCausal, window, turn: rotary, cache, weights, residual },
    });
    const [seen] = weights ?? [];
    return seen ? { output, weights: averageAttnWeights ? this.#average(seen) : seen } : { output };
  }

  /** Appends bias_k, bias_v and the zeros along the keys. */
  #extend([k, v]: readonly Tensor[]): readonly [Tensor, Tensor] | readonly [] {
    if (!k || !v) return [];
    const [B, , E] = k.shape as [number, number, number];
    const append = (x: Tensor, row: Tensor) => cat([x, expand(row, [B, 1, E])], 1);
    let [keys, values] = [k, v];
    const [learnedK, learnedV] = this.#attention.learned;
    if (learnedK && learnedV) [keys, values] = [append(keys, learnedK.tensor), append(values, learnedV.tensor)];
    if (this.#zero) {
      const zeros = tensor(this.engine, new Float32Array(E), [1, 1, E]);
      [keys, values] = [append(keys, zeros), append(values, zeros)];
    }
    return [keys, values];
  }

  /** Appended keys are visible to every query. */
  #extendBias(bias: Tensor | undefined, appended: number, call: MultiheadAttentionCall): Tensor | undefined {
    if (!appended) return bias;
    const whole = (['lengths', 'isCausal', 'window', 'rotary'] as const).find((name) => call[name]);
    if (whole)
      throw new HeedError('UNSUPPORTED', `MultiheadAttention: ${whole} cannot be combined with appended keys`, {
        culprit: whole,
        cure: 'Pass masks instead',
      });
    if (!bias) return undefined;
    const zeros = tensor(this.engine, new Float32Array(appended), [1, 1, 1, appended]);
    return cat([contiguous(bias), contiguous(expand(zeros, [...bias.shape.slice(0, 3), appended]))], 3);
  }

  /** The mean over heads, as a product with a row of 1/H. */
  #average(weights: Tensor): Tensor {
    const [B, H, T, S] = weights.shape as [number, number, number, number];
    const row = tensor(this.engine, new Float32Array(B * H).fill(1 / H), [B, 1, H]);
    return reshape(matmul(row, reshape(weights, [B, H, T * S])), [B, T, S]);
  }
}

/** Throws SHAPE unless x is a tensor of three axes. */
export function expectSequence(name: string, x: unknown): void {
  expectTensor('MultiheadAttention', name, x);
  if (x.rank !== 3) throw wrongShape('MultiheadAttention', name, x.shape, 'it must have three axes');
}

/** Channels of a head. Throws ARGUMENT where heads cannot share the channels. */
export function channelsOf(embedDim: number, numHeads: number, headDim: number | undefined): number {
  const counts = [embedDim, numHeads, headDim ?? 1].every((n) => Number.isSafeInteger(n) && n > 0);
  const D = headDim ?? (counts ? embedDim / numHeads : 0);
  if (counts && Number.isSafeInteger(D)) return D;
  const message = `${kindOf(embedDim)} channels do not split into ${kindOf(numHeads)} heads`;
  throw new HeedError('ARGUMENT', message, { culprit: headDim === undefined ? 'numHeads' : 'headDim' });
}

/** Throws ARGUMENT unless `cache` is a cache of the engine, UNSUPPORTED for a cache beside a rotary turn, which turns keys from position 0 on. */
export function expectCache(engine: Engine, cache: KVCache | undefined, rotary: Turn | undefined): void {
  if (cache === undefined) return;
  // Fields are checked, not `instanceof`: a bundle without caches does not need the class.
  if (Object(cache).engine !== engine || typeof cache.append !== 'function')
    throw wrongArgument('MultiheadAttention', 'cache', cache, "It must be a KVCache of the module's engine");
  if (rotary) throw new HeedError('UNSUPPORTED', 'MultiheadAttention: a cache does not turn what it holds', { culprit: 'rotary' });
}
