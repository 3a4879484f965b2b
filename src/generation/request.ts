/**
 * A request: one call of `generate` in progress. First its prompts are read, then its rows join the batch that the loop steps. Between the loop's logits and the sequences
 * stand the processors, and the scores that the call wants to keep of each step.
 */
import { HeedError } from '../errors.js';
import { expectRoom } from '../models/room.js';
import { logSoftmax } from '../ops/norm.js';
import { drained } from '../steps.js';
import { type HostTensor, type Tensor, tensor } from '../tensor.js';
import { BeamSearch } from './beam.js';
import { criterionOf } from './criteria.js';
import { type Drafter, PromptLookUp } from './draft.js';
import { GreedySearch } from './greedy.js';
import type { Decoding, Job, Prompt } from './job.js';
import { beginningOf, processorsOf } from './processors.js';
import { REST, type Reading, readInto } from './reading.js';
import { inOrder, keep } from './score_rows.js';
import type { Found, Row, Sequence } from './sequence.js';
import { warp } from './warpers.js';

export class Request {
  readonly #job: Job;
  readonly #settle: { resolve(found: Found[]): void; reject(error: unknown): void };
  readonly #sequences: readonly Sequence[];
  readonly #keepsAll: boolean;
  #reading: Reading<void>;
  /** Tokens of the prompts that were read, since reading began. */
  #done = 0;
  #isBegun = false;
  #isUrgent = () => false;
  /** `true` where the last piece was given up for another request. */
  #gaveWay = false;
  #settled = false;
  /** `true` once the streamer has received the prompts. */
  #isTold = false;
  #drafter: Drafter | undefined;
  /** State of the rows after the prompts are read, until `take` hands it over. */
  #decoding: Decoding | undefined;

  constructor(
    job: Job,
    settle: { resolve(found: Found[]): void; reject(error: unknown): void },
    /** Place in the order of arrival. */
    readonly number = 0,
  ) {
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

  /** Starts reading the prompts again, after a failure for want of memory, once more memory is free. */
  restart(): void {
    this.#reading = this.#read();
    this.#done = 0;
    this.#isBegun = false;
  }

  /** Number of tokens that are still to be read before the first is written. */
  get unread(): number {
    return this.#job.prompts.reduce((sum, { ids, source }) => sum + Math.max(ids.length, source.length), -this.#done);
  }

  /** `true` where its prompts are read in part, which takes memory. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Identity of the weights by which its prompts are read. */
  get weights(): object | undefined {
    return this.#job.weights;
  }

  /** Hands a row's state to the job's `left`. */
  leave(decoding: Decoding, row: number, ids: readonly number[]): void {
    this.#job.left?.(decoding, row, ids);
  }

  /** Rows whose last tokens the next step reads; none where the request has ended. */
  get rows(): readonly Row[] {
    return this.#settled ? [] : this.#sequences.flatMap(({ rows }) => rows);
  }

  /**
   * Reads on in the prompts, until there is a rest. Whether they are read: then the first tokens have been chosen. Throws the reason of an abort. Where `isUrgent` says so, the piece
   * in progress is given up for another request, and read anew the next time, then to its end.
   */
  *read(isUrgent = () => false): Generator<void, boolean> {
    this.#isUrgent = isUrgent;
    this.#isBegun = true;
    for (;;) {
      this.#job.signal?.throwIfAborted();
      const { done, value } = this.#reading.next();
      if (done || value === REST) return done === true;
      yield;
    }
  }

  /** Guesses tokens that will follow the only row, to be read at once. */
  *draft(decoding: Decoding): Generator<void, readonly number[]> {
    const [row] = this.rows;
    if (!this.#drafter || !row || this.#sequences.length > 1) return [];
    const { ids } = row;
    const { max_length } = (this.#job.prompts[0] as Prompt).plan;
    // The step that checks the guesses adds one more token behind the last of them.
    const most = max_length - ids.length - 1;
    if (most < 1) return [];
    try {
      const drafted = yield* this.#drafter.draft(ids, most);
      return decoding.readsAlike(ids.length + drafted.length) ? drafted : [];
    } catch (error) {
      // The assistant has no memory, or was disposed of: the generation continues without guesses.
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
   * Takes in the logits [rows, V] of the request's rows and returns the row that each row of the next step continues; none where the request has ended. Throws the reason of an
   * abort, and any error of a streamer.
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

  /** State of the request's rows, once its prompts are read; undefined where the request ended with its first tokens. The caller disposes of it. */
  take(): Decoding | undefined {
    const decoding = this.#decoding;
    this.#decoding = undefined;
    return decoding;
  }

  /** Ends the request with an error: frees its memory and rejects its promise. */
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
        const told = (tokens: number) => {
          this.#done += tokens;
          this.#gaveWay = false;
        };
        const givesWay = () => {
          if (this.#gaveWay || !this.#isUrgent()) return false;
          this.#gaveWay = true;
          return true;
        };
        logits.push((yield* readInto(decoding, texts, told, givesWay)).toHost());
      }
      const [whole, ...others] = parts as [Decoding, ...Decoding[]];
      for (const other of others) whole.join(other);
      // Rows come in the order of the prompts.
      const order = groups.flat();
      whole.reorder(all.map((i) => order.indexOf(i)));
      const rows = this.step(tensor(engine, inOrder(logits, order), [all.length, logits[0]?.dims[1] as number]));
      // None of several rows is a text that a later call would continue, but the prompt may be.
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
          // Tokens behind an end are padding, which no response format and no processor of a call can handle.
          if (length === undefined) for (const process of own) process(row, ids);
          if (sampling) warp(row, sampling);
        }
      const processed = renormalize_logits ? views(logSoftmax(scores)) : rows;
      keep(kept?.scores, processed, each);
      use(processed, raw);
    });
  }
}
