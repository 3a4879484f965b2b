/** An encoder of pictures: what base_encoder.ts has, behind a stem of patches. `forward` is for training. */
import type { Engine } from '../engine/engine.js';
import { normal } from '../nn/init.js';
import { makeNorm, type Norm } from '../nn/norm.js';
import type { Parameter } from '../nn/parameter.js';
import type { PatchRotary } from '../nn/patch_rotary.js';
import { type Kept, keptOf } from '../nn/trunk.js';
import { add } from '../ops/elementwise.js';
import { narrow } from '../ops/shape.js';
import { drained } from '../steps.js';
import { sizeOf, type Tensor, tensor } from '../tensor.js';
import { BaseEncoder, type EncoderOutputs, type EncoderRows, type EncoderWants } from './base_encoder.js';
import { normOf } from './blocks.js';
import type { ImageChoices, ImageDims } from './choices.js';
import type { HeadLike } from './heads.js';
import type { PixelInputs } from './inputs.js';
import { gridOf, PatchStem, type Size } from './patch_stem.js';
import { expectPictures, type Pixels, readPixels } from './pixels.js';

/** Pictures outside of the engine. */
export interface ImageInputs extends EncoderRows, Pixels {}

/** Where patches stand among the tokens of a picture. */
export interface PatchPlaces {
  /** Tokens before them. */
  readonly first: number;
  /** Their lines and columns. */
  readonly grid: Size;
  /** Pixels of one's side. */
  readonly patch: number;
}

/** A stack of blocks over patches of pictures, and a head where a task has one: pixels [B, c, H, W] → states [B, T, C]. */
export class ImageEncoder extends BaseEncoder<PatchStem, ImageDims, ImageInputs> {
  // What image processors tell beside is passed over.
  readonly inputNames = ['pixel_values', 'pixel_mask', 'original_sizes', 'reshaped_input_sizes'];
  readonly #norm: Norm | undefined;
  /** Positions of each block but the first, one after the other. */
  readonly #more: Parameter | undefined;
  readonly #rotary: PatchRotary | undefined;

  constructor(engine: Engine, dims: ImageDims, choices: ImageChoices, head?: HeadLike) {
    const { dropout, embeddingDropout = dropout, embeddingNorm = false } = choices;
    const { leading, registers, trailing, positions = { mode: 'bicubic' }, patchBias: bias } = choices;
    const tokens = { leading, registers, trailing, positions, bias, dropout: embeddingDropout };
    const { rotary, ...trunk } = choices;
    const norm = embeddingNorm ? normOf(dims.eps, choices) : undefined;
    // The final norm is not the trunk's: in Hugging Face's models of pictures the states of the last block are listed as they are.
    super(engine, dims, { ...trunk, finalNorm: false }, new PatchStem(engine, { ...dims, ...tokens, norm }), head);
    this.#rotary = rotary;
    if (choices.morePositions)
      this.#more = this.parameter('more_positions', [(dims.L - 1) * dims.positions, dims.C], { init: normal(0.02) });
    if (choices.finalNorm) this.#norm = this.child('norm', makeNorm(engine, dims.C, normOf(dims.eps, choices)));
  }

  /** What batches are checked against before they are run. */
  get config(): {
    /** Classes of the head; undefined without one. */
    num_labels: number | undefined;
  } {
    return { num_labels: this.head?.classes?.length };
  }

  /** pixels [B, c, H, W] → the head's logits, or the last hidden states [B, T, C] where there is none. */
  forward(pixels: Tensor): Tensor {
    expectPictures(pixels.shape, this.dims.channels, this.dims.patch);
    return this.engine.scope(() => {
      const { logits, lastHiddenState } = drained(this.#blocks(pixels, {}));
      return logits ?? lastHiddenState;
    });
  }

  /** Pixels as image processors give them. */
  read(given: Partial<PixelInputs>): ImageInputs {
    const { pixels, dims } = readPixels(given, this.dims.channels, this.dims.patch);
    return this.#inputs(pixels, dims);
  }

  /** Black pictures of the size that the model is for. */
  blank(B: number): ImageInputs {
    const { channels, image } = this.dims;
    const dims = [B, channels, ...image] as const;
    return this.#inputs(new Float32Array(sizeOf(dims)), dims);
  }

  /** Where the patches of a picture of so many pixels stand among its tokens. */
  patches(image: Size): PatchPlaces {
    const { leading = [], registers = 0, patch } = this.stem.spec;
    return { first: leading.length + registers, grid: gridOf(image, patch), patch };
  }

  #inputs(pixels: Float32Array, dims: ImageInputs['dims']): ImageInputs {
    const [B, , H, W] = dims;
    return { pixels, dims, shape: [B, this.stem.tokens([H, W])] };
  }

  *steps({ pixels, dims }: ImageInputs, wants: EncoderWants = {}): Generator<void, EncoderOutputs> {
    return yield* this.#blocks(tensor(this.engine, pixels, dims), wants);
  }

  *#blocks(pixels: Tensor, wants: EncoderWants): Generator<void, EncoderOutputs> {
    const taps = this.head?.taps;
    const kept = keptOf(taps ? { ...wants, hiddenStates: true } : wants);
    const x = this.engine.scope(() => this.stem.forward(pixels));
    const normed = (h: Tensor) => this.#norm?.forward(h) ?? h;
    const features = taps && (() => taps.map((l) => normed(kept.hiddenStates?.[l] as Tensor)));
    const grid = gridOf(pixels.shape.slice(2) as unknown as Size, this.dims.patch);
    return yield* this.outputs(this.#through(x, pixels, kept), { features, grid }, wants, kept);
  }

  *#through(x: Tensor, pixels: Tensor, kept: Kept): Generator<void, Tensor> {
    yield;
    const { C, H, positions: T } = this.dims;
    const [, , height, width] = pixels.shape as [number, number, number, number];
    const { first, grid } = this.patches([height, width]);
    const turn = this.#rotary?.(this.engine, C / H, grid, first);
    const more = this.#more;
    const entering = (h: Tensor, l: number) =>
      more && l > 0 ? this.engine.scope(() => add(h, this.stem.spread(narrow(more.tensor, 0, (l - 1) * T, T), [height, width]))) : h;
    const states = yield* this.trunk.steps(x, { self: { turn }, entering }, kept);
    turn?.dispose();
    if (!this.#norm) return states;
    const normed = this.#norm.forward(states);
    if (!kept.hiddenStates) states.dispose();
    return normed;
  }
}
