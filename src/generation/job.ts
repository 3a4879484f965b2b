/** What a call of `generate` hands to the loop: its prompts, and how they are read, written and told of. */
import type { Engine } from '../engine/engine.js';
import type { HostTensor, Tensor } from '../tensor.js';
import type { Drafter } from './draft.js';
import type { Own } from './own.js';
import type { Plan } from './plan.js';
import type { Streamer } from './sequence.js';

/** Tokens that are read at a time: reading 512 at once is no faster, and whoever comes meanwhile waits for the piece. */
export const PIECE = 64;

/** A model with its state for a batch of rows. Anything with this interface can be generated with. */
export interface Decoding {
  /**
   * Reads the next tokens [rows, t] of every row → logits [rows · scored, V] behind each of the `scored` last ones, by default 1; with 0 the result is unspecified. Logits
   * belong to the innermost scope.
   */
  step(tokens: Int32Array, rows: number, scored?: number): Generator<void, Tensor>;
  /** Truncates the state's only row to `length` tokens. */
  truncate(length: number): void;
  /** `true` where the only row's next tokens, up to the `length`-th, give equal bits whether read at once or one at a time. */
  readsAlike(length: number): boolean;
  /**
   * Reads rows anew whose text outgrows what it was read as: with its next token, the last of `texts[row]`, positions turn by other frequencies. Of the others nothing is done.
   * Absent where no positions do so.
   */
  renew?(texts: readonly (readonly number[])[]): Generator<void, void>;
  /** Row i goes on from what row `rows[i]` was. There may be more of them, or fewer, than before. */
  reorder(rows: readonly number[]): void;
  /** Appends the rows of another state to this one. The caller still disposes of the other. */
  join(other: this): void;
  /** Number of tokens of the longest row so far. */
  readonly length: number;
  dispose(): void;
}

/** A text that is to be gone on with. */
export interface Prompt {
  ids: readonly number[];
  /** Tokens of the prompt's source, without padding. */
  source: readonly number[];
  /** Settings of the generation; the plans of one call differ in lengths alone. */
  plan: Plan;
}

/** Parts of a call of `generate`. */
export interface Job {
  engine: Engine;
  prompts: readonly Prompt[];
  /** Starts the state of some of the prompts, a row each: with their encoded sources, or with cached tokens that the prompts begin with. */
  start(prompts: readonly number[]): Generator<void, Decoding>;
  streamer?: Streamer | undefined;
  /**
   * Receives a row's state when its text ends or is aborted, to cache as many of the tokens `ids` as were read. Of several rows it is called for the one that ends last;
   * of a prompt that becomes several rows, by beams or draws, for the prompt, too.
   */
  left?: ((decoding: Decoding, row: number, ids: readonly number[]) => void) | undefined;
  /** Identity of the weights by which the prompts are read. */
  weights?: object | undefined;
  /** Own processors and criteria of the call. */
  own?: Own | undefined;
  /** Drafter for the only row, instead of the plan's look-up. */
  drafter?: Drafter | undefined;
  /** Number of alternatives whose log-probabilities are reported for each token, beside its own. */
  logprobs?: number | undefined;
  /** Lists to which each step's scores [rows, V] are added: before processing, and after. While they are kept, ended rows stay in the batch, so that every step has all rows. */
  kept?: { logits?: HostTensor[] | undefined; scores?: HostTensor[] | undefined } | undefined;
  /** Aborts the request. */
  signal?: AbortSignal | undefined;
}
