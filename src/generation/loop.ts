/**
 * The loop of one model: what it writes for all calls of `generate`, a token for every row in a step, each step an `engine.run` of its own, so that other work on the engine
 * comes in between. Between steps newcomers are let in, a piece of their prompts at a time, and those that have ended, or were given up, are let go.
 */
import { expectSignal, settleEarly } from '../engine/queue.js';
import { HeedError } from '../errors.js';
import { narrow } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import { type Decoding, type Job, Request } from './request.js';
import type { Found, Row } from './sequence.js';

/** Runs steps on the model: `engine.run`, and what the model has to say of it. */
type Run = <T>(steps: () => Generator<unknown, T>) => Promise<T>;

const isMemory = (error: unknown): boolean => error instanceof HeedError && error.code === 'MEMORY';

export class Loop {
  readonly #run: Run;
  /** Whose prompts wait to be read, in the order in which they came. */
  readonly #waiting: Request[] = [];
  /** Whose prompts are being read. */
  #newcomer: Request | undefined;
  /** Whose rows are stepped, in the order in which their rows lie: the order in which they came. */
  #writing: Request[] = [];
  /** What is remembered of all those rows. */
  #decoding: Decoding | undefined;
  #isGoing = false;

  /** `relieve` gives up something that takes memory, where there is such: whether it has. */
  constructor(
    run: Run,
    readonly relieve: () => boolean = () => false,
  ) {
    this.#run = run;
  }

  /** The sequences of every prompt, `num_return_sequences` each, in order. Rejects with what goes wrong, and with the signal's reason. */
  add(job: Job): Promise<Found[]> {
    expectSignal(job.signal);
    const found = new Promise<Found[]>((resolve, reject) => {
      if (!job.prompts.length) return resolve([]);
      this.#waiting.push(new Request(job, { resolve, reject }));
      if (!this.#isGoing) void this.#go();
    });
    return settleEarly(found, job.signal);
  }

  async #go(): Promise<void> {
    this.#isGoing = true;
    for (;;) {
      this.#newcomer ??= this.#waiting.shift();
      if (this.#newcomer) await this.#read(this.#newcomer);
      else if (!this.#writing.length) break;
      if (this.#writing.length) await this.#step();
    }
    this.#isGoing = false;
  }

  /** A piece of a newcomer's prompts, however long they are: the others wait for no more. When they are read, its rows come behind those of the others. */
  async #read(newcomer: Request): Promise<void> {
    try {
      if (!(await this.#run(() => newcomer.read()))) return;
      this.#join(newcomer);
    } catch (error) {
      if (isMemory(error) && this.relieve()) return newcomer.restart();
      newcomer.fail(error);
    }
    this.#newcomer = undefined;
  }

  #join(newcomer: Request): void {
    const decoding = newcomer.take();
    if (!decoding) return;
    if (this.#decoding) {
      try {
        this.#decoding.join(decoding);
      } finally {
        decoding.dispose();
      }
    } else this.#decoding = decoding;
    this.#writing.push(newcomer);
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
    const [first, another] = this.#writing as [Request, ...Request[]];
    // Where there are others, the weights are read for all of them anyway.
    const drafted = another ? [] : yield* first.draft(decoding);
    if (drafted.length) return yield* this.#ahead(decoding, first, drafted);
    const before = this.#writing.map(({ rows }) => rows);
    const last = before.flat().map(({ ids }) => ids.at(-1) as number);
    let logits: Tensor;
    try {
      logits = yield* decoding.step(Int32Array.from(last), last.length);
    } catch (error) {
      // Caught here, what the step has left for later is computed still: pages of rows that go on may have moved.
      if (this.#giveWay(error)) return;
      throw error;
    }
    const rows: number[] = [];
    let at = 0;
    for (const [i, request] of this.#writing.entries()) {
      const own = before[i] as readonly Row[];
      const count = own.length;
      rows.push(...parentsOf(request, narrow(logits, 0, at, count)).map((row) => at + row));
      if (!request.rows.length && count === 1) request.leave(decoding, at, (own[0] as Row).ids);
      at += count;
    }
    if (this.#goesOn()) decoding.reorder(rows);
  }

  /** A step of one row with the tokens that are guessed to follow: as many of them as the row would have come to are kept, and the one behind them. */
  *#ahead(decoding: Decoding, request: Request, drafted: readonly number[]): Generator<void, void> {
    const rowOf = () => request.rows[0] as Row;
    /** Tokens that are read and stand. */
    const read = [...rowOf().ids];
    let logits: Tensor;
    try {
      logits = yield* decoding.step(Int32Array.of(rowOf().ids.at(-1) as number, ...drafted), 1, 1 + drafted.length);
    } catch (error) {
      if (!isMemory(error)) throw error;
      return request.undraft();
    }
    for (let i = 0; i <= drafted.length; i++) {
      const [parent] = parentsOf(request, narrow(logits, 0, i, 1));
      if (parent === undefined || rowOf().ids.at(-1) !== drafted[i]) break;
      read.push(drafted[i] as number);
    }
    decoding.truncate(read.length);
    if (!request.rows.length) request.leave(decoding, 0, read);
    this.#goesOn();
  }

  /** Lets those go that have ended. Whether others are left; else nothing need be remembered. */
  #goesOn(): boolean {
    this.#writing = this.#writing.filter((request) => request.rows.length);
    if (this.#writing.length) return true;
    this.#decoding?.dispose();
    this.#decoding = undefined;
    return false;
  }

  /** Where memory does not hold a step, the request that came last makes room: whether there is one beside the first. The others then take that step anew. */
  #giveWay(error: unknown): boolean {
    if (!isMemory(error)) return false;
    if (this.relieve()) return true;
    const last = this.#newcomer ?? (this.#writing.length > 1 ? this.#writing.pop() : undefined);
    if (!last) return false;
    if (last !== this.#newcomer) this.#decoding?.reorder(this.#writing.flatMap(({ rows }) => rows).map((_, row) => row));
    this.#newcomer = undefined;
    last.fail(error);
    return true;
  }
}

/** The rows that those of a request go on from; none where it has ended. A streamer's error, or that no token can come, is this request's alone. */
function parentsOf(request: Request, logits: Tensor): readonly number[] {
  try {
    return request.step(logits);
  } catch (error) {
    request.fail(error);
    return [];
  }
}
