/** Regular expressions: what fits them is what JavaScript says, and what heed does not have is named. */

import { describe, expect, it } from 'vitest';
import { Expressions } from '../../../dist/generation/grammar/expression.js';
import { constrain } from '../../../dist/generation/grammar/index.js';
import { regexIn } from '../../../dist/generation/grammar/regex.js';
import { fits } from '../../../dist/generation/grammar/schema.js';
import fc from '../../draws.js';
import { failureOf, randomOf, textOf, toy, walk } from './toy.js';

const whole = (source: string) => new RegExp(`^(?:${source})$`, 'u');

const sources = [
  ...[
    '',
    'a',
    'ab|c',
    'a*b+c?',
    '(ab){2,3}',
    '[a-c]{3}',
    'a{2}',
    'a{2,}',
    '(?:a|b)*abb',
    '(?<name>a|)b',
    'a??b',
    '[^a]',
    '[]',
    '[^]',
    'x|',
    '(a*)*b',
  ],
  ...['^a$', '^a|b$', '(^a|b)c', 'a(b$|c)', '^^a$$', 'a^b', 'a$b', '(?:^|b)a', 'a(?:$|b)', '^*?'.slice(0, 1), '$', '()', '(|a)(|b)'],
  ...[
    '.',
    '.*',
    '\\d+',
    '\\w\\W',
    '\\s\\S',
    '\\D',
    '[\\d_]',
    '[^\\w]',
    '[\\w-]',
    '[-a]',
    '[a-]',
    '\\p{Lu}\\p{Ll}*',
    '\\P{L}',
    '[\\p{N}a]',
    '\\p{Script=Greek}',
  ],
  ...[
    '\\t\\n',
    '\\x41\\u0042\\u{43}',
    '\\ud83d\\ude80',
    '\\cA',
    '\\0',
    '\\.\\*\\[',
    '[\\]\\\\]',
    '[.*+]',
    'é|世',
    '[À-ÿ]',
    '[🚀-🚂]',
    '[^🚀]',
    '\\/',
    '[\\b]',
  ],
];
const alphabet = fc.constantFrom(...'aabbbccxyAZ019_- .*[]\\\n\r\t\b\0/éßλ世界🚀🚁\u2028\u0001');
const texts = fc.array(alphabet, { maxLength: 5 }).map((all) => all.join(''));

describe('a regular expression', () => {
  it.each(sources)('%s fits what JavaScript says', (source) => {
    const make = new Expressions();
    const expression = regexIn(make, source, 'regex');
    const pattern = whole(source);
    fc.assert(
      fc.property(texts, (text) => fits(make, expression, text) === pattern.test(text)),
      { numRuns: 200, seed: 1 },
    );
    for (const text of ['', 'a', 'b', 'ab', 'abb', 'ac', 'bc', 'cba', '\n', '🚀', 'é', 'ABC', 'Aa', '12', 'a-'])
      expect([text, fits(make, expression, text)]).toEqual([text, pattern.test(text)]);
  });

  it('put together by chance fits what JavaScript says', () => {
    const { source } = fc.letrec((tie) => ({
      atom: fc.constantFrom('a', 'b', '[ab]', '[^a]', '.', '\\d', '\\w', 'é'),
      group: tie('source').map((inner) => `(?:${inner})`),
      piece: fc
        .tuple(
          fc.oneof({ withCrossShrink: true }, { weight: 4, arbitrary: tie('atom') }, { weight: 1, arbitrary: tie('group') }),
          fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,2}', '{0,3}?'),
        )
        .map((all) => all.join('')),
      sequence: fc.array(tie('piece'), { maxLength: 4 }).map((all) => all.join('')),
      source: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((all) => all.join('|')),
    }));
    const samples = fc.array(
      fc.array(fc.constantFrom('a', 'b', '1', 'é'), { maxLength: 7 }).map((all) => all.join('')),
      { minLength: 10, maxLength: 10 },
    );
    let fitting = 0;
    fc.assert(
      fc.property(source as fc.Arbitrary<string>, samples, (own, all) => {
        const make = new Expressions();
        const expression = regexIn(make, own, 'regex');
        for (const text of all) {
          const should = whole(own).test(text);
          fitting += Number(should);
          expect([own, text, fits(make, expression, text)]).toEqual([own, text, should]);
        }
      }),
      { numRuns: 300, seed: 2 },
    );
    expect(fitting).toBeGreaterThan(100);
  });

  it('is what is written', () => {
    const random = randomOf(3);
    for (const regex of [
      '\\p{Lu}[a-z]{2,5}( [a-z]+){1,3}[.!?]',
      '(?:[01]\\d|2[0-3]):[0-5]\\d',
      '[^a-z]{3,8}',
      '(ab|cd)*x',
      '\\u{1F680}+|世.?',
    ])
      for (let i = 0; i < 40; i++) {
        const text = textOf(walk({ type: 'regex', regex }, random, 10));
        expect(whole(regex).test(text), `${regex} ${JSON.stringify(text)}`).toBe(true);
      }
  });

  it.each([
    ['(a)\\1', 'references to groups'],
    ['(?<x>a)\\k<x>', 'references to groups'],
    ['(?=a)b', 'looking ahead'],
    ['(?!a)b', 'looking ahead'],
    ['(?<=a)b', 'looking ahead or behind'],
    ['(?<!a)b', 'looking ahead or behind'],
    ['\\bword', 'edges of words'],
    ['(?i:a)', 'flags of a group'],
    ['(?:^a)*', 'repeated anchors'],
  ])('%s is refused by name', (regex, name) => {
    const error = failureOf(() => constrain(toy, { type: 'regex', regex }));
    expect([error?.code, error?.culprit]).toEqual(['UNSUPPORTED', 'response_format.regex']);
    expect(error?.message).toContain(name);
  });

  it.each([
    '(a',
    'a)',
    '[a',
    'a**',
    '*',
    '+a',
    'a{3,2}',
    '\\',
    '\\q',
    '[z-a]',
    '[\\d-z]',
    '\\p{Nonsense}',
    '\\u{110000}',
    '\\ud800',
    '{2}',
    'a{100001}',
    'a^b',
    5,
    undefined,
  ])('%s is no regular expression that fits a text', (regex) => {
    expect(failureOf(() => constrain(toy, { type: 'regex', regex: regex as string }))?.code).toBe('ARGUMENT');
  });

  it('may not be too long, nor have too many groups within groups', () => {
    for (const regex of ['a'.repeat(10_001), `${'('.repeat(200)}${')'.repeat(200)}`])
      expect(failureOf(() => constrain(toy, { type: 'regex', regex }))?.code).toBe('ARGUMENT');
  });
});
