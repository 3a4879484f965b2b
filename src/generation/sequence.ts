/**
 * A sequence in generation: the rows of one prompt, each of which needs the scores of its next token, and the search that extends them. A sequence knows no model and no other
 * sequence of the batch. Greedy search and sampling (greedy.ts) and beam search (beam.ts) implement it.
 */
import { HeedError } from '../errors.js';
import type { Criterion } from './criteria.js';
import type { Plan } from './plan.js';
import type { Processor } from './processors.js';

/** A row: a beam, or one of several texts that are drawn. */
export interface Row {
  /** Tokens of the row so far; the model has not read the last. */
  readonly ids: readonly number[];
  /** Row of the step before that this row continues. */
  readonly from: number;
  /** Number of tokens until the row ended, where an ended row is still stepped. */
  readonly length?: number | undefined;
}

export interface Sequence {
  /** Rows to step, at first the prompt alone; none where all have ended. */
  readonly rows: readonly Row[];
  readonly ended: boolean;
  /** Processors of the rows' scores: the plan's, and the call's own, which apply only until a row has ended. */
  readonly processors: readonly Processor[];
  readonly own: readonly Processor[];
  /**
   * Takes in the processed scores [V] of each row's next token; `rows` are then those of the next step. With `keepsAll` ended rows stay among them, padded.
   * `raw`, where given, are the log-probabilities before processing. Throws NUMERIC where no token can come next.
   */
  step(scores: readonly Float32Array[], keepsAll: boolean, raw?: readonly Float32Array[]): void;
  /** Sequences found, num_return_sequences of them, the best first. */
  readonly found: readonly Found[];
}

/** Constituents of a new sequence. */
export interface Beginning {
  plan: Plan;
  /** First tokens of the sequence. */
  prompt: readonly number[];
  processors: readonly Processor[];
  own: readonly Processor[];
  /** Criterion that ends rows. */
  ends: Criterion;
  /** Number of alternatives that are reported for each token. */
  logprobs: number;
  /** Index of the prompt in its call: random numbers differ by it, and beam indices count from it. */
  index: number;
  streamer?: Streamer | undefined;
}

/** A sequence that was found. */
export interface Found {
  /** Tokens of the sequence, the prompt included. */
  ids: readonly number[];
  /** Score of beam search: the sum of the tokens' log-probabilities, divided by their number to the power of length_penalty. */
  score?: number;
  /** Row that each new token of beam search continued, counted over all beams of all prompts. */
  beams?: readonly number[];
  /** Log-probability of each new token, without beams, where asked for. */
  logprobs?: readonly TokenLogprob[];
}

/** Log-probability of a token by the model alone, before options change its score. */
export interface TokenLogprob {
  /** Id of the chosen token. */
  token: number;
  /** Natural logarithm of the token's probability. */
  logprob: number;
  /** Most probable tokens, the best first. */
  top: {
    /** A token's id. */
    token: number;
    /** The natural logarithm of its probability. */
    logprob: number;
  }[];
}

/** Receives tokens as they are generated: the first tokens of a sequence, then one after the other, then the end. */
export interface Streamer {
  /**
   * Gets tokens in a list, a sequence's in a list of its own: first all that it starts with, then one at a time; with the option `logprobs` also the log-probabilities of each
   * new one.
   */
  put(tokens: number[][], logprobs?: readonly TokenLogprob[]): void;
  /** Called at the end of the sequence. */
  end(): void;
  /** Receives stop strings before the first tokens. */
  stopsAt?(strings: readonly string[]): void;
}

/** Error for scores that are all −∞ or NaN. */
export const noToken = () =>
  new HeedError('NUMERIC', 'generate: no token can come next: every score is −∞ or not a number', {
    culprit: 'logits',
    cure: 'Do the options forbid all tokens? If not, are the weights finite?',
  });
