/**
 * LoRA's addition to a product (Hu et al., arXiv 2106.09685, eq. 3): y = x Wᵀ + b + s (x Aᵀ) Bᵀ. W is unchanged, in any format; A [r, K] and B [N, r] are parameters of
 * the adapter, and only they take gradients. Keys: lora_A.weight, lora_B.weight, as in PEFT.
 */
import type { Engine } from '../engine/engine.js';
import { scale } from '../ops/elementwise.js';
import { linear } from '../ops/matmul.js';
import type { Tensor } from '../tensor.js';
import type { Addition } from './additions.js';
import type { Form } from './formats/format.js';
import { linearInit } from './init.js';
import { Dropout } from './layers.js';
import { Module } from './module.js';
import type { Parameter } from './parameter.js';

/** Specification of an addition, with the stacked matrices of the weight to which it applies. */
export interface LowRankSpec {
  /** Rank r: the number of rows of A. */
  rank: number;
  /** Factor s. */
  scale: number;
  /** Dropout of x in training, as a share. */
  dropout: number;
  first: number;
  count: number;
}

/** A and B of one weight. A new one adds nothing: B begins with zeros. */
export class LowRank extends Module implements Addition {
  readonly first: number;
  readonly count: number;
  readonly #a: Parameter;
  readonly #b: Parameter;
  readonly #dropout: Dropout;

  constructor(
    engine: Engine,
    /** Weight to whose products it adds. */
    weight: Parameter,
    /** Specification. */
    readonly spec: LowRankSpec,
  ) {
    super(engine);
    const { rank, first, count } = spec;
    [this.first, this.count] = [first, count];
    const heights = weight.heights.slice(first, first + count);
    const rows = heights.reduce((sum, height) => sum + height, 0);
    this.#a = this.parameter('lora_A.weight', [rank, weight.width], { packed: true, init: linearInit });
    this.#b = this.parameter('lora_B.weight', [rows, rank], { packed: true, parts: heights });
    this.#dropout = this.child('dropout', new Dropout(engine, spec.dropout));
  }

  add(x: Tensor, y: Tensor, part: number | undefined): Tensor {
    const low = linear(this.#dropout.forward(x), this.#a.operand);
    const b = part === undefined ? this.#b.operand : this.#b.partOperand(part - this.first);
    return linear(this.spec.scale === 1 ? low : scale(low, this.spec.scale), b, undefined, { residual: y });
  }

  forms(): (Form | undefined)[] {
    return [this.#a.form, this.#b.form];
  }
}
