/**
 * Paragraphs into sentences and back, for models that translate sentence by sentence. The ends of sentences are those of Intl.Segmenter, by Unicode's rules (UAX
 * #29), except after abbreviations before names. White space is set aside: line breaks and indents are restored; a single space, or none, becomes the separator of
 * the target language.
 */

import { drained } from '../steps.js';

/** A sentence and the white space behind it. */
export interface Sentence {
  text: string;
  gap: string;
}

export interface Paragraphs {
  /** White space before the first sentence. */
  lead: string;
  sentences: Sentence[];
}

/** Characters of a text that are cut at a time, and segments that may end elsewhere once more of it is seen: a full stop ends none before a small letter. */
const PART = 1 << 15;
const OPEN = 2;

/** Segmenter with a fixed locale, so that results do not depend on the machine's default. */
let segmenter: Intl.Segmenter | undefined;

/** Abbreviations after which a full stop ends no sentence: titles, initials, and abbreviations before examples. */
const abbreviation = /(?:^|[\s("“])(?:\p{Lu}|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|No|e\.g|i\.e)\.$/u;

export const sentencesOf = (text: string): Paragraphs => drained(sentenceSteps(text));

/** Sentences of a text, yielding now and then within a long one. */
export function* sentenceSteps(text: string): Generator<void, Paragraphs> {
  const found: Paragraphs = { lead: '', sentences: [] };
  let before = '';
  for (const segment of segmentsOf(text)) {
    if (segment === '') {
      yield;
      continue;
    }
    const start = segment.trimStart();
    const own = start.trimEnd();
    const last = found.sentences.at(-1);
    const indent = segment.slice(0, segment.length - start.length);
    if (last) last.gap += indent;
    else found.lead += indent;
    if (own === '') continue;
    const gap = start.slice(own.length);
    const goesOn = last && abbreviation.test(before) && !/[\n\r\u2028\u2029]/.test(last.gap);
    if (goesOn) {
      last.text += last.gap + own;
      last.gap = gap;
    } else found.sentences.push({ text: own, gap });
    before = own;
  }
  return found;
}

/** Segments of a text; an empty one now and then. Of a long text they are found in its parts, each of which begins with the last one of the part before. */
function* segmentsOf(text: string): Generator<string, void> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'sentence' });
  for (let [begin, length] = [0, PART]; begin < text.length; ) {
    const end = begin + length;
    const found = Array.from(segmenter.segment(text.slice(begin, end)), ({ segment }) => segment);
    if (end < text.length) found.splice(Math.max(0, found.length - OPEN));
    yield* found;
    yield '';
    begin += found.reduce((sum, segment) => sum + segment.length, 0);
    length = found.length ? PART : 2 * length;
  }
}

/** Scripts that put no space between sentences, and their punctuation. */
const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uffef]$/u;

/** The sentences, translated, with the white space that was between them. */
export const joined = ({ lead, sentences }: Paragraphs): string =>
  sentences.reduce((text, { text: own, gap }, i) => {
    const last = i === sentences.length - 1;
    return text + own + (!last && (gap === '' || gap === ' ') ? (wide.test(own) ? '' : ' ') : gap);
  }, lead);
