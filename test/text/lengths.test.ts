import { describe, expect, it } from 'vitest';
import { type Batch, Tokenizer } from '../../dist/text/tokenizer.js';
import fc from '../draws.js';
import { failureOf } from '../io/memory.js';
import { files, rowsOf, tiny } from './tiny.js';

describe('lengths', () => {
  const text = 'a b c d e f g';

  it('are cut so that special tokens remain', () => {
    expect(tiny.encode(text, { max_length: 5 })).toEqual([2, 5, 6, 7, 3]);
    expect(tiny.encode(text, { max_length: 2 })).toEqual([2, 3]);
    expect(tiny.encode(text, { max_length: 2, add_special_tokens: false })).toEqual([5, 6]);
    expect(tiny.encode('a '.repeat(100), { truncation: true })).toHaveLength(64);
    expect(tiny.encode('a '.repeat(100))).toHaveLength(102);
  });

  it.each([
    ['the longer first', 'a b c d e f', '1 2', 8, 3],
    ['the second, where it is longer', 'a b', '1 2 3 4 5 6', 8, 2],
    ['both', 'a b c d e f', '1 2 3 4 5 6', 8, 2],
    ['both, one more of the second', 'a b c d e', '1 2 3 4 5', 8, 2],
    ['both away', 'a b c', '1 2', 3, 0],
  ])('of a pair are cut: %s', (_, a, b, length, ofA) => {
    const [row = []] = rowsOf(tiny(a, { text_pair: b, max_length: length }).input_ids);
    expect(row).toHaveLength(length);
    expect(row.indexOf(3)).toBe(ofA + 1);
    expect(row.at(-1)).toBe(3);
  });

  it('are filled up to the longest row or to max_length', () => {
    const batch = tiny(['a', 'a b c'], { padding: true });
    expect(rowsOf(batch.input_ids)).toEqual([
      [2, 5, 3, 0, 0],
      [2, 5, 6, 7, 3],
    ]);
    expect(rowsOf(batch.attention_mask)).toEqual([
      [1, 1, 1, 0, 0],
      [1, 1, 1, 1, 1],
    ]);
    expect(tiny(['a'], { padding: 'max_length', max_length: 6 }).input_ids.dims).toEqual([1, 6]);
    expect(tiny(['a'], { padding: 'max_length' }).input_ids.dims).toEqual([1, 64]);
    expect(tiny(['a', 'b'], { padding: 'longest' }).input_ids.dims).toEqual([2, 3]);
    expect(tiny([], { padding: true }).input_ids.dims).toEqual([0, 0]);
  });

  it('follow the sides of tokenizer_config.json', () => {
    const left = Tokenizer.from({ ...files, config: { ...files.config, padding_side: 'left', truncation_side: 'left' } });
    const batch = left(['a', text], { padding: true, truncation: true, max_length: 4 });
    expect(rowsOf(batch.input_ids)).toEqual([
      [0, 2, 5, 3],
      [2, 10, 11, 3],
    ]);
    expect(rowsOf(batch.attention_mask)[0]).toEqual([0, 1, 1, 1]);
  });

  it.each([
    ['an option that does not exist', () => tiny('a', { return_tensors: 'pt' } as never), 'UNSUPPORTED', /return_tensors/],
    ['a strategy that heed has not', () => tiny('a', { truncation: 'longest' as never }), 'UNSUPPORTED', /truncation must be/],
    ['a padding that is a number', () => tiny('a', { padding: 3 as never }), 'ARGUMENT', /padding must be/],
    ['a fractional length', () => tiny('a', { max_length: 2.5 }), 'ARGUMENT', /max_length must be/],
    [
      'a length without effect',
      () => tiny('a', { max_length: 5, padding: true }),
      'ARGUMENT',
      /would have no effect\. Set truncation to true/,
    ],
    ['no room for special tokens', () => tiny('a', { max_length: 1 }), 'ARGUMENT', /no room for 2 special tokens/],
    ['rows of different lengths', () => tiny(['a', 'a b']), 'ARGUMENT', /different lengths\. Set padding to true/],
    ['a row that does not fit', () => tiny(['a b c'], { padding: 'max_length', max_length: 3 }), 'ARGUMENT', /5 tokens, more than the 3/],
    ['a number for a text', () => tiny([3 as never]), 'ARGUMENT', /a text must be a string/],
    ['nothing for texts', () => tiny(undefined as never), 'ARGUMENT', /must be a string or a list/],
    ['fewer second texts', () => tiny(['a', 'b'], { text_pair: ['c'] }), 'ARGUMENT', /one text for each of 2/],
    ['half a token', () => tiny.decode([1.5]), 'ARGUMENT', /not a whole number/],
    ['no tokens', () => tiny.decode(undefined as never), 'ARGUMENT', /must be a list/],
    [
      'padding without a pad token',
      () => Tokenizer.from({ tokenizer: { ...files.tokenizer, padding: null } })(['a', 'a b'], { padding: true }),
      'ARGUMENT',
      /no pad token/,
    ],
    [
      'max_length that nobody gives',
      () => Tokenizer.from({ tokenizer: files.tokenizer })('a', { padding: 'max_length' }),
      'ARGUMENT',
      /give none/,
    ],
  ] as [string, () => unknown, string, RegExp][])('refuse %s', async (_, run, code, message) => {
    expect(await failureOf(run)).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('in a batch change nothing about a row', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ unit: 'grapheme-ascii', maxLength: 30 }));
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 5 }), fc.integer({ min: 2, max: 20 }), (texts, max_length) => {
        const { input_ids, attention_mask }: Batch = tiny(texts, { padding: true, truncation: true, max_length });
        const [masks, rows] = [rowsOf(attention_mask), rowsOf(input_ids)];
        texts.forEach((text, i) => {
          const alone = tiny.encode(text, { max_length });
          expect(rows[i]?.slice(0, alone.length)).toEqual(alone);
          expect(masks[i]).toEqual(rows[i]?.map((_, t) => Number(t < alone.length)));
        });
      }),
    );
  });
});
