/**
 * A tokenizer's vocabulary as bytes: the bytes that each token adds to a text. Tokens of byte-level BPE and of SentencePiece's byte fallback may be parts of characters. The vocabulary is
 * plain data, which can be sent to a worker.
 */
import { HeedError, kindOf } from '../../errors.js';
import { byteAlphabet } from '../../text/byte_level.js';
import type { DecodeOptions } from '../../text/ids.js';

/** Tokenizer as the grammar needs it, for example any of heed's. */
export interface TokenSource {
  /** Every token with its id. */
  get_vocab(): ReadonlyMap<string, number>;
  /** Tokens as text. */
  decode(ids: number[], options?: DecodeOptions): string;
  /** Tokens that are no text. */
  readonly all_special_ids: readonly number[];
  /** The token that ends a text. */
  readonly eos_token_id?: number | undefined;
}

/** The bytes of every token. */
export interface Vocabulary {
  /** Tokens by id: a character for each byte; undefined for ids that no text has. Special tokens are their names between two `MARK`s, a byte that no text has. */
  readonly tokens: readonly (string | undefined)[];
  /** Tokens that end a text. */
  readonly eos: readonly number[];
  /** `true` where decoding drops a space at the beginning of a text, as SentencePiece does. */
  readonly strips: boolean;
}

/** A byte that UTF-8 does not have. */
export const MARK = 0xff;
const mark = String.fromCharCode(MARK);

/** Returns `true` for a token that is bytes of a text, or a special token between its marks. */
export const isWritable = (token: string | undefined): token is string =>
  token !== undefined && token !== '' && (!token.includes(mark) || (token.length > 2 && token.startsWith(mark) && token.endsWith(mark)));

const encoder = new TextEncoder();
/** A text's bytes, a character each. */
export const binary = (text: string): string => {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  return Array.from(encoder.encode(text), (byte) => String.fromCharCode(byte)).join('');
};

const known = new WeakMap<object, Vocabulary>();

/** Vocabulary of a tokenizer, made once. Throws ARGUMENT for a value that is no tokenizer. */
export function vocabularyOf(tokenizer: TokenSource): Vocabulary {
  const before = known.get(tokenizer);
  if (before) return before;
  if (typeof tokenizer?.get_vocab !== 'function' || typeof tokenizer.decode !== 'function')
    throw new HeedError('ARGUMENT', `constrain: the tokenizer is ${kindOf(tokenizer)}`, { culprit: 'tokenizer', cure: 'Give a tokenizer' });
  const vocabulary = tokenizer.get_vocab();
  const special = new Set(tokenizer.all_special_ids);
  const text = textOf(tokenizer, vocabulary, special);
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of vocabulary) {
    while (tokens.length <= id) tokens.push(undefined);
    tokens[id] = special.has(id) ? `${mark}${binary(token)}${mark}` : text(token, id) || undefined;
  }
  const eos = tokenizer.eos_token_id;
  const made = { tokens, eos: eos === undefined ? [] : [eos], strips: stripsSpace(tokenizer, vocabulary) };
  known.set(tokenizer, made);
  return made;
}

const decoded = (tokenizer: TokenSource, ...ids: number[]): string =>
  tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });

/** A piece of a word as SentencePiece spells it, and so that a space is before it. */
const SPACE = '▁';
const stripsSpace = (tokenizer: TokenSource, vocabulary: ReadonlyMap<string, number>): boolean => {
  const id = [`${SPACE}a`, `${SPACE}the`, `${SPACE}I`].map((token) => vocabulary.get(token)).find((id) => id !== undefined);
  return id !== undefined && !decoded(tokenizer, id).startsWith(' ');
};

/** Function that gives a token's bytes: the tokenizer's kind of decoder is recognised by how it decodes certain tokens. */
function textOf(
  tokenizer: TokenSource,
  vocabulary: ReadonlyMap<string, number>,
  special: ReadonlySet<number>,
): (token: string, id: number) => string {
  const is = (token: string, text: string) => {
    const id = vocabulary.get(token);
    return id !== undefined && decoded(tokenizer, id) === text;
  };
  if (is('Ġ', ' ') || is('Ċ', '\n')) return byteLevel();
  const anchor = [...vocabulary].find(([token, id]) => !special.has(id) && /^\p{L}+$/u.test(token))?.[1];
  const before = anchor === undefined ? '' : decoded(tokenizer, anchor);
  /** Text of a token within a text, behind another token. */
  const within = (id: number) => (anchor === undefined ? decoded(tokenizer, id) : decoded(tokenizer, anchor, id).slice(before.length));
  const bytes = is('<0x0A>', '\n') || is('<0x41>', 'A');
  const spaced = (token: string) => token.replaceAll(SPACE, ' ');
  // To decode a quarter of a million tokens one by one takes a second; whether that is more than putting spaces shows in a few.
  const sample = [...vocabulary]
    .filter(([token, id], i) => !special.has(id) && !byteOf(token) && (i % 97 === 0 || token.startsWith(SPACE)))
    .slice(0, 500);
  const simple = sample.every(([token, id]) => within(id) === spaced(token));
  return (token, id) => {
    const byte = bytes ? byteOf(token) : undefined;
    return byte ?? binary(simple ? spaced(token) : within(id));
  };
}

function byteOf(token: string): string | undefined {
  const digits = /^<0x([\dA-Fa-f]{2})>$/.exec(token)?.[1];
  return digits && String.fromCharCode(Number.parseInt(digits, 16));
}

/** Decodes a token of GPT-2's byte alphabet. A token with other characters is text as it stands. */
function byteLevel(): (token: string) => string {
  const own: string[] = [];
  for (const [byte, character] of byteAlphabet.entries()) own[character.charCodeAt(0)] = String.fromCharCode(byte);
  return (token) => {
    let bytes = '';
    for (let i = 0; i < token.length; i++) {
      const byte = own[token.charCodeAt(i)];
      if (byte === undefined) return binary(token);
      bytes += byte;
    }
    return bytes;
  };
}
