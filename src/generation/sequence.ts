/**
 * What is being written for one prompt: rows of tokens, each of which wants the scores of its next token, and what becomes of them. It knows nothing of models, nor of what
 * is written beside it. Greedy search and sampling (greedy.ts) and beam search (beam.ts) are such.
 */
import { HeedError } from '../errors.js';
import type { Plan } from './plan.js';
import type { Processor } from './processors.js';

/** A row: a beam, or one of several texts that are drawn. */
export interface Row {
  /** Its tokens so far, of which the model has not read the last. */
  readonly ids: readonly number[];
  /** The row of the step before that it goes on from. */
  readonly from: number;
}

export interface Sequence {
  /** Rows that go on, at first the prompt alone; none where all have ended. */
  readonly rows: readonly Row[];
  readonly ended: boolean;
  /** What changes its rows' scores. */
  readonly processors: readonly Processor[];
  /**
   * Takes in the scores [V] of each row's next token, processed: `rows` are the next step's then. With `keepsAll` those that have ended stay among them, filled up with
   * padding. Throws NUMERIC where no token can come next.
   */
  step(scores: readonly Float32Array[], keepsAll: boolean): void;
  /** num_return_sequences of them, the best first. */
  readonly found: readonly Found[];
}

/** What a sequence is made of. */
export interface Beginning {
  plan: Plan;
  /** Its first tokens, and the source of its text, without padding. */
  prompt: readonly number[];
  processors: readonly Processor[];
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
}

/** Hears of tokens as they come: the tokens a sequence starts with, then one after the other, then the end. */
export interface Streamer {
  /** Gets tokens in a list, a sequence's in a list of its own: first all that it starts with, then one at a time. */
  put(tokens: number[][]): void;
  /** Nothing more comes. */
  end(): void;
}

/** No token has a score above −∞. */
export const noToken = () =>
  new HeedError('NUMERIC', 'generate: no token can come next: every score is −∞ or not a number', {
    culprit: 'logits',
    cure: 'Do the options forbid all tokens? If not, are the weights finite?',
  });
