/** Oniguruma's patterns in JavaScript: what tokenizers 0.23.3 cuts texts into, and what is refused by name. */
import { describe, expect, it } from 'vitest';
import { JsonNode } from '../../dist/io/json.js';
import { preTokenizerOf } from '../../dist/text/pre_tokenizer.js';
import { failureOf } from '../io/memory.js';

const splitter = (Regex: string) =>
  preTokenizerOf(
    JsonNode.of('tokenizer.json', { pre_tokenizer: { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false } }),
  );

/** Pattern, text, words: Split(Regex(pattern), 'isolated').pre_tokenize_str(text). */
const splits: [pattern: string, text: string, words: string[]][] = [
  [
    "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
    "It'S 'LL they'ſe 1234567  \n\n x!!\r\n  end  ",
    ['It', "'S", " '", 'LL', ' they', "'ſ", 'e', ' ', '1234567', '  \n\n', ' x', '!!\r\n', ' ', ' end', '  '],
  ],
  ["(?i:'s)", "a'ſb'Sc's", ['a', "'ſ", 'b', "'S", 'c', "'s"]],
  ['(?i:k)', 'aKbK', ['a', 'K', 'b', 'K']],
  ['(?i:[a-z]+)', '1K2ſ', ['1', 'K', '2', 'ſ']],
  ['(?i:[^s]+)', 'asſSb', ['a', 'sſS', 'b']],
  ['(?i)é|b', 'aÉbBc', ['a', 'É', 'b', 'B', 'c']],
  ['a(?i)b|c', 'aB C aC', ['aB', ' C ', 'aC']],
  ['(?i:ю+)x', 'юЮX', ['юЮX']],
  ['\\s++$|\\s+', 'a \n\n b  ', ['a', ' \n\n ', 'b', '  ']],
  ['a*+b', 'aab b', ['aab', ' ', 'b']],
  ['(?>a|ab)c', 'abc ac', ['abc ', 'ac']],
  ['a?+ab', 'ab aab', ['ab ', 'aab']],
  ['\\R', 'a\r\nb\n', ['a', '\r\n', 'b', '\n', '']],
  ['\\R+', 'a\r\n\nb', ['a', '\r\n\n', 'b']],
  ['\\N+', 'a\nb c', ['a', '\n', 'b c']],
  ['\\O', '😀\n', ['😀', '\n']],
  ['(?#a comment)b', 'abc', ['a', 'b', 'c']],
  ['\\p{^L}+', 'a1!b', ['a', '1!', 'b']],
  ['[[:alpha:]&&[^a]]+', 'a1bc', ['a1', 'bc']],
  ['(?:a++b)+', 'aabab', ['aabab']],
  ['(?<y>\\d)++', '123a', ['123', 'a']],
  ['x{2}+y', 'xxxxy', ['xxxxy']],
  ['[^\\s]++', 'a b', ['a', ' ', 'b']],
  ['[]a]+', ']a]b', [']a]', 'b']],
  ['a{,2}', 'aaa', ['aa', 'a']],
  ['(?i:st)r', 'STr', ['STr']],
];

describe('a pattern of Oniguruma’s', () => {
  it.each(splits)('%s cuts %j as Hugging Face’s does', (pattern, text, words) => {
    expect(splitter(pattern)(text, true)).toEqual(words);
  });

  it.each([
    ['\\X', '\\X'],
    ['a\\Kb', '\\K'],
    ['\\Ga', '\\G'],
    ['(?m:.)', '(?m:'],
    ['(?x) a', '(?x)'],
    ['(?~ab)', '(?~a'],
    ['(a)?(?(1)b|c)', '(?(1'],
    ['(?<n>a)\\g<n>', '\\g'],
    ['(?i:\\p{Lu})', '\\p{Lu}'],
    ['(?i:[éü])', '[éü]'],
    ['(?<=a++)b', 'looks behind'],
    ['(a)b++\\1', 'references by number'],
    ['[[:graph:]]', 'graph'],
  ])('%s is refused by name', async (pattern, name) => {
    expect(await failureOf(() => splitter(pattern))).toMatchObject({
      code: 'UNSUPPORTED',
      culprit: 'pre_tokenizer.pattern',
      message: expect.stringContaining(name),
    });
  });

  it.each(['(', '(a', 'a)', '[a', '[[a]'])('that is none is no tokenizer.json: %s', (pattern) => {
    expect(() => splitter(pattern)).toThrow();
  });
});
