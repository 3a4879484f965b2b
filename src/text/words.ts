/** Texts that come as lists of words (`is_split_into_words`): each word is tokenized alone, as Hugging Face's tokenizers do it, and its offsets count from its own beginning. */
import { HeedError } from '../errors.js';
import type { Text } from './batch.js';
import type { Tokens } from './encoding.js';
import type { Pipeline } from './pipeline.js';

export const idsOf = (pipeline: Pipeline, text: Text): number[] =>
  typeof text === 'string' ? pipeline.encode(text) : text.flatMap((word) => pipeline.encode(word));

/** As `idsOf`, with what is known of each token. */
export function traceOf(pipeline: Pipeline, text: Text, trims: boolean): Tokens {
  if (typeof text === 'string') return pipeline.trace(text, trims);
  const words = text.map((word) => pipeline.trace(word, trims));
  return {
    ids: words.flatMap(({ ids }) => ids),
    offsets: words.flatMap(({ offsets }) => offsets),
    words: words.flatMap(({ ids }, word) => ids.map(() => word)),
    spaces: words.flatMap(({ spaces }) => spaces),
  };
}

/** Throws ARGUMENT for what is no text, or, where texts are split, no list of words. */
export function checkTexts(text: unknown, pair: unknown, split = false): void {
  const isText = (value: unknown) => typeof value === 'string';
  const fits = (value: unknown) => (split ? Array.isArray(value) && value.every(isText) : isText(value));
  if (fits(text) && (pair === undefined || fits(pair))) return;
  throw new HeedError('ARGUMENT', split ? 'a text must be a list of words, which are strings' : 'a text must be a string', {
    culprit: fits(text) ? 'text_pair' : 'text',
    cure: split ? 'Split it, or leave out is_split_into_words' : 'Give is_split_into_words: true for lists of words',
  });
}
