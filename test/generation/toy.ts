/**
 * A decoder without a model: a table of logits by the last token and the position, and by the example. It keeps the rows of tokens that it was given as a
 * decoder keeps keys, so that a wrong `reorder` shows, and makes its logits in the engine.
 */
import { type Engine, tensor } from 'heed';
import type { GenerationConfig } from '../../dist/generation/config.js';
import type { Decoding } from '../../dist/generation/job.js';
import { Loop } from '../../dist/generation/loop.js';
import { planOf, startsOf } from '../../dist/generation/plan.js';
import type { Found, Streamer } from '../../dist/generation/sequence.js';
import { Random } from '../cases/random.js';

export interface Toy {
  V: number;
  /** logits[example][position of the next token][last token][next token] */
  logits: readonly Float32Array[][][];
}

/** Random logits; spread wide, so that scores are far apart, or not. */
export function randomToy(seed: number, V: number, examples: number, positions: number, spread = 2): Toy {
  const random = new Random(seed);
  const row = () => Float32Array.from({ length: V }, () => Math.fround((2 * random.next() - 1) * spread));
  const logits = Array.from({ length: examples }, () => Array.from({ length: positions }, () => Array.from({ length: V }, () => row())));
  return { V, logits };
}

/** The logits after a sequence. */
export const logitsAfter = (toy: Toy, example: number, ids: readonly number[]): Float32Array =>
  toy.logits[example]?.[ids.length - 1]?.[ids.at(-1) as number] as Float32Array;

export class ToyDecoding implements Decoding {
  steps = 0;
  /** Rows of all steps. */
  work = 0;
  #rows: { example: number; ids: number[] }[];

  constructor(
    readonly engine: Engine,
    readonly toy: Toy,
  ) {
    this.#rows = toy.logits.map((_, example) => ({ example, ids: [] }));
  }

  *step(tokens: Int32Array, rows: number) {
    this.steps++;
    this.work += rows;
    if (rows !== this.#rows.length) throw new Error(`${rows} rows, and the decoder has ${this.#rows.length}`);
    const t = tokens.length / rows;
    yield;
    const data = new Float32Array(rows * this.toy.V);
    for (const [row, { example, ids }] of this.#rows.entries()) {
      ids.push(...tokens.subarray(row * t, (row + 1) * t));
      data.set(logitsAfter(this.toy, example, ids), row * this.toy.V);
    }
    return tensor(this.engine, data, [rows, this.toy.V]);
  }

  reorder(rows: readonly number[]): void {
    this.#rows = rows.map((row) => {
      const { example, ids } = this.#rows[row] as { example: number; ids: number[] };
      return { example, ids: [...ids] };
    });
  }

  get length(): number {
    return this.#rows.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  }

  truncate(length: number): void {
    for (const { ids } of this.#rows) ids.length = length;
  }

  readsAlike(): boolean {
    return true;
  }

  join(other: ToyDecoding): void {
    this.#rows.push(...other.#rows);
  }

  dispose(): void {
    this.#rows = [];
  }
}

export interface Call {
  own?: GenerationConfig;
  prompt?: readonly number[];
  sources?: readonly (readonly number[])[];
  streamer?: Streamer;
  signal?: AbortSignal;
  decoding?: Decoding;
}

/** What a search finds for every example. */
export async function searchToy(engine: Engine, toy: Toy, options: GenerationConfig, call: Call = {}): Promise<Found[]> {
  const { own = {}, prompt = [0], sources = [], streamer, signal, decoding = new ToyDecoding(engine, toy) } = call;
  const positions = toy.logits[0]?.length as number;
  const starts = toy.logits.map(() => prompt);
  const wishes = { decoder_start_token_id: 0, ...own };
  const plan = planOf(wishes, options, startsOf(wishes, options, starts), { V: toy.V, positions: positions + 1 });
  const prompts = plan.prompts.map((ids, i) => ({ ids, source: sources[i] ?? [], plan }));
  const start = function* () {
    yield;
    return decoding;
  };
  return new Loop((steps) => engine.run(steps)).add({ engine, prompts, start, streamer, signal });
}
