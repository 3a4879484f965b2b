/** Long texts are tokenized in pieces, and nobody can tell but by the event loop's turns. */
import { describe, expect, it, vi } from 'vitest';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { someOf } from '../thorough.js';
import { kind, kinds, texts } from './hugging_face.js';

/** Hard strings, one behind the other, with words and Chinese between them; as few code units as make several pieces. */
const hard = (() => {
  const between = [' and then ', ' ', '我喜欢音乐，今天', ' \n', 'x y ', ''];
  let text = '';
  for (let i = 0; text.length < 200_000; i++) text += texts[(i * 7) % texts.length] + (between[i % between.length] as string);
  return text;
})();
const samples: Record<string, string> = {
  'of hard strings': hard,
  'of words': 'The quick brown fox, and 42 others; jumped over it. '.repeat(6000),
  'of Chinese': '我喜欢音乐，因为它让我快乐。今天天气很好'.repeat(5_000),
  'of one long word': 'abcdefghij'.repeat(10_000),
};

/** The steps of a generator, and what it returns. */
function counted<T>(steps: Generator<void, T>): { value: T; yields: number } {
  for (let yields = 0; ; yields++) {
    const { done, value } = steps.next();
    if (done) return { value, yields };
  }
}

describe.each(someOf(kinds))('%s', (name) => {
  const { tokenizer } = kind(name);
  // What the pieces are held against: the tokenizer's own way through a text that is not cut.
  const { pipeline } = tokenizer as unknown as {
    pipeline: { encode(text: string): number[]; trace(text: string, trims: boolean): object };
  };

  it.each(someOf(Object.keys(samples)))('gives the tokens of a text %s that it gives in one go', (sample) => {
    const text = samples[sample] as string;
    const { value } = counted(tokenizer.rowSteps(text, { add_special_tokens: false }));
    const whole = pipeline.encode(text);
    expect(value.ids.length).toBe(whole.length);
    expect(value.ids.findIndex((id, i) => id !== whole[i])).toBe(-1);
  });

  it('knows where they stand in it', () => {
    const [one] = counted(tokenizer.encodingsSteps(hard, { add_special_tokens: false })).value;
    const whole = pipeline.trace(hard, false) as { ids: number[]; offsets: [number, number][]; words: number[] };
    expect(one?.ids).toEqual(whole.ids);
    expect(one?.words).toEqual(whole.words);
    const trims = JSON.stringify(one?.offsets) !== JSON.stringify(whole.offsets);
    if (!trims) expect(one?.offsets).toEqual(whole.offsets);
  });

  it('reads no more of a text than is kept of it', () => {
    const text = samples['of words'] as string;
    const cut = counted(tokenizer.rowSteps(text, { truncation: true, max_length: 100 }));
    expect(cut.value.ids).toEqual(tokenizer.encode(text.slice(0, 5000), { truncation: true, max_length: 100 }));
  });
});

describe('the event loop', () => {
  it.each(['bert', 'gpt2', 'llama3', 't5', 'xlmr', 'modernbert'])('may have its turns: %s', (name) => {
    const { tokenizer } = kind(name);
    const text = samples['of words'] as string;
    expect(counted(tokenizer.rowSteps(text)).yields).toBeGreaterThan(5);
    expect(counted(tokenizer.encodingsSteps(text)).yields).toBeGreaterThan(5);
    expect(counted(tokenizer.rowSteps(text, { truncation: true, max_length: 100 })).yields).toBeLessThan(3);
  });
});

/** Every pair of its letters is in a piece, so that no word of them can be cut. Merges of merges, and pairs that overlap. */
const letters = ['a', 'b', 'c'];
const merges = [
  'b c',
  'a a',
  'c a',
  'a b',
  'aa aa',
  'bc bc',
  'ca ab',
  'b b',
  'c c',
  'a c',
  'b a',
  'c b',
  'aa a',
  'bcbc a',
  'aaaa aaaa',
  'ab ca',
  'bb cc',
];
const joined = merges.map((merge) => merge.replace(' ', ''));
const vocab = Object.fromEntries([...letters, ...joined].map((piece, id) => [piece, id]));
const bpe = { type: 'BPE', vocab, merges };
const unigram = { type: 'Unigram', vocab: Object.keys(vocab).map((piece, i) => [piece, -3 - i / 7]), unk_id: 0 };

/** A word of letters in no order. */
function wordOf(length: number): string {
  let [word, state] = ['', 7];
  for (let i = 0; i < length; i++) {
    state = (state * 48271) % 2147483647;
    word += letters[state % 3];
  }
  return word;
}

/** As Sennrich, Haddow & Birch have it: a merge after the other, everywhere from left to right. */
function simple(word: string): string[] {
  let pieces = [...word];
  for (;;) {
    let [best, at] = [Number.POSITIVE_INFINITY, -1];
    for (let i = 0; i + 1 < pieces.length; i++) {
      const rank = merges.indexOf(`${pieces[i]} ${pieces[i + 1]}`);
      if (rank >= 0 && rank < best) [best, at] = [rank, i];
    }
    if (at < 0) return pieces;
    pieces = [...pieces.slice(0, at), `${pieces[at]}${pieces[at + 1]}`, ...pieces.slice(at + 2)];
  }
}

describe('one word that cannot be cut', () => {
  const own = Tokenizer.from({ tokenizer: { model: bpe } });

  it.each([1, 2, 5, 39, 40, 41, 42, 100, 300, 1000])('of %i letters has the pieces of the plain algorithm', (length) => {
    for (const word of [wordOf(length), 'a'.repeat(length), 'abc'.repeat(length).slice(0, length)]) {
      expect(own.tokenize(word)).toEqual(simple(word));
      const [encoding] = own.encodings(word);
      expect(encoding?.offsets.map(([begin, end]) => word.slice(begin, end))).toEqual(simple(word));
    }
  });

  // A rest comes after so many pieces that are read, and merges that are tried: their number grows as the word does.
  it.each([
    ['BPE', bpe],
    ['Unigram', unigram],
  ])('gives the event loop its turns, and takes steps as it is long: %s', (_, model) => {
    const tokenizer = Tokenizer.from({ tokenizer: { model } });
    const yields = (length: number, steps: 'rowSteps' | 'encodingsSteps') =>
      counted<unknown>(tokenizer[steps](wordOf(length), { add_special_tokens: false })).yields;
    for (const steps of ['rowSteps', 'encodingsSteps'] as const) {
      const [one, four] = [yields(1 << 18, steps), yields(1 << 20, steps)];
      expect(one).toBeGreaterThanOrEqual((1 << 18) / (1 << 15));
      expect(one).toBeLessThan((4 * (1 << 18)) / (1 << 13));
      expect(four / one).toBeLessThan(4.5);
    }
  });

  it('may be tokenized beside another by the same tokenizer', () => {
    const texts = [wordOf(200_000), `b${wordOf(200_000)}`];
    const runs = texts.map((text) => own.rowSteps(text));
    const ids: (number[] | undefined)[] = [undefined, undefined];
    while (ids.includes(undefined))
      runs.forEach((run, i) => {
        const { done, value } = run.next();
        if (done) ids[i] ??= value?.ids;
      });
    expect(ids).toEqual(texts.map((text) => own.encode(text)));
  });
});

it('a long word keeps the prefix of what goes on', () => {
  const pieces = { a: 0, '##a': 1, b: 2, '##b': 3 };
  const tokenizer = Tokenizer.from({
    tokenizer: { model: { type: 'BPE', vocab: pieces, merges: [], continuing_subword_prefix: '##' } },
  });
  const ids = tokenizer.encode('ab'.repeat(50_000));
  expect([ids[0], ...new Set(ids.slice(1))]).toEqual([0, 3, 1]);
});

it('what stands first in a text stands there once, though the text comes in pieces', () => {
  const metaspace = { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'first', split: true };
  const normalizer = { type: 'Replace', pattern: { String: 'x' }, content: 'b' };
  const known = { '\u2581': 0, a: 1, b: 2, c: 3 };
  const model = { type: 'BPE', vocab: known, merges: [] };
  const tokenizer = Tokenizer.from({ tokenizer: { normalizer, pre_tokenizer: metaspace, model } });
  const text = `ab ${'x a '.repeat(50_000)}`;
  const [encoding] = tokenizer.encodings(text);
  const wanted = [0, ...Array.from(text, (letter) => ({ ' ': 0, a: 1, b: 2, x: 2 })[letter])];
  expect(encoding?.ids).toEqual(wanted);
  expect(tokenizer.encode(text)).toEqual(wanted);
});

it('a place to cut is looked for once, whatever places a text does not have', () => {
  const { tokenizer } = kind('bert');
  const test = RegExp.prototype.test;
  let read = 0;
  const spy = vi.spyOn(RegExp.prototype, 'test').mockImplementation(function (this: RegExp, text: string) {
    const from = this.global ? this.lastIndex : 0;
    const found = test.call(this, text);
    if (this.global && text.length > 1 << 16) read += (found ? this.lastIndex : text.length) - from;
    return found;
  });
  const text = 'The quick brown fox jumped over it\n'.repeat(20_000);
  counted(tokenizer.rowSteps(text));
  spy.mockRestore();
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(text.length);
});
