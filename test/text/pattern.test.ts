/** Which patterns are refused: those that would take forever, and none that tokenizers have. */

import { describe, expect, it } from 'vitest';
import { dangerOf } from '../../dist/text/pattern.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import fc from '../draws.js';
import { failureOf } from '../io/memory.js';

const danger = (source: string) => dangerOf(new RegExp(source, 'gu'));
const split = (Regex: string) => ({
  tokenizer: {
    added_tokens: [],
    pre_tokenizer: { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
    model: { type: 'BPE', vocab: { a: 0, '!': 1 }, merges: [] },
  },
});

describe('a pattern', () => {
  it.each([
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    "(?:'s|'t|'re|'ve)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?:'[sS]|'[tT]|'[rR][eE])?| ?[^\\s\\p{L}]+[\\r\\n/]*",
    '\\p{N}{1,3}(?=(?:\\p{N}{3})*(?:\\P{N}|$))',
    "\\w+(?:['-]\\w+)*",
    '[0-9]+(?:[.,][0-9]+)*',
    ' {2,}',
    '^\\s+|\\s+$',
    '(?<=\\d)(?=\\p{L})',
    '\\p{L}{1,100}',
    '(?:a|b)+',
    '(?:\\p{L}\\p{M}*)+!',
    '(\\r\\n|\\r|\\n)+',
    '(a+)+',
  ])('of a tokenizer is taken: %s', (source) => {
    expect(danger(source)).toBeUndefined();
  });

  it.each([
    ['(a+)+$', /may stop anywhere/],
    ['(\\r\\n|\\r|\\n)+x', /in several ways/],
    ['(?:(a+)+)+x', /may stop anywhere/],
    ['b{3}[^a]{2,}(b+\\s)+', /may stop anywhere/],
    ['([ab]*?.{2,}\\s?){20}', /in several ways/],
    ['a+a+b', /may stop anywhere/],
    ['.*a.*b', /may stop anywhere/],
    ['(?=a*a*b)c', /may stop anywhere/],
    ['(a|a)*$', /in several ways/],
    ['(?:a|ab)+c', /in several ways/],
    ['(?:\\w|\\d)+x', /in several ways/],
    ['(?:[\\u{1F600}]|[\\u{1F5FF}-\\u{1F601}])*b', /in several ways/],
    ['(?:a{1,3})*b', /in several ways/],
    ['(a*)*', /may be empty/],
    ['(a?){25}a{25}', /may be empty/],
    ['(?<!a*b)', /looks behind/],
    ['((a?){3}){8}b', /10000 ways/],
    ['(?:(?:(?:(?:a{16}){16}){16}){16}){16}', /10000 pieces/],
    ['(?:'.repeat(60) + ')'.repeat(60), /50 groups/],
  ])('that may take forever is refused: %s', (source, why) => {
    expect(danger(source)).toMatch(why);
  });

  it('that is refused names its place and a cure', async () => {
    const error = await failureOf(() => Tokenizer.from(split('(a+)+$')));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', culprit: 'pre_tokenizer.pattern' });
    expect(error.message).toMatch(/tokenizer\.json: pre_tokenizer\.pattern may take forever: .* each text matches in one way/);
    expect(Tokenizer.from(split('a+$')).encode('a!')).toEqual([0, 1]);
  });

  it('that is taken goes through a text in a few passes from each character, whatever it is', () => {
    const atom = fc.constantFrom('a', 'b', '[ab]', '[^a]', '.', '\\w');
    const times = fc.constantFrom('', '', '+', '*', '?', '{2,}', '{1,3}', '{0,20}', '+?');
    const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
      pattern: fc.array(tie('piece'), { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('')),
      piece: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.tuple(atom, times).map(([one, n]) => one + n),
        fc.tuple(tie('pattern'), tie('pattern'), times).map(([a, b, n]) => `(?:${a}|${b})${n}`),
        fc.tuple(tie('pattern'), times).map(([a, n]) => `(${a})${n}`),
        tie('pattern').map((a) => `(?=${a})`),
      ),
    }));
    const texts = ['a'.repeat(400), `${'ab'.repeat(200)}!`, `${'a'.repeat(200)}${'b'.repeat(200)}!`];
    let taken = 0;
    const property = fc.property(pattern, (source) => {
      const compiled = new RegExp(source, 'gu');
      if (dangerOf(compiled) !== undefined) return;
      taken++;
      // One that backtracks without end does not come to the end of these in the time that a test has.
      for (const text of texts) for (const _ of text.matchAll(compiled));
    });
    fc.assert(property, { numRuns: 300 });
    expect(taken).toBeGreaterThan(30);
  });
});
