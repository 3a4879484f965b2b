/**
 * chrF (Popović 2015, W15-3049) of a corpus, as sacreBLEU computes and prints it: the F-score of the n-grams of characters, white space
 * left out; with `wordOrder` 2, which adds n-grams of words, it is chrF++ (Popović 2017, W17-4770).
 *   chrF_β = 100 (1 + β²) P R / (β² P + R),   P and R the mean precision and recall over the n that both sides have
 */
import { checkOptions, HeedError } from '../../errors.js';
import { checkTexts, countGrams, countShared, fixed } from './score.js';
import { words } from './tokenize.js';

/** Options of chrf; the defaults are chrF2's. */
export interface ChrfOptions {
  /** Maximum length of character n-grams. Default 6. */
  charOrder?: number | undefined;
  /** Maximum length of word n-grams. Default 0. */
  wordOrder?: number | undefined;
  /** Weight of recall relative to precision. Default 2. */
  beta?: number | undefined;
}

/** Result of chrf. */
export interface ChrfScore {
  /** Score from 0 to 100. */
  readonly score: number;
  /** Signature of the settings, in sacreBLEU's format without its version. */
  readonly signature: string;
  /** sacreBLEU's line: `chrF2|signature = score`. */
  toString(): string;
}

/** Numbers of n-grams of one length in the hypotheses, in the references, and in both. */
interface Matches {
  hypothesis: number;
  reference: number;
  shared: number;
}

/** Throws ARGUMENT unless each hypothesis has one reference and the orders are whole numbers, one of them not 0. */
export function chrf(hypotheses: readonly string[], references: readonly string[], options: ChrfOptions = {}): ChrfScore {
  checkOptions(options, ['charOrder', 'wordOrder', 'beta'], 'chrf');
  const { charOrder = 6, wordOrder = 0, beta = 2 } = options;
  for (const [name, value] of Object.entries({ charOrder, wordOrder, beta }))
    if (!(Number.isInteger(value) && value >= 0 && value <= 100))
      throw new HeedError('ARGUMENT', `${name} is ${value}, it must be a whole number up to 100`, { culprit: name });
  if (charOrder + wordOrder === 0) throw new HeedError('ARGUMENT', 'charOrder and wordOrder are both 0', { culprit: 'charOrder' });
  checkTexts(hypotheses, references);
  const totals = Array.from({ length: charOrder + wordOrder }, (): Matches => ({ hypothesis: 0, reference: 0, shared: 0 }));
  hypotheses.forEach((hypothesis, i) => {
    const grams = gramsOf(hypothesis, charOrder, wordOrder);
    const expected = gramsOf(references[i] as string, charOrder, wordOrder);
    totals.forEach((total, n) => {
      const [ours, theirs] = [grams[n] as Grams, expected[n] as Grams];
      // A reference too short for this n says nothing about the hypothesis.
      if (theirs.total) total.hypothesis += ours.total;
      total.reference += theirs.total;
      total.shared += countShared(ours.counts, theirs.counts);
    });
  });
  const score = fScore(totals, beta);
  const signature = `nrefs:1|case:mixed|eff:yes|nc:${charOrder}|nw:${wordOrder}|space:no`;
  return { score, signature, toString: () => `chrF${beta}${'+'.repeat(wordOrder)}|${signature} = ${fixed(score, 2)}` };
}

interface Grams {
  counts: Map<string, number>;
  total: number;
}

function gramsOf(text: string, charOrder: number, wordOrder: number): Grams[] {
  const grams = (entries: readonly string[], n: number, between: string) => ({
    counts: countGrams(entries, n, between),
    total: Math.max(0, entries.length - n + 1),
  });
  const characters = Array.from(words(text).join(''));
  const apart = wordOrder ? words(text).flatMap(punctuationApart) : [];
  return [
    ...Array.from({ length: charOrder }, (_, i) => grams(characters, i + 1, '')),
    ...Array.from({ length: wordOrder }, (_, i) => grams(apart, i + 1, ' ')),
  ];
}

/** Splits one mark of ASCII punctuation off a word: the mark at the end, or else the mark at the beginning. */
function punctuationApart(word: string): string[] {
  const characters = Array.from(word);
  if (characters.length === 1) return [word];
  if (/[!-/:-@[-`{-~]$/.test(word)) return [word.slice(0, -1), word.slice(-1)];
  if (/^[!-/:-@[-`{-~]/.test(word)) return [word.slice(0, 1), word.slice(1)];
  return [word];
}

function fScore(totals: readonly Matches[], beta: number): number {
  const present = totals.filter(({ hypothesis, reference }) => hypothesis > 0 && reference > 0);
  const mean = (side: 'hypothesis' | 'reference') =>
    present.reduce((sum, total) => sum + total.shared / total[side], 0) / Math.max(1, present.length);
  const [precision, recall] = [mean('hypothesis'), mean('reference')];
  if (precision + recall === 0) return 0;
  const factor = beta ** 2;
  return 100 * (((1 + factor) * precision * recall) / (factor * precision + recall));
}
