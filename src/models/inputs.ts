/** Inputs of models: token ids and masks, in nested lists or as tensors of any kind, checked and converted to typed arrays. */
import { HeedError, kindOf } from '../errors.js';
import { sizeOf } from '../tensor.js';

/** Integers in the form in which tokenizers and transformers.js give them. */
export interface IdTensor {
  readonly data: ArrayLike<number | bigint>;
  readonly dims: readonly number[];
}

/** Integers of [B, T]: nested arrays, or a tensor. */
export type IntegerInput = readonly (readonly number[])[] | IdTensor;

/** What a text encoder reads: int32 [B, T] each, as a tokenizer gives them. */
export interface ModelInputs {
  /** The tokens' ids. */
  input_ids: IntegerInput;
  /** 1 for tokens, of which every row has one at least, 0 for padding. Default: all 1. */
  attention_mask?: IntegerInput | undefined;
  /** Default: all 0. */
  token_type_ids?: IntegerInput | undefined;
}

/** What an encoder of pictures reads. */
export interface PixelInputs {
  /** float32 [pictures, channels, height, width], as an image processor gives them. */
  pixel_values: {
    /** Numbers, one picture after the other. */
    readonly data: ArrayLike<number | bigint>;
    /** Pictures, channels, height, width. */
    readonly dims: readonly number[];
  };
  /** [pictures, height, width], as an image processor gives it that pads a batch: 1 for a picture's own pixels, 0 for what is beside it. DETR reads it. Default: all 1. */
  pixel_mask?: IdTensor | undefined;
}

/** What an encoder of sounds reads. */
export interface SampleInputs {
  /** float32 [sounds, samples], as a feature extractor gives them. */
  input_values: {
    /** Numbers, one sound after the other. */
    readonly data: ArrayLike<number | bigint>;
    /** Sounds, samples. */
    readonly dims: readonly number[];
  };
  /** Of shape `[sounds, samples]`: 1 for sound, 0 for what is padded behind it. Default: all 1. */
  attention_mask?: IntegerInput | undefined;
}

/** A model's inputs, of which transformers.js takes the ids alone, too. */
export function namedIds(given: object): object {
  const { data, dims, input_ids } = Object(given) as Partial<IdTensor> & { input_ids?: unknown };
  return data && dims && !input_ids ? { input_ids: { data, dims } } : given;
}

/** Throws SHAPE for inputs that are not [B, T], ARGUMENT for values that are no integers. */
export function integers(name: string, input: IntegerInput): { data: Int32Array; dims: readonly [B: number, T: number] } {
  const { data, dims } = (Array.isArray(input) ? flattened(input) : Object(input)) as {
    data?: ArrayLike<unknown>;
    dims?: readonly number[];
  };
  const size = Array.isArray(dims) && dims.length === 2 && dims.every((d) => Number.isSafeInteger(d) && d >= 0) ? sizeOf(dims) : undefined;
  if (!dims || !data || data.length !== size)
    throw new HeedError('SHAPE', `${name} must be [B, T], rows of one length`, {
      culprit: name,
      shape: Array.isArray(dims) ? dims : [],
      cure: 'Pad the rows, and say so in attention_mask',
    });
  // Before memory is made for them: a list may claim any length.
  for (let i = 0; i < data.length; i++) {
    const n = typeof data[i] === 'bigint' ? Number(data[i]) : data[i];
    if (Number.isInteger(n) && Math.abs(n as number) <= 0x7fffffff) continue;
    throw new HeedError('ARGUMENT', `${name} holds ${kindOf(n)}`, {
      culprit: name,
      cure: 'It must hold integers',
    });
  }
  return { data: Int32Array.from(data as ArrayLike<number | bigint>, Number), dims: dims as unknown as readonly [number, number] };
}

/** Nested lists; without data where they are none, or not of one length. */
function flattened(rows: readonly (readonly number[])[]): { data?: number[]; dims: readonly number[] } {
  const width = rows[0]?.length ?? 0;
  for (const row of rows) if (!Array.isArray(row) || row.length !== width) return { dims: [] };
  return { data: rows.flat(), dims: [rows.length, width] };
}

/** Throws ARGUMENT for a number that no row of the table answers to. */
export function within(name: string, ids: Int32Array | undefined, rows: number): void {
  const wrong = ids?.find((id) => id < 0 || id >= rows);
  if (wrong !== undefined)
    throw new HeedError('ARGUMENT', `${name} holds ${wrong}, and the model knows 0 to ${rows - 1}`, {
      culprit: name,
      cure: 'Is the tokenizer that of this model?',
    });
}

/** An input that accompanies another of this shape. */
export function integersLike(
  name: string,
  input: IntegerInput | null | undefined,
  shape: readonly [number, number],
): Int32Array | undefined {
  if (input === undefined || input === null) return undefined;
  const { data, dims } = integers(name, input);
  if (dims[0] === shape[0] && dims[1] === shape[1]) return data;
  throw new HeedError('SHAPE', `${name} is [${dims}], input_ids [${shape}]`, { culprit: name, shape: dims });
}

/**
 * Tokens of each row where a mask [B, T] pads on the right; undefined for other masks. Throws ARGUMENT for a row of padding alone, since any
 * result for it would look like an answer.
 */
export function lengthsOf(mask: Int32Array, [B, T]: readonly [number, number]): number[] | undefined {
  const rows = Array.from({ length: B }, (_, b) => mask.subarray(b * T, (b + 1) * T));
  const lengths = rows.map((row) => row.reduce((n, m) => n + Number(m !== 0), 0));
  const empty = T > 0 ? lengths.indexOf(0) : -1;
  if (empty >= 0)
    throw new HeedError('ARGUMENT', `attention_mask has no token in row ${empty}`, {
      culprit: 'attention_mask',
      shape: [B, T],
      cure: 'Leave the row out, or give empty texts their special tokens',
    });
  return rows.every((row, b) => row.subarray(0, lengths[b]).every((m) => m !== 0)) ? lengths : undefined;
}

/** Tokens after which texts are cut: `asked`, which may be no more than the model's positions, or else its `own` limit. Throws ARGUMENT. */
export function maxLengthOf(asked: number | undefined, own: number | undefined, positions: number): number {
  if (asked === undefined) return Math.min(own ?? positions, positions);
  if (Number.isInteger(asked) && asked >= 1 && asked <= positions) return asked;
  const cure = `The model takes 1 to ${positions} tokens`;
  throw new HeedError('ARGUMENT', `max_length is ${kindOf(asked)}`, { culprit: 'max_length', cure });
}

/** Sounds as a model is given them, and how many samples of each are sound where a mask says so. Throws ARGUMENT for what is no sound, NUMERIC for a sample that is no number, SHAPE. */
export function samplesIn({ input_values, attention_mask }: Partial<SampleInputs>): {
  samples: Float32Array;
  dims: readonly [B: number, L: number];
  lengths: number[] | undefined;
} {
  const { data, dims: given } = Object(input_values) as Partial<SampleInputs['input_values']>;
  const isFull = Array.isArray(given) && given.length === 2 && given.every((d) => Number.isSafeInteger(d) && d >= 0);
  if (!isFull || data?.length !== sizeOf(given))
    throw new HeedError('ARGUMENT', `input_values is ${given ? `[${given}]` : kindOf(input_values)}, it must be [sounds, samples]`, {
      culprit: 'input_values',
      shape: Array.isArray(given) ? given : [],
      cure: "Give a tensor of samples, as the model's feature extractor does",
    });
  const samples = data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>);
  const dims = given as unknown as readonly [number, number];
  if (!samples.every(Number.isFinite))
    throw new HeedError('NUMERIC', 'input_values holds what is no number', { culprit: 'input_values', shape: dims });
  const mask = attention_mask === undefined || attention_mask === null ? undefined : integers('attention_mask', attention_mask);
  if (mask && (mask.dims[0] !== dims[0] || mask.dims[1] !== dims[1]))
    throw new HeedError('SHAPE', `attention_mask is [${mask.dims}], input_values [${dims}]`, {
      culprit: 'attention_mask',
      shape: mask.dims,
    });
  const lengths = mask && lengthsOf(mask.data, mask.dims);
  if (mask && !lengths)
    throw new HeedError('ARGUMENT', 'attention_mask has padding before or within a sound', {
      culprit: 'attention_mask',
      shape: mask.dims,
      cure: 'Pad behind the sounds',
    });
  return { samples, dims, lengths };
}
