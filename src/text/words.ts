/** Texts in the form of lists of words (`is_split_into_words`): each word is tokenized alone, as in Hugging Face's tokenizers, and its offsets count from its own beginning. */
import { HeedError } from '../errors.js';
import type { Text } from './batch.js';
import type { Tokens } from './encoding.js';
import type { Pipeline } from './pipeline.js';

/** Ids of a text, at least the first `most` of them, yielding now and then within a long text. */
export function* idsOf(pipeline: Pipeline, text: Text, most?: number): Generator<void, number[]> {
  if (typeof text === 'string') return yield* pipeline.encodeSteps(text, most);
  const ids: number[][] = [];
  for (const word of text) ids.push(yield* pipeline.encodeSteps(word));
  return ids.flat();
}

/** Encodes like `idsOf`, with place and word of each token. */
export function* traceOf(pipeline: Pipeline, text: Text, trims: boolean, most?: number): Generator<void, Tokens> {
  if (typeof text === 'string') return yield* pipeline.traceSteps(text, trims, most);
  const words: Tokens[] = [];
  for (const word of text) words.push(yield* pipeline.traceSteps(word, trims));
  return {
    ids: words.flatMap(({ ids }) => ids),
    offsets: words.flatMap(({ offsets }) => offsets),
    words: words.flatMap(({ ids }, word) => ids.map(() => word)),
    spaces: words.flatMap(({ spaces }) => spaces),
  };
}

/** Throws ARGUMENT for a value that is no text, or, where texts are split, no list of words. */
export function checkTexts(text: unknown, pair: unknown, split = false): void {
  const isText = (value: unknown) => typeof value === 'string';
  const fits = (value: unknown) => (split ? Array.isArray(value) && value.every(isText) : isText(value));
  if (fits(text) && (pair === undefined || fits(pair))) return;
  throw new HeedError('ARGUMENT', split ? 'a text must be a list of words, which are strings' : 'a text must be a string', {
    culprit: fits(text) ? 'text_pair' : 'text',
    cure: split ? 'Split it, or leave out is_split_into_words' : 'Give is_split_into_words: true for lists of words',
  });
}
