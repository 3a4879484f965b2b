/**
 * What greedy search and beam search have in common: a decoder that is asked for the next token's logits, a job to do, and the way from logits to
 * scores. A search knows rows of tokens and nothing of models; whatever satisfies `Decoding` can be searched.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { logSoftmax } from '../ops/norm.js';
import { HostTensor, type Tensor } from '../tensor.js';
import type { Plan } from './plan.js';
import { type Processor, processorsOf } from './processors.js';
import { warp } from './sampling.js';

/** Sequences that grow together, a row each, and what the decoder remembers of each. */
export interface Decoding {
  /** The tokens [rows, t] that come next in every row → logits [rows, V] of what follows the last of them. The tensor is the caller's. */
  step(tokens: Int32Array, rows: number): Generator<void, Tensor>;
  /** Row i goes on from what row `rows[i]` was. There may be more of them, or fewer, than before. */
  reorder(rows: readonly number[]): void;
}

/** Hears of tokens as they come: the tokens a sequence starts with, then one after the other, then the end. */
export interface Streamer {
  /** Gets tokens in a list, a sequence's in a list of its own: first all that it starts with, then one at a time. */
  put(tokens: number[][]): void;
  /** Nothing more comes. */
  end(): void;
}

export interface Job {
  engine: Engine;
  plan: Plan;
  /** The source of each, without padding. */
  sources: readonly (readonly number[])[];
  streamer?: Streamer | undefined;
  /** Takes in what each step gives, [rows, V]: before it is processed, and after. Then no row is left out, or the steps would not tell of all. */
  kept?: { logits?: HostTensor[] | undefined; scores?: HostTensor[] | undefined } | undefined;
}

/** Whether rows that have ended go on, filled up with padding. */
export const keepsAll = ({ kept }: Job): boolean => kept?.logits !== undefined || kept?.scores !== undefined;

/** A sequence that was found. */
export interface Found {
  /** Its first tokens included. */
  ids: readonly number[];
  /** In beam search: the sum of its tokens' log-probabilities, divided by their number to the power of length_penalty. */
  score?: number;
  /** In beam search: the row that each of its new tokens went on from, counted over all beams of all prompts. */
  beams?: readonly number[];
}

/** A sequence that grows: its tokens, the processors of its source. */
export interface Row {
  ids: readonly number[];
  processors: readonly Processor[];
}

/** The processors of every example. */
export const processorsIn = ({ plan, sources }: Job): Processor[][] => sources.map((source) => processorsOf(plan, source));

/**
 * The scores of each row's next token, processed: `use` gets one Float32Array [V] a row, which views the engine's memory and lasts until it returns.
 * `asLogs`: they become log-probabilities before they are processed. `each`: rows of the search that a row stands for.
 */
export function withScores<T>(
  job: Job,
  logits: Tensor,
  rows: readonly Row[],
  { asLogs, each }: { asLogs: boolean; each: number },
  use: (scores: Float32Array[]) => T,
): T {
  const { engine, plan, kept } = job;
  const V = logits.dim(-1);
  const views = (x: Tensor) => rows.map((_, r) => engine.heap.floats(x.ptr + 4 * r * V, V));
  try {
    return engine.scope(() => {
      keep(kept?.logits, views(logits), each, V);
      const scores = asLogs ? logSoftmax(logits) : logits;
      for (const [r, view] of views(scores).entries()) {
        const { ids, processors } = rows[r] as Row;
        for (const processor of processors) processor(view, ids);
        if (plan.sampling) warp(view, plan.sampling);
      }
      const processed = views(plan.renormalize_logits ? logSoftmax(scores) : scores);
      keep(kept?.scores, processed, each, V);
      return use(processed);
    });
  } finally {
    logits.dispose();
  }
}

/** Copies a step's rows, each as often as it counts. */
function keep(into: HostTensor[] | undefined, rows: readonly Float32Array[], each: number, V: number): void {
  if (!into) return;
  const data = new Float32Array(rows.length * each * V);
  for (let row = 0; row < rows.length * each; row++) data.set(rows[Math.floor(row / each)] as Float32Array, row * V);
  into.push(new HostTensor('float32', data, [rows.length * each, V]));
}

/** No token has a score above −∞. */
export const noToken = () =>
  new HeedError('NUMERIC', 'generate: no token can come next: every score is −∞ or not a number', {
    culprit: 'logits',
    cure: 'Do the options forbid all tokens? If not, are the weights finite?',
  });
