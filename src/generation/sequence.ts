/**
 * What is being written for one prompt: rows of tokens, each of which wants the scores of its next token, and what becomes of them. It knows nothing of models, nor of what
 * is written beside it. Greedy search and sampling (greedy.ts) and beam search (beam.ts) are such.
 */
import { HeedError } from '../errors.js';
import type { Criterion } from './criteria.js';
import type { Plan } from './plan.js';
import type { Processor } from './processors.js';

/** A row: a beam, or one of several texts that are drawn. */
export interface Row {
  /** Its tokens so far, of which the model has not read the last. */
  readonly ids: readonly number[];
  /** The row of the step before that it goes on from. */
  readonly from: number;
  /** How many of its tokens count, once it has ended, where it is stepped on. */
  readonly length?: number | undefined;
}

export interface Sequence {
  /** Rows that go on, at first the prompt alone; none where all have ended. */
  readonly rows: readonly Row[];
  readonly ended: boolean;
  /** What changes its rows' scores, and what does while they have not ended. */
  readonly processors: readonly Processor[];
  readonly own: readonly Processor[];
  /**
   * Takes in the scores [V] of each row's next token, processed: `rows` are the next step's then. With `keepsAll` those that have ended stay among them, filled up with
   * padding. `raw`, where it is given, are the log-probabilities before they were processed. Throws NUMERIC where no token can come next.
   */
  step(scores: readonly Float32Array[], keepsAll: boolean, raw?: readonly Float32Array[]): void;
  /** num_return_sequences of them, the best first. */
  readonly found: readonly Found[];
}

/** What a sequence is made of. */
export interface Beginning {
  plan: Plan;
  /** Its first tokens, and the source of its text, without padding. */
  prompt: readonly number[];
  processors: readonly Processor[];
  own: readonly Processor[];
  /** What ends its rows. */
  ends: Criterion;
  /** How many alternatives are told of each token. */
  logprobs: number;
  /** Which of its call's prompts it is: by that its random numbers differ, and its beams are counted. */
  index: number;
  streamer?: Streamer | undefined;
}

/** A sequence that was found. */
export interface Found {
  /** Its first tokens included. */
  ids: readonly number[];
  /** In beam search: the sum of its tokens' log-probabilities, divided by their number to the power of length_penalty. */
  score?: number;
  /** In beam search: the row that each of its new tokens went on from, counted over all beams of all prompts. */
  beams?: readonly number[];
  /** Without beams, where they are asked for: of each new token. */
  logprobs?: readonly TokenLogprob[];
}

/** How probable a token is, by the model alone: before options change its scores. */
export interface TokenLogprob {
  /** The id of the token that came. */
  token: number;
  /** The natural logarithm of its probability. */
  logprob: number;
  /** The most probable tokens, the best first. */
  top: {
    /** A token's id. */
    token: number;
    /** The natural logarithm of its probability. */
    logprob: number;
  }[];
}

/** Hears of tokens as they come: the tokens a sequence starts with, then one after the other, then the end. */
export interface Streamer {
  /** Gets tokens in a list, a sequence's in a list of its own: first all that it starts with, then one at a time. */
  put(tokens: number[][]): void;
  /** Nothing more comes. */
  end(): void;
  /** Where strings end the text: gets them, before the first tokens. */
  stopsAt?(strings: readonly string[]): void;
}

/** No token has a score above −∞. */
export const noToken = () =>
  new HeedError('NUMERIC', 'generate: no token can come next: every score is −∞ or not a number', {
    culprit: 'logits',
    cure: 'Do the options forbid all tokens? If not, are the weights finite?',
  });
