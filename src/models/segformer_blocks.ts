/** What SegFormer's blocks have in place of a Transformer's parts (Xie et al., arXiv 2105.15203, §3.1): fewer keys and values, and a feed-forward that looks at neighbours. */
import type { Engine } from '../engine/engine.js';
import { Attention, type AttentionCall, type AttentionSpec, type Grid, keeping, type MixerSpec } from '../nn/attention.js';
import { Conv2d, DepthwiseConv2d } from '../nn/convolution2d.js';
import type { FeedForwardLike, FeedForwardMaker, FeedForwardSpec } from '../nn/feed_forward.js';
import { Dropout, LayerNorm, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { activate } from '../ops/activation.js';
import { reshape } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';

/** Tokens [B, T, C] as a plane [B, h, w, C]. */
const planeOf = (x: Tensor, [h, w]: Grid): Tensor => reshape(x, [x.dim(0), h, w, x.dim(2)]);

/** norm(conv(x)) of squares of R × R places: [B, T, C] → [B, ⌊h/R⌋ ⌊w/R⌋, C]. Keys: conv, norm. */
class SequenceReduction extends Module {
  readonly #conv: Conv2d;
  readonly #norm: LayerNorm;

  constructor(engine: Engine, C: number, R: number) {
    super(engine);
    this.#conv = this.child('conv', new Conv2d(engine, C, C, R, { stride: R }));
    this.#norm = this.child('norm', new LayerNorm(engine, C));
  }

  forward(x: Tensor, grid: Grid): Tensor {
    const fewer = this.#conv.forward(planeOf(x, grid));
    return this.#norm.forward(reshape(fewer, [x.dim(0), -1, x.dim(2)]));
  }
}

/** Attention to fewer keys than there are queries (Wang et al., arXiv 2102.12122, §3.3), each of a square of places. Keys: an attention's, and reduction. */
class ReducedAttention extends Attention {
  readonly #reduction: SequenceReduction;

  constructor(engine: Engine, C: number, spec: AttentionSpec, R: number) {
    super(engine, C, spec);
    this.#reduction = this.child('reduction', new SequenceReduction(engine, C, R));
  }

  override forward(x: Tensor, _memory: Tensor | undefined, call: AttentionCall = {}): Tensor {
    return keeping(this.engine, [call.weights], () => super.forward(x, this.#reduction.forward(x, call.grid as Grid), call));
  }
}

/** Attention to one key of R × R places; undefined, which is attention, to one of each. */
export const reducedAttention = (spec: AttentionSpec, R: number): MixerSpec | undefined =>
  R > 1 ? { name: 'self_attn', make: (engine, C) => new ReducedAttention(engine, C, spec, R) } : undefined;

/** linear2(activation(depthwise(linear1(x)))): [B, T, C] → [B, T, C]. Keys: linear1, depthwise, linear2. */
class MixFeedForward extends Module implements FeedForwardLike {
  readonly #linear1: Linear;
  readonly #depthwise: DepthwiseConv2d;
  readonly #linear2: Linear;
  readonly #dropout: Dropout;

  constructor(
    engine: Engine,
    C: number,
    /** What it is like. */
    readonly spec: FeedForwardSpec,
  ) {
    super(engine);
    const { F, dropout = 0 } = spec;
    this.#linear1 = this.child('linear1', new Linear(engine, C, F));
    this.#depthwise = this.child('depthwise', new DepthwiseConv2d(engine, F, 3, { padding: 1 }));
    this.#linear2 = this.child('linear2', new Linear(engine, F, C));
    this.#dropout = this.child('dropout', new Dropout(engine, dropout));
  }

  forward(x: Tensor, residual: Tensor | undefined, grid: Grid): Tensor {
    const h = this.#linear1.forward(x);
    const mixed = reshape(this.#depthwise.forward(planeOf(h, grid)), h.shape);
    return this.#linear2.forward(this.#dropout.forward(activate(mixed, this.spec.activation)), { residual });
  }
}

/** Maker of SegFormer's feed-forward. */
export const mixFeedForward: FeedForwardMaker = (engine, C, spec) => new MixFeedForward(engine, C, spec) as FeedForwardLike;
