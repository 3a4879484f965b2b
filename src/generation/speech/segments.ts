/** What a window's tokens say: segments between timestamps, and how much of the sound they tell of. */
import { TIME_PRECISION } from './alignment.js';

/** A stretch of what was heard. */
export interface Segment {
  /** Seconds from the beginning of the sound. */
  start: number;
  /** Seconds from the beginning of the sound. */
  end: number;
  /** Its tokens, its timestamps included. */
  tokens: number[];
  /** With return_token_timestamps, when each token was said, in seconds. */
  token_timestamps?: number[];
}

/** One window's tokens, behind what the decoder started with and without the end. */
export interface WindowTokens {
  tokens: readonly number[];
  /** When each was said, in seconds from the window's beginning. */
  times?: readonly number[] | undefined;
  /** The first timestamp. */
  begin: number;
  /** Where the window begins, in steps of features, and how many it has. */
  seek: number;
  frames: number;
  /** Steps of features for a position. */
  stride: number;
}

/**
 * Cuts between two timestamps that follow each other. What comes behind the last such pair is not told yet: the next window begins there, `advance` steps further on. A single timestamp at the
 * end says that nothing follows it.
 */
export function segmentsOf({ tokens, times, begin, seek, frames, stride }: WindowTokens): { segments: Segment[]; advance: number } {
  const offset = (seek * TIME_PRECISION) / stride;
  const isTime = (i: number) => (tokens[i] as number) >= begin;
  const positionOf = (i: number) => (tokens[i] as number) - begin;
  const segment = (from: number, to: number, start: number, end: number): Segment => ({
    start: offset + start * TIME_PRECISION,
    end: offset + end * TIME_PRECISION,
    tokens: tokens.slice(from, to),
    ...(times && { token_timestamps: times.slice(from, to).map((time) => time + offset) }),
  });
  const n = tokens.length;
  const endsSingle = n >= 2 && isTime(n - 1) && !isTime(n - 2);
  const cuts = Array.from({ length: Math.max(0, n - 1) }, (_, i) => i + 1).filter((i) => isTime(i - 1) && isTime(i));
  if (!cuts.length) {
    const last = tokens.findLastIndex((_, i) => isTime(i));
    const end = last >= 0 && positionOf(last) !== 0 ? positionOf(last) : Math.floor(frames / stride);
    return { segments: [segment(0, n, 0, end)], advance: frames };
  }
  // The last segment keeps both of its timestamps, which tells it from one that ends the window.
  const ends = endsSingle ? [...cuts, n] : [...cuts.slice(0, -1), (cuts.at(-1) as number) + 1];
  const segments = ends.map((to, i) => {
    const from = i > 0 ? (ends[i - 1] as number) : 0;
    const isLast = i === ends.length - 1;
    return segment(from, to, positionOf(from), positionOf(to - (isLast && !endsSingle ? 2 : 1)));
  });
  return { segments, advance: endsSingle ? frames : positionOf((ends.at(-1) as number) - 2) * stride };
}
