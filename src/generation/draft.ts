/**
 * Speculative decoding (Leviathan et al., arXiv 2211.17192; Saxena 2023 for look-ups): a drafter guesses the next tokens, the model scores all of them in one step, which reads its weights
 * once, and the guesses that greedy search would have taken are kept. The output is the same, token for token.
 */

/** Largest number of guessed tokens; the model scores each. */
export const MOST_DRAFTED = 256;

/** Drafter: guesses the next tokens of a row. */
export interface Drafter {
  /** Guesses up to `most` tokens that may follow `ids`. */
  draft(ids: readonly number[], most: number): Generator<void, readonly number[]>;
  dispose(): void;
}

/** Settings of look-ups in the row itself: at most `tokens` guesses, copied from behind the longest earlier occurrence of the row's last tokens, up to `ngram` of them. */
export interface LookUp {
  tokens: number;
  ngram: number;
}

/** Drafter that copies the tokens that followed an earlier occurrence of the last tokens, for quotations, code and summaries. */
export class PromptLookUp implements Drafter {
  constructor(readonly asked: LookUp) {}

  // biome-ignore lint/correctness/useYield: it computes nothing
  *draft(ids: readonly number[], most: number): Generator<void, readonly number[]> {
    const { tokens, ngram } = this.asked;
    for (let n = Math.min(ngram, ids.length - 1); n > 0; n--) {
      const at = firstRun(ids, n);
      if (at >= 0) return ids.slice(at + n, at + n + Math.min(tokens, most));
    }
    return [];
  }

  dispose(): void {}
}

/** Index of the first occurrence of the last n tokens, before the end; −1: none. */
function firstRun(ids: readonly number[], n: number): number {
  const last = ids.length - n;
  for (let at = 0; at < last; at++) {
    let same = 0;
    while (same < n && ids[at + same] === ids[last + same]) same++;
    if (same === n) return at;
  }
  return -1;
}
