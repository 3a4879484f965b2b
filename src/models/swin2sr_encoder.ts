/**
 * Swin2SR's states of pixels (Conde et al., arXiv 2209.11345; Liang et al., arXiv 2108.10257, §3.1): blocks of attention within windows, which are shifted in every other block,
 * gathered in stages with a convolution and a residual around each. Every pixel is a token. Planes are [B, H, W, C].
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { Conv2d } from '../nn/convolution2d.js';
import { FeedForward } from '../nn/feed_forward.js';
import { LayerNorm } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { type Kept, keptOf } from '../nn/trunk.js';
import { WindowAttention } from '../nn/window_attention.js';
import { type Windows, windowsOf } from '../nn/windows.js';
import { type Activation, leaky } from '../ops/activation.js';
import { add, scale } from '../ops/elementwise.js';
import { embedding } from '../ops/embedding.js';
import { contiguous, narrow, permute, reshape } from '../ops/shape.js';
import { sizeOf, type Tensor, tensor } from '../tensor.js';
import type { EncoderOutputs, EncoderWants } from './base_encoder.js';
import type { HeadLike } from './heads.js';
import type { ImageInputs } from './image_encoder.js';
import type { PixelInputs } from './inputs.js';
import type { Size } from './patch_stem.js';
import { readPixels } from './pixels.js';

/** Its sizes. */
export interface SwinDims {
  /** Channels; blocks of all stages; heads of the first stage, hidden channels. */
  C: number;
  L: number;
  H: number;
  F: number;
  eps: number;
  /** Blocks of each stage, and heads. */
  depths: readonly number[];
  heads: readonly number[];
  /** Pixels of a window's side, and how far every other block's windows are shifted. */
  window: number;
  shift: number;
  /** Channels of pictures. */
  channels: number;
  /** Height and width of the pictures that it was trained with, and their pixels. */
  image: Size;
  positions: number;
}

/** Its choices. */
export interface SwinChoices {
  activation: Activation;
  /** Whether queries and values have a bias. */
  bias: boolean;
  /** Whether a stage's convolution goes through a quarter of the channels. */
  narrows: boolean;
  /** What is taken from pixels, by channels, and what they are multiplied by then. */
  mean: readonly number[];
  range: number;
  /** Pixels that a pixel's side becomes. */
  times: number;
}

/** What is below 0 is multiplied by it between the three convolutions of a stage. */
const SLOPE = 0.2;

/** Attention within windows and a feed-forward, each with a norm on its output: x [B · H · W, C] → the same. */
class SwinBlock extends Module {
  readonly #attention: WindowAttention;
  readonly #norm1: LayerNorm;
  readonly #feedForward: FeedForward;
  readonly #norm2: LayerNorm;

  constructor(engine: Engine, { C, F, eps, window }: SwinDims, H: number, { activation, bias }: SwinChoices) {
    super(engine);
    this.#attention = this.child('self_attn', new WindowAttention(engine, C, H, window, bias));
    this.#norm1 = this.child('norm1', new LayerNorm(engine, C, { eps }));
    this.#feedForward = this.child('', new FeedForward(engine, C, { F, activation }));
    this.#norm2 = this.child('norm2', new LayerNorm(engine, C, { eps }));
  }

  forward(x: Tensor, windows: Windows, seen?: Tensor[]): Tensor {
    const attended = this.engine.scope(() => {
      const rows = reshape(embedding(tensor(this.engine, windows.into), x), [-1, windows.side * windows.side, x.dim(1)]);
      const y = reshape(this.#attention.within(rows, windows, seen), x.shape);
      return { y: embedding(tensor(this.engine, windows.from), y), seen };
    }).y;
    const h = add(x, this.#norm1.forward(attended));
    return add(h, this.#norm2.forward(this.#feedForward.forward(h)));
  }
}

/** Blocks, and a convolution between planes, with a residual around all. Keys: layers.0 …, conv or conv.0 …, projection. */
class SwinStage extends Module {
  readonly blocks: readonly SwinBlock[];
  readonly #convolutions: readonly Conv2d[];
  readonly #projection: Conv2d;

  constructor(engine: Engine, dims: SwinDims, choices: SwinChoices, stage: number) {
    super(engine);
    const { C, depths, heads } = dims;
    this.blocks = Array.from({ length: depths[stage] as number }, (_, l) =>
      this.child(`layers.${l}`, new SwinBlock(engine, dims, heads[stage] as number, choices)),
    );
    const quarter = Math.floor(C / 4);
    const convolution = (name: string, from: number, to: number, kernel: number) =>
      this.child(name, new Conv2d(engine, from, to, kernel, { padding: (kernel - 1) / 2 }));
    this.#convolutions = choices.narrows
      ? [convolution('conv.0', C, quarter, 3), convolution('conv.2', quarter, quarter, 1), convolution('conv.4', quarter, C, 3)]
      : [convolution('conv', C, C, 3)];
    this.#projection = convolution('projection', C, C, 1);
  }

  /** The end of the stage: states of the last block as a plane, and what came to the first. */
  forward(plane: Tensor, x: Tensor): Tensor {
    const [first, ...others] = this.#convolutions as [Conv2d, ...Conv2d[]];
    const y = others.reduce((h, convolution) => convolution.forward(leaky(h, SLOPE)), first.forward(plane));
    return add(reshape(this.#projection.forward(y), x.shape), x);
  }
}

/** A stack of stages over pictures, and a head where a task has one: pixels [B, c, H, W] → states [B, C, H, W], or a picture. */
export class SwinEncoder extends Module {
  /** Which loaders take it. */
  static readonly kind = 'encoder';
  /** How many blocks some sizes have. */
  static readonly layers = ({ L }: SwinDims): number => L;
  // What image processors tell beside is passed over.
  readonly inputNames = ['pixel_values', 'original_sizes', 'reshaped_input_sizes'];
  readonly #first: Conv2d;
  readonly #projection: Conv2d;
  readonly #embeddingNorm: LayerNorm;
  readonly #stages: readonly SwinStage[];
  readonly #norm: LayerNorm;
  readonly #last: Conv2d;

  constructor(
    engine: Engine,
    /** Its sizes. */
    readonly dims: SwinDims,
    /** Its choices. */
    readonly choices: SwinChoices,
    /** What makes a picture of its states; undefined without a task. */
    readonly head?: HeadLike,
  ) {
    super(engine);
    const { C, channels, eps, depths } = dims;
    this.#first = this.child('first', new Conv2d(engine, channels, C, 3, { padding: 1 }));
    this.#projection = this.child('embeddings.projection', new Conv2d(engine, C, C, 1));
    this.#embeddingNorm = this.child('embeddings.norm', new LayerNorm(engine, C));
    this.#stages = depths.map((_, s) => this.child(`stages.${s}`, new SwinStage(engine, dims, choices, s)));
    this.#norm = this.child('norm', new LayerNorm(engine, C, { eps }));
    this.#last = this.child('last', new Conv2d(engine, C, C, 3, { padding: 1 }));
    if (head) this.child('head', head);
  }

  /** What batches are checked against before they are run. */
  get config(): {
    /** Classes of the head, of which there are none. */
    num_labels: undefined;
  } {
    return { num_labels: undefined };
  }

  /** No words are scored. */
  tie(): void {}

  /** Throws UNSUPPORTED: the numbers that cosines are multiplied by have no gradient. */
  override train(): this {
    throw new HeedError('UNSUPPORTED', 'Swin2SR does not train', { culprit: 'trainable', cure: 'Leave trainable out' });
  }

  /** Pixels as image processors give them. */
  read(given: Partial<PixelInputs>): ImageInputs {
    const { pixels, dims } = readPixels(given, this.dims.channels, 1);
    if (dims[0] === 0) throw new HeedError('SHAPE', 'pixel_values has no picture', { culprit: 'pixel_values', shape: dims });
    return this.#inputs(pixels, dims);
  }

  /** Black pictures of the size that the model was trained with. */
  blank(B: number): ImageInputs {
    const dims = [B, this.dims.channels, ...this.dims.image] as const;
    return this.#inputs(new Float32Array(sizeOf(dims)), dims);
  }

  #inputs(pixels: Float32Array, dims: ImageInputs['dims']): ImageInputs {
    const [B, , H, W] = dims;
    return { pixels, dims, shape: [B, this.#whole(H) * this.#whole(W)] };
  }

  /** An edge of whole windows. */
  #whole(edge: number): number {
    return Math.ceil(edge / this.dims.window) * this.dims.window;
  }

  *steps({ pixels, dims }: ImageInputs, wants: EncoderWants = {}): Generator<void, EncoderOutputs> {
    const { engine, head } = this;
    const { mean, range, times } = this.choices;
    const [B, , h, w] = dims;
    const size = [B, this.#whole(h), this.#whole(w)] as const;
    const kept = keptOf(wants);
    const plane = tensor(engine, mirrored(pixels, dims, size), [...size, dims[1]]);
    const means = tensor(engine, mean);
    const first = engine.scope(() => this.#first.forward(scale(add(plane, scale(means, -1)), range)));
    const states = yield* this.#through(first, size, kept);
    const all = engine.scope(() => add(this.#last.forward(reshape(this.#norm.forward(states), first.shape)), first));
    for (const x of kept.hiddenStates ? [first] : [first, states]) x.dispose();
    yield;
    /** Planes as Hugging Face has them, without what was put around the picture. */
    const cut = (x: Tensor, by: number) => contiguous(permute(narrow(narrow(x, 1, 0, h * by), 2, 0, w * by), [0, 3, 1, 2]));
    const made =
      head &&
      engine.scope(() => {
        const picture = head.forward({
          states: all,
          pixels: plane,
          lengths: undefined,
          padding: undefined,
          tokens: () => all,
          pooled: () => all,
        });
        return cut(add(scale(picture, 1 / range), means), times);
      });
    yield;
    const { hiddenStates = [], attentions = [] } = kept;
    return { lastHiddenState: head ? all : cut(all, 1), hiddenStates, attentions, poolerOutput: undefined, logits: made };
  }

  /** States of the last stage, [B · H · W, C]. States are listed of each stage, weights of its last block. */
  *#through(first: Tensor, size: readonly [number, number, number], kept: Kept): Generator<void, Tensor> {
    const { engine } = this;
    const { C, window, shift } = this.dims;
    const layouts = [0, shift].map((by) => windowsOf(size, window, by));
    let x = engine.scope(() => reshape(this.#embeddingNorm.forward(this.#projection.forward(first)), [-1, C]));
    kept.hiddenStates?.push(reshape(x, [size[0], -1, C]));
    for (const stage of this.#stages) {
      let h = x;
      for (const [l, block] of stage.blocks.entries()) {
        yield;
        const seen = l === stage.blocks.length - 1 ? kept.attentions : undefined;
        const next = engine.scope(() => ({ y: block.forward(h, layouts[l % 2] as Windows, seen), seen })).y;
        if (h !== x) h.dispose();
        h = next;
      }
      yield;
      const next = engine.scope(() => stage.forward(reshape(h, [...size, C]), x));
      h.dispose();
      if (!kept.hiddenStates) x.dispose();
      x = next;
      kept.hiddenStates?.push(reshape(x, [size[0], -1, C]));
    }
    return x;
  }
}

/** Pixels [B, c, h, w] as planes of another size [B, H, W, c], mirrored at the right and below without the edge itself. */
function mirrored(pixels: Float32Array, [B, c, h, w]: ImageInputs['dims'], [, H, W]: readonly [number, number, number]): Float32Array {
  const planes = new Float32Array(B * H * W * c);
  const [rows, columns] = [reflections(h, H), reflections(w, W)];
  let i = 0;
  for (let b = 0; b < B; b++)
    for (const y of rows)
      for (const x of columns)
        for (let channel = 0; channel < c; channel++) planes[i++] = pixels[((b * c + channel) * h + y) * w + x] as number;
  return planes;
}

/** Which of `from` places stands in each of `to`. */
function reflections(from: number, to: number): number[] {
  const period = Math.max(1, 2 * (from - 1));
  return Array.from({ length: to }, (_, i) => Math.min(i % period, period - (i % period)) % from);
}
