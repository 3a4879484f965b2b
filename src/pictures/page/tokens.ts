/** Tokens as readable text: invisible characters get a visible form, and long tokens are cut. */

/** Control characters, separators, and marks that change the direction of the following text. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** Characters that join emoji. */
const joiners = /[\u200c\u200d]/;
const named: Readonly<Record<string, string>> = { '\n': '↵', '\t': '⇥', '\r': '␍', ' ': '␣', '': '∅' };

export function visible(token: string): string {
  if (token in named) return named[token] as string;
  if (/^ +$/.test(token)) return '␣'.repeat(token.length);
  return token.replace(unseen, (mark) => {
    if (mark in named) return named[mark] as string;
    if (joiners.test(mark) && token.length > 1) return mark;
    return `⟨${(mark.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** GPT-2's alphabet: the byte that each of its characters stands for. */
const bytes = (() => {
  const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
  let next = 0x100;
  return new Map(Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(printable(byte) ? byte : next++), byte]));
})();

/**
 * Returns tokens as readers know them, without the marks by which vocabularies tell beginnings of words (▁, Ġ) from continuations (##), and with letters for their
 * bytes.
 */
export function readable(tokens: readonly string[]): string[] {
  const areBytes = tokens.some((token) => /[ĠĊ]/.test(token)) || hasLetters(tokens.join(''));
  return tokens.map((token) => {
    const text = areBytes ? lettersOf(token) : token;
    const bare = text.replace(/^(▁| (?=.)|##(?=.))/u, '');
    // A token that is only a mark is a space.
    return bare === '' && text !== '' ? ' ' : bare;
  });
}

/** Bytes that a text in GPT-2's alphabet stands for. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  const own = Array.from(text, (character) => bytes.get(character));
  return own.includes(undefined) ? undefined : Uint8Array.from(own as number[]);
}

const decoded = (own: Uint8Array<ArrayBuffer> | undefined): string | undefined => {
  try {
    return own && new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(own);
  } catch {
    return undefined;
  }
};

/** Whether a text without spaces is one of bytes: letters of hardly any language make well-formed UTF-8 in GPT-2's alphabet. */
const hasLetters = (text: string): boolean => /[^\0-\x7f]/.test(decoded(bytesOf(text)) ?? '');

/** Decodes a token of bytes; those that are only a part of a letter are shown as numbers, and a token that has no bytes as it is. */
function lettersOf(token: string): string {
  const own = bytesOf(token);
  return decoded(own) ?? (own ? Array.from(own, (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`).join('') : token);
}

const segmenter = new Intl.Segmenter();

/** Cuts a text to `most` characters, as people count them. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const letters = Array.from(segmenter.segment(text), ({ segment }) => segment);
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join('')}…`;
}
