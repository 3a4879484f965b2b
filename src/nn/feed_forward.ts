/**
 * The sublayer behind attention (Vaswani et al. 2017, §3.3), plain or gated (Shazeer, arXiv 2002.05202):
 *
 *   linear2(activation(linear1(x)))        linear2(activation(linear1(x)) · linear3(x))
 *
 * With the gate 'fused', linear1 has the rows of both; with 'fused_last', those of linear3 before its own.
 */
import type { Engine } from '../engine/engine.js';
import { type Activation, activationCode } from '../ops/activation.js';
import { mul } from '../ops/elementwise.js';
import type { Tensor } from '../tensor.js';
import type { Grid } from './attention.js';
import { Dropout, Linear } from './layers.js';
import { Module } from './module.js';

/** Gate beside the activation of a feed-forward: `false` for none, `true` for linear3; 'fused' where rows of linear1 are activated, and further ones are the gate, 'fused_last' where it is the other way round. */
export type Gate = boolean | keyof typeof fusedGates;

/** The part of linear1 that is activated, and the part that is the gate. */
const fusedGates = { fused: [0, 1], fused_last: [1, 0] } as const;
export const isFused = (gated: Gate): gated is keyof typeof fusedGates => Object.hasOwn(fusedGates, String(gated));

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

/** A sublayer instead of a feed-forward: [B, T, C] → [B, T, C], a residual added. */
export interface FeedForwardLike extends Module {
  /** `true` where the kernel launches depend on the values of x, not on shapes alone, so that no step can be replayed. Default false. */
  readonly isRouted?: boolean;
  /** `grid`: lines and columns of the tokens, where they are places of a picture. */
  forward(x: Tensor, residual?: Tensor, grid?: Grid): Tensor;
}
export type FeedForwardMaker = (engine: Engine, C: number, spec: FeedForwardSpec) => FeedForwardLike;

/** Two products with an activation between: [B, T, C] → [B, T, C]. Keys: linear1, linear2, and linear3 for a gate of its own. */
export class FeedForward extends Module {
  readonly #activation: Activation;
  readonly #fused: readonly [active: number, gate: number] | undefined;
  readonly #linear1: Linear;
  readonly #linear2: Linear;
  readonly #linear3: Linear | undefined;
  readonly #dropout: Dropout;

  constructor(engine: Engine, C: number, { F, activation, gated = false, bias = true, dropout = 0 }: FeedForwardSpec) {
    super(engine);
    activationCode(activation); // throws for a name that is none
    this.#activation = activation;
    this.#fused = isFused(gated) ? fusedGates[gated] : undefined;
    const parts = isFused(gated) ? 2 : 1;
    this.#linear1 = this.child('linear1', new Linear(engine, C, parts * F, { bias, parts }));
    this.#linear2 = this.child('linear2', new Linear(engine, F, C, { bias }));
    if (gated === true) this.#linear3 = this.child('linear3', new Linear(engine, C, F, { bias }));
    this.#dropout = this.child('dropout', new Dropout(engine, dropout));
  }

  /** A residual is added in the last product's pass. */
  forward(x: Tensor, residual?: Tensor): Tensor {
    const options = { activation: this.#activation };
    const [first, second] = this.#fused ?? [];
    const active = first === undefined ? this.#linear1.forward(x, options) : this.#linear1.part(first, x, options);
    const gate = second === undefined ? this.#linear3?.forward(x) : this.#linear1.part(second, x);
    return this.#linear2.forward(this.#dropout.forward(gate ? mul(active, gate) : active), { residual });
  }
}
