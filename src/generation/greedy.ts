/** Greedy search and sampling: in every row the next token is the most probable one, or is drawn. A row that has ended changes no bit of the others, whether it stays in the batch or not. */
import { Random } from '../random.js';
import type { Criterion } from './criteria.js';
import type { Plan } from './plan.js';
import type { Processor } from './processors.js';
import { draw } from './sampling.js';
import { type Beginning, type Found, noToken, type Row, type Sequence, type Streamer, type TokenLogprob } from './sequence.js';
import { argMax, TopK } from './top_k.js';

interface Growing extends Row {
  ids: number[];
  from: number;
  random: Random;
  length?: number;
  logprobs: TokenLogprob[];
}

/** `plan.num_return_sequences` rows of one prompt. */
export class GreedySearch implements Sequence {
  rows: readonly Row[];
  readonly processors: readonly Processor[];
  readonly own: readonly Processor[];
  readonly #ends: Criterion;
  readonly #logprobs: number;
  readonly #plan: Plan;
  readonly #all: readonly Growing[];
  #live: readonly Growing[];
  readonly #streamer: Streamer | undefined;

  constructor({ plan, prompt, processors, own, ends, logprobs, index, streamer }: Beginning) {
    const { num_return_sequences: n, sampling } = plan;
    const grow = (i: number): Growing => ({
      ids: [...prompt],
      from: 0,
      random: new Random(sampling?.seed ?? 0, 'generate', index * n + i),
      logprobs: [],
    });
    [this.#plan, this.processors, this.own, this.#ends] = [plan, processors, own, ends];
    [this.#logprobs, this.#streamer] = [logprobs, streamer];
    this.#all = Array.from({ length: n }, (_, i) => grow(i));
    this.#live = this.#all;
    // The prompt is read once for all rows that begin with it.
    this.rows = this.#all.slice(0, 1);
  }

  get ended(): boolean {
    return this.#all.every(({ length }) => length !== undefined);
  }

  get found(): Found[] {
    return this.#all.map(({ ids, length, logprobs }) => ({ ids: ids.slice(0, length), logprobs }));
  }

  step(scores: readonly Float32Array[], keepsAll: boolean, raw?: readonly Float32Array[]): void {
    for (const [i, row] of this.#live.entries()) {
      row.from = Math.min(i, scores.length - 1);
      const token = this.#next(scores[row.from] as Float32Array, row);
      row.ids.push(token);
      if (raw && row.length === undefined) row.logprobs.push(told(raw[row.from] as Float32Array, token, this.#logprobs));
    }
    this.#streamer?.put(
      this.#live.map(({ ids }) => ids.slice(-1)),
      raw && this.#live.flatMap(({ logprobs }) => logprobs.slice(-1)),
    );
    for (const row of this.#live) if (row.length === undefined && this.#ends(row.ids)) row.length = row.ids.length;
    if (!keepsAll) this.#live = this.#live.filter(({ length }) => length === undefined);
    this.rows = this.#live;
    if (this.ended) this.#streamer?.end();
  }

  #next(scores: Float32Array, { random, length }: Growing): number {
    const { sampling, pad_token_id } = this.#plan;
    if (length !== undefined) return pad_token_id;
    const token = sampling ? draw(scores, random) : argMax(scores);
    if (token < 0) throw noToken();
    return token;
  }
}

/** Log-probabilities of a chosen token and of the `count` most probable ones. */
function told(logprobs: Float32Array, token: number, count: number): TokenLogprob {
  const top = new TopK(Math.max(1, count));
  if (count) top.add(logprobs);
  const best = top.best().map(({ key, value }) => ({ token: key, logprob: value }));
  return { token, logprob: logprobs[token] as number, top: best };
}
