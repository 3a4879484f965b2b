/** Tokens as readable text: invisible characters get a visible form, and long tokens are cut. */

/** Control characters, separators, and marks that change the direction of the following text. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** Characters that join emoji. */
const joiners = /[\u200c\u200d]/;
const named: Readonly<Record<string, string>> = { '\n': '↵', '\t': '⇥', '\r': '␍', ' ': '␣', '': '∅' };

export function visible(token: string): string {
  if (token in named) return named[token] as string;
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
  const areBytes = tokens.some((token) => /[ĠĊ]/.test(token));
  return tokens.map((token) => {
    const text = areBytes ? lettersOf(token) : token;
    const bare = text.replace(/^(▁| (?=.)|##(?=.))/u, '');
    // A token that is only a mark is a space.
    return bare === '' && text !== '' ? ' ' : bare;
  });
}

/** Decodes a token of bytes; returns the token itself where its bytes are only a part of a letter. */
function lettersOf(token: string): string {
  const own = Array.from(token, (character) => bytes.get(character));
  if (own.includes(undefined)) return token;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(own as number[]));
  } catch {
    return token;
  }
}

const segmenter = new Intl.Segmenter();

/** Cuts a text to `most` characters, as people count them. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const letters = Array.from(segmenter.segment(text), ({ segment }) => segment);
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join('')}…`;
}
