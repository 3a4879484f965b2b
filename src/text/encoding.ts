/**
 * Encodings: the tokens of a text, or of a pair, with offsets, words and texts of each; and the rules of Hugging Face's
 * tokenizers for which tokens stay where there are too many.
 */
import { HeedError } from '../errors.js';
import type { Span } from './aligned.js';

/** The T tokens of a text, or of a pair, with all that is known of each: every list has T entries. */
export interface Encoding {
  /** The tokens' ids. */
  ids: number[];
  /** The segment of each token: 0 for a text alone. */
  typeIds: number[];
  /**
   * Place of each token in its text, in UTF-16 code units: text.slice(begin, end). A token that is part of a
   * character has the whole character's place; tokens that the template added have [0, 0].
   */
  offsets: Span[];
  /** Text of the pair (0 or 1) of each token; undefined for tokens that the template added. */
  texts: (0 | 1 | undefined)[];
  /** Number of the word of each token in its text, as the pre-tokenizer cut it; undefined for tokens that the template added. */
  words: (number | undefined)[];
}

/** The tokens of one text. */
export interface Tokens {
  readonly ids: readonly number[];
  readonly offsets: readonly Span[];
  readonly words: readonly number[];
  /** Numbers of spaces that each token begins and ends with, Infinity for spaces alone; only where the template trims them. */
  readonly spaces: readonly Span[];
}

/** Strategies of truncation: the text from which tokens are taken. */
export const strategies = ['longest_first', 'only_first', 'only_second'] as const;
export type Strategy = (typeof strategies)[number];

/** On which side a tokenizer cuts and pads. */
export type Side = 'left' | 'right';

/** Numbers of tokens of a text, or of two, that fit into `room`. Throws ARGUMENT where the strategy cannot fit them. */
export function share(a: number, b: number | undefined, room: number, strategy: Strategy): readonly [a: number, b: number] {
  const surplus = a + (b ?? 0) - room;
  if (surplus <= 0) return [a, b ?? 0];
  if (strategy === 'longest_first') {
    if (b === undefined) return [room, 0];
    const shorter = Math.min(a, b);
    const [short, long] = 2 * shorter <= room ? [shorter, room - shorter] : [Math.floor(room / 2), Math.ceil(room / 2)];
    return a <= b ? [short, long] : [long, short];
  }
  if (room === 0) return [0, 0];
  const [target, other] = strategy === 'only_first' ? [a, b ?? 0] : [b, a];
  if (target === undefined)
    throw new HeedError('ARGUMENT', "truncation 'only_second' needs a second text", { culprit: 'truncation', cure: 'Give text_pair' });
  if (target <= surplus)
    throw new HeedError('ARGUMENT', `truncation '${strategy}' cannot make ${a + (b ?? 0)} tokens ${room}: the other text has ${other}`, {
      culprit: 'truncation',
      cure: "Shorten it, or set truncation to 'longest_first', or max_length higher",
    });
  return strategy === 'only_first' ? [a - surplus, other] : [a, target - surplus];
}

/**
 * The windows of at most `most` tokens that a text of `length` falls into, neighbours of which share `stride` tokens; only
 * the first without a stride. Windows begin at the side that is kept.
 */
export function windows(length: number, most: number, stride: number | undefined, side: Side): readonly Span[] {
  const cut = Math.min(most, length);
  const found: [begin: number, end: number][] = [side === 'right' ? [0, cut] : [length - cut, length]];
  if (stride === undefined || cut === length) return found;
  if (stride >= most)
    throw new HeedError('ARGUMENT', `stride ${stride} leaves no room for new tokens: a window has ${most} of a text`, {
      culprit: 'stride',
      cure: 'Set stride lower, or max_length higher',
    });
  const step = most - stride;
  if (side === 'right') for (let begin = step; begin + stride < length; begin += step) found.push([begin, Math.min(begin + most, length)]);
  else for (let end = length - step; end - stride > 0; end -= step) found.push([Math.max(0, end - most), end]);
  return found;
}

/** Some tokens of a text. */
export const part = ({ ids, offsets, words, spaces }: Tokens, [begin, end]: Span): Tokens => ({
  ids: ids.slice(begin, end),
  offsets: offsets.slice(begin, end),
  words: words.slice(begin, end),
  spaces: spaces.slice(begin, end),
});

/** Offsets without the spaces around tokens; the first keeps the space that `prefixed` tokenizers put before a text. */
export function trim(tokens: Tokens, prefixed: boolean): Tokens {
  const offsets = tokens.offsets.map(([begin, end], i): Span => {
    const [before, after] = tokens.spaces[i] ?? [0, 0];
    const kept = prefixed && (i === 0 || begin === 0);
    const from = kept ? begin : Math.min(begin + before, end);
    return [from, Math.max(end - after, from)];
  });
  return { ...tokens, offsets };
}
