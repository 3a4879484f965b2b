/** What encodings tell of tokens: where they stand, of which text and word, and how long texts fall into windows. */
import { describe, expect, it } from 'vitest';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { failureOf } from '../io/memory.js';
import { tiny } from './tiny.js';

describe('encodings', () => {
  it('tell where tokens stand', () => {
    const text = 'Ab, \u{1f600} É42!';
    const [encoding, ...more] = tiny.encodings(text);
    expect(more).toEqual([]);
    expect(encoding?.ids).toEqual(tiny.encode(text));
    expect(encoding?.offsets.map(([begin, end]) => text.slice(begin, end))).toEqual([
      '',
      'A',
      'b',
      ',',
      '\u{1f600}',
      'É',
      '4',
      '2',
      '!',
      '',
    ]);
    expect(encoding?.texts).toEqual([undefined, 0, 0, 0, 0, 0, 0, 0, 0, undefined]);
    expect(encoding?.words).toEqual([undefined, 0, 0, 1, 2, 3, 3, 3, 4, undefined]);
  });

  it('tell which text of a pair a token is from', () => {
    const [encoding] = tiny.encodings('a', { text_pair: 'b c' });
    expect(encoding).toEqual({
      ids: [2, 5, 3, 6, 7, 3],
      typeIds: [0, 0, 0, 1, 1, 1],
      offsets: [
        [0, 0],
        [0, 1],
        [0, 0],
        [0, 1],
        [2, 3],
        [0, 0],
      ],
      texts: [undefined, 0, undefined, 1, 1, undefined],
      words: [undefined, 0, undefined, 0, 1, undefined],
    });
  });

  it('lose nothing with a stride: neighbours share so many tokens', () => {
    const windows = tiny.encodings('a', { text_pair: 'b c d e f', truncation: 'only_second', max_length: 7, stride: 1 });
    expect(windows.map(({ ids }) => ids)).toEqual([
      [2, 5, 3, 6, 7, 8, 3],
      [2, 5, 3, 8, 9, 10, 3],
    ]);
    expect(windows[1]?.offsets).toEqual([
      [0, 0],
      [0, 1],
      [0, 0],
      [4, 5],
      [6, 7],
      [8, 9],
      [0, 0],
    ]);
    const left = tiny.encodings('a b c d e', { max_length: 4, stride: 0, truncation_side: 'left' });
    expect(left.map(({ ids }) => ids)).toEqual([
      [2, 8, 9, 3],
      [2, 6, 7, 3],
      [2, 5, 3],
    ]);
    expect(tiny.encodings('a b c', { max_length: 4 }).map(({ ids }) => ids)).toEqual([[2, 5, 6, 3]]);
  });

  it.each([
    ['a stride that leaves no room', () => tiny.encodings('a b c', { max_length: 4, stride: 2 }), 'ARGUMENT', /stride 2 leaves no room/],
    ['a stride without truncation', () => tiny.encodings('a', { truncation: false, stride: 2 }), 'ARGUMENT', /stride would have no effect/],
    ['a stride whose windows nobody asks for', () => tiny('a', { truncation: true, stride: 2 }), 'ARGUMENT', /return_overflowing_tokens/],
    ['half a stride', () => tiny.encodings('a', { stride: 0.5 }), 'ARGUMENT', /stride must be/],
    [
      'a second text that is not there',
      () => tiny.encodings('a b c', { truncation: 'only_second', max_length: 4 }),
      'ARGUMENT',
      /second text/,
    ],
    [
      'a text that is too short to be cut',
      () => tiny.encodings('a', { text_pair: 'b c d', truncation: 'only_first', max_length: 5 }),
      'ARGUMENT',
      /'only_first' cannot make 4 tokens 2/,
    ],
    ['a side that is none', () => tiny.encodings('a', { truncation_side: 'up' as never }), 'UNSUPPORTED', /truncation_side/],
    ['padding', () => tiny.encodings('a', { padding: true } as never), 'UNSUPPORTED', /no option "padding"/],
  ] as [string, () => unknown, string, RegExp][])('refuse %s', async (_, run, code, message) => {
    expect(await failureOf(run)).toMatchObject({ code });
    expect(run).toThrow(message);
  });
});

// As Hugging Face's tokenizers 0.23.3.
it.each([
  [
    'abc',
    [2, 3],
    [
      [0, 1],
      [1, 3],
    ],
  ],
  [
    'abcqqz',
    [2, 3, 0, 4],
    [
      [0, 1],
      [1, 3],
      [3, 5],
      [5, 6],
    ],
  ],
  [
    'ab<unk>q',
    [1, 0],
    [
      [0, 2],
      [2, 8],
    ],
  ],
])('a unigram model would rather spell %s in rare pieces than leave a character unknown', (text, ids, offsets) => {
  const vocab = [
    ['<unk>', 0],
    ['ab', -1],
    ['a', -15],
    ['bc', -14],
    ['z', -20],
  ];
  const own = Tokenizer.from({ tokenizer: { model: { type: 'Unigram', vocab, unk_id: 0 } } });
  expect(own.encodings(text)).toMatchObject([{ ids, offsets }]);
});
