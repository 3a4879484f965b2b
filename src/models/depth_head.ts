/**
 * What says how far away each pixel is (Ranftl et al., arXiv 2103.13413, §3; Yang et al., arXiv 2401.10891): states of several blocks become planes of several sizes, which are
 * put together from the smallest to the largest, and convolutions make one number for each pixel. Planes are [B, H, W, C].
 */
import type { Engine } from '../engine/engine.js';
import { Conv2d, ConvTranspose2d } from '../nn/convolution2d.js';
import { Module } from '../nn/module.js';
import { resamplePlanes } from '../nn/resampling.js';
import { relu } from '../ops/activation.js';
import { add, scale } from '../ops/elementwise.js';
import { contiguous, narrow, reshape } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import type { HeadInputs, HeadLike, HeadLikeMaker } from './heads.js';

/** What such a head is like. */
export interface DepthSpec {
  /** Blocks whose states it reads, 0 for what comes to the first, each ascending. */
  taps: readonly number[];
  /** How much larger or smaller each one's plane becomes, and its channels. */
  factors: readonly number[];
  widths: readonly number[];
  /** Channels of what is put together, and of the last convolution but one. */
  fusion: number;
  width: number;
  /** Pixels of a patch's side. */
  patch: number;
  /** Which of the planes that are put together is read. */
  index: number;
  /** What the last numbers go through, and what multiplies them: depths in metres have a largest. */
  activation: 'relu' | 'sigmoid';
  most: number;
}

/** x [B, h, w, C] at another size, corners upon corners. */
const resized = (x: Tensor, size: readonly [number, number]): Tensor => resamplePlanes(x, size, { mode: 'bilinear', corners: true });

/** x + W₂ relu(W₁ relu(x)), by convolutions. */
class Residual extends Module {
  readonly #convolution1: Conv2d;
  readonly #convolution2: Conv2d;

  constructor(engine: Engine, C: number) {
    super(engine);
    this.#convolution1 = this.child('convolution1', new Conv2d(engine, C, C, 3, { padding: 1 }));
    this.#convolution2 = this.child('convolution2', new Conv2d(engine, C, C, 3, { padding: 1 }));
  }

  forward(x: Tensor): Tensor {
    return add(x, this.#convolution2.forward(this.#convolution1.forward(relu(x), { activation: 'relu' })));
  }
}

/** A plane and the next larger one become one of its size. */
class Fusion extends Module {
  readonly #projection: Conv2d;
  readonly #residual1: Residual;
  readonly #residual2: Residual;

  constructor(engine: Engine, C: number) {
    super(engine);
    this.#projection = this.child('projection', new Conv2d(engine, C, C, 1));
    this.#residual1 = this.child('residual_layer1', new Residual(engine, C));
    this.#residual2 = this.child('residual_layer2', new Residual(engine, C));
  }

  /** Of the same size, and made another; `below` is what comes from smaller planes. */
  forward(x: Tensor, below: Tensor | undefined, size: readonly [number, number]): Tensor {
    const both = below ? add(below, this.#residual1.forward(x)) : x;
    return this.#projection.forward(resized(this.#residual2.forward(both), size));
  }
}

/** States of a block as a plane of other channels and another size. */
class Reassembly extends Module {
  readonly #projection: Conv2d;
  readonly #resize: Conv2d | ConvTranspose2d | undefined;

  constructor(engine: Engine, C: number, width: number, factor: number) {
    super(engine);
    this.#projection = this.child('projection', new Conv2d(engine, C, width, 1));
    if (factor > 1) this.#resize = this.child('resize', new ConvTranspose2d(engine, width, width, factor));
    if (factor < 1)
      this.#resize = this.child('resize', new Conv2d(engine, width, width, 3, { stride: Math.trunc(1 / factor), padding: 1 }));
  }

  forward(x: Tensor): Tensor {
    const h = this.#projection.forward(x);
    return this.#resize ? this.#resize.forward(h) : h;
  }
}

/** Features of several blocks → depths [B, H, W]. */
class DepthHead extends Module implements HeadLike {
  readonly reads = 'tokens';
  readonly tied = false;
  readonly taps: readonly number[];
  readonly #spec: DepthSpec;
  readonly #reassembly: readonly Reassembly[];
  readonly #convs: readonly Conv2d[];
  readonly #fusion: readonly Fusion[];
  readonly #conv1: Conv2d;
  readonly #conv2: Conv2d;
  readonly #conv3: Conv2d;

  constructor(engine: Engine, C: number, spec: DepthSpec) {
    super(engine);
    const { taps, factors, widths, fusion, width } = spec;
    [this.taps, this.#spec] = [taps, spec];
    const each = <M extends Module>(name: string, make: (width: number, i: number) => M) =>
      widths.map((width, i) => this.child(`${name}.${i}`, make(width, i)));
    this.#reassembly = each('reassembly', (width, i) => new Reassembly(engine, C, width, factors[i] as number));
    this.#convs = each('convs', (width) => new Conv2d(engine, width, fusion, 3, { padding: 1, bias: false }));
    this.#fusion = each('fusion', () => new Fusion(engine, fusion));
    this.#conv1 = this.child('conv1', new Conv2d(engine, fusion, Math.floor(fusion / 2), 3, { padding: 1 }));
    this.#conv2 = this.child('conv2', new Conv2d(engine, Math.floor(fusion / 2), width, 3, { padding: 1 }));
    this.#conv3 = this.child('conv3', new Conv2d(engine, width, 1, 1));
  }

  /** No words are scored. */
  tie(): void {}

  forward({ features, grid }: HeadInputs): Tensor {
    const { engine } = this;
    const { patch, index, activation, most } = this.#spec;
    const [h, w] = grid as readonly [number, number];
    const planes = (features as () => readonly Tensor[])().map((states, i) =>
      engine.scope(() => {
        const [B, T, C] = states.shape as [number, number, number];
        const plane = reshape(contiguous(narrow(states, 1, T - h * w, h * w)), [B, h, w, C]);
        return (this.#convs[i] as Conv2d).forward((this.#reassembly[i] as Reassembly).forward(plane));
      }),
    );
    // From the smallest, whose states are the last block's.
    planes.reverse();
    const fused: Tensor[] = [];
    for (const [i, layer] of this.#fusion.entries()) {
      const x = planes[i] as Tensor;
      const { shape } = planes[i + 1] ?? x;
      const times = planes[i + 1] ? 1 : 2;
      const size = [(shape[1] as number) * times, (shape[2] as number) * times] as const;
      fused.push(engine.scope(() => layer.forward(x, fused.at(-1), size)));
    }
    const whole = engine.scope(() => resized(this.#conv1.forward(fused.at(index) as Tensor), [h * patch, w * patch]));
    const depths = this.#conv3.forward(this.#conv2.forward(whole, { activation: 'relu' }), { activation });
    return scale(reshape(depths, [depths.dim(0), h * patch, w * patch]), most);
  }
}

/** Maker of such a head. */
export const depthHead =
  (spec: DepthSpec): HeadLikeMaker =>
  (engine, { C }) =>
    new DepthHead(engine, C, spec);
