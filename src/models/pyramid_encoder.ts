/**
 * SegFormer's encoder (Xie et al., arXiv 2105.15203, §3.1): stages of a Transformer, each of which makes patches that overlap of what the one before it gives, fewer and with more
 * channels. There are no positions: convolutions within the blocks tell them. A head reads the planes of all stages.
 *
 *   x = norm(conv(planes)), a token for each place        planes = norm(blocks(x))
 */
import type { Engine } from '../engine/engine.js';
import { Conv2d } from '../nn/convolution2d.js';
import { LayerNorm } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { Trunk } from '../nn/trunk.js';
import { contiguous, permute, reshape } from '../ops/shape.js';
import { drained } from '../steps.js';
import { sizeOf, type Tensor, tensor } from '../tensor.js';
import type { EncoderOutputs, EncoderRows, EncoderWants } from './base_encoder.js';
import { blockOf, normOf } from './blocks.js';
import type { BlockChoices, LayerChoices, TrunkDims } from './choices.js';
import type { HeadLike } from './heads.js';
import type { PixelInputs } from './inputs.js';
import type { Size } from './patch_stem.js';
import { expectPictures, type Pixels, readPixels } from './pixels.js';

/** A stage: its trunk, patches of P × P places that are `stride` apart, and the side of the square of them that is one key. */
export interface StageDims extends TrunkDims {
  patch: number;
  stride: number;
  reduction: number;
}

/** Sizes; C is the last stage's. */
export interface PyramidDims {
  C: number;
  channels: number;
  stages: readonly StageDims[];
  /** Pixels of a usual picture, and the places of it that the first stage sees. */
  image: Size;
  positions: number;
}

export interface PyramidChoices extends BlockChoices {
  /** What the blocks of stage s choose beside. */
  stage: (s: number) => LayerChoices;
  /** Whether the last states are a plane, as those of the other stages are, rather than a row of tokens. */
  lastIsPlane: boolean;
}

/** Pictures outside of the engine. */
export interface PyramidInputs extends EncoderRows, Pixels {}

/** How many places of a picture the first of some stages sees. */
export function placesOf(stages: readonly StageDims[], size: Size): number {
  const [{ patch, stride }] = stages as [StageDims];
  return size.map((side) => Math.floor((side + 2 * Math.floor(patch / 2) - patch) / stride) + 1).reduce((h, w) => h * w);
}

/** The fewest pixels of a side of which each stage has a key. */
const leastSide = (stages: readonly StageDims[]): number =>
  stages.reduceRight(
    (least, { patch, stride, reduction }) => Math.max(1, (Math.max(least, reduction) - 1) * stride + patch - 2 * Math.floor(patch / 2)),
    1,
  );

/** Keys: patches, patch_norm, layers.0 …, norm. */
class Stage extends Module {
  readonly #patches: Conv2d;
  readonly #norm: LayerNorm;
  readonly #trunk: Trunk;

  constructor(engine: Engine, dims: StageDims, channels: number, choices: BlockChoices & LayerChoices) {
    super(engine);
    const { C, L, eps, patch, stride } = dims;
    this.#patches = this.child('patches', new Conv2d(engine, channels, C, patch, { stride, padding: Math.floor(patch / 2) }));
    this.#norm = this.child('patch_norm', new LayerNorm(engine, C, { eps }));
    const block = blockOf(dims, choices);
    const blocks = Array.from({ length: L }, () => block);
    this.#trunk = this.child('', new Trunk(engine, blocks, normOf(eps, choices)));
  }

  /** Planes [B, H, W, C'] → planes [B, h, w, C]. */
  *steps(planes: Tensor, attentions: Tensor[] | undefined): Generator<void, Tensor> {
    const x = this.engine.scope(() => this.#norm.forward(this.#patches.forward(planes)));
    const [B, h, w, C] = x.shape as [number, number, number, number];
    const states = yield* this.#trunk.steps(reshape(x, [B, h * w, C]), { self: { grid: [h, w] } }, { attentions });
    return reshape(states, [B, h, w, C]);
  }
}

/** Stages over pictures, and a head where a task has one: pixels [B, c, H, W] → planes [B, C, h, w]. */
export class PyramidEncoder extends Module {
  /** Which loaders take it. */
  static readonly kind = 'encoder';
  /** How many blocks some sizes have. */
  static readonly layers = ({ stages }: PyramidDims): number => stages.reduce((sum, { L }) => sum + L, 0);
  /** Names of what a call may give it; what image processors tell beside pixels is passed over. */
  readonly inputNames = ['pixel_values', 'pixel_mask', 'original_sizes', 'reshaped_input_sizes'];
  readonly #stages: readonly Stage[];
  readonly #lastIsPlane: boolean;

  constructor(
    engine: Engine,
    /** Its sizes. */
    readonly dims: PyramidDims,
    { stage, lastIsPlane, ...choices }: PyramidChoices,
    /** What makes scores of its planes; undefined without a task. */
    readonly head?: HeadLike,
  ) {
    super(engine);
    const { stages, channels } = dims;
    this.#lastIsPlane = lastIsPlane;
    this.#stages = stages.map((own, s) =>
      this.child(`stage${s + 1}`, new Stage(engine, own, stages[s - 1]?.C ?? channels, { ...choices, ...stage(s) })),
    );
    if (head) this.child('head', head);
  }

  /** What batches are checked against before they are run. */
  get config(): {
    /** Classes of the head; undefined without one. */
    num_labels: number | undefined;
  } {
    return { num_labels: this.head?.classes?.length };
  }

  /** pixels [B, c, H, W] → the head's logits, or the last planes [B, h, w, C] where there is none. */
  forward(pixels: Tensor): Tensor {
    expectPictures(pixels.shape, this.dims.channels, leastSide(this.dims.stages));
    return this.engine.scope(() => {
      const { logits, lastHiddenState } = drained(this.#through(pixels, {}));
      return logits ?? lastHiddenState;
    });
  }

  /** Pixels as image processors give them. */
  read(given: Partial<PixelInputs>): PyramidInputs {
    const { pixels, dims } = readPixels(given, this.dims.channels, leastSide(this.dims.stages));
    return this.#inputs(pixels, dims);
  }

  /** Black pictures of a usual size. */
  blank(B: number): PyramidInputs {
    const { channels, image } = this.dims;
    const dims = [B, channels, ...image] as const;
    return this.#inputs(new Float32Array(sizeOf(dims)), dims);
  }

  #inputs(pixels: Float32Array, dims: Pixels['dims']): PyramidInputs {
    const [B, , H, W] = dims;
    return { pixels, dims, shape: [B, placesOf(this.dims.stages, [H, W])] };
  }

  /** The forward, yielding after each block. */
  *steps({ pixels, dims }: PyramidInputs, wants: EncoderWants = {}): Generator<void, EncoderOutputs> {
    return yield* this.#through(tensor(this.engine, pixels, dims), wants);
  }

  *#through(pixels: Tensor, wants: EncoderWants): Generator<void, EncoderOutputs> {
    const { engine, head } = this;
    const attentions: Tensor[] | undefined = wants.attentions ? [] : undefined;
    const planes: Tensor[] = [];
    for (const stage of this.#stages) {
      if (planes.length) yield;
      planes.push(yield* stage.steps(planes.at(-1) ?? permute(pixels, [0, 2, 3, 1]), attentions));
    }
    const last = planes.at(-1) as Tensor;
    const [B, h, w, C] = last.shape as [number, number, number, number];
    const states = reshape(last, [B, h * w, C]);
    const given = { states, lengths: undefined, padding: undefined, tokens: () => states, pooled: () => states };
    const logits = head && engine.scope(() => head.forward({ ...given, features: () => planes, grid: [h, w] satisfies Size }));
    const shown = (x: Tensor) => (x === last && !this.#lastIsPlane ? states : contiguous(permute(x, [0, 3, 1, 2])));
    const hiddenStates = wants.hiddenStates ? planes.map(shown) : [];
    yield;
    return {
      ...{ lastHiddenState: last, hiddenStates, attentions: attentions ?? [], poolerOutput: undefined, logits },
      ...(!head && { named: { last_hidden_state: shown(last) } }),
    };
  }
}
