/** What makes one vector of a row's states: [B, T, C] → [B, C]. An encoder chooses one. */
import type { Engine } from '../engine/engine.js';
import { Attention } from '../nn/attention.js';
import { FeedForward } from '../nn/feed_forward.js';
import { normal } from '../nn/init.js';
import { Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { makeNorm, type Norm, type NormSpec } from '../nn/norm.js';
import type { Parameter } from '../nn/parameter.js';
import type { Activation } from '../ops/activation.js';
import { embedding } from '../ops/embedding.js';
import { contiguous, expand, narrow, reshape } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import type { TrunkDims } from './choices.js';

/** The first of T states: [B, T, C] → [B, C]. */
export const firstOf = (x: Tensor): Tensor => stateAt(x, 0);

/** The state at a place: [B, T, C] → [B, C]. */
export const stateAt = (x: Tensor, t: number): Tensor => reshape(contiguous(narrow(x, 1, t, 1)), [x.dim(0), x.dim(2)]);

/** A module that pools. */
export abstract class Pooler extends Module {
  /** States [B, T, C], and the ids [B, T] of tokens where there are such → [B, C]. */
  abstract forward(states: Tensor, ids?: Tensor): Tensor;

  /** Whether the checkpoint had it. */
  get complete(): boolean {
    return [...this.namedParameters()].every(([, parameter]) => parameter.complete);
  }
}

/** Maker of a pooler for a trunk of these sizes. */
export type PoolerMaker = (engine: Engine, dims: TrunkDims) => Pooler;

/** tanh(W h + b) of the first state (Devlin et al. 2019, §3). Keys: weight, bias. */
class TanhPooler extends Pooler {
  readonly #dense: Linear;

  constructor(engine: Engine, C: number) {
    super(engine);
    this.#dense = this.child('', new Linear(engine, C, C));
  }

  forward(states: Tensor): Tensor {
    return this.#dense.forward(firstOf(states), { activation: 'tanh' });
  }
}
export const tanhPooler: PoolerMaker = (engine, { C }) => new TanhPooler(engine, C);

/** The first state, behind a norm of its own where there is one. Keys: norm. */
class FirstPooler extends Pooler {
  readonly #norm;

  constructor(engine: Engine, C: number, norm: NormSpec | undefined) {
    super(engine);
    if (norm) this.#norm = this.child('norm', makeNorm(engine, C, norm));
  }

  forward(states: Tensor): Tensor {
    const first = firstOf(states);
    return this.#norm ? this.#norm.forward(first) : first;
  }
}
export const firstPooler: PoolerMaker = (engine, { C }) => new FirstPooler(engine, C, undefined);
export const normedFirstPooler: PoolerMaker = (engine, { C, eps }) => new FirstPooler(engine, C, { eps });

/** W h + b of the last state. Keys: weight, bias. */
class LastPooler extends Pooler {
  readonly #dense: Linear;

  constructor(engine: Engine, C: number, width: number) {
    super(engine);
    this.#dense = this.child('', new Linear(engine, C, width));
  }

  forward(states: Tensor): Tensor {
    return this.#dense.forward(stateAt(states, states.dim(1) - 1));
  }
}
export const lastPooler =
  (width: number): PoolerMaker =>
  (engine, { C }) =>
    new LastPooler(engine, C, width);

/** The state of the first token that is the end of a text; of its highest id, where that is undefined, which was the end's before words were added. */
class EndPooler extends Pooler {
  constructor(
    engine: Engine,
    readonly end: number | undefined,
  ) {
    super(engine);
  }

  forward(states: Tensor, ids: Tensor): Tensor {
    const { engine } = states;
    const [B, T, C] = states.shape as [number, number, number];
    const all = engine.heap.ints(contiguous(ids).ptr, ids.size);
    const rows = Int32Array.from({ length: B }, (_, b) => {
      const row = all.subarray(b * T, (b + 1) * T);
      const end = this.end ?? row.reduce((most, id) => Math.max(most, id), 0);
      return b * T + Math.max(0, row.indexOf(end));
    });
    return embedding(tensor(engine, rows), reshape(states, [B * T, C]));
  }
}
export const endPooler =
  (end: number | undefined): PoolerMaker =>
  (engine) =>
    new EndPooler(engine, end);

/** Attention of a learned query to all states, and a feed-forward (Zhai et al., arXiv 2106.04560, §3). Keys: probe, attention, norm, linear1, linear2. */
class AttentionPooler extends Pooler {
  readonly #probe: Parameter;
  readonly #attention: Attention;
  readonly #norm: Norm;
  readonly #feedForward: FeedForward;

  constructor(engine: Engine, { C, H, F, eps }: TrunkDims, activation: Activation) {
    super(engine);
    this.#probe = this.parameter('probe', [1, C], { init: normal(0.02) });
    this.#attention = this.child('attention', new Attention(engine, C, { H }));
    this.#norm = this.child('norm', makeNorm(engine, C, { eps }));
    this.#feedForward = this.child('', new FeedForward(engine, C, { F, activation }));
  }

  forward(states: Tensor): Tensor {
    const [B, , C] = states.shape as [number, number, number];
    const x = this.#attention.forward(contiguous(expand(this.#probe.tensor, [B, 1, C])), states);
    return reshape(this.#feedForward.forward(this.#norm.forward(x), x), [B, C]);
  }
}
export const attentionPooler =
  (activation: Activation): PoolerMaker =>
  (engine, dims) =>
    new AttentionPooler(engine, dims, activation);
