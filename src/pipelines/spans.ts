/** The most probable answers to a question as spans of a text: from the scores of first and last tokens to places in the text (Devlin et al. 2019, §4.2). */

import { softmax } from './scores.js';

/** A window of a text with the logits of each of its tokens. */
export interface ReadWindow {
  /** Logits of an answer's first token, `start`, and of its last, `end`. */
  start: ArrayLike<number>;
  end: ArrayLike<number>;
  /** Indices of the tokens that may be in an answer, in order. */
  context: readonly number[];
  /** Begin and end in the text of each of those tokens' words. */
  spans: readonly (readonly [begin: number, end: number])[];
  /** Index of the token that stands for no answer, where there is one. */
  none: number | undefined;
}

export interface Span {
  score: number;
  start: number;
  end: number;
}

/** Probabilities of each token of the context, and of no answer in this window. */
interface Chances {
  start: Float32Array;
  end: Float32Array;
  none: number;
}

/** Number of candidate answers that are kept. */
const MANY = 20_000;

/**
 * Answers of at most `longest` tokens, window by window. Tokens of one word stand for the whole word, and their probabilities are added. Of an answer that several windows
 * contain, the most probable counts.
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

/** The `top_k` most probable answers of some windows, best first, and the probability that there is none. */
export function spansOf(windows: readonly ReadWindow[], longest: number, top_k: number): { spans: Span[]; none: number } {
  const found = new Spans(longest, top_k);
  for (const window of windows) found.add(window);
  return { spans: found.best(), none: found.none };
}

/** Probabilities of each token as the begin and the end of an answer, and of no answer. */
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

/** Sums of the probabilities of all spans of tokens, for each span of words. */
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
