/**
 * DETR (Carion et al., arXiv 2005.12872): an encoder of what a convolutional network sees of pictures, and a decoder whose tokens are queries for things that may be there. Both are
 * blocks of a Transformer, to whose queries and keys positions are added in each. `last_hidden_state` is that of the things.
 *
 *   x = W resnet(pixels) + b, a token for each place        y = decoder(0 + queries, encoder(x + positions))
 */
import type { Engine } from '../engine/engine.js';
import { Conv2d } from '../nn/convolution2d.js';
import { normal } from '../nn/init.js';
import { biasOf } from '../nn/masks.js';
import { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { planeSinusoids } from '../nn/plane_positions.js';
import { type Kept, keptOf, Trunk } from '../nn/trunk.js';
import { permute, reshape } from '../ops/shape.js';
import { sizeOf, type Tensor, tensor } from '../tensor.js';
import { BaseEncoder, type EncoderOutputs, type EncoderRows, type EncoderWants } from './base_encoder.js';
import { blockOf, normOf } from './blocks.js';
import type { BlockChoices, TrunkDims } from './choices.js';
import type { HeadLike } from './heads.js';
import type { PixelInputs } from './inputs.js';
import type { Size } from './patch_stem.js';
import { type Pixels, paddingOf, readPixels } from './pixels.js';
import { ResNet, type ResNetSpec, resnetGrid } from './resnet.js';

/** Sizes: those of the encoder, and of the decoder where they differ. */
export interface QueryDims extends TrunkDims {
  decoder: Pick<TrunkDims, 'L' | 'H' | 'F'>;
  /** Queries. */
  things: number;
  backbone: ResNetSpec;
  /** Pixels of a usual picture, and the places of it that the encoder sees. */
  image: Size;
  positions: number;
}

/** Pictures outside of the engine, of which `padding` is 1 for what is beside them: [B][H][W]. */
export interface QueryInputs extends EncoderRows, Pixels {
  padding?: Uint8Array | undefined;
}

/** What a convolutional network sees, in the trunk's channels. Keys: backbone, projection. */
class ConvolutionalStem extends Module {
  readonly backbone: ResNet;
  readonly #projection: Conv2d;

  constructor(engine: Engine, C: number, spec: ResNetSpec) {
    super(engine);
    this.backbone = this.child('backbone', new ResNet(engine, spec));
    this.#projection = this.child('projection', new Conv2d(engine, this.backbone.outputs, C, 1));
  }

  /** pixels [B, c, H, W] → [B, h, w, C]. */
  *steps(pixels: Tensor): Generator<void, Tensor> {
    const planes = permute(pixels, [0, 2, 3, 1]);
    const seen = yield* this.backbone.steps(planes);
    const x = this.#projection.forward(seen);
    seen.dispose();
    return x;
  }
}

/** Pictures → states [B, N, C] of N queries, and a head where a task has one. */
export class QueryEncoder extends BaseEncoder<ConvolutionalStem, QueryDims, QueryInputs> {
  /** How many blocks and layers of convolutions some sizes have. */
  static override readonly layers = ({ L, decoder, backbone }: TrunkDims & Partial<QueryDims>): number =>
    (backbone?.depths ?? []).reduce((sum, n) => sum + n, L + (decoder?.L ?? 0));
  readonly inputNames = ['pixel_values', 'pixel_mask', 'original_sizes', 'reshaped_input_sizes'];
  readonly #decoder: Trunk;
  readonly #queries: Parameter;

  constructor(engine: Engine, dims: QueryDims, choices: BlockChoices, head?: HeadLike) {
    super(engine, dims, choices, new ConvolutionalStem(engine, dims.C, dims.backbone), head);
    const block = blockOf({ ...dims, ...dims.decoder }, choices, { crosses: true });
    const blocks = Array.from({ length: dims.decoder.L }, () => block);
    this.#decoder = this.child('decoder', new Trunk(engine, blocks, normOf(dims.eps, choices)));
    this.#queries = this.parameter('queries', [dims.things, dims.C], { init: normal(0.02) });
  }

  /** What batches are checked against before they are run. */
  get config(): {
    /** Classes of the head; undefined without one. */
    num_labels: number | undefined;
  } {
    return { num_labels: this.head?.classes?.length };
  }

  /** Pixels as image processors give them, and what of them is padding. */
  read(given: Partial<PixelInputs>): QueryInputs {
    const { channels } = this.dims.backbone;
    const { pixels, dims } = readPixels(given, channels, 1);
    return this.#inputs(pixels, dims, paddingOf(given, dims));
  }

  /** Black pictures of a usual size. */
  blank(B: number): QueryInputs {
    const { backbone, image } = this.dims;
    const dims = [B, backbone.channels, ...image] as const;
    return this.#inputs(new Float32Array(sizeOf(dims)), dims);
  }

  #inputs(pixels: Float32Array, dims: Pixels['dims'], padding?: Uint8Array): QueryInputs {
    const [B, , H, W] = dims;
    return { pixels, dims, padding, shape: [B, sizeOf(resnetGrid(this.dims.backbone, [H, W]))] };
  }

  *steps(inputs: QueryInputs, wants: EncoderWants = {}): Generator<void, EncoderOutputs> {
    const [seen, kept] = [keptOf(wants), keptOf(wants)];
    const memory: { states?: Tensor } = {};
    const out = yield* this.outputs(this.#through(inputs, memory, seen, kept), {}, wants, kept);
    const { hiddenStates = [], attentions = [] } = seen;
    const encoder_last_hidden_state = memory.states as Tensor;
    return {
      ...out,
      named: { last_hidden_state: out.lastHiddenState, encoder_last_hidden_state },
      insights: {
        ...(wants.hiddenStates && { encoder_hidden_states: hiddenStates, decoder_hidden_states: out.hiddenStates }),
        ...(wants.attentions && {
          encoder_attentions: attentions,
          decoder_attentions: out.attentions,
          cross_attentions: kept.crossAttentions ?? [],
        }),
      },
    };
  }

  *#through({ pixels, dims, padding }: QueryInputs, memory: { states?: Tensor }, seen: Kept, kept: Kept): Generator<void, Tensor> {
    const { engine } = this;
    const { C, things } = this.dims;
    const [B, , H, W] = dims;
    const picture = tensor(engine, pixels, dims);
    const planes = yield* this.stem.steps(picture);
    picture.dispose();
    const [h, w] = planes.shape.slice(1) as unknown as Size;
    const S = h * w;
    const beside = padding && reduced(padding, [B, H, W], [h, w]);
    const places = tensor(engine, planeSinusoids(C, [h, w], beside), beside ? [B, S, C] : [S, C]);
    const bias = beside && biasOf({ keyPaddingMask: tensor(engine, beside, [B, S], 'bool') }, [B, 1, 1, S]);
    const queries = this.#queries.tensor;
    const x = reshape(planes, [B, S, C]);
    const states = yield* this.trunk.steps(x, { self: { bias, positions: { query: places, key: places } } }, seen);
    memory.states = states;
    const nothing = tensor(engine, new Float32Array(B * things * C), [B, things, C]);
    const self = { positions: { query: queries, key: queries } };
    const cross = { bias, positions: { query: queries, key: places } };
    return yield* this.#decoder.steps(nothing, { self, memory: states, cross }, kept);
  }
}

/** A mask [B][H][W] at the size of planes, as torch's nearest neighbours are: [B][h][w]. */
function reduced(mask: Uint8Array, [B, H, W]: readonly [number, number, number], [h, w]: Size): Uint8Array {
  const at = (i: number, from: number, to: number) => Math.min(from - 1, Math.floor(Math.fround(i * Math.fround(from / to))));
  return Uint8Array.from({ length: B * h * w }, (_, i) => {
    const [b, y, x] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    return mask[(b * H + at(y, H, h)) * W + at(x, W, w)] as number;
  });
}
