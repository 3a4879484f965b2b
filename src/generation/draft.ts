/**
 * Speculation (Leviathan et al., arXiv 2211.17192; Saxena 2023 for look-ups): somebody guesses the next tokens, the model scores all of them in one step, which reads its weights once, and
 * those are kept that greedy search would have taken. What comes out is the same, token for token.
 */

/** Each is scored. */
export const MOST_DRAFTED = 256;

/** Guesses at the next tokens of a row. */
export interface Drafter {
  /** Up to `most` tokens that may follow. */
  draft(ids: readonly number[], most: number): Generator<void, readonly number[]>;
  dispose(): void;
}

/** How tokens are looked up in the row itself: so many at most, behind the longest of its last tokens, up to `ngram`, that stand there already. */
export interface LookUp {
  tokens: number;
  ngram: number;
}

/** Guesses that what followed the last tokens before follows them again, as in quotations, code and summaries. */
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

/** Where the last n tokens stand for the first time, before the end; −1: nowhere. */
function firstRun(ids: readonly number[], n: number): number {
  const last = ids.length - n;
  for (let at = 0; at < last; at++) {
    let same = 0;
    while (same < n && ids[at + same] === ids[last + same]) same++;
    if (same === n) return at;
  }
  return -1;
}
