/**
 * Two encoders whose vectors meet (Radford et al., arXiv 2103.00020, §2.3): one of texts, one of pictures, each projected, scaled to length 1, and multiplied with the other's.
 *
 *   logits_per_image[i, t] = exp(s) · image[i] · text[t] + b
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { add, scale } from '../ops/elementwise.js';
import { matmul } from '../ops/matmul.js';
import { rmsNorm } from '../ops/norm.js';
import { contiguous, transpose } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import { type Architecture, type Names, namesOf } from './architecture.js';
import type { EncoderOutputs, EncoderRows, EncoderWants } from './base_encoder.js';
import type { DualChoices, DualDims, ImageChoices, ImageDims, Side } from './choices.js';
import { unsupported } from './config.js';
import { Encoder, type EncoderInputs } from './encoder.js';
import { ImageEncoder, type ImageInputs } from './image_encoder.js';

/** Texts, pictures, or both. */
export interface DualInputs extends EncoderRows {
  text?: EncoderInputs | undefined;
  image?: ImageInputs | undefined;
}

/** What each side reads. */
const reads = { text: 'input_ids', image: 'pixel_values' } as const;

/** Texts [N, T] and pictures [M, c, H, W] → their vectors, and how well each goes with each. */
export class DualEncoder extends Module {
  /** Which loaders take it. */
  static readonly kind = 'encoder';
  /** How many blocks some sizes have. */
  static readonly layers = ({ text, image }: DualDims): number => text.L + image.L;
  /** One side alone, whose vectors are as they are projected. */
  static readonly side = (architecture: Architecture<DualDims, DualChoices>, side: Side): Architecture<DualDims, DualChoices> => ({
    ...architecture,
    block: (config, checkpoint) => {
      const choices = architecture.block(config, checkpoint);
      if (choices.only && choices.only !== side) throw unsupported(config, 'model_type', `an encoder that reads no ${reads[side]}`);
      return { ...choices, only: side, projects: true };
    },
    ignored: [...(architecture.ignored ?? []), /^/],
  });
  /** The encoder of pictures, which tells classes apart. */
  static readonly headed = (architecture: Architecture<DualDims, DualChoices>): Architecture<ImageDims, ImageChoices> => ({
    ...architecture,
    module: ImageEncoder,
    dims: (config) => architecture.dims(config).image,
    block: (config, checkpoint) => architecture.block(config, checkpoint).image,
    weights: (config) => beneath('image.', namesOf(architecture, config) ?? {}),
    ignored: [/^/],
  });
  readonly inputNames: readonly string[];
  readonly #text: Encoder | undefined;
  readonly #image: ImageEncoder | undefined;
  readonly #projections: Readonly<Partial<Record<Side, Linear>>>;
  readonly #scale: Parameter | undefined;
  readonly #bias: Parameter | undefined;

  constructor(
    engine: Engine,
    /** Its sizes. */
    readonly dims: DualDims,
    readonly choices: DualChoices,
  ) {
    super(engine);
    const { only, bias, projects = true } = choices;
    const { projection } = dims;
    const has = (side: Side) => !only || only === side;
    if (has('text')) this.#text = this.child('text', new Encoder(engine, dims.text, choices.text));
    if (has('image')) this.#image = this.child('image', new ImageEncoder(engine, dims.image, choices.image));
    const projected = (side: Side) =>
      projects && projection !== undefined && has(side)
        ? { [side]: this.child(`${side}_projection`, new Linear(engine, dims[side].C, projection, { bias: false })) }
        : {};
    this.#projections = { ...projected('text'), ...projected('image') };
    if (!only) this.#scale = this.parameter('logit_scale', [1]);
    if (!only && bias) this.#bias = this.parameter('logit_bias', [1]);
    this.inputNames = [...(this.#text?.inputNames ?? []), ...(this.#image?.inputNames ?? [])];
  }

  /** What becomes of how alike a text and a picture are: a score, which is a probability's for itself where they are `apart`, and else one among others'. */
  get scores(): { of(similarity: number): number; apart: boolean } | undefined {
    if (!this.#scale) return undefined;
    const [s = 0] = this.#scale.toHost().data as Float32Array;
    const [b = 0] = (this.#bias?.toHost().data ?? []) as Float32Array;
    return { of: (similarity) => Math.exp(s) * similarity + b, apart: this.#bias !== undefined };
  }

  /** Tokens that texts have at most, or, `padded`, all of them. */
  get texts(): { positions: number; padded: boolean } {
    return { positions: this.dims.text.positions, padded: this.choices.padsTexts ?? false };
  }

  /** As ImageEncoder's: where the patches of a picture stand among its tokens; undefined without that side. */
  get patches(): ImageEncoder['patches'] | undefined {
    const image = this.#image;
    return image && ((size) => image.patches(size));
  }

  /** Token ids, pixels, or both. Throws ARGUMENT for neither. */
  read(given: Readonly<Record<string, unknown>>): DualInputs {
    const text = given[reads.text] === undefined ? undefined : this.#text?.read(given);
    const image = given[reads.image] === undefined ? undefined : this.#image?.read(given);
    if (text || image) return batchOf(text, image);
    const names = Object.values(reads).filter((name) => this.inputNames.includes(name));
    throw new HeedError('ARGUMENT', `The model was given neither ${names.join(' nor ')}`, { culprit: names[0] ?? 'inputs' });
  }

  /** As many texts as pictures. */
  blank(B: number, T: number): DualInputs {
    return batchOf(this.#text?.blank(B, T), this.#image?.blank(B));
  }

  *steps({ text, image }: DualInputs, wants: EncoderWants = {}): Generator<void, EncoderOutputs> {
    if (text && image && (wants.hiddenStates || wants.attentions))
      throw new HeedError('ARGUMENT', 'States and attentions are those of texts, or of pictures', {
        culprit: 'inputs',
        cure: 'Give input_ids or pixel_values alone',
      });
    const inner = { ...wants, pooler: true };
    const read = text && (yield* (this.#text as Encoder).steps(text, inner));
    const seen = image && (yield* (this.#image as ImageEncoder).steps(image, inner));
    const one = (read ?? seen) as EncoderOutputs;
    const named = this.engine.scope(() => this.#named(read, seen));
    yield;
    return { ...one, named };
  }

  #named(read: EncoderOutputs | undefined, seen: EncoderOutputs | undefined): Record<string, Tensor> {
    const { only, vectors, projects = true } = this.choices;
    const projected = (side: Side, outputs: EncoderOutputs | undefined) => {
      const pooled = outputs?.poolerOutput;
      return pooled && (this.#projections[side]?.forward(pooled) ?? pooled);
    };
    const [text, image] = [projected('text', read), projected('image', seen)];
    if (only) {
      const states = (read ?? seen)?.lastHiddenState as Tensor;
      return { last_hidden_state: states, [projects ? vectors[only] : 'pooler_output']: (text ?? image) as Tensor };
    }
    const [t, i] = [text && unit(text), image && unit(image)];
    const embeds = { ...(t && { text_embeds: t }), ...(i && { image_embeds: i }) };
    if (!t || !i) return embeds;
    const logits = this.#scored(matmul(i, transpose(t, 0, 1)));
    return { ...embeds, logits_per_image: logits, logits_per_text: contiguous(transpose(logits, 0, 1)) };
  }

  #scored(similarities: Tensor): Tensor {
    const [s = 0] = (this.#scale as Parameter).toHost().data as Float32Array;
    const logits = scale(similarities, Math.exp(s));
    return this.#bias ? add(logits, this.#bias.tensor) : logits;
  }
}

/** Names of the modules under a prefix, without it. */
const beneath = (prefix: string, names: Names): Names =>
  Object.fromEntries(
    Object.entries(names).flatMap(([name, stored]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), stored]] : [])),
  );

/** Rows as vectors of length 1. */
function unit(x: Tensor): Tensor {
  const C = x.dim(1);
  return rmsNorm(x, tensor(x.engine, new Float32Array(C).fill(1 / Math.sqrt(C))), { eps: 1e-30 });
}

/** A batch is as large as the larger of the two. */
function batchOf(text: EncoderInputs | undefined, image: ImageInputs | undefined): DualInputs {
  const size = (rows: EncoderRows | undefined) => (rows ? rows.shape[0] * rows.shape[1] : -1);
  return { text, image, shape: ((size(text) > size(image) ? text : image) as EncoderRows).shape };
}
