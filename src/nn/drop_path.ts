/** Stochastic depth (Huang et al., arXiv 1603.09382): in training a row of a batch does without a sublayer now and then. */
import type { Engine } from '../engine/engine.js';
import { dropout } from '../ops/dropout.js';
import { mul } from '../ops/elementwise.js';
import { type Tensor, tensor } from '../tensor.js';
import { Dropout } from './layers.js';

/** Dropout of what sublayers give, [B, T, C], that zeroes whole rows [T, C] as well, with a probability of their own, and multiplies the others by 1 / (1 − it). */
class DropPath extends Dropout {
  constructor(
    engine: Engine,
    p: number,
    readonly rows: number,
  ) {
    super(engine, p);
  }

  override get active(): boolean {
    return this.training;
  }

  override forward(x: Tensor): Tensor {
    if (!this.training) return x;
    const y = this.p > 0 ? dropout(x, this.p, this.dropoutKey()) : x;
    const kept = tensor(this.engine, new Float32Array(x.dim(0)).fill(1), [x.dim(0), 1, 1]);
    return mul(y, dropout(kept, this.rows, this.dropoutKey()));
  }
}

/** Maker of a block's dropout with probability p. */
export type DropoutMaker = (engine: Engine, p: number) => Dropout;

/** Dropout with stochastic depth of a probability; undefined for 0, which is none. */
export const dropPath = (rows: number): DropoutMaker | undefined => (rows > 0 ? (engine, p) => new DropPath(engine, p, rows) : undefined);
