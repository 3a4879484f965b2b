/** The spans of a text that a question is most likely answered by: from the scores of their first and last tokens to places in the text (Devlin et al. 2019, §4.2). */

import { softmax } from './scores.js';

/** A window of a text with the logits of each of its tokens. */
export interface ReadWindow {
  /** Logits of an answer's first token, and of its last. */
  start: ArrayLike<number>;
  end: ArrayLike<number>;
  /** The places of the tokens that may be in an answer, in order. */
  context: readonly number[];
  /** Where in the text what stands there begins and ends, its word that is, for each of them. */
  spans: readonly (readonly [begin: number, end: number])[];
  /** The place of the token that stands for no answer, where there is one. */
  none: number | undefined;
}

export interface Span {
  score: number;
  start: number;
  end: number;
}

/** Of each token of the context, and that there is no answer here. */
interface Chances {
  start: Float32Array;
  end: Float32Array;
  none: number;
}

/** Answers that are kept in mind, beside the best. */
const MANY = 20_000;

/**
 * The answers of at most `longest` tokens, window by window. Tokens of one word stand for all of it: what they come to adds up. Of what several windows see, the
 * likeliest counts.
 */
export class Spans {
  /** Probability that there is no answer. */
  none = 1;
  #found = new Map<string, Span>();

  constructor(
    readonly longest: number,
    readonly top_k: number,
  ) {}

  add(window: ReadWindow): void {
    const chances = chancesOf(window);
    this.none = Math.min(this.none, chances.none);
    for (const [key, span] of spansIn(window, chances, this.longest))
      if (!(span.score <= (this.#found.get(key)?.score ?? -1))) this.#found.set(key, span);
    // Scores only grow: what so many are better than already is not among the best in the end, unless a window to come thinks better of it.
    if (this.#found.size > MANY + 2 * this.top_k) this.#found = new Map(this.#best());
  }

  /** The likeliest `top_k`, best first. */
  best(): Span[] {
    return this.#best().map(([, span]) => span);
  }

  #best(): [string, Span][] {
    return [...this.#found].sort(([, a], [, b]) => b.score - a.score).slice(0, this.top_k);
  }
}

/** The likeliest `top_k` answers of some windows, best first, and how likely it is that there is none. */
export function spansOf(windows: readonly ReadWindow[], longest: number, top_k: number): { spans: Span[]; none: number } {
  const found = new Spans(longest, top_k);
  for (const window of windows) found.add(window);
  return { spans: found.best(), none: found.none };
}

/** Shares of what may begin and end an answer, or stand for none. */
function chancesOf({ start, end, context, none }: ReadWindow): Chances {
  const places = none === undefined ? context : [...context, none];
  const [starts, ends] = [start, end].map((logits) => softmax(places.map((place) => logits[place] as number))) as [
    Float32Array,
    Float32Array,
  ];
  const n = context.length;
  return {
    start: starts.subarray(0, n),
    end: ends.subarray(0, n),
    none: none === undefined ? 0 : (starts[n] as number) * (ends[n] as number),
  };
}

/** The sum of what all spans of tokens come to, for each span of words. */
function spansIn({ context, spans }: ReadWindow, { start, end }: Chances, longest: number): Map<string, Span> {
  const found = new Map<string, Span>();
  for (const [i, s] of context.entries())
    for (let j = i; j < context.length && (context[j] as number) - s < longest; j++) {
      const [from, to] = [spans[i]?.[0] ?? 0, spans[j]?.[1] ?? 0];
      const key = `${from} ${to}`;
      const score = (start[i] as number) * (end[j] as number);
      const known = found.get(key);
      if (known) known.score += score;
      else found.set(key, { score, start: from, end: to });
    }
  return found;
}
