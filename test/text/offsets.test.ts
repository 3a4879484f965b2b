/** What offsets promise of any text, for every kind of tokenizer: inside it, in order, whole characters; and time in proportion. */

import { describe, expect, it } from 'vitest';
import type { Encoding } from '../../dist/text/tokenizer.js';
import fc from '../draws.js';
import { amount, someOf } from '../thorough.js';
import { kind, kinds, texts } from './hugging_face.js';

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...texts.filter((text) => text.length < 40)) },
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom(' ', '  ', '\n', '\u0301', '\ud83d', '\u{1f468}\u200d\u{1f469}', 'ﬁ', 'é', 'e\u0301', '字', '한', '\ufeff'),
);
const anyText = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join(''));

const cutsPair = (text: string, at: number) => /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));

describe.each(someOf(kinds))('offsets of a tokenizer like that of %s', (name) => {
  const { tokenizer } = kind(name);

  it('are in the text and in order, never halve a character, and leave out nothing but what is normalized away', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        // After an added token a tokenizer that puts a space in trims it as if it were the text's, as Hugging Face's does.
        if (name === 'roberta-prefix' && /<|wörd|soloTok/.test(text)) return;
        const [{ ids, offsets }] = tokenizer.encodings(text, { add_special_tokens: false }) as [Encoding];
        expect(ids).toEqual(tokenizer.encode(text, { add_special_tokens: false }));
        const covered = new Uint8Array(text.length);
        let [before, furthest] = [0, 0];
        for (const [begin, end] of offsets) {
          expect(begin).toBeLessThanOrEqual(end);
          expect(end).toBeLessThanOrEqual(text.length);
          // Marks that a normal form puts in another order stand for each other's places.
          if (begin < before) expect(text.slice(begin, furthest)).toMatch(/\p{M}/u);
          expect(cutsPair(text, begin) || cutsPair(text, end)).toBe(false);
          covered.fill(1, begin, end);
          [before, furthest] = [begin, Math.max(furthest, end)];
        }
        // Of characters that a normal form composes the first stands for all; of those that become one, quotation marks, the last.
        if (text.normalize('NFC') !== text) return;
        let at = 0;
        for (const character of text) {
          // Thai and Lao am, too, is lost as a mark is where it stands behind a space.
          const lost = !covered[at] && !/[\p{White_Space}\p{M}\p{C}\u0e33\u0eb3`']/u.test(character);
          // Nothing is left of it, or a space.
          if (lost) expect([tokenizer.encode('xx'), tokenizer.encode('x x')]).toContainEqual(tokenizer.encode(`x${character}x`));
          at += character.length;
        }
      }),
      { numRuns: amount(300, 50) },
    );
  });

  // Work that grows with the square of a text's length takes longer than a test may.
  it('take time in proportion to a text, whatever is in it', () => {
    for (const text of Object.values({
      'one word': 'a'.repeat(100_000),
      'one word of many letters': 'abcdefghij'.repeat(10_000),
      'a letter and marks': `e${'\u0301'.repeat(100_000)}`,
      'marks in the wrong order': '\u0301\u0316'.repeat(50_000),
      ideographs: '字'.repeat(100_000),
      spaces: ' '.repeat(100_000),
      lines: '\r\n'.repeat(50_000),
      'spaces before a special token': `${' '.repeat(100_000)}<mask>`,
      'half pairs': '\ud800'.repeat(100_000),
    })) {
      expect(tokenizer.encode(text, { truncation: true, max_length: 64 }).length).toBeLessThanOrEqual(64);
      expect(tokenizer.encodings(text, { truncation: true, max_length: 64 })).toHaveLength(1);
    }
  });
});
