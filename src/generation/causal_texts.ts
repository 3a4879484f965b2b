/** Texts as input of a language model: rows of token ids without their padding, and outputs put back to the places of the tokens. */
import { HeedError } from '../errors.js';
import { type IntegerInput, integers, integersLike, within } from '../models/inputs.js';
import { HostTensor } from '../tensor.js';

/** Input of a language model, as a tokenizer gives it: token ids [B, T]. */
export interface CausalInputs {
  /** Token ids of the texts, [B, T]. */
  input_ids: IntegerInput;
  /** Mask: 1 for tokens, of which every row has at least one, 0 for padding, before or behind the tokens. Default: all 1. */
  attention_mask?: IntegerInput | undefined;
  /** Token types, which tokenizers give; all must be 0. */
  token_type_ids?: IntegerInput | undefined;
}

/** A batch of texts without their padding. */
export interface Texts {
  rows: readonly (readonly number[])[];
  /** [B, T] as it was given. */
  ids: Int32Array;
  shape: readonly [B: number, T: number];
  /** Index of the first token of each row. */
  begins: readonly number[];
}

/** Rows of a call. Throws ARGUMENT and SHAPE for ids outside the vocabulary of V tokens, and for invalid masks. */
export function causalTexts(inputs: CausalInputs, V: number): Texts {
  const { data: ids, dims: shape } = integers('input_ids', inputs.input_ids);
  within('input_ids', ids, V);
  if (integersLike('token_type_ids', inputs.token_type_ids, shape)?.some((type) => type !== 0))
    throw new HeedError('ARGUMENT', 'token_type_ids holds another number than 0', {
      culprit: 'token_type_ids',
      cure: 'This model has no types',
    });
  const mask = integersLike('attention_mask', inputs.attention_mask, shape);
  const [B, T] = shape;
  const begins: number[] = [];
  const rows = Array.from({ length: B }, (_, b) => {
    const counts = mask && [...mask.subarray(b * T, (b + 1) * T)].map((m) => m !== 0);
    const [begin, end] = counts ? [counts.indexOf(true), counts.lastIndexOf(true) + 1] : [0, T];
    if (begin < 0 || counts?.slice(begin, end).includes(false))
      throw new HeedError('ARGUMENT', `row ${b} of attention_mask ${begin < 0 ? 'has no token' : 'has padding between tokens'}`, {
        culprit: 'attention_mask',
        shape,
        cure: 'Padding stands before the tokens, or behind them',
      });
    begins.push(begin);
    return [...ids.subarray(b * T + begin, b * T + end)];
  });
  return { rows, ids, shape, begins };
}

/** Moves rows' tokens from the front to their places, `begins`, on the axes that count tokens; padding becomes 0. */
export function inPlace(x: HostTensor, axes: readonly number[], lengths: readonly number[], begins: readonly number[]): HostTensor {
  const { data, dims } = x;
  const T = dims[axes[0] as number] as number;
  if (lengths.every((length, b) => length === T && begins[b] === 0)) return x;
  const steps = dims.map((_, axis) => dims.slice(axis + 1).reduce((n, d) => n * d, 1));
  const y = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const b = Math.floor(i / (steps[0] as number));
    const at = axes.map((axis) => Math.floor(i / (steps[axis] as number)) % T);
    if (at.some((t) => t >= (lengths[b] as number))) continue;
    y[axes.reduce((to, axis) => to + (begins[b] as number) * (steps[axis] as number), i)] = data[i] as number;
  }
  return new HostTensor('float32', y, dims);
}
