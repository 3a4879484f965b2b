/**
 * A block of a Transformer (Vaswani et al. 2017, §3.1): attention, cross-attention where it has one, feed-forward, each with a residual around it and norms
 * at the places of its specification:
 *
 *   pre       x + f(norm(x))                                     (Xiong et al., arXiv 2002.04745)
 *   post      norm(x + f(x))
 *   both      x + norm_out(f(norm(x)))                           (sandwich norm: Ding et al., arXiv 2105.13290, §3.1)
 *   out       x + norm_out(f(x))                                 (OLMo 2: arXiv 2501.00656, §3.3)
 *   parallel  x + attention(norm1(x)) + feedForward(norm2(x))    (GPT-J's; without a norm2 both read norm1(x))
 *
 * Keys: self_attn, multihead_attn, linear1 …, norm1 …, as PyTorch's layers have them, norm1_out … of 'both' and 'out', and scale1 … of LayerScale.
 */
import type { Engine } from '../engine/engine.js';
import { add, mul, scale } from '../ops/elementwise.js';
import type { Tensor } from '../tensor.js';
import { Attention, type AttentionCall, type AttentionSpec, keeping, type MixerLike } from './attention.js';
import type { KVCache } from './cache.js';
import type { DropoutMaker } from './drop_path.js';
import { FeedForward, type FeedForwardLike, type FeedForwardSpec } from './feed_forward.js';
import { ones } from './init.js';
import { Dropout } from './layers.js';
import { Module } from './module.js';
import { makeNorm, type Norm, type NormSpec } from './norm.js';
import type { Parameter } from './parameter.js';

/** Places of norms: `before` the sublayer, on the `out`put of the sublayer, `behind` the sum with the residual. */
const places = {
  pre: { before: true, out: false, behind: false },
  post: { before: false, out: false, behind: true },
  both: { before: true, out: true, behind: false },
  out: { before: false, out: true, behind: false },
  parallel: { before: true, out: false, behind: false },
} as const;
export type Place = keyof typeof places;

/** Specification of a block, plain data. */
export interface BlockSpec {
  /** Channels. */
  C: number;
  attention: AttentionSpec;
  /** Attention to a memory. Default none. */
  cross?: AttentionSpec | undefined;
  feedForward: FeedForwardSpec;
  norm: NormSpec;
  place: Place;
  /** `true` where the first sublayer has a norm: a first block may stand on embeddings that have a norm already. Default true. */
  firstNorm?: boolean | undefined;
  /** `true` where the last sublayer has a norm: parallel sublayers may share the first sublayer's norm. Default true. */
  lastNorm?: boolean | undefined;
  /** Factor of each sublayer's output before the sum with the residual. Default 1. */
  residualScale?: number | undefined;
  /** `true` where each sublayer's output has a learned factor for each channel as well: LayerScale (Touvron et al., arXiv 2103.17239). Default false. */
  layerScale?: boolean | undefined;
  /** Share of each sublayer's output that is zeroed in training; `attentionOutputDropout` for attentions where it differs. Default 0. */
  dropout?: number | undefined;
  attentionOutputDropout?: number | undefined;
  /** Maker of what drops, where more than single numbers are zeroed: stochastic depth. */
  drops?: DropoutMaker | undefined;
}

/** Arguments of one call of a block. */
export interface BlockCall {
  /** Arguments of the self-attention. */
  self?: AttentionCall | undefined;
  /** Memory [B, S, C] of the cross-attention; without it, the cross-attention reads its cache. */
  memory?: Tensor | undefined;
  cross?: AttentionCall | undefined;
}

/** Sublayer f: returns its output, plus x where x is given. */
type Sublayer = (x?: Tensor) => Tensor;

/** Residual around a sublayer, with its dropout and norms. */
class Residual {
  constructor(
    readonly before: Norm | undefined,
    readonly out: Norm | undefined,
    readonly behind: Norm | undefined,
    readonly dropout: Dropout,
    readonly factor: number,
    readonly scale: Parameter | undefined,
  ) {}

  /** Input of the sublayer: norm(x), or x without a norm. */
  norm(x: Tensor): Tensor {
    return this.before ? this.before.forward(x) : x;
  }

  /** x + f, with norms and factor where there are any. Without dropout, norm or factor on the output of f, the last product of f adds x itself. */
  add(x: Tensor, f: Sublayer): Tensor {
    const { out, behind, dropout, factor, scale: factors } = this;
    const given = out || factor !== 1 || factors || dropout.active ? f() : undefined;
    const times = (y: Tensor) => (factors ? mul(y, factors.tensor) : y);
    const scaled = (y: Tensor) => times(factor === 1 ? y : scale(y, factor));
    const sum = given ? add(scaled(dropout.forward(out ? out.forward(given) : given)), x) : f(x);
    return behind ? behind.forward(sum) : sum;
  }
}

/** Block of a Transformer: x [B, T, C] → [B, T, C]. */
export class Block extends Module {
  readonly #attention: MixerLike;
  readonly #cross: Attention | undefined;
  readonly #feedForward: FeedForwardLike;
  /** Around attention, around attention to a memory, around the feed-forward. */
  readonly #around: readonly [Residual, Residual | undefined, Residual];

  constructor(
    engine: Engine,
    /** Specification of the block. */
    readonly spec: BlockSpec,
  ) {
    super(engine);
    const { C, attention, cross, feedForward, norm, place, firstNorm = true, lastNorm = true, dropout = 0 } = spec;
    const { attentionOutputDropout = dropout, residualScale = 1, layerScale = false, drops } = spec;
    const { name = 'self_attn', make } = attention.mixer ?? {};
    this.#attention = this.child(name, make?.(engine, C) ?? new Attention(engine, C, attention));
    this.#feedForward = this.child('', feedForward.make?.(engine, C, feedForward) ?? new FeedForward(engine, C, feedForward));
    if (cross) this.#cross = this.child('multihead_attn', new Attention(engine, C, cross));
    const stands = places[place];
    const around = (n: number, has: boolean, p: number) => {
      const made = (name: string, where: boolean) => (where && has ? this.child(name, makeNorm(engine, C, norm)) : undefined);
      const norms = [made(`norm${n}`, stands.before), made(`norm${n}_out`, stands.out), made(`norm${n}`, stands.behind)] as const;
      const factors = layerScale ? this.parameter(`scale${n}`, [C], { init: ones }) : undefined;
      return new Residual(...norms, this.child(`dropout${n}`, drops?.(engine, p) ?? new Dropout(engine, p)), residualScale, factors);
    };
    this.#around = [
      around(1, firstNorm, attentionOutputDropout),
      cross && around(2, true, attentionOutputDropout),
      around(cross ? 3 : 2, lastNorm, dropout),
    ];
  }

  /** `true` where launches depend on the content of x (see FeedForwardLike), or on more than the caches' tables: then no two steps have the same ones. */
  get isRouted(): boolean {
    return this.#feedForward.isRouted ?? this.spec.attention.mixer !== undefined;
  }

  forward(x: Tensor, { self = {}, memory, cross = {} }: BlockCall = {}): Tensor {
    const attention = (y: Tensor) => (residual?: Tensor) => this.#attention.forward(y, y, { ...self, residual });
    const crossAttention = (y: Tensor) => (residual?: Tensor) => (this.#cross as Attention).forward(y, memory, { ...cross, residual });
    const feedForward = (y: Tensor) => (residual?: Tensor) => this.#feedForward.forward(y, residual, self.grid);
    const [one, two, three] = this.#around;
    return keeping(this.engine, [self.weights, cross.weights], () => {
      const y = one.norm(x);
      let h = one.add(x, attention(y));
      if (this.spec.place === 'parallel') return three.add(h, feedForward(three.before ? three.norm(x) : y));
      if (two) h = two.add(h, crossAttention(two.norm(h)));
      return three.add(h, feedForward(three.norm(h)));
    });
  }

  /** Appends a memory's keys and values to a cache, for each row as many as `lengths` says; the cache then replaces the memory. */
  remember(cache: KVCache, memory: Tensor, lengths?: readonly number[]): void {
    this.#cross?.remember(cache, memory, lengths);
  }
}
