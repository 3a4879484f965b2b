/** Tokens as people can see them: what has no shape of its own gets one, and what is long is cut. */

/** Control characters, separators, and marks that change the direction of what follows. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** Emoji are joined by these. */
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

/** GPT-2's alphabet: what each of its characters stands for, a byte. */
const bytes = (() => {
  const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
  let next = 0x100;
  return new Map(Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(printable(byte) ? byte : next++), byte]));
})();

/** Tokens as readers know them, without the marks by which vocabularies tell beginnings of words (▁, Ġ) from what goes on (##), and letters for their bytes. */
export function readable(tokens: readonly string[]): string[] {
  const areBytes = tokens.some((token) => /[ĠĊ]/.test(token));
  return tokens.map((token) => {
    const text = areBytes ? lettersOf(token) : token;
    const bare = text.replace(/^(▁| (?=.)|##(?=.))/u, '');
    // What is nothing else is a space.
    return bare === '' && text !== '' ? ' ' : bare;
  });
}

/** What a token of bytes spells; the token itself where those are but a part of a letter. */
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

/** At most `most` characters, as people count them. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const letters = Array.from(segmenter.segment(text), ({ segment }) => segment);
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join('')}…`;
}
