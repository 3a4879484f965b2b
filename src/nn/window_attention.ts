/**
 * Attention within windows of a plane (Liu et al., arXiv 2111.09883, §3.2): scores are cosines times a learned number of each head, and a small network makes a bias of how far two
 * places are apart.
 *
 *   softmax(s_h cos(q, k) + 16 σ(W₂ relu(W₁ (Δy, Δx) + b))) v,   Δ = sign(d) log₂(8 |d| + 1) / log₂ 8 of shares d of the window
 */
import type { Engine } from '../engine/engine.js';
import { exp, log } from '../math.js';
import { sigmoid } from '../ops/activation.js';
import { attentionWithWeights, scaledDotProductAttention } from '../ops/attention.js';
import { add, mul, scale } from '../ops/elementwise.js';
import { embedding } from '../ops/embedding.js';
import { linear } from '../ops/matmul.js';
import { rmsNorm } from '../ops/norm.js';
import { cat, contiguous, narrow, reshape, transpose, unflatten } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import { Attention, keeping } from './attention.js';
import { linearInit } from './init.js';
import { Module } from './module.js';
import type { Parameter } from './parameter.js';
import { scoresApart, type Windows } from './windows.js';

/** Hidden channels of the network that makes the bias. */
const HIDDEN = 512;
/** The most that a cosine is multiplied by. */
const MOST = 100;
/** What is added to the scores of places that are apart. The models were trained with −100, which their code adds twice. */
const FAR = -200;

/** The bias of pairs of places in a window. Keys: hidden, out. They stay float32: two numbers make 512. */
class PositionBias extends Module {
  readonly #hidden: Parameter;
  readonly #bias: Parameter;
  readonly #out: Parameter;

  constructor(
    engine: Engine,
    readonly side: number,
    H: number,
  ) {
    super(engine);
    const made = { packed: true, quantizable: false, init: linearInit };
    this.#hidden = this.parameter('hidden.weight', [HIDDEN, 2], made);
    this.#bias = this.parameter('hidden.bias', [HIDDEN]);
    this.#out = this.parameter('out.weight', [H, HIDDEN], made);
  }

  /** [H, T, T] of T = side² places. */
  forward(): Tensor {
    const { engine, side } = this;
    const [span, T] = [2 * side - 1, side * side];
    const distance = (d: number) => (Math.sign(d) * log((8 * Math.abs(d)) / Math.max(1, side - 1) + 1)) / log(8);
    const distances = Float32Array.from({ length: span * span * 2 }, (_, i) => {
      const n = i >> 1;
      return distance((i % 2 ? n % span : Math.floor(n / span)) - side + 1);
    });
    const pairs = Int32Array.from({ length: T * T }, (_, i) => {
      const [q, k] = [Math.floor(i / T), i % T];
      const down = Math.floor(q / side) - Math.floor(k / side) + side - 1;
      return down * span + (q % side) - (k % side) + side - 1;
    });
    const hidden = linear(tensor(engine, distances, [span * span, 2]), this.#hidden.operand, this.#bias.tensor, { activation: 'relu' });
    const each = scale(sigmoid(linear(hidden, this.#out.operand)), 16);
    return reshape(contiguous(transpose(embedding(tensor(engine, pairs), each), 0, 1)), [-1, T, T]);
  }
}

/** Attention of H heads within windows: x [N, T, C] → [N, T, C]. Keys: those of Attention, logit_scale, positions. */
export class WindowAttention extends Attention {
  /** The logarithms of the numbers that cosines are multiplied by, [H]. */
  readonly #scale: Parameter;
  readonly #positions: PositionBias;

  constructor(engine: Engine, C: number, H: number, side: number, bias: boolean) {
    super(engine, C, { H, bias: [bias, false, bias], outBias: true });
    this.#scale = this.parameter('logit_scale', [H]);
    this.#positions = this.child('positions', new PositionBias(engine, side, H));
  }

  /** States of windows, window by window. Weights [N, H, T, T] are pushed to `seen`, in the order of planes and lines. */
  within(x: Tensor, windows: Windows, seen?: Tensor[]): Tensor {
    return keeping(this.engine, [seen], () => {
      const { engine } = this;
      const { H } = this.spec;
      const [N, T, C] = x.shape as [number, number, number];
      const D = C / H;
      const [q, k, v] = this.project([x, x, x]).map((all) => unflatten(all, -1, [H, D])) as [Tensor, Tensor, Tensor];
      const unit = tensor(engine, new Float32Array(D).fill(1 / Math.sqrt(D)));
      const cosines = (heads: Tensor) => rmsNorm(heads, unit, { eps: 1e-30 });
      const heads = [mul(cosines(q), this.#factors(D)), cosines(k), v].map((all) => transpose(all, 1, 2));
      const bias = this.#positions.forward();
      let at = 0;
      const runs = windows.runs.map(({ apart, count }) => {
        const [query, key, value] = heads.map((all) => narrow(all, 0, at, count)) as [Tensor, Tensor, Tensor];
        at += count;
        const far = apart.down || apart.across ? scoresApart(apart, windows.side, windows.shift, FAR) : undefined;
        const options = { attnMask: far ? add(bias, tensor(engine, far, [T, T])) : bias, scale: 1 };
        return seen
          ? attentionWithWeights(query, key, value, options)
          : { output: scaledDotProductAttention(query, key, value, options), weights: undefined };
      });
      const joined = (parts: readonly Tensor[]) => (parts.length > 1 ? cat(parts, 0) : (parts[0] as Tensor));
      if (seen) {
        const weights = joined(runs.map(({ weights }) => weights as Tensor));
        seen.push(reshape(embedding(tensor(engine, windows.order), reshape(weights, [N, H * T * T])), [N, H, T, T]));
      }
      return this.outProj.forward(reshape(joined(runs.map(({ output }) => transpose(output, 1, 2))), [N, T, C]));
    });
  }

  /** What each channel of a query is multiplied by, [H, D]. */
  #factors(D: number): Tensor {
    const factors = Array.from(this.#scale.toHost().data as Float32Array, (s) => Math.min(exp(s), MOST));
    return tensor(
      this.engine,
      factors.flatMap((factor) => Array<number>(D).fill(factor)),
      [factors.length, D],
    );
  }
}
