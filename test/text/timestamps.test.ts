/** Timestamps among tokens: left out of texts, or shown as they are written; of tokenizers without them nothing changes. */
import { expect, it } from 'vitest';
import { decodedAround } from '../../dist/text/timestamps.js';

const decode = (ids: Iterable<number | bigint>) => [...ids].map((id) => ` w${id}`).join('');

/** With a word of its own behind <|notimestamps|>, and one of the timestamps. */
const vocabularyOf = (none: number | undefined) => ({
  token_to_id: () => none,
  id_to_token: (id: number) => (id === 150 ? 'word' : id === 100 ? '<|0.00|>' : undefined),
});

it.each<[string, number | undefined, boolean, string]>([
  ['left out', 99, false, ' w1 w2 w98 w99 w150'],
  ['shown', 99, true, '<|0.00|> w1 w2<|0.22|><|0.24|> w98 w99 w150<|28.00|>'],
  ['unknown', undefined, true, ' w100 w1 w2 w111 w112 w98 w99 w150 w1500'],
])('%s', (_, none, shows, text) => {
  expect(decodedAround([100, 1, 2n, 111n, 112, 98, 99, 150, 1500], vocabularyOf(none), shows, decode)).toBe(text);
});

it('leaves it to the tokenizer to refuse what are no ids', () => {
  const refuse = () => {
    throw new Error('no ids');
  };
  expect(() => decodedAround(5 as never, vocabularyOf(99), true, refuse)).toThrow('no ids');
  expect(() => decodedAround(['a' as never], vocabularyOf(99), true, refuse)).toThrow('no ids');
});
