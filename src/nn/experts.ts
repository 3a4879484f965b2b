/**
 * Mixture of experts (Shazeer et al., arXiv 1701.06538, eq. 1): a router chooses K of E gated feed-forwards for each token and adds their outputs by its weights. An expert
 * computes only its own tokens.
 *
 *   y[t] = Σ_k w[t,k] · expert_e(t,k)(x[t]),   w = softmax(router(x))[t, e(t,k)], or the softmax of the chosen scores alone
 */
import type { Engine } from '../engine/engine.js';
import { add, mul } from '../ops/elementwise.js';
import { embedding } from '../ops/embedding.js';
import { softmax } from '../ops/norm.js';
import { sum } from '../ops/reduce.js';
import { cat, contiguous, narrow, reshape } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import type { FeedForwardMaker, FeedForwardSpec } from './feed_forward.js';
import { Linear } from './layers.js';
import { Module } from './module.js';

/** Number of experts, and number and weights of the experts that each token gets. */
export interface ExpertsSpec {
  /** E. */
  count: number;
  /** K. */
  chosen: number;
  /** `true` where the weights of a token's experts add up to 1. */
  normalized: boolean;
}

/** [B, T, C] → [B, T, C]. Keys: router, and of all experts stacked, experts.linear1, .linear2, .linear3. */
class Experts extends Module {
  readonly isRouted = true;
  readonly #router: Linear;
  readonly #linears: readonly [Linear, Linear, Linear];

  constructor(
    engine: Engine,
    C: number,
    readonly own: FeedForwardSpec,
    readonly spec: ExpertsSpec,
  ) {
    super(engine);
    const { F } = own;
    const { count: parts } = spec;
    this.#router = this.child('router', new Linear(engine, C, parts, { bias: false }));
    const stack = (name: string, from: number, to: number) =>
      this.child(`experts.${name}`, new Linear(engine, from, parts * to, { bias: false, parts }));
    this.#linears = [stack('linear1', C, F), stack('linear2', F, C), stack('linear3', C, F)];
  }

  forward(given: Tensor, residual?: Tensor): Tensor {
    const { count: E, chosen: K, normalized } = this.spec;
    const x = reshape(given, [-1, given.dim(-1)]);
    const [T, C] = x.shape as [number, number];
    const scores = contiguous(this.#router.forward(x));
    const choices = chosenOf(this.engine.heap.floats(scores.ptr, T * E), E, K);
    // Choices in their experts' order, and where each token's stand there.
    const order = Array.from(choices.keys()).sort((a, b) => (choices[a] as number) - (choices[b] as number) || a - b);
    const places = new Int32Array(T * K);
    for (const [place, choice] of order.entries()) places[choice] = place;
    const ints = (values: ArrayLike<number>, shape: readonly number[]) => tensor(this.engine, Int32Array.from(values), shape);
    const rows = embedding(
      ints(
        order.map((choice) => Math.floor(choice / K)),
        [T * K],
      ),
      x,
    );
    const outputs: Tensor[] = [];
    for (let from = 0; from < order.length; ) {
      const e = choices[order[from] as number] as number;
      let to = from + 1;
      while (to < order.length && choices[order[to] as number] === e) to++;
      outputs.push(this.#expert(e, narrow(rows, 0, from, to - from)));
      from = to;
    }
    const each = embedding(ints(places, [T, K]), outputs.length === 1 ? (outputs[0] as Tensor) : cat(outputs, 0));
    const at = ints(
      choices.map((e, i) => Math.floor(i / K) * E + e),
      [T, K],
    );
    const seen = reshape(normalized ? scores : softmax(scores), [T * E, 1]);
    const weights = reshape(embedding(at, seen), [T, K]);
    const y = sum(mul(each, reshape(normalized ? softmax(weights) : weights, [T, K, 1])), 1);
    return residual ? add(reshape(y, given.shape), residual) : reshape(y, [...given.shape.slice(0, -1), C]);
  }

  #expert(e: number, x: Tensor): Tensor {
    const [one, two, three] = this.#linears;
    return two.part(e, mul(one.part(e, x, { activation: this.own.activation }), three.part(e, x)));
  }
}

/** The K largest of each E scores, the largest first, of equal ones the first. */
function chosenOf(scores: Float32Array, E: number, K: number): Int32Array {
  const chosen = new Int32Array((scores.length / E) * K);
  for (let t = 0; t < scores.length / E; t++) {
    const own = scores.subarray(t * E, (t + 1) * E);
    const order = Array.from(own.keys()).sort((a, b) => (own[b] as number) - (own[a] as number) || a - b);
    chosen.set(order.slice(0, K), t * K);
  }
  return chosen;
}

/** Experts in place of a block's feed-forward. */
export const experts =
  (spec: ExpertsSpec): FeedForwardMaker =>
  (engine, C, own) =>
    new Experts(engine, C, own, spec);
