/**
 * The generation loop of one model, shared by all calls of `generate`: each step writes a token for every row and is an `engine.run` of its own, so that other work on the engine
 * comes in between. Between steps new requests are admitted, a piece of a prompt at a time, and requests that have ended or were aborted are removed. Short prompts are read before
 * long ones, which the first to come still gets half of the time for.
 */
import { settleEarly } from '../engine/queue.js';
import { expectSignal, HeedError } from '../errors.js';
import { narrow } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import { type Decoding, type Job, PIECE } from './job.js';
import { Request } from './request.js';
import type { Found, Row } from './sequence.js';

/** Runs steps on the model: `engine.run`, with the model's name in errors. */
type Run = <T>(steps: () => Generator<unknown, T>) => Promise<T>;

const isMemory = (error: unknown): boolean => error instanceof HeedError && error.code === 'MEMORY';

export class Loop {
  readonly #run: Run;
  /** Requests whose prompts are still unread, or read in part, in order of arrival. */
  #waiting: Request[] = [];
  /** `true` where the last piece was read for another request than the first of those that wait. */
  #isPassed = false;
  /** Requests whose rows each step extends, in the order of their rows. */
  #writing: Request[] = [];
  /** Model and decoder state of the rows of all `#writing` requests. */
  #decoding: Decoding | undefined;
  #isGoing = false;
  /** Requests that came so far. */
  #count = 0;

  /** `relieve` frees memory of a cache, if there is one, and returns `true` if it did. */
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
      this.#waiting.push(new Request(job, { resolve, reject }, this.#count++));
      if (!this.#isGoing) void this.#go();
    });
    return settleEarly(found, job.signal);
  }

  async #go(): Promise<void> {
    this.#isGoing = true;
    for (;;) {
      const newcomer = this.#next();
      if (newcomer) await this.#read(newcomer);
      else if (!this.#writing.length) break;
      if (this.#writing.length) await this.#step();
    }
    this.#isGoing = false;
  }

  /** The request that reads a piece of its prompts: that which has the least left to read; but after it the one that came first, so that a long prompt is read, too. */
  #next(): Request | undefined {
    const [first] = this.#waiting;
    const shortest = this.#waiting.reduce((a, b) => (b.unread < (a as Request).unread ? b : a), first);
    const next = this.#isPassed ? first : shortest;
    this.#isPassed = next !== first;
    return next;
  }

  /** Reads a piece of a new request's prompts, of bounded length, so that the others wait for no more. After the last piece the request's rows join the batch behind the others. */
  async #read(newcomer: Request): Promise<void> {
    const before = this.#count;
    // A much shorter prompt that comes meanwhile does not wait for the rest of a piece, of which what was computed is lost.
    const isUrgent = () => this.#waiting.some(({ number, unread }) => number >= before && unread <= PIECE && 4 * unread < newcomer.unread);
    try {
      if (!(await this.#run(() => newcomer.read(isUrgent)))) return;
      this.#join(newcomer);
    } catch (error) {
      if (isMemory(error) && (this.relieve() || this.#failLast(error))) {
        if (this.#waiting.includes(newcomer)) newcomer.restart();
        return;
      }
      newcomer.fail(error);
    }
    this.#waiting = this.#waiting.filter((one) => one !== newcomer);
  }

  /** Fails the request that came last of those that hold memory, and returns it; undefined where there is but one. */
  #failLast(error: unknown): Request | undefined {
    const holders = [...this.#waiting.filter(({ isBegun }) => isBegun), ...this.#writing];
    if (holders.length < 2) return undefined;
    const last = holders.reduce((a, b) => (b.number > a.number ? b : a));
    const kept = this.#writing.flatMap((request) => request.rows.map(() => request !== last));
    if (this.#writing.includes(last)) this.#decoding?.reorder(kept.flatMap((isKept, row) => (isKept ? [row] : [])));
    last.fail(error);
    this.#waiting = this.#waiting.filter((one) => one !== last);
    this.#goesOn();
    return last;
  }

  /** The rows of all texts that are being written, which a new text may have its beginning in common with. */
  *texts(): Generator<{ request: Request; decoding: Decoding; row: number; ids: readonly number[] }> {
    if (!this.#decoding) return;
    let row = 0;
    for (const request of this.#writing) for (const { ids } of request.rows) yield { request, decoding: this.#decoding, row: row++, ids };
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
    try {
      if (decoding.renew) yield* decoding.renew(this.#writing.flatMap(({ rows }) => rows.map(({ ids }) => ids)));
    } catch (error) {
      if (this.#giveWay(error)) return;
      throw error;
    }
    // Where there are others, the weights are read for all of them anyway.
    const drafted = another ? [] : yield* first.draft(decoding);
    if (drafted.length) return yield* this.#ahead(decoding, first, drafted);
    const before = this.#writing.map(({ rows }) => rows);
    const last = before.flat().map(({ ids }) => ids.at(-1) as number);
    let logits: Tensor;
    try {
      logits = yield* decoding.step(Int32Array.from(last), last.length);
    } catch (error) {
      // An error caught here leaves the step's scheduled work to be done: pages of the remaining rows may have moved.
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

  /** A step of one row with the guessed tokens: those that the row would have chosen are kept, and the chosen token behind them. */
  *#ahead(decoding: Decoding, request: Request, drafted: readonly number[]): Generator<void, void> {
    const rowOf = () => request.rows[0] as Row;
    /** Tokens that are read and kept. */
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

  /** Makes room where memory does not hold a step: the request that came last fails. Returns `true` if one beside the first could fail; the others then repeat the step. */
  #giveWay(error: unknown): boolean {
    return isMemory(error) && (this.relieve() || this.#failLast(error) !== undefined);
  }
}

/** Rows of the last step that the request's next rows continue; none where the request has ended. An error of a streamer, or NUMERIC for want of a token, fails this request alone. */
function parentsOf(request: Request, logits: Tensor): readonly number[] {
  try {
    return request.step(logits);
  } catch (error) {
    request.fail(error);
    return [];
  }
}
