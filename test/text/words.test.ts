/** Texts that come as lists of words, and batches as plain lists. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Encoding } from '../../dist/text/tokenizer.js';
import { kind, kinds } from './hugging_face.js';
import { tiny } from './tiny.js';

interface Case extends Omit<Encoding, 'texts' | 'words'> {
  a: string[];
  b: string[] | null;
  words: (number | null)[];
}
const cases: Record<string, Case[]> = JSON.parse(
  gunzipSync(readFileSync(new URL('../fixtures/tokenizers/words.json.gz', import.meta.url))).toString(),
);

describe.each(kinds)('%s', (name) => {
  it('makes of words what Hugging Face’s tokenizers make of them', () => {
    const { tokenizer } = kind(name);
    for (const { a, b, ...want } of cases[name] as Case[]) {
      const options = { is_split_into_words: true, ...(b && { text_pair: b }) };
      const [found] = tokenizer.encodings(a, options);
      const { ids, typeIds, offsets, words } = found as Encoding;
      expect({ a, ids, typeIds, offsets, words: words.map((word) => word ?? null) }).toEqual({ a, ...want });
      expect(tokenizer.encode(a, options)).toEqual(want.ids);
      expect([...tokenizer(a, options).input_ids.data]).toEqual(want.ids);
    }
  });
});

describe('words', () => {
  it('of several texts are a row each', () => {
    const texts = [['a', 'b c'], ['d']];
    const batch = tiny(texts, { is_split_into_words: true, padding: true });
    expect(batch.input_ids.tolist()).toEqual(tiny(['a b c', 'd'], { padding: true }).input_ids.tolist());
    expect(tiny(texts, { is_split_into_words: true, padding: true, text_pair: texts }).input_ids.dims[0]).toBe(2);
  });

  it('may be none: that is a text, as in transformers, and no batch of none', () => {
    const options = { is_split_into_words: true };
    expect(tiny([], options).input_ids.tolist()).toEqual(tiny([''], {}).input_ids.tolist());
    expect(tiny([], { ...options, return_tensor: false }).input_ids).toEqual(tiny('', { return_tensor: false }).input_ids);
    expect(tiny(['a'], { ...options, text_pair: [] }).input_ids.tolist()).toEqual(tiny('a', { text_pair: '' }).input_ids.tolist());
    expect(tiny([], {}).input_ids.dims[0]).toBe(0);
  });

  it.each([
    ['a string', () => tiny('a b', { is_split_into_words: true }), 'text'],
    ['strings and lists', () => tiny([['a'], 'b'], { is_split_into_words: true }), 'text'],
    ['lists without being told', () => tiny([['a', 'b']], {}), 'text'],
    ['a second text that is none', () => tiny(['a'], { is_split_into_words: true, text_pair: 'b' }), 'text_pair'],
    ['a flag that is none', () => tiny(['a'], { is_split_into_words: 1 as never }), 'is_split_into_words'],
  ])('refuse %s', (_, call, culprit) => {
    expect(call).toThrow(expect.objectContaining({ code: 'ARGUMENT', culprit }));
  });
});

describe('return_tensor: false', () => {
  it('gives lists, of one text without the list around them', () => {
    expect(tiny('a b', { return_tensor: false })).toEqual({
      input_ids: [2, 5, 6, 3],
      attention_mask: [1, 1, 1, 1],
      token_type_ids: [0, 0, 0, 0],
    });
    expect(tiny(['a b'], { return_tensor: false }).input_ids).toEqual([[2, 5, 6, 3]]);
    expect(tiny('a b', { return_tensor: false, return_overflowing_tokens: true, max_length: 3 })).toMatchObject({
      input_ids: [
        [2, 5, 3],
        [2, 6, 3],
      ],
      overflow_to_sample_mapping: [0, 0],
    });
  });

  it('leaves rows as long as they are, unless they are to be filled up', () => {
    const texts = ['a b', 'c'];
    const details = { return_offsets_mapping: true, return_special_tokens_mask: true };
    expect(tiny(texts, { return_tensor: false, ...details })).toEqual({
      input_ids: [
        [2, 5, 6, 3],
        [2, 7, 3],
      ],
      attention_mask: [
        [1, 1, 1, 1],
        [1, 1, 1],
      ],
      token_type_ids: [
        [0, 0, 0, 0],
        [0, 0, 0],
      ],
      special_tokens_mask: [
        [1, 0, 0, 1],
        [1, 0, 1],
      ],
      offset_mapping: [
        [
          [0, 0],
          [0, 1],
          [2, 3],
          [0, 0],
        ],
        [
          [0, 0],
          [0, 1],
          [0, 0],
        ],
      ],
    });
    const filled = tiny(texts, { return_tensor: false, padding: true, padding_side: 'left' });
    expect(filled.input_ids).toEqual([
      [2, 5, 6, 3],
      [0, 2, 7, 3],
    ]);
    expect(() => tiny(texts)).toThrow(expect.objectContaining({ culprit: 'padding' }));
  });
});
