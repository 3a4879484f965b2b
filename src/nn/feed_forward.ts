/**
 * The sublayer behind attention (Vaswani et al. 2017, §3.3), plain or gated (Shazeer, arXiv 2002.05202):
 *
 *   linear2(activation(linear1(x)))        linear2(activation(linear1(x)) · linear3(x))
 *
 * Gated 'fused', linear1 has the rows of both.
 */
import type { Engine } from '../engine/engine.js';
import { type Activation, activationCode } from '../ops/activation.js';
import { mul } from '../ops/elementwise.js';
import type { Tensor } from '../tensor.js';
import { Dropout, Linear } from './layers.js';
import { Module } from './module.js';

/** Gate beside the activation of a feed-forward: `false` for none, `true` for linear3, 'fused' for further rows of linear1. */
export type Gate = boolean | 'fused';

/** Specification of a feed-forward. */
export interface FeedForwardSpec {
  /** Channels of the hidden layer. */
  F: number;
  activation: Activation;
  /** Default none. */
  gated?: Gate | undefined;
  /** `true` where the linear layers have biases. Default true. */
  bias?: boolean | undefined;
  /** Share of the activation's output that is zeroed in training. Default 0. */
  dropout?: number | undefined;
  /** Maker of another sublayer in place of the feed-forward. */
  make?: FeedForwardMaker | undefined;
}

/** A sublayer that stands for a feed-forward: [B, T, C] → [B, T, C], a residual added. */
export interface FeedForwardLike extends Module {
  /** `true` where the kernel launches depend on the values of x, not on shapes alone, so that no step can be replayed. Default false. */
  readonly isRouted?: boolean;
  forward(x: Tensor, residual?: Tensor): Tensor;
}
export type FeedForwardMaker = (engine: Engine, C: number, spec: FeedForwardSpec) => FeedForwardLike;

/** Two products with an activation between: [B, T, C] → [B, T, C]. Keys: linear1, linear2, and linear3 for a gate of its own. */
export class FeedForward extends Module {
  readonly #activation: Activation;
  readonly #fused: boolean;
  readonly #linear1: Linear;
  readonly #linear2: Linear;
  readonly #linear3: Linear | undefined;
  readonly #dropout: Dropout;

  constructor(engine: Engine, C: number, { F, activation, gated = false, bias = true, dropout = 0 }: FeedForwardSpec) {
    super(engine);
    activationCode(activation); // throws for a name that is none
    this.#activation = activation;
    this.#fused = gated === 'fused';
    const parts = this.#fused ? 2 : 1;
    this.#linear1 = this.child('linear1', new Linear(engine, C, parts * F, { bias, parts }));
    this.#linear2 = this.child('linear2', new Linear(engine, F, C, { bias }));
    if (gated === true) this.#linear3 = this.child('linear3', new Linear(engine, C, F, { bias }));
    this.#dropout = this.child('dropout', new Dropout(engine, dropout));
  }

  /** A residual is added in the last product's pass. */
  forward(x: Tensor, residual?: Tensor): Tensor {
    const options = { activation: this.#activation };
    const active = this.#fused ? this.#linear1.part(0, x, options) : this.#linear1.forward(x, options);
    const gate = this.#fused ? this.#linear1.part(1, x) : this.#linear3?.forward(x);
    return this.#linear2.forward(this.#dropout.forward(gate ? mul(active, gate) : active), { residual });
  }
}
