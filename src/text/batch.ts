/**
 * From rows of tokens to the rectangle that a model takes: truncation, which leaves special tokens standing, and padding,
 * with the options and names of transformers.js. @huggingface/tokenizers does neither.
 */
import { HeedError, kindOf } from '../errors.js';
import type { Row } from './template.js';

export interface EncodeOptions {
  /** A second text, for models that compare two. */
  text_pair?: string | null | undefined;
  /** Default true. */
  add_special_tokens?: boolean | undefined;
  /** Whether to cut at `max_length`. Default false, or true where `max_length` is given and `padding` is not. */
  truncation?: boolean | 'longest_first' | null | undefined;
  /** Tokens per row, special ones included. Default `model_max_length`. */
  max_length?: number | null | undefined;
}

export interface BatchOptions extends Omit<EncodeOptions, 'text_pair'> {
  text_pair?: string | readonly string[] | null | undefined;
  /** true and 'longest' fill rows up to the longest one, 'max_length' up to `max_length`. Default false. */
  padding?: boolean | 'longest' | 'max_length' | undefined;
}

/** Whole numbers in rows, as a model's inputs are. */
export interface IntTensor {
  readonly type: 'int32';
  readonly dims: readonly [rows: number, columns: number];
  readonly data: Int32Array;
}

export interface Batch {
  readonly input_ids: IntTensor;
  /** 1 for a token, 0 for padding. */
  readonly attention_mask: IntTensor;
  readonly token_type_ids: IntTensor;
}

/** In a batch: 1 GiB in each of its tensors. */
const MOST_TOKENS = 1 << 28;

/** On which side a tokenizer cuts and pads. */
export type Side = 'left' | 'right';

const known = ['text_pair', 'add_special_tokens', 'truncation', 'max_length', 'padding'];

/** What options come to: how long rows may get, and how long they are made. */
export interface Lengths {
  special: boolean;
  /** undefined: no limit. */
  cut: number | undefined;
  /** undefined: as long as the longest; null: as they are. */
  fill: number | undefined | null;
}

export function lengthsOf(options: BatchOptions, modelMaxLength: number | undefined): Lengths {
  checkKnown(options, known);
  const { add_special_tokens: special = true, padding = false } = options;
  const truncation = options.truncation ?? undefined;
  const length = options.max_length ?? undefined;
  if (typeof special !== 'boolean') throw wrong('add_special_tokens', 'true or false', special);
  if (![true, false, 'longest', 'max_length'].includes(padding)) throw wrong('padding', "true, false, 'longest' or 'max_length'", padding);
  if (![undefined, true, false, 'longest_first'].includes(truncation))
    throw wrong('truncation', "true, false or 'longest_first'", truncation);
  if (length !== undefined && !(Number.isSafeInteger(length) && length >= 0)) throw wrong('max_length', 'a whole number', length);
  const cuts = truncation ?? (length !== undefined && padding === false);
  const limit = length ?? modelMaxLength;
  if (length !== undefined && !cuts && padding !== 'max_length')
    throw new HeedError('ARGUMENT', `max_length ${length} would have no effect`, { culprit: 'max_length', cure: 'Set truncation to true' });
  if (padding === 'max_length' && limit === undefined)
    throw new HeedError('ARGUMENT', "padding 'max_length' needs max_length: the tokenizer's files give none", { culprit: 'max_length' });
  return { special, cut: cuts ? limit : undefined, fill: padding === 'max_length' ? limit : padding ? undefined : null };
}

/** Throws for options that are none, or that nobody reads: silence would look like obedience. */
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

/** Cuts a text, or the longer of two first, to `room` tokens; two that are both too long get half each. */
export function truncate(a: number[], b: number[] | undefined, room: number, side: Side): void {
  const cut = (ids: number[], length: number) => {
    if (ids.length > length) ids.splice(side === 'left' ? 0 : length, ids.length - length);
  };
  if (!b) {
    cut(a, room);
    return;
  }
  if (a.length + b.length <= room) return;
  const shorter = Math.min(a.length, b.length);
  const fits = shorter <= room - shorter;
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  cut(short, fits ? shorter : Math.floor(room / 2));
  cut(long, fits ? room - shorter : Math.ceil(room / 2));
}

/** Lays rows side by side. Rows of different lengths need a `pad` id. */
export function rectangle(rows: readonly Row[], fill: number | undefined | null, side: Side, pad: number | undefined): Batch {
  const longest = rows.reduce((most, row) => Math.max(most, row.ids.length), 0);
  const columns = fill ?? longest;
  const ragged = rows.some((row) => row.ids.length !== columns);
  if (longest > columns)
    throw misfit(`a row has ${longest} tokens, more than the ${columns} it should be filled up to`, 'Set truncation to true');
  if (ragged && fill === null) throw misfit('rows have different lengths', 'Set padding to true');
  if (ragged && pad === undefined) throw misfit('the tokenizer has no pad token to fill rows with', 'Encode one text at a time');
  if (rows.length * columns > MOST_TOKENS)
    throw misfit(`${rows.length} rows of ${columns} tokens are more than memory holds`, 'Give fewer texts, or a smaller max_length');
  const tensor = (empty: number): IntTensor => ({
    type: 'int32',
    dims: [rows.length, columns],
    data: new Int32Array(rows.length * columns).fill(empty),
  });
  const batch = { input_ids: tensor(pad ?? 0), attention_mask: tensor(0), token_type_ids: tensor(0) };
  rows.forEach(({ ids, typeIds }, i) => {
    const begin = i * columns + (side === 'left' ? columns - ids.length : 0);
    batch.input_ids.data.set(ids, begin);
    batch.attention_mask.data.fill(1, begin, begin + ids.length);
    batch.token_type_ids.data.set(typeIds, begin);
  });
  return batch;
}

const misfit = (what: string, cure: string) => new HeedError('ARGUMENT', what, { culprit: 'padding', cure });
