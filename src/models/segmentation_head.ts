/** What says what each place of a picture is (Xie et al., arXiv 2105.15203, §3.2): planes of all stages, in like channels and at the size of the first, side by side, and a class for each. */
import type { Engine } from '../engine/engine.js';
import { Conv2d, FrozenBatchNorm } from '../nn/convolution2d.js';
import { Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { resamplePlanes } from '../nn/resampling.js';
import { cat } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import type { HeadInputs, HeadLike, HeadLikeMaker } from './heads.js';

/** Planes [B, h_s, w_s, C_s] of stages → scores [B, h, w, classes] at the size of the first. Keys: projections.0 …, fuse, norm, out. */
class SegmentationHead extends Module implements HeadLike {
  readonly reads = 'tokens';
  readonly tied = false;
  readonly #projections: readonly Linear[];
  readonly #fuse: Conv2d;
  readonly #norm: FrozenBatchNorm;
  readonly #out: Conv2d;

  constructor(
    engine: Engine,
    widths: readonly number[],
    D: number,
    /** The classes that it tells apart. */
    readonly classes: readonly string[],
  ) {
    super(engine);
    this.#projections = widths.map((C, s) => this.child(`projections.${s}`, new Linear(engine, C, D)));
    this.#fuse = this.child('fuse', new Conv2d(engine, D * widths.length, D, 1, { bias: false }));
    this.#norm = this.child('norm', new FrozenBatchNorm(engine, D));
    this.#out = this.child('out', new Conv2d(engine, D, classes.length, 1));
  }

  /** No words are scored. */
  tie(): void {}

  forward({ features }: HeadInputs): Tensor {
    const planes = (features as NonNullable<typeof features>)();
    const size = (planes[0] as Tensor).shape.slice(1, 3) as [number, number];
    const alike = planes.map((x, s) => resamplePlanes((this.#projections[s] as Linear).forward(x), size, { mode: 'bilinear' }));
    return this.#out.forward(this.#norm.forward(this.#fuse.forward(cat(alike.reverse(), -1)), { relu: true }));
  }
}

/** Maker of the head of stages of these channels, which become D each. */
export const segmentationHead =
  (widths: readonly number[], D: number): HeadLikeMaker =>
  (engine, _dims, classes = []) =>
    new SegmentationHead(engine, widths, D, classes);
