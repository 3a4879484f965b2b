/**
 * GPT-2's alphabet: a character for each of the 256 bytes, so that byte-pair encoding knows every text in UTF-8. Bytes
 * that are printable stand for themselves, the others are U+0100 and on.
 */
import type { JsonNode } from '../io/json.js';
import { matches, prepend, rewriteEach, stringOf, type Text } from './aligned.js';

export const byteAlphabet: readonly string[] = (() => {
  const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const encoder = new TextEncoder();
const units = Uint16Array.from(byteAlphabet, (character) => character.charCodeAt(0));

/** Spells bytes in one call: adding one character after the other takes eight times as long. */
function spellBytes(text: string): string {
  const bytes = encoder.encode(text);
  const spelt = Array<number>(bytes.length);
  for (let i = 0; i < bytes.length; i++) spelt[i] = units[bytes[i] as number] as number;
  return String.fromCharCode(...spelt);
}
/** A text's bytes, each as its character. */
export const spell = (text: string): string => text.replace(/[^!-~]{1,256}/gu, spellBytes);

/** GPT-2's words, with the space before them. What Rust's regular expressions call \s is Unicode's white space. */
const words =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

export function byteLevel(node: JsonNode): <T extends Text>(text: T) => readonly T[] {
  const prefix = node.boolean('add_prefix_space', false);
  const cuts = node.boolean('use_regex', true);
  return (text) => {
    const begun = prefix && !stringOf(text).startsWith(' ') ? prepend(text, ' ') : text;
    return (cuts ? matches(begun, words) : [begun]).map((word) => rewriteEach(word, spell));
  };
}
