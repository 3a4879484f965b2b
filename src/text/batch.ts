/**
 * From rows of tokens to the rectangular batch of a model, and the options of a call, under the names of
 * transformers.js or, where it has none, of Hugging Face's Python.
 */
import { HeedError, kindOf } from '../errors.js';
import { HostTensor, MOST_TOKENS } from '../tensor.js';
import type { Span } from './aligned.js';
import { type Encoding, type Side, type Strategy, strategies } from './encoding.js';
import type { Row } from './template.js';

/** A text, or, with `is_split_into_words`, its words. */
export type Text = string | readonly string[];

/** Options of a tokenizer's `encode`. */
export interface EncodeOptions {
  /** A second text, for models that compare two. */
  text_pair?: Text | null | undefined;
  /** `true` where texts are lists of words, which no token goes beyond: offsets are within a word then. Default false. */
  is_split_into_words?: boolean | undefined;
  /** `true` to add special tokens. Default true. */
  add_special_tokens?: boolean | undefined;
  /**
   * Truncation to `max_length`, and the text of a pair to cut: true and 'longest_first' the longer one until both are
   * equally long. Default false, or true where `stride` is given, or `max_length` is and `padding` is not.
   */
  truncation?: boolean | Strategy | null | undefined;
  /** Number of tokens per row, special ones included. Default `model_max_length`. */
  max_length?: number | null | undefined;
  /** Side from which a text is cut off. Default as in tokenizer_config.json. */
  truncation_side?: Side | undefined;
}

/** Options of a tokenizer's `encodings`. */
export interface EncodingOptions extends EncodeOptions {
  /** Number of tokens that neighbouring encodings of a cut text share. Default: only the first encoding is returned. */
  stride?: number | undefined;
}

/** Options of a call of a tokenizer. */
export interface BatchOptions extends Omit<EncodingOptions, 'text_pair'> {
  /** Second texts, as many as there are texts, for models that compare two. */
  text_pair?: Text | readonly Text[] | null | undefined;
  /** `true` to return tensors; `false` for plain lists, a single text's without an outer list; rows need not be equally long then. Default true. */
  return_tensor?: boolean | undefined;
  /** true and 'longest' fill rows up to the longest one, 'max_length' up to `max_length`. Default false. */
  padding?: boolean | 'longest' | 'max_length' | undefined;
  /** Fills rows up to a multiple of this. */
  pad_to_multiple_of?: number | null | undefined;
  /** Side of the padding. Default as in tokenizer_config.json. */
  padding_side?: Side | undefined;
  /** `true` to return the tokens that were cut off in further rows, and `overflow_to_sample_mapping`. Default false; with `true`, `stride` is 0 by default. */
  return_overflowing_tokens?: boolean | undefined;
  /** `true` to return `offset_mapping`, the place of each token in its text. Default false. */
  return_offsets_mapping?: boolean | undefined;
  /** `true` to return `special_tokens_mask`. Default false. */
  return_special_tokens_mask?: boolean | undefined;
}

/** Whole numbers in rows, as a model's inputs are. */
export interface IntTensor {
  /** Always int32: no vocabulary needs 64 bits. */
  readonly type: 'int32';
  /** [B, T]. */
  readonly dims: readonly [rows: number, columns: number];
  /** Row by row. */
  readonly data: Int32Array;
}

export interface IntRows extends IntTensor {
  /** The rows as lists. */
  tolist(): number[][];
}

/** Batch with `return_tensor: false`: lists of rows, or, for a single text, a single row each. */
export interface ListBatch {
  /** The tokens' ids. */
  readonly input_ids: number[] | number[][];
  /** 1 for a token, 0 for padding. */
  readonly attention_mask: number[] | number[][];
  /** Text of the pair of each token, 0 or 1. */
  readonly token_type_ids: number[] | number[][];
  /** 1 for what the template added and padding; with `return_special_tokens_mask`. */
  readonly special_tokens_mask?: number[] | number[][];
  /** [begin, end] of each token in its text, in UTF-16 code units; with `return_offsets_mapping`. */
  readonly offset_mapping?: readonly Span[] | readonly (readonly Span[])[];
  /** Index of the text of each row, with `return_overflowing_tokens`. */
  readonly overflow_to_sample_mapping?: readonly number[];
}

/** Result of a call of a tokenizer: a model's inputs, int32 [B, T] each, T the longest row. */
export interface Batch {
  /** The tokens' ids, pad_token_id for padding. */
  readonly input_ids: IntRows;
  /** 1 for a token, 0 for padding. */
  readonly attention_mask: IntRows;
  /** Text of the pair of each token, 0 or 1. */
  readonly token_type_ids: IntRows;
  /** 1 for what the template added and padding; with `return_special_tokens_mask`. */
  readonly special_tokens_mask?: IntRows;
  /** [begin, end] of each token in its text, in UTF-16 code units; with `return_offsets_mapping`. */
  readonly offset_mapping?: readonly (readonly Span[])[];
  /** Index of the text of each row, with `return_overflowing_tokens`. */
  readonly overflow_to_sample_mapping?: readonly number[];
}

export const encodeOptions = ['text_pair', 'is_split_into_words', 'add_special_tokens', 'truncation', 'max_length', 'truncation_side'];
export const encodingOptions = [...encodeOptions, 'stride'];
const flags = ['return_overflowing_tokens', 'return_offsets_mapping', 'return_special_tokens_mask'] as const;
export const batchOptions = [...encodingOptions, 'padding', 'pad_to_multiple_of', 'padding_side', 'return_tensor', ...flags];

const paddings: readonly unknown[] = [true, false, 'longest', 'max_length'];
const truncations: readonly unknown[] = [undefined, true, false, ...strategies];

/** Settings by which rows are cut. */
export interface Cut {
  /** Tokens per row; undefined: no limit. */
  length: number | undefined;
  strategy: Strategy;
  side: Side | undefined;
  /** Number of tokens that windows overlap; undefined: one window, and the rest is dropped. */
  stride: number | undefined;
}

/** Settings by which rows are padded to equal length. */
export interface Fill {
  /** undefined: as long as the longest; null: as they are. */
  length: number | undefined | null;
  multiple: number;
  side: Side | undefined;
}

/** Settings from options. */
export interface Lengths {
  special: boolean;
  cut: Cut;
  fill: Fill;
}

export function lengthsOf(options: BatchOptions, names: readonly string[], modelMaxLength: number | undefined): Lengths {
  checkKnown(options, names);
  const { add_special_tokens: special = true, padding = false, truncation_side, padding_side } = options;
  const truncation = options.truncation ?? undefined;
  const length = options.max_length ?? undefined;
  const multiple = options.pad_to_multiple_of ?? 1;
  const overflows = options.return_overflowing_tokens ?? (names === encodingOptions && options.stride !== undefined);
  const stride = overflows ? (options.stride ?? 0) : undefined;
  if (typeof special !== 'boolean') throw wrong('add_special_tokens', 'true or false', special);
  for (const flag of [...flags, 'is_split_into_words', 'return_tensor'] as const)
    if (options[flag] !== undefined && typeof options[flag] !== 'boolean') throw wrong(flag, 'true or false', options[flag]);
  if (!paddings.includes(padding)) throw wrong('padding', "true, false, 'longest' or 'max_length'", padding);
  if (!truncations.includes(truncation))
    throw wrong('truncation', "true, false, 'longest_first', 'only_first' or 'only_second'", truncation);
  if (!isSide(truncation_side)) throw wrong('truncation_side', "'left' or 'right'", truncation_side);
  if (!isSide(padding_side)) throw wrong('padding_side', "'left' or 'right'", padding_side);
  if (length !== undefined && !isCount(length)) throw wrong('max_length', 'a whole number', length);
  if (!(isCount(multiple) && multiple > 0)) throw wrong('pad_to_multiple_of', 'a whole number above 0', multiple);
  if (options.stride !== undefined && !isCount(options.stride)) throw wrong('stride', 'a whole number', options.stride);
  const cuts = truncation ?? (stride !== undefined || (length !== undefined && padding === false));
  const limit = length ?? modelMaxLength;
  if (length !== undefined && !cuts && padding !== 'max_length') throw idle('max_length', 'Set truncation to true');
  if (options.stride !== undefined && stride === undefined) throw idle('stride', 'Set return_overflowing_tokens to true');
  if (stride !== undefined && !cuts)
    throw idle(options.stride === undefined ? 'return_overflowing_tokens' : 'stride', 'Set truncation to true');
  if (multiple > 1 && padding === false) throw idle('pad_to_multiple_of', 'Set padding to true');
  if (padding === 'max_length' && limit === undefined)
    throw new HeedError('ARGUMENT', "padding 'max_length' needs max_length: the tokenizer's files give none", { culprit: 'max_length' });
  return {
    special,
    cut: { length: cuts ? limit : undefined, strategy: typeof cuts === 'string' ? cuts : 'longest_first', side: truncation_side, stride },
    fill: { length: padding === 'max_length' ? limit : padding ? undefined : null, multiple, side: padding_side },
  };
}

const idle = (option: string, cure: string) => new HeedError('ARGUMENT', `${option} would have no effect`, { culprit: option, cure });
const isSide = (side: unknown) => side === undefined || side === 'left' || side === 'right';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Throws ARGUMENT for values that are no options, and for unknown options, which would be ignored silently. */
export function checkKnown(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new HeedError('ARGUMENT', `the tokenizer's options are ${kindOf(options)}`, {
      culprit: 'options',
      cure: 'Give an object, or nothing',
    });
  const strange = Object.keys(options).find((key) => !names.includes(key));
  if (strange === undefined) return;
  const message = `the tokenizer has no option ${JSON.stringify(strange.slice(0, 60))}; it has ${names.join(', ')}`;
  throw new HeedError('UNSUPPORTED', message, { culprit: strange || 'options' });
}

export function wrong(option: string, kinds: string, value: unknown): HeedError {
  // A strategy that others have is not a mistake.
  return new HeedError(typeof value === 'string' ? 'UNSUPPORTED' : 'ARGUMENT', `${option} must be ${kinds}`, { culprit: option });
}

/** Lays rows side by side. Rows of different lengths need a `pad` id. */
export function rectangle(rows: readonly Row[], { length, multiple, side }: Fill, pad: number | undefined): Batch {
  const longest = rows.reduce((most, row) => Math.max(most, row.ids.length), 0);
  const columns = Math.ceil((length ?? longest) / multiple) * multiple;
  const ragged = rows.some((row) => row.ids.length !== columns);
  if (longest > columns)
    throw misfit(`a row has ${longest} tokens, more than the ${columns} it should be filled up to`, 'Set truncation to true');
  if (ragged && length === null) throw misfit('rows have different lengths', 'Set padding to true');
  if (ragged && pad === undefined) throw misfit('the tokenizer has no pad token to fill rows with', 'Encode one text at a time');
  if (rows.length * columns > MOST_TOKENS)
    throw misfit(`${rows.length} rows of ${columns} tokens are more than memory holds`, 'Give fewer texts, or a smaller max_length');
  const batch = {
    input_ids: tensor(rows.length, columns, pad ?? 0),
    attention_mask: tensor(rows.length, columns, 0),
    token_type_ids: tensor(rows.length, columns, 0),
  };
  rows.forEach(({ ids, typeIds }, i) => {
    const begin = i * columns + (side === 'left' ? columns - ids.length : 0);
    batch.input_ids.data.set(ids, begin);
    batch.attention_mask.data.fill(1, begin, begin + ids.length);
    batch.token_type_ids.data.set(typeIds, begin);
  });
  return batch;
}

/** Members of a batch beyond a model's inputs, where asked for. */
export function details(
  rows: readonly Encoding[],
  samples: readonly number[],
  columns: number,
  side: Side,
  options: BatchOptions,
): Partial<Batch> {
  const mask = tensor(rows.length, columns, 1);
  const offset_mapping = rows.map(({ offsets, texts }, row) => {
    const before = side === 'left' ? columns - offsets.length : 0;
    const list = new Array<Span>(columns).fill([0, 0]);
    for (const [i, span] of offsets.entries()) {
      list[before + i] = span;
      if (texts[i] !== undefined) mask.data[row * columns + before + i] = 0;
    }
    return list;
  });
  return {
    ...(options.return_special_tokens_mask && { special_tokens_mask: mask }),
    ...(options.return_offsets_mapping && { offset_mapping }),
    ...(options.return_overflowing_tokens && { overflow_to_sample_mapping: samples }),
  };
}

/** A batch as lists. `rows`: how long each is, where they were not filled up; `alone`: of a text alone, without the list around its own. */
export function listsOf(batch: Batch, lengths: readonly number[] | undefined, alone: boolean): ListBatch {
  const cut = <T>(list: readonly T[], row: number) => list.slice(0, lengths?.[row]);
  const entries = Object.entries(batch).map(([name, value]) => {
    if (name === 'overflow_to_sample_mapping') return [name, value];
    const lists = (Array.isArray(value) ? value : value.tolist()).map(cut);
    return [name, alone ? lists[0] : lists];
  });
  return Object.fromEntries(entries);
}

const tensor = (rows: number, columns: number, empty: number) =>
  new HostTensor('int32', new Int32Array(rows * columns).fill(empty), [rows, columns]) as HostTensor & IntRows;

const misfit = (what: string, cure: string) => new HeedError('ARGUMENT', what, { culprit: 'padding', cure });
