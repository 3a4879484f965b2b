/** Tokens as readers know them: letters for bytes, whatever the language, and numbers where a token is a part of a letter. */
import { expect, it } from 'vitest';
import { readable, visible } from '../../src/pictures/page/tokens.js';

/** A byte in GPT-2's alphabet. */
const characterOf = (() => {
  const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();
/** A token of some bytes. */
const token = (...own: readonly number[]) => own.map((byte) => characterOf[byte]).join('');
const tokenOf = (text: string) => token(...new TextEncoder().encode(text));

it('shows letters for bytes', () => {
  expect(readable([tokenOf('The'), tokenOf(' sea')])).toEqual(['The', 'sea']);
  expect(readable([tokenOf('café'), tokenOf(' 猫')])).toEqual(['café', '猫']);
});

it('knows bytes in a text without spaces, too', () => {
  expect(readable([tokenOf('猫'), tokenOf('が')])).toEqual(['猫', 'が']);
  expect(readable(['<s>', tokenOf('שלום')])).toEqual(['<s>', 'שלום']);
});

it('shows parts of letters as the bytes that they are', () => {
  const [a, b, c, d] = new TextEncoder().encode('😀') as unknown as [number, number, number, number];
  expect(readable([token(0x20, a, b), token(c), token(d)])).toEqual(['<0x20><0xF0><0x9F>', '<0x98>', '<0x80>']);
});

it('leaves tokens of letters as they are', () => {
  for (const tokens of [['café', 'Łódź'], ['đorđe'], ['naïve', 'Ünï'], ['[CLS]', '中', '[SEP]']]) expect(readable(tokens)).toEqual(tokens);
  expect(readable(['▁The', '##s', '<0xF0>'])).toEqual(['The', 's', '<0xF0>']);
});

it('makes spaces visible', () => {
  expect([' ', '   ', 'a b', ''].map(visible)).toEqual(['␣', '␣␣␣', 'a b', '∅']);
});
