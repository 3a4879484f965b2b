/** Greedy search and sampling: in every row the next token is the most probable one, or is drawn. A row that has ended changes no bit of the others, whether it is left out or not. */
import { Random } from '../random.js';
import type { Plan } from './plan.js';
import type { Processor } from './processors.js';
import { draw } from './sampling.js';
import { type Beginning, type Found, noToken, type Row, type Sequence, type Streamer } from './sequence.js';
import { argMax } from './top_k.js';

interface Growing extends Row {
  ids: number[];
  from: number;
  random: Random;
  /** How many of its tokens count, once it has ended. */
  length?: number;
}

/** `plan.num_return_sequences` rows of one prompt. */
export class GreedySearch implements Sequence {
  rows: readonly Row[];
  readonly processors: readonly Processor[];
  readonly #plan: Plan;
  readonly #all: readonly Growing[];
  #live: readonly Growing[];
  readonly #streamer: Streamer | undefined;

  constructor({ plan, prompt, processors, index, streamer }: Beginning) {
    const { num_return_sequences: n, sampling } = plan;
    const grow = (i: number): Growing => ({
      ids: [...prompt],
      from: 0,
      random: new Random(sampling?.seed ?? 0, 'generate', index * n + i),
    });
    [this.#plan, this.processors, this.#streamer] = [plan, processors, streamer];
    this.#all = Array.from({ length: n }, (_, i) => grow(i));
    this.#live = this.#all;
    // The prompt is read once for all that begin with it.
    this.rows = this.#all.slice(0, 1);
  }

  get ended(): boolean {
    return this.#all.every(({ length }) => length !== undefined);
  }

  get found(): Found[] {
    return this.#all.map(({ ids, length }) => ({ ids: ids.slice(0, length) }));
  }

  step(scores: readonly Float32Array[], keepsAll: boolean): void {
    const { max_length, eos_token_id } = this.#plan;
    for (const [i, row] of this.#live.entries()) {
      row.from = Math.min(i, scores.length - 1);
      row.ids.push(this.#next(scores[row.from] as Float32Array, row));
    }
    this.#streamer?.put(this.#live.map(({ ids }) => ids.slice(-1)));
    for (const row of this.#live)
      if (row.ids.length >= max_length || eos_token_id.includes(row.ids.at(-1) as number)) row.length ??= row.ids.length;
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
