/**
 * Multi-head attention (Vaswani et al. 2017, §3.2.2) of blocks, made from a specification:
 *
 *   MultiHead(x, m) = Concat(head_1 … head_H) W_O,   head_h = Attention(x W_Q^h, m W_K^g, m W_V^g),   g = ⌊h G / H⌋
 *
 * MultiheadAttention offers this attention with PyTorch's arguments.
 */
import type { Engine } from '../engine/engine.js';
import { type AttentionOptions, attentionWithWeights, cachedAttention, scaledDotProductAttention } from '../ops/attention.js';
import { add } from '../ops/elementwise.js';
import { narrow, reshape, transpose, unflatten } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import { product } from './additions.js';
import type { KVCache } from './cache.js';
import type { ConvolutionCache } from './convolution_cache.js';
import { xavierNormal, xavierUniform, zeros } from './init.js';
import { checkProbability, Linear } from './layers.js';
import { Module } from './module.js';
import { makeNorm, type Norm, type NormSpec } from './norm.js';
import type { Parameter } from './parameter.js';
import type { RotaryPositions } from './rotary_positions.js';

/** Turns heads [B, H, T, D]. */
export interface Turn {
  /** Returns the turned heads, of the same shape. */
  (heads: Tensor): Tensor;
  /** The same for queries, where those are multiplied by a number for each place too. */
  queries?: ((heads: Tensor) => Tensor) | undefined;
  /** Sets other positions for later calls, for as many rows: see `RotaryPositions.forward`. */
  move(from: number | readonly number[], whole?: number): void;
  /** Frees the tables of cosines and sines. */
  dispose(): void;
}

/** Maker of the rotary positions of heads of D channels: blocks with the same function share one set of positions. */
export type RotaryMaker = (engine: Engine, D: number) => RotaryPositions;

/** A mixer instead of attention: [B, T, C] → [B, T, C], a residual added. */
export interface MixerLike extends Module {
  forward(x: Tensor, memory: Tensor | undefined, call?: AttentionCall): Tensor;
}

/** Maker of a mixer and of its cache. */
export interface MixerSpec {
  /** Name of the module in a block. */
  readonly name: string;
  make(engine: Engine, C: number): MixerLike;
  /** Default: that of an attention. */
  cache?(engine: Engine): ConvolutionCache;
}

/** Cache of a layer. */
export type LayerCache = KVCache | ConvolutionCache;

/** Lines and columns of tokens that are places of a picture. */
export type Grid = readonly [height: number, width: number];

/** Specification of an attention. */
export interface AttentionSpec {
  /** Number of query heads. */
  H: number;
  /** Number of key and value heads, each of which serves H / G neighbouring query heads (Ainslie et al., arXiv 2305.13245). Default H. */
  G?: number | undefined;
  /** Channels of a head. Default C / H. */
  D?: number | undefined;
  /** Channels of the inputs from which keys and values are projected, where not C. */
  sources?: readonly [key: number, value: number] | undefined;
  /** `true` where projections have biases: `bias` for queries, keys and values; `outBias` for the output where it differs. Default true. */
  bias?: boolean | readonly [q: boolean, k: boolean, v: boolean] | undefined;
  outBias?: boolean | undefined;
  /** Factor of the scores. Default 1 / sqrt(D). */
  scale?: number | undefined;
  /** Bound of the scaled scores: softCap · tanh(s / softCap) (Gemma 2, arXiv 2408.00118). Default none. */
  softCap?: number | undefined;
  /** Norm of the queries and keys of each head (Henry et al., arXiv 2010.04245). Default none. */
  norm?: NormSpec | undefined;
  /** `true` where the norms of queries and keys go over all heads together. Default false. */
  normsAll?: boolean | undefined;
  /** Maker of the rotary positions of queries and keys. A trunk calls each distinct maker once for all its blocks. */
  rotary?: RotaryMaker | undefined;
  /** Slope of each head: see `alibiSlopes`. Default none. */
  slopes?: readonly number[] | undefined;
  /** `true` where each token sees only earlier tokens and itself. Default false. */
  causal?: boolean | undefined;
  /** Number of tokens that each token sees to its left and right, besides itself; a single number is the left side. Default all. */
  window?: AttentionOptions['window'];
  /** Share of attention weights that are zeroed in training. Default 0. */
  dropout?: number | undefined;
  /** Mixer instead of attention. Default: attention. */
  mixer?: MixerSpec | undefined;
  /** `true` for a learned key and value, which MultiheadAttention appends. Default false. */
  learnedKey?: boolean | undefined;
}

/** Arguments of one call of an attention. */
export interface AttentionCall {
  /** Bias [B or 1, H or 1, T or 1, S] that is added to the scores. */
  bias?: Tensor | undefined;
  /** Number of keys of each example; later keys are padding. */
  lengths?: readonly number[] | undefined;
  /** Values that replace `causal` and `window` of the specification. */
  causal?: boolean | undefined;
  window?: AttentionOptions['window'];
  /** Rotary turn of queries and keys. */
  turn?: Turn | undefined;
  /** Vectors [B, T, C] and [B, S, C], or without the first axis, that are added to what queries and keys are made of, and not to what values are (Carion et al., arXiv 2005.12872, §A.4). */
  positions?: { readonly query: Tensor; readonly key: Tensor } | undefined;
  /** Lines and columns of the tokens, where they are places of a picture. */
  grid?: Grid | undefined;
  /** Cache of the keys and values of earlier calls, to which this call appends its own. */
  cache?: KVCache | undefined;
  /** `true` where the cache has already counted the tokens of this call: see `KVCache.advance`. */
  isCounted?: boolean | undefined;
  /** List to which the attention weights [B, H, T, S] are pushed, at the cost of a second pass. */
  weights?: Tensor[] | undefined;
  /** Residual [B, T, C], added to the output within the last product. */
  residual?: Tensor | undefined;
}

/** Runs `run` in a scope; tensors that are pushed to `lists` outlive the scope. */
export const keeping = <Y>(engine: Engine, lists: readonly unknown[], run: () => Y): Y => engine.scope(() => ({ y: run(), lists })).y;

/** Attention of H query heads to G key heads: x [B, T, C] and a memory [B, S, C] → [B, T, C]. State-dict keys are those of PyTorch's nn.MultiheadAttention. */
export class Attention extends Module {
  /** Projections of queries, keys and values: one matrix, or three where the sources have other widths. */
  readonly #matrices: readonly Parameter[];
  readonly #bias: Parameter | undefined;
  /** `true` where one product makes queries, keys and values of a single source. */
  readonly #fused: boolean;
  /** Rows of each projection, and of the bias of each projection. */
  readonly #rows: readonly [number, number, number];
  readonly #biasRows: readonly number[];
  readonly #norms: readonly [Norm, Norm] | undefined;
  /** A learned key and value, [1, 1, G · D] each. */
  readonly learned: readonly Parameter[] = [];
  /** The projection of what all heads give: [H · D] → [C]. */
  readonly outProj: Linear;

  constructor(
    engine: Engine,
    /** C, the width of queries and of the output. */
    readonly width: number,
    /** Specification of the attention. */
    readonly spec: AttentionSpec,
  ) {
    super(engine);
    const C = width;
    const { H, G = H, D = C / H, sources: [kdim, vdim] = [C, C], bias = true, outBias = bias !== false, norm, normsAll } = spec;
    checkProbability(new.target.name, 'dropout', spec.dropout ?? 0);
    const rows = [H * D, G * D, G * D] as const;
    this.#rows = rows;
    this.#biasRows = rows.map((n, i) => ((typeof bias === 'boolean' ? bias : bias[i]) ? n : 0));
    const made = { packed: true, adapts: true, init: xavierUniform };
    this.#matrices =
      kdim === C && vdim === C
        ? [this.parameter('in_proj_weight', [H * D + 2 * G * D, C], { ...made, parts: rows })]
        : [C, kdim, vdim].map((from, i) => this.parameter(`${'qkv'[i]}_proj_weight`, [rows[i] as number, from], made));
    const biases = this.#biasRows.filter((n) => n > 0);
    this.#fused = this.#matrices.length === 1 && (this.#matrices[0] as Parameter).fused && biases.length % 3 === 0;
    if (biases.length) this.#bias = this.parameter('in_proj_bias', [this.#biasFrom(3)], { parts: biases });
    if (spec.learnedKey)
      this.learned = ['k', 'v'].map((name, i) => this.parameter(`bias_${name}`, [1, 1, rows[i + 1] as number], { init: xavierNormal }));
    const channels = normsAll ? [H * D, G * D] : [D, D];
    const normed = (name: string, i: number) => this.child(name, makeNorm(engine, channels[i] as number, norm as NormSpec));
    if (norm) this.#norms = [normed('q_norm', 0), normed('k_norm', 1)];
    this.outProj = this.child('out_proj', new Linear(engine, H * D, C, { bias: outBias, biasInit: zeros }));
  }

  /** Attention of x [B, T, C] to `memory`, or, without one, to the keys and values of the call's cache: [B, T, C]. */
  forward(x: Tensor, memory: Tensor | undefined, call: AttentionCall = {}): Tensor {
    const { positions } = call;
    const placed = (y: Tensor, side: 'query' | 'key') => (positions ? add(y, positions[side]) : y);
    const sources = () => (memory ? [placed(x, 'query'), placed(memory, 'key'), memory] : [x]);
    return keeping(this.engine, [call.weights], () => this.attend(this.project(sources()), call));
  }

  /** Appends the keys and values of a memory [B, S, C] to a cache, `lengths` tokens of each row, for later calls without a memory. */
  remember(cache: KVCache, memory: Tensor, lengths?: readonly number[]): void {
    this.engine.scope(() => cache.append(...this.#keys(this.project([memory, memory], 1) as [Tensor, Tensor]), lengths));
  }

  /** Projections from the `first` of query, key and value on: one product where all three have one source, else one each. */
  project(sources: readonly Tensor[], first = 0): Tensor[] {
    const [x, y, z] = sources;
    const [whole, ...others] = this.#matrices as [Parameter, ...Parameter[]];
    // Additions of adapters belong to each projection alone.
    if (this.#fused && !whole.additions?.length && x && x === y && y === z) {
      const all = product(x, whole, () => this.#biasOf(0, 3));
      const [Q, K, V] = this.#rows;
      return [narrow(all, -1, 0, Q), narrow(all, -1, Q, K), narrow(all, -1, Q + K, V)];
    }
    return sources.map((source, at) => {
      const i = first + at;
      const [weight, part] = others.length ? [this.#matrices[i] as Parameter, undefined] : [whole, i];
      return product(source, weight, () => this.#biasOf(i), {}, part);
    });
  }

  /** Index in the joint bias at which the bias of a projection begins. */
  #biasFrom(index: number): number {
    return this.#biasRows.slice(0, index).reduce((rows, n) => rows + n, 0);
  }

  /** The bias of `count` projections; undefined where they have none. */
  #biasOf(index: number, count = 1): Tensor | undefined {
    const [from, to] = [this.#biasFrom(index), this.#biasFrom(index + count)];
    return this.#bias && to > from ? narrow(this.#bias.tensor, 0, from, to - from) : undefined;
  }

  /** [B, T, heads · D] → [B, heads, T, D]: a view, or a new tensor where a norm or a turn is applied. */
  #heads(x: Tensor, norm?: Norm, turn?: (heads: Tensor) => Tensor): Tensor {
    const { H, normsAll } = this.spec;
    const rows = unflatten(norm && normsAll ? norm.forward(x) : x, -1, [-1, this.#rows[0] / H]);
    const heads = transpose(norm && !normsAll ? norm.forward(rows) : rows, 1, 2);
    return turn ? turn(heads) : heads;
  }

  #keys([k, v]: readonly [Tensor, Tensor], turn?: Turn): [Tensor, Tensor] {
    return [this.#heads(k, this.#norms?.[1], turn), this.#heads(v)];
  }

  /** Attention of queries [B, T, H · D] to keys and values [B, S, G · D], or to the keys and values of a cache, projected to the output [B, T, C]. */
  attend([q, ...rest]: readonly Tensor[], call: AttentionCall): Tensor {
    const { H, G = H, scale, softCap, slopes, dropout = 0 } = this.spec;
    const { bias, lengths, turn, weights: seen, residual, causal = this.spec.causal, window = this.spec.window } = call;
    const [B, T] = (q as Tensor).shape as [number, number];
    const query = this.#heads(q as Tensor, this.#norms?.[0], turn?.queries ?? turn);
    const fresh = rest.length ? this.#keys(rest as [Tensor, Tensor], turn) : undefined;
    const drops = this.training && dropout > 0 && { dropoutP: dropout, dropoutKey: this.dropoutKey() };
    const alibiSlopes = slopes && tensor(this.engine, slopes);
    const options = { ...{ attnMask: bias, isCausal: causal, window, lengths, scale, softCap, alibiSlopes, enableGqa: G !== H }, ...drops };
    const { output, weights } = this.#look(query, fresh, call, options, seen !== undefined);
    if (weights) seen?.push(weights);
    return this.outProj.forward(reshape(transpose(output, 1, 2), [B, T, this.#rows[0]]), { residual });
  }

  #look(
    q: Tensor,
    fresh: readonly [Tensor, Tensor] | undefined,
    { cache, isCounted }: AttentionCall,
    options: AttentionOptions,
    wantsWeights: boolean,
  ): { output: Tensor; weights?: Tensor } {
    if (cache) {
      if (fresh && isCounted) cache.put(...fresh);
      else if (fresh) cache.append(...fresh);
      return cachedAttention(q, cache.panels, options, wantsWeights); // the queries stand on each row's last keys
    }
    const [k, v] = fresh as readonly [Tensor, Tensor];
    return wantsWeights ? attentionWithWeights(q, k, v, options) : { output: scaledDotProductAttention(q, k, v, options) };
  }
}
