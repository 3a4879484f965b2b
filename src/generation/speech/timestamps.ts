/**
 * What may come next where timestamps are written (Radford et al., arXiv 2212.04356, §2.4; openai/whisper's ApplyTimestampRules): a text begins with one, they come in pairs but for the
 * last, they do not go back, and one comes where all of them together are likelier than any word.
 */
import type { Processor } from '../processors.js';

export interface TimestampTokens {
  /** The first of them: 0.00 s. */
  begin: number;
  /** What ends a text: words are below it. */
  end: number;
  /** The latest that a text may begin with. */
  latest: number | undefined;
}

/** For texts that are generated from their `first`-th token on. */
export function timestampRules({ begin, end, latest }: TimestampTokens, first: number): Processor {
  const isTime = (id: number | undefined) => id !== undefined && id >= begin;
  return (scores, ids) => {
    const forbid = (from: number, to: number) => void scores.fill(Number.NEGATIVE_INFINITY, from, to);
    // <|notimestamps|>
    forbid(begin - 1, begin);
    const text = ids.slice(first);
    const wasTime = isTime(text.at(-1));
    const isPaired = text.length < 2 || isTime(text.at(-2));
    if (wasTime && isPaired) forbid(begin, scores.length);
    if (wasTime && !isPaired) forbid(0, end);
    const last = text.findLast(isTime);
    // The second of a pair may be the first once more.
    if (last !== undefined) forbid(begin, wasTime && !isPaired ? last : last + 1);
    if (!text.length) {
      forbid(0, begin);
      if (latest !== undefined) forbid(begin + latest + 1, scores.length);
    }
    if (timesPrevail(scores, begin)) forbid(0, begin);
  };
}

/** Whether the timestamps have more probability together than any other token. */
function timesPrevail(scores: Float32Array, begin: number): boolean {
  const word = scores.subarray(0, begin).reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const times = scores.subarray(begin);
  const most = times.reduce((best, score) => Math.max(best, score), Number.NEGATIVE_INFINITY);
  if (most === Number.NEGATIVE_INFINITY) return false;
  return most + Math.log(times.reduce((sum, score) => sum + Math.exp(score - most), 0)) > word;
}
