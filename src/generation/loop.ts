/**
 * The loop of one model: what it writes for all calls of `generate`, a token for every row in a step, each step an `engine.run` of its own, so that other work on the engine
 * comes in between. Between steps newcomers are let in, a piece of their prompts at a time, and those that have ended, or were given up, are let go.
 */
import { expectSignal, settleEarly } from '../engine/queue.js';
import { narrow } from '../ops/shape.js';
import { type Decoding, type Job, Request } from './request.js';
import type { Found } from './sequence.js';

/** Runs steps on the model: `engine.run`, and what the model has to say of it. */
type Run = <T>(steps: () => Generator<unknown, T>) => Promise<T>;

export class Loop {
  readonly #run: Run;
  /** Whose prompts are being read, or wait for it, in the order in which they came. */
  readonly #newcomers: Request[] = [];
  /** Whose rows are stepped, in the order in which their rows lie. */
  #writing: Request[] = [];
  /** What is remembered of all those rows. */
  #decoding: Decoding | undefined;
  #isGoing = false;

  constructor(run: Run) {
    this.#run = run;
  }

  /** The sequences of every prompt, `num_return_sequences` each, in order. Rejects with what goes wrong, and with the signal's reason. */
  add(job: Job): Promise<Found[]> {
    expectSignal(job.signal);
    const found = new Promise<Found[]>((resolve, reject) => {
      if (!job.prompts.length) return resolve([]);
      this.#newcomers.push(new Request(job, { resolve, reject }));
      if (!this.#isGoing) void this.#go();
    });
    return settleEarly(found, job.signal);
  }

  async #go(): Promise<void> {
    this.#isGoing = true;
    while (this.#newcomers.length || this.#writing.length) {
      const [newcomer] = this.#newcomers;
      if (newcomer) await this.#read(newcomer);
      if (this.#writing.length) await this.#step();
    }
    this.#isGoing = false;
  }

  /** A piece of a newcomer's prompts; when they are read, its rows come behind those of the others. */
  async #read(newcomer: Request): Promise<void> {
    try {
      if (!(await this.#run(() => newcomer.read()))) return;
      const { decoding } = newcomer;
      if (decoding) {
        this.#writing.push(newcomer);
        this.#decoding?.join(decoding);
        if (this.#decoding) decoding.dispose();
        else this.#decoding = decoding;
      }
    } catch (error) {
      newcomer.fail(error);
    }
    this.#newcomers.shift();
  }

  /** A token for every row. What fails here fails for all. */
  async #step(): Promise<void> {
    try {
      await this.#run(() => this.#tokens());
    } catch (error) {
      this.#decoding?.dispose();
      this.#decoding = undefined;
      for (const request of this.#writing.splice(0)) request.fail(error);
    }
  }

  *#tokens(): Generator<void, void> {
    const decoding = this.#decoding as Decoding;
    const counts = this.#writing.map(({ rows }) => rows.length);
    const last = this.#writing.flatMap(({ rows }) => rows.map(({ ids }) => ids.at(-1) as number));
    const logits = yield* decoding.step(Int32Array.from(last), last.length);
    const rows: number[] = [];
    let at = 0;
    for (const [i, request] of this.#writing.entries()) {
      const count = counts[i] as number;
      try {
        for (const row of request.step(narrow(logits, 0, at, count))) rows.push(at + row);
      } catch (error) {
        // A streamer's error, or that no token can come: it is this request's alone.
        request.fail(error);
      }
      at += count;
    }
    this.#writing = this.#writing.filter((request) => request.rows.length);
    if (rows.length) return decoding.reorder(rows);
    decoding.dispose();
    this.#decoding = undefined;
  }
}
