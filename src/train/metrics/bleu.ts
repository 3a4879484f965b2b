/**
 * BLEU (Papineni et al. 2002, ACL P02-1040) of a corpus, as sacreBLEU (Post 2018, W18-6319) computes and prints it with its defaults:
 * one reference, n-grams up to 4, case counts, exponential smoothing.
 *   BLEU = 100 BP exp(mean_n log p_n),   BP = min(1, exp(1 - references' words / hypotheses' words))
 * p_n is the share of n-grams that the reference also has; where that is 0, it is 1 / (2^k n-grams), k counting such n up to this one.
 */
import { checkOptions, HeedError } from '../../errors.js';
import { checkTexts, countGrams, countShared, fixed } from './score.js';
import { type BleuTokenizer, tokenizers, tokensOf } from './tokenize.js';

const ORDER = 4;

export interface BleuOptions {
  /** Tokenizer that cuts sentences into words: 'zh' for Chinese, 'none' for texts that are cut already. Default '13a'. */
  tokenize?: BleuTokenizer | undefined;
}

export interface BleuScore {
  /** Score, from 0 to 100. */
  readonly score: number;
  /** Numbers of the hypotheses' n-grams that the references have, for n from 1 to 4. */
  readonly counts: readonly number[];
  /** Numbers of the hypotheses' n-grams, for n from 1 to 4. */
  readonly totals: readonly number[];
  /** Precisions in per cent, smoothed, for n from 1 to 4. */
  readonly precisions: readonly number[];
  /** Brevity penalty, from 0 to 1; less than 1 where hypotheses are shorter than references. */
  readonly brevityPenalty: number;
  /** Number of words of the hypotheses. */
  readonly hypothesisLength: number;
  /** Number of words of the references. */
  readonly referenceLength: number;
  /** Signature of the settings, in sacreBLEU's format without its version. */
  readonly signature: string;
  /** sacreBLEU's line: `BLEU|signature = score precisions (BP …)`. */
  toString(): string;
}

/** Throws ARGUMENT unless each hypothesis has one reference, UNSUPPORTED for a tokenizer or option that is not there. */
export function bleu(hypotheses: readonly string[], references: readonly string[], options: BleuOptions = {}): BleuScore {
  checkOptions(options, ['tokenize'], 'bleu');
  const { tokenize = '13a' } = options;
  if (!Object.hasOwn(tokenizers, tokenize))
    throw new HeedError('UNSUPPORTED', `BLEU has no tokenizer ${tokenize}`, {
      culprit: 'tokenize',
      cure: `It has ${Object.keys(tokenizers).join(', ')}`,
    });
  checkTexts(hypotheses, references);
  const counts = new Array<number>(ORDER).fill(0);
  const totals = new Array<number>(ORDER).fill(0);
  let [hypothesisLength, referenceLength] = [0, 0];
  hypotheses.forEach((hypothesis, i) => {
    const [words, expected] = [tokensOf(hypothesis, tokenize), tokensOf(references[i] as string, tokenize)];
    hypothesisLength += words.length;
    referenceLength += expected.length;
    for (let n = 1; n <= ORDER; n++) {
      // No word has a space in it.
      counts[n - 1] = (counts[n - 1] as number) + countShared(countGrams(words, n, ' '), countGrams(expected, n, ' '));
      totals[n - 1] = (totals[n - 1] as number) + Math.max(0, words.length - n + 1);
    }
  });
  const precisions = smooth(counts, totals);
  const brevityPenalty = hypothesisLength >= referenceLength ? 1 : hypothesisLength && Math.exp(1 - referenceLength / hypothesisLength);
  const score = precisions.includes(0) ? 0 : brevityPenalty * Math.exp(precisions.reduce((sum, p) => sum + Math.log(p), 0) / ORDER);
  const signature = `nrefs:1|case:mixed|eff:no|tok:${tokenize}|smooth:exp`;
  const ratio = referenceLength && hypothesisLength / referenceLength;
  return {
    ...{ score, counts, totals, precisions, brevityPenalty, hypothesisLength, referenceLength, signature },
    toString: () =>
      `BLEU|${signature} = ${fixed(score, 2)} ${precisions.map((p) => fixed(p, 1)).join('/')} (BP = ${fixed(brevityPenalty, 3)} ` +
      `ratio = ${fixed(ratio, 3)} hyp_len = ${hypothesisLength} ref_len = ${referenceLength})`,
  };
}

/** Method 3 of Chen & Cherry 2014 (W14-3346), as mteval-v13a has it. Nothing is made of nothing. */
function smooth(counts: readonly number[], totals: readonly number[]): number[] {
  if (counts.every((count) => count === 0)) return counts.map(() => 0);
  let factor = 1;
  return counts.map((count, i) => {
    const total = totals[i] as number;
    if (total === 0) return 0;
    if (count > 0) return (100 * count) / total;
    factor *= 2;
    return 100 / (factor * total);
  });
}
