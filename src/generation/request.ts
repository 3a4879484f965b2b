/**
 * One call of `generate` on its way: first its prompts are read, then it has rows that a loop steps beside those of other calls. Between the loop's logits and the sequences
 * stand the processors, and what the call wants to be told of each step.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { expectRoom } from '../models/room.js';
import { logSoftmax } from '../ops/norm.js';
import { drained } from '../steps.js';
import { type HostTensor, type Tensor, tensor } from '../tensor.js';
import { BeamSearch } from './beam.js';
import { criterionOf } from './criteria.js';
import { type Drafter, PromptLookUp } from './draft.js';
import { GreedySearch } from './greedy.js';
import type { Own } from './own.js';
import type { Plan } from './plan.js';
import { beginningOf, processorsOf } from './processors.js';
import { inOrder, keep } from './score_rows.js';
import type { Found, Row, Sequence, Streamer } from './sequence.js';
import { warp } from './warpers.js';

/** What a model remembers of rows of tokens that it has read. Whatever satisfies it can be written with. */
export interface Decoding {
  /**
   * Reads tokens [rows, t], the next ones of every row → logits [rows · scored, V] of what follows each of the `scored` last, 1 unless it is given; without any, anything. They
   * belong to the innermost scope.
   */
  step(tokens: Int32Array, rows: number, scored?: number): Generator<void, Tensor>;
  /** Forgets what its only row has behind `length` tokens. */
  truncate(length: number): void;
  /** Whether tokens of its only row that come at once, up to the `length`-th, are read as if one came after the other. */
  readsAlike(length: number): boolean;
  /** Row i goes on from what row `rows[i]` was. There may be more of them, or fewer, than before. */
  reorder(rows: readonly number[]): void;
  /** The rows of another one come behind those of this one. The other is still to be disposed of. */
  join(other: this): void;
  /** Tokens of the longest row so far. */
  readonly length: number;
  dispose(): void;
}

/** A text that is to be gone on with. */
export interface Prompt {
  ids: readonly number[];
  /** Its source, without padding. */
  source: readonly number[];
  /** Those of a call differ in lengths alone. */
  plan: Plan;
}

/** What a call of `generate` asks for. */
export interface Job {
  engine: Engine;
  prompts: readonly Prompt[];
  /** What the model remembers of some of the prompts before they are read, a row each: their sources, or tokens that they begin with. */
  start(prompts: readonly number[]): Generator<void, Decoding>;
  streamer?: Streamer | undefined;
  /**
   * Looks at what is remembered in a row when its text ends, or is given up: of as many of the tokens `ids` as were read. Of texts side by side it is the one that ends last;
   * of a prompt that becomes several rows, beams or draws, it is the prompt, too.
   */
  left?: ((decoding: Decoding, row: number, ids: readonly number[]) => void) | undefined;
  /** What the call gives beside its plan. */
  own?: Own | undefined;
  /** Guesses at its only row, unless the plan says how. */
  drafter?: Drafter | undefined;
  /** Of how many alternatives each token's probability is told, beside its own. */
  logprobs?: number | undefined;
  /** Takes in what each step gives, [rows, V]: before it is processed, and after. Then no row is left out, or the steps would not tell of all. */
  kept?: { logits?: HostTensor[] | undefined; scores?: HostTensor[] | undefined } | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
}

/** Tokens that are read at a time. */
export const PIECE = 512;
/** Stands between pieces: what follows is for another call of `engine.run`, so that nobody waits for all of them. */
const REST = Symbol('rest');
type Reading<T> = Generator<unknown, T>;

export class Request {
  readonly #job: Job;
  readonly #settle: { resolve(found: Found[]): void; reject(error: unknown): void };
  readonly #sequences: readonly Sequence[];
  readonly #keepsAll: boolean;
  #reading: Reading<void>;
  #settled = false;
  /** Whether its streamer has heard of the prompts. */
  #isTold = false;
  #drafter: Drafter | undefined;
  /** What is remembered of its rows, when its prompts are read, until somebody takes it. */
  #decoding: Decoding | undefined;

  constructor(job: Job, settle: { resolve(found: Found[]): void; reject(error: unknown): void }) {
    const { prompts, streamer, kept, own, logprobs = 0 } = job;
    this.#job = job;
    this.#settle = settle;
    this.#sequences = prompts.map(({ ids: prompt, source, plan }, index) => {
      const rules = {
        processors: processorsOf(plan, source),
        own: (own?.processors ?? []).map((make) => make(beginningOf(plan))),
        ends: criterionOf(plan, own?.tokenizer, own?.criteria ?? []),
      };
      const beginning = { plan, prompt, ...rules, index, streamer, logprobs };
      return plan.num_beams > 1 ? new BeamSearch(beginning) : new GreedySearch(beginning);
    });
    const [{ plan }] = prompts as [Prompt];
    this.#drafter = job.drafter ?? (plan.lookUp && new PromptLookUp(plan.lookUp));
    this.#keepsAll = kept?.logits !== undefined || kept?.scores !== undefined;
    this.#reading = this.#read();
  }

  /** Reads its prompts anew: what it was doing has failed for want of memory, of which there is more now. */
  restart(): void {
    this.#reading = this.#read();
  }

  /** Leaves what is remembered of a row. */
  leave(decoding: Decoding, row: number, ids: readonly number[]): void {
    this.#job.left?.(decoding, row, ids);
  }

  /** What is read next, a row each; none where it has ended. */
  get rows(): readonly Row[] {
    return this.#settled ? [] : this.#sequences.flatMap(({ rows }) => rows);
  }

  /** Reads on in the prompts, until there is a rest. Whether they are read: then the first tokens have been chosen. Throws the reason of an abort. */
  *read(): Generator<void, boolean> {
    for (;;) {
      this.#job.signal?.throwIfAborted();
      const { done, value } = this.#reading.next();
      if (done || value === REST) return done === true;
      yield;
    }
  }

  /** Guesses at what its only row will go on with, which can be read at once. */
  *draft(decoding: Decoding): Generator<void, readonly number[]> {
    const [row] = this.rows;
    if (!this.#drafter || !row || this.#sequences.length > 1) return [];
    const { ids } = row;
    const { max_length } = (this.#job.prompts[0] as Prompt).plan;
    // Behind the last of them comes a token for certain.
    const most = max_length - ids.length - 1;
    if (most < 1) return [];
    try {
      const drafted = yield* this.#drafter.draft(ids, most);
      return decoding.readsAlike(ids.length + drafted.length) ? drafted : [];
    } catch (error) {
      // No room for a second model, or it was disposed of: the text goes on without.
      if (!(error instanceof HeedError)) throw error;
      this.undraft();
      return [];
    }
  }

  /** Guesses no more: there is no room for it. */
  undraft(): void {
    this.#drafter?.dispose();
    this.#drafter = undefined;
  }

  /**
   * Takes in the logits [rows, V] of its rows: those that each row of the next step goes on from. It has none where it has ended. Throws the reason of an abort, and whatever a
   * streamer throws.
   */
  step(logits: Tensor): readonly number[] {
    this.#job.signal?.throwIfAborted();
    const parents: number[] = [];
    this.#withScores(logits, (scores, raw) => {
      let at = 0;
      for (const sequence of this.#sequences) {
        const end = at + sequence.rows.length;
        if (end > at) sequence.step(scores.slice(at, end), this.#keepsAll, raw?.slice(at, end));
        for (const { from } of sequence.rows) parents.push(at + from);
        at = end;
      }
    });
    if (!this.#sequences.every(({ ended }) => ended)) return parents;
    this.#settled = true;
    this.undraft();
    this.#settle.resolve(this.#sequences.flatMap(({ found }) => found));
    return [];
  }

  /** What is remembered of its rows, once its prompts are read; nothing where it ended with its first tokens. The caller disposes of it. */
  take(): Decoding | undefined {
    const decoding = this.#decoding;
    this.#decoding = undefined;
    return decoding;
  }

  /** It goes on no more. */
  fail(error: unknown): void {
    this.#settled = true;
    this.undraft();
    this.#reading.return();
    this.take()?.dispose();
    this.#settle.reject(error);
  }

  /** Prompts of one length are read together, and join when all are read. */
  *#read(): Reading<void> {
    const { engine, prompts, streamer, start } = this.#job;
    const [{ plan }] = prompts as [Prompt];
    if (plan.stop_strings.length) streamer?.stopsAt?.(plan.stop_strings);
    if (!this.#isTold) streamer?.put(prompts.map(({ ids }) => [...ids]));
    this.#isTold = true;
    const all = prompts.map((_, i) => i);
    const idsOf = (i: number) => (prompts[i] as Prompt).ids;
    const groups = [...new Set(prompts.map(({ ids }) => ids.length))].map((length) => all.filter((i) => idsOf(i).length === length));
    const logits: HostTensor[] = [];
    const parts: Decoding[] = [];
    try {
      for (const members of groups) {
        if (parts.length) yield REST;
        const texts = members.map(idsOf);
        expectRoom(engine, [texts.length, (texts[0] as readonly number[]).length], () => {
          const twin = drained(start(members));
          drained(readInto(twin, texts));
          twin.dispose();
        });
        const decoding = yield* start(members);
        parts.push(decoding);
        logits.push((yield* readInto(decoding, texts)).toHost());
      }
      const [whole, ...others] = parts as [Decoding, ...Decoding[]];
      for (const other of others) whole.join(other);
      // Rows come in the order of the prompts.
      const order = groups.flat();
      whole.reorder(all.map((i) => order.indexOf(i)));
      const rows = this.step(tensor(engine, inOrder(logits, order), [all.length, logits[0]?.dims[1] as number]));
      // Of several rows none is the text that others will go on from, but the prompt may be.
      if (rows.length !== 1 && all.length === 1) this.leave(whole, 0, idsOf(0));
      if (!rows.length) return;
      whole.reorder(rows);
      this.#decoding = whole;
    } finally {
      for (const part of parts) if (part !== this.#decoding) part.dispose();
    }
  }

  /**
   * The scores of each row's next token, processed, one [V] a row, and where they are asked for the log-probabilities before: they view the engine's memory and last until `use`
   * returns.
   */
  #withScores(logits: Tensor, use: (scores: Float32Array[], raw?: Float32Array[]) => void): void {
    const { engine, prompts, kept, logprobs } = this.#job;
    const { plan } = prompts[0] as Prompt;
    const { num_beams, num_return_sequences, sampling, renormalize_logits } = plan;
    const [R, V] = logits.shape as [number, number];
    const views = (x: Tensor) => Array.from({ length: R }, (_, r) => engine.heap.floats(x.ptr + 4 * r * V, V));
    const each = (prompts.length * (num_beams > 1 ? num_beams : num_return_sequences)) / R;
    engine.scope(() => {
      keep(kept?.logits, views(logits), each);
      const raw = logprobs === undefined ? undefined : views(logSoftmax(logits));
      // Beams are compared by their probability.
      const scores = num_beams > 1 ? logSoftmax(logits) : logits;
      const rows = views(scores);
      let at = 0;
      for (const { processors, own, rows: all } of this.#sequences)
        for (const { ids, length } of all) {
          const row = rows[at++] as Float32Array;
          for (const process of processors) process(row, ids);
          // What follows an end is padding, which no answer's form and no processor of a call knows.
          if (length === undefined) for (const process of own) process(row, ids);
          if (sampling) warp(row, sampling);
        }
      const processed = renormalize_logits ? views(logSoftmax(scores)) : rows;
      keep(kept?.scores, processed, each);
      use(processed, raw);
    });
  }
}

/** Reads texts of one length, a row each, in pieces, but for what is remembered of them: the logits [rows, V] of what follows them. */
function* readInto(decoding: Decoding, texts: readonly (readonly number[])[]): Reading<Tensor> {
  const T = (texts[0] as readonly number[]).length;
  const width = Math.max(1, Math.floor(PIECE / texts.length));
  for (let from = decoding.length; ; from += width) {
    const to = from + width;
    const tokens = Int32Array.from(texts.flatMap((ids) => ids.slice(from, to)));
    const logits = yield* decoding.step(tokens, texts.length, Number(to >= T));
    if (to >= T) return logits;
    yield REST;
  }
}
