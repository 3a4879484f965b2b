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

const segmenter = new Intl.Segmenter();

/** At most `most` characters, as people count them. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const letters = Array.from(segmenter.segment(text), ({ segment }) => segment);
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join('')}…`;
}
