/**
 * From states of pixels to a picture, larger by a whole number, as Swin2SR's config names it (Conde et al., arXiv 2209.11345, §3; Liang et al., arXiv 2108.10257, §3.1):
 * convolutions with 64 channels between which pixels become squares. Planes are [B, H, W, C].
 */
import type { Engine } from '../engine/engine.js';
import { Conv2d } from '../nn/convolution2d.js';
import { Module } from '../nn/module.js';
import { resampleGrid } from '../nn/resampling.js';
import { type Activation, leaky } from '../ops/activation.js';
import { pixelShuffle, repeated2d } from '../ops/convolution2d.js';
import { add } from '../ops/elementwise.js';
import { cat, narrow, reshape } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import type { HeadInputs, HeadLike, HeadLikeMaker } from './heads.js';

/** What such a head is like. */
export interface UpsamplerSpec {
  kind: UpsamplerKind;
  /** How many pixels a pixel's side becomes. */
  times: number;
  /** Channels of the picture that comes in, and of the one that is made. */
  channels: number;
  outputs: number;
}

/** Channels between the convolutions. */
const FEATURES = 64;
/** What is below 0 is multiplied by it where nearest pixels are repeated; elsewhere by 0.01. */
const SLOPE = 0.2;

/** Into how many pixels' side one is cut, step by step: twos, or a three. */
const stepsOf = (times: number): readonly number[] => (times === 3 ? [3] : Array.from({ length: Math.log2(times) }, () => 2));

/** A convolution of 3 × 3: its key, which is transformers', and channels in and out. */
type Convolution = readonly [key: string, channels: number, outputs: number];
type Convolutions = Readonly<Record<string, Conv2d>>;

/** The convolutions of a kind, and what it makes of states [B, H, W, C] and pixels [B, H, W, c]. */
interface Kind {
  convolutions(C: number, spec: UpsamplerSpec): readonly Convolution[];
  run(x: Tensor, conv: Convolutions, spec: UpsamplerSpec, pixels: Tensor): Tensor;
}

const [BEFORE, OUT] = ['conv_before_upsample', 'final_convolution'] as const;
const stepKey = (times: number, i: number): string => `upsample.convolution${times === 3 ? '' : `_${i}`}`;

const shuffles = (times: number): readonly Convolution[] =>
  stepsOf(times).map((step, i) => [stepKey(times, i), FEATURES, step * step * FEATURES] as const);

const convolved = (conv: Convolutions, key: string, x: Tensor, activation?: Activation): Tensor =>
  (conv[key] as Conv2d).forward(x, { activation });

const shuffled = (x: Tensor, conv: Convolutions, times: number): Tensor =>
  stepsOf(times).reduce((h, step, i) => h.engine.scope(() => pixelShuffle(convolved(conv, stepKey(times, i), h), step)), x);

const kinds = {
  pixelshuffle: {
    convolutions: (C, { times, outputs }) => [[BEFORE, C, FEATURES], ...shuffles(times), [OUT, FEATURES, outputs]],
    run: (x, conv, { times }) => convolved(conv, OUT, shuffled(convolved(conv, BEFORE, x, 'leakyRelu'), conv, times)),
  },
  // Through a small picture, beside what comes in, made larger as pictures usually are.
  pixelshuffle_aux: {
    convolutions: (C, { times, channels, outputs }) => [
      ['conv_bicubic', channels, FEATURES],
      [BEFORE, C, FEATURES],
      ['conv_aux', FEATURES, channels],
      ['conv_after_aux.0', channels, FEATURES],
      ...shuffles(times),
      [OUT, FEATURES, outputs],
    ],
    run: (x, conv, { times }, pixels) => {
      const small = convolved(conv, 'conv_aux', convolved(conv, BEFORE, x, 'leakyRelu'));
      const large = shuffled(convolved(conv, 'conv_after_aux.0', small, 'leakyRelu'), conv, times);
      return convolved(conv, OUT, add(large, convolved(conv, 'conv_bicubic', enlarged(pixels, times))));
    },
  },
  pixelshuffledirect: {
    convolutions: (C, { times, outputs }) => [['conv', C, times * times * outputs]],
    run: (x, conv, { times }) => pixelShuffle(convolved(conv, 'conv', x), times),
  },
  'nearest+conv': {
    convolutions: (C, { outputs }) => [
      [BEFORE, C, FEATURES],
      ...['conv_up1', 'conv_up2', 'conv_hr'].map((key): Convolution => [key, FEATURES, FEATURES]),
      [OUT, FEATURES, outputs],
    ],
    run: (x, conv) => {
      const bent = (key: string, h: Tensor) => h.engine.scope(() => leaky(convolved(conv, key, h), SLOPE));
      const twice = (key: string, h: Tensor) => h.engine.scope(() => bent(key, repeated2d(h, 2)));
      const h = twice('conv_up2', twice('conv_up1', convolved(conv, BEFORE, x, 'leakyRelu')));
      return convolved(conv, OUT, bent('conv_hr', h));
    },
  },
  // What is wrong in a picture of the same size.
  '': {
    convolutions: (C, { outputs }) => [[OUT, C, outputs]],
    run: (x, conv, _, pixels) => add(convolved(conv, OUT, x), pixels),
  },
} satisfies Record<string, Kind>;

/** Kinds by the names of Swin2SR's configs; '' makes a picture of the same size better. */
export type UpsamplerKind = keyof typeof kinds;
export const upsamplerKinds = /* @__PURE__ */ Object.keys(kinds) as UpsamplerKind[];

/** Pixels [B, H, W, c] as so many more of them, as torch's bicubic makes them. */
function enlarged(pixels: Tensor, times: number): Tensor {
  const [B, H, W, c] = pixels.shape as [number, number, number, number];
  const size = [H * times, W * times] as const;
  const each = Array.from({ length: B }, (_, b) =>
    resampleGrid(reshape(narrow(pixels, 0, b, 1), [H * W, c]), [H, W], size, { mode: 'bicubic' }),
  );
  return reshape(B > 1 ? cat(each, 0) : (each[0] as Tensor), [B, ...size, c]);
}

/** States [B, H, W, C] → a picture [B, H times, W times, outputs]. Keys: those of its kind. */
class Upsampler extends Module implements HeadLike {
  readonly reads = 'tokens';
  readonly tied = false;
  readonly #conv: Convolutions;

  constructor(
    engine: Engine,
    C: number,
    readonly spec: UpsamplerSpec,
  ) {
    super(engine);
    const listed: readonly Convolution[] = kinds[spec.kind].convolutions(C, spec);
    this.#conv = Object.fromEntries(
      listed.map(([key, from, to]) => [key, this.child(key, new Conv2d(engine, from, to, 3, { padding: 1 }))]),
    );
  }

  /** No words are scored. */
  tie(): void {}

  forward({ states, pixels }: HeadInputs): Tensor {
    const { run }: Kind = kinds[this.spec.kind];
    return run(states, this.#conv, this.spec, pixels as Tensor);
  }
}

/** Maker of such a head. */
export const upsampler =
  (spec: UpsamplerSpec): HeadLikeMaker =>
  (engine, { C }) =>
    new Upsampler(engine, C, spec);

/** Names of its weights in checkpoints. */
export function upsamplerWeights(spec: UpsamplerSpec): Record<string, string> {
  const { convolutions }: Kind = kinds[spec.kind];
  const before = spec.kind ? 'upsample.' : '';
  const keys = convolutions(1, spec).map(([key]) => key.replace(/\.0$/, '.{l}'));
  return Object.fromEntries(keys.map((key) => [`head.${key}`, before + key]));
}
