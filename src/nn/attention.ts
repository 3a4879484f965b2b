/**
 * Multi-head attention (Vaswani et al. 2017, §3.2.2), with torch.nn.MultiheadAttention's names, options and state-dict keys:
 *
 *   MultiHead(Q, K, V) = Concat(head_1 … head_H) W_O,   head_h = Attention(Q W_Q^h, K W_K^h, V W_V^h)
 *
 * In its masks a true boolean is ignored (in scaledDotProductAttention a true one attends).
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import { type AttentionOptions, attentionWithWeights, cachedAttention, maskToBias, scaledDotProductAttention } from '../ops/attention.js';
import { expectBooleans, expectShape, expectTensor, kindOf, wrongArgument, wrongShape } from '../ops/check.js';
import { add } from '../ops/elementwise.js';
import { entered, type Given, type TensorLike, withEntered } from '../ops/given.js';
import { linear, matmul } from '../ops/matmul.js';
import { cat, chunk, contiguous, expand, narrow, reshape, transpose, unflatten } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import type { KVCache } from './cache.js';
import { xavierNormal, xavierUniform, zeros } from './init.js';
import { checkProbability, Linear } from './layers.js';
import { Module } from './module.js';
import type { Operand, Parameter } from './parameter.js';

/** Options of MultiheadAttention: PyTorch's, in camelCase. */
export interface MultiheadAttentionOptions {
  /** Whether projections have a bias. Default true. */
  bias?: boolean;
  /** Width of keys and values where it is not embedDim. */
  kdim?: number;
  /** Width of values where it is not embedDim. */
  vdim?: number;
  /** A learned key and value behind the others. */
  addBiasKv?: boolean;
  /** A key and value of zeros behind the others. */
  addZeroAttn?: boolean;
  /** [B, T, C] instead of PyTorch's default [T, B, C]. */
  batchFirst?: boolean;
  /** The share of attention weights that are zeroed in training. Default 0. */
  dropout?: number;
  /** Channels of a head. Default embedDim / numHeads. */
  headDim?: number | undefined;
  /** What scores are multiplied by. Default 1 / sqrt(headDim). */
  scale?: number | undefined;
}

/** Turns heads [B, H, T, D]. */
export interface Turn {
  /** Gives heads of the same shape. */
  (heads: Tensor): Tensor;
  /** Frees its tables. */
  dispose(): void;
}

/** What a call of MultiheadAttention takes beside query, key and value. */
export interface MultiheadAttentionCall {
  /** [B, S] bool, true is ignored; or float32, added to the scores. */
  keyPaddingMask?: Tensor | undefined;
  /** [T, S] or [B·H, T, S], or [B, H, T, S] where axes of 1 are repeated. bool: true is ignored; float32: added. */
  attnMask?: Tensor | undefined;
  /** Each query sees the keys up to its own place, and those of a cache. Default false. */
  isCausal?: boolean | undefined;
  /** How many keys each query sees to its left and right, itself aside; a number is the left side. */
  window?: AttentionOptions['window'];
  /** Turns queries and keys by their positions: see RotaryPositions. */
  rotary?: Turn | undefined;
  /** Keys of each example, those behind are padding: the faster form of a right-padded keyPaddingMask. */
  lengths?: readonly number[] | undefined;
  /** Return the weights too. Default false: they cost a second pass. */
  needWeights?: boolean | undefined;
  /** The mean over heads [B, T, S] (default) instead of [B, H, T, S]. */
  averageAttnWeights?: boolean | undefined;
  /** Added to the output in the last projection's pass: same shape as the output. */
  residual?: Tensor | undefined;
  /**
   * Keys and values of earlier calls, to which those of this call are appended: queries attend to all, and stand on the last T. Without `key` and
   * `value` they attend to what it holds. S in masks and weights counts all keys of the longest row.
   */
  cache?: KVCache | undefined;
}

/** What attention gives. */
export interface MultiheadAttentionResult {
  /** [B, T, C], or [T, B, C], as the query is. */
  output: Tensor;
  /** With `needWeights`: [B, T, S], or [B, H, T, S]. */
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
  /** Whether inputs are [B, T, C]; else [T, B, C]. */
  readonly batchFirst: boolean;
  /** The share of attention weights that are zeroed in training. */
  readonly dropout: number;
  readonly #fused: Parameter | undefined;
  readonly #apart: readonly [Parameter, Parameter, Parameter] | undefined;
  readonly #bias: Parameter | undefined;
  readonly #biasK: Parameter | undefined;
  readonly #biasV: Parameter | undefined;
  readonly #zero: boolean;
  readonly #scale: number | undefined;
  /** Channels of all heads. */
  readonly #inner: number;
  /** The projection of what all heads give: [H · D] → [embedDim]. */
  readonly outProj: Linear;

  constructor(
    engine: Engine,
    /** C, the width of queries and of the output. */
    readonly embedDim: number,
    /** H. */
    readonly numHeads: number,
    options: MultiheadAttentionOptions = {},
  ) {
    super(engine);
    checkOptions(options, optionNames, 'MultiheadAttention');
    const { bias = true, kdim = embedDim, vdim = embedDim, addBiasKv = false, addZeroAttn = false, batchFirst = false } = options;
    expectBooleans('MultiheadAttention', { bias, addBiasKv, addZeroAttn, batchFirst });
    const counts = [embedDim, numHeads, options.headDim ?? 1].every((n) => Number.isSafeInteger(n) && n > 0);
    const headDim = options.headDim ?? (counts ? embedDim / numHeads : 0);
    if (!counts || !Number.isSafeInteger(headDim)) {
      const message = `${kindOf(embedDim)} channels do not split into ${kindOf(numHeads)} heads`;
      throw new HeedError('ARGUMENT', message, { culprit: options.headDim === undefined ? 'numHeads' : 'headDim' });
    }
    const [C, E] = [embedDim, numHeads * headDim];
    this.#inner = E;
    this.#scale = options.scale;
    this.batchFirst = batchFirst;
    this.dropout = checkProbability('MultiheadAttention', 'dropout', options.dropout ?? 0);
    this.#zero = addZeroAttn;
    if (kdim === C && vdim === C)
      this.#fused = this.parameter('in_proj_weight', [3 * E, C], { packed: true, parts: 3, init: xavierUniform });
    else {
      const matrix = (name: string, width: number) => this.parameter(name, [E, width], { packed: true, init: xavierUniform });
      this.#apart = [matrix('q_proj_weight', C), matrix('k_proj_weight', kdim), matrix('v_proj_weight', vdim)];
    }
    if (bias) this.#bias = this.parameter('in_proj_bias', [3 * E]);
    if (addBiasKv) {
      this.#biasK = this.parameter('bias_k', [1, 1, E], { init: xavierNormal });
      this.#biasV = this.parameter('bias_v', [1, 1, E], { init: xavierNormal });
    }
    this.outProj = this.child('out_proj', new Linear(engine, E, C, { bias, biasInit: zeros }));
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
    this.#checkCache(cache);
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

  /** Appends the keys and values of `memory` [B, S, C] to a cache, for calls that then give none. batchFirst only. */
  remember(cache: KVCache, given: TensorLike): void {
    this.#checkCache(cache);
    this.engine.scope(() => {
      const memory = entered<Tensor>(given, this.engine);
      expectSequence('memory', memory);
      cache.append(...(this.#project([memory, memory], 1).map((x) => this.#heads(x)) as [Tensor, Tensor]));
    });
  }

  #checkCache(cache: KVCache | undefined): void {
    if (cache === undefined) return;
    // Looked at, not `instanceof`: a bundle that has no cache does not need its class.
    if (Object(cache).engine !== this.engine || typeof cache.append !== 'function')
      throw wrongArgument('MultiheadAttention', 'cache', cache, "It must be a KVCache of the module's engine");
    if (!this.#biasK && !this.#zero) return;
    throw new HeedError('UNSUPPORTED', 'MultiheadAttention: a cache cannot hold what addBiasKv and addZeroAttn append', {
      culprit: 'cache',
    });
  }

  /** [B, T, H · D] → [B, H, T, D], a view. */
  #heads(x: Tensor): Tensor {
    return transpose(unflatten(x, -1, [this.numHeads, -1]), 1, 2);
  }

  #attend(query: Tensor, key: Tensor | undefined, value: Tensor | undefined, call: MultiheadAttentionCall): MultiheadAttentionResult {
    const [B, T] = query.shape as [number, number];
    expectShape('MultiheadAttention', 'query', query, [B, T, this.embedDim]);
    const [q, ...rest] = this.#project(key && value ? [query, key, value] : [query]) as [Tensor, ...Tensor[]];
    const { output, weights } = call.cache ? this.#recall(q, rest, call.cache, call) : this.#look(q, rest, call);
    const joined = reshape(transpose(output, 1, 2), [B, T, this.#inner]);
    const y = this.outProj.forward(joined, { residual: call.residual });
    return weights ? { output: y, weights: call.averageAttnWeights === false ? weights : this.#average(weights) } : { output: y };
  }

  #look(q: Tensor, rest: readonly Tensor[], call: MultiheadAttentionCall): { output: Tensor; weights?: Tensor } {
    const [k, v] = this.#extend(rest);
    const S = (rest[0] as Tensor).dim(1);
    const options = this.#masks(call, q.dim(0), q.dim(1), S, k.dim(1));
    const placed = (x: Tensor) => (call.rotary ? call.rotary(this.#heads(x)) : this.#heads(x));
    const operands = [placed(q), placed(k), this.#heads(v)] as const;
    return call.needWeights ? attentionWithWeights(...operands, options) : { output: scaledDotProductAttention(...operands, options) };
  }

  #recall(q: Tensor, rest: readonly Tensor[], cache: KVCache, call: MultiheadAttentionCall): { output: Tensor; weights?: Tensor } {
    if (call.rotary) throw new HeedError('UNSUPPORTED', 'MultiheadAttention: a cache does not turn what it holds', { culprit: 'rotary' });
    if (rest.length) cache.append(...(rest.map((x) => this.#heads(x)) as [Tensor, Tensor]));
    const S = cache.length;
    const options = this.#masks(call, q.dim(0), q.dim(1), S, S);
    return cachedAttention(this.#heads(q), cache.panels, options, call.needWeights === true);
  }

  /** Projections from the `first` of query, key and value on: one product where all three have one source, else one each. */
  #project(sources: readonly Tensor[], first = 0): Tensor[] {
    const E = this.#inner;
    const bias = (from: number, parts = 1) => this.#bias && narrow(this.#bias.tensor, 0, from * E, parts * E);
    const weight = (i: number) => (this.#fused ? this.#fused.partOperand(i) : (this.#apart as readonly Parameter[])[i]?.operand) as Operand;
    const [x, y, z] = sources;
    if (this.#fused?.fused && x && x === y && y === z) return chunk(linear(x, this.#fused.operand, bias(0, 3)), 3, -1);
    return sources.map((source, i) => linear(source, weight(first + i), bias(first + i)));
  }

  /** Appends bias_k, bias_v and the zeros along the keys. */
  #extend([k, v]: readonly Tensor[]): [Tensor, Tensor] {
    let [keys, values] = [k as Tensor, v as Tensor];
    const B = keys.dim(0);
    const append = (x: Tensor, row: Tensor) => cat([x, expand(row, [B, 1, this.#inner])], 1);
    if (this.#biasK && this.#biasV) [keys, values] = [append(keys, this.#biasK.tensor), append(values, this.#biasV.tensor)];
    if (this.#zero) {
      const zeros = tensor(this.engine, new Float32Array(this.#inner), [1, 1, this.#inner]);
      [keys, values] = [append(keys, zeros), append(values, zeros)];
    }
    return [keys, values];
  }

  /** Both masks as one bias [B or 1, H or 1, T or 1, S]; keys that were appended can always be seen. */
  #masks(call: MultiheadAttentionCall, B: number, T: number, S: number, extended: number): AttentionOptions {
    const H = this.numHeads;
    const asBias = (mask: Tensor) => (mask.dtype === 'bool' ? maskToBias(mask, false) : mask);
    const biases: Tensor[] = [];
    if (call.keyPaddingMask !== undefined) {
      expectTensor('MultiheadAttention', 'keyPaddingMask', call.keyPaddingMask);
      expectShape('MultiheadAttention', 'keyPaddingMask', call.keyPaddingMask, [B, S]);
      biases.push(reshape(asBias(call.keyPaddingMask), [B, 1, 1, S]));
    }
    if (call.attnMask !== undefined) {
      expectTensor('MultiheadAttention', 'attnMask', call.attnMask);
      const { rank } = call.attnMask;
      if (rank !== 4) expectShape('MultiheadAttention', 'attnMask', call.attnMask, rank === 2 ? [T, S] : [B * H, T, S]);
      // A view, as relative positions are, stays one.
      const mask = asBias(call.attnMask);
      biases.push(rank === 4 ? mask : reshape(mask, rank === 2 ? [1, 1, T, S] : [B, H, T, S]));
    }
    const appended = extended - S;
    const whole = (['lengths', 'isCausal', 'window', 'rotary'] as const).find((name) => call[name]);
    if (appended && whole) {
      throw new HeedError('UNSUPPORTED', `MultiheadAttention: ${whole} cannot be combined with appended keys`, {
        culprit: whole,
        cure: 'Pass masks instead',
      });
    }
    const [first, second] = biases;
    let bias =
      first && second
        ? add(contiguous(expand(second, [B, second.dim(1), T, S])), contiguous(expand(first, [B, second.dim(1), T, S])))
        : first;
    if (bias && appended) {
      const zeros = tensor(this.engine, new Float32Array(appended), [1, 1, 1, appended]);
      bias = cat([contiguous(bias), contiguous(expand(zeros, [...bias.shape.slice(0, 3), appended]))], 3);
    }
    const drops = this.training && this.dropout > 0 && { dropoutP: this.dropout, dropoutKey: this.dropoutKey() };
    const { isCausal, window, lengths } = call;
    return { attnMask: bias, isCausal, window, lengths, scale: this.#scale, ...drops };
  }

  /** The mean over heads, as a product with a row of 1/H. */
  #average(weights: Tensor): Tensor {
    const [B, H, T, S] = weights.shape as [number, number, number, number];
    const row = tensor(this.engine, new Float32Array(B * H).fill(1 / H), [B, 1, H]);
    return reshape(matmul(row, reshape(weights, [B, H, T * S])), [B, T, S]);
  }
}

function expectSequence(name: string, x: unknown): void {
  expectTensor('MultiheadAttention', name, x);
  if (x.rank !== 3) throw wrongShape('MultiheadAttention', name, x.shape, 'it must have three axes');
}
