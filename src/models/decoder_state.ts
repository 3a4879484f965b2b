/**
 * Memory of a decoder during generation: for each layer, the keys and values of the tokens so far, and those of an encoder's states, where there is one, made once. A row has
 * a length of its own, so that texts which began at different times are continued together. Rows can be reordered, dropped and doubled (the beams of a search): the beams
 * of one source share its keys. The rows of another state can join. The state keeps its memory until `dispose`.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import type { LayerCache, MixerSpec } from '../nn/attention.js';
import { KVCache } from '../nn/cache.js';
import type { Page, PageDtype } from '../nn/pages.js';
import { RecordedStep } from '../nn/recorded_step.js';
import { wrongArgument } from '../ops/check.js';

/** Choices of a state. */
export interface StateChoices {
  /** `true` where layers also attend to a source. Default false. */
  crosses?: boolean | undefined;
  /** Number of tokens of the prompt, where it is read in pieces. Default 0. */
  whole?: number | undefined;
  /** Dtype of keys and values. Default float32. */
  dtype?: PageDtype | undefined;
  /** Mixer instead of a layer's attention; undefined where the layer attends. */
  mixer?: ((l: number) => MixerSpec | undefined) | undefined;
}

export class DecoderState {
  /** Caches of each layer's two attentions. */
  readonly self: readonly LayerCache[];
  readonly cross: readonly KVCache[];
  /** Recorded step of one token for each row. */
  readonly recorded: RecordedStep;
  #lengths: readonly number[] = [];
  readonly #whole: number;
  /** `true` where a step began that has not ended: some layers already have its keys. */
  #isMidway = false;
  #disposed = false;

  readonly #choices: StateChoices;

  constructor(
    readonly engine: Engine,
    layers: number,
    choices: StateChoices = {},
  ) {
    const { crosses = false, whole = 0, dtype, mixer } = choices;
    this.#choices = choices;
    this.#whole = whole;
    const each = <T>(make: (l: number) => T) => Array.from({ length: layers }, (_, l) => make(l));
    this.self = each((l) => mixer?.(l)?.cache?.(engine) ?? new KVCache(engine, { dtype }));
    this.cross = crosses ? each(() => new KVCache(engine, { dtype })) : [];
    this.recorded = new RecordedStep(engine);
  }

  /** Tokens of each row so far. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** Tokens of the longest row. */
  get length(): number {
    return this.#lengths.reduce((most, length) => Math.max(most, length), 0);
  }

  /** Number of tokens of the prompt, until they are read. */
  get whole(): number {
    return this.length < this.#whole ? this.#whole : 0;
  }

  get rows(): number {
    return this.cross[0]?.rows ?? this.#lengths.length;
  }

  /** The position of each row's next token; a number where all have the same. */
  get from(): number | readonly number[] {
    const [first = 0] = this.#lengths;
    return this.#lengths.every((length) => length === first) ? first : this.#lengths;
  }

  /** The rows remember a source: a layer's caches were given its keys. */
  begun(): this {
    this.#lengths = Array<number>(this.rows).fill(0);
    return this;
  }

  /** Makes row i a copy of the former row rows[i]. The number of rows may change. Throws ARGUMENT for a row that does not exist. */
  reorder(rows: readonly number[]): void {
    this.expectAlive();
    const known = (row: unknown) => Number.isInteger(row) && (row as number) >= 0 && (row as number) < this.rows;
    const wrong = Array.isArray(rows) ? rows.findIndex((row) => !known(row)) : 0;
    if (wrong >= 0) throw wrongArgument('reorder', 'rows', Array.isArray(rows) ? rows[wrong] : rows, `Rows run from 0 to ${this.rows - 1}`);
    if (rows.length === this.rows && rows.every((row, i) => row === i)) return;
    this.#settle();
    for (const cache of [...this.self, ...this.cross]) cache.reorder(rows);
    this.#lengths = rows.map((row) => this.#lengths[row] as number);
  }

  /** Pages that hold the keys and values. */
  get pages(): readonly Page[] {
    return [...this.self, ...this.cross].flatMap((cache) => (cache instanceof KVCache ? cache.pages : []));
  }

  /** `true` where the state can be truncated by any number of tokens: convolutions keep only their last inputs. */
  get forgets(): boolean {
    return this.self.every((cache) => cache instanceof KVCache);
  }

  /** State of one row, which shares the pages. The caller disposes of it. */
  pick(row: number): DecoderState {
    const one = new DecoderState(this.engine, this.self.length, { ...this.#choices, whole: 0 });
    one.join(this, [row]);
    return one;
  }

  /** Appends rows of another state of the same model, by default all, and shares their pages. The other state is unchanged. */
  join(other: DecoderState, rows: readonly number[] = other.#lengths.map((_, row) => row)): void {
    for (const state of [this, other]) {
      state.expectAlive();
      state.#settle();
    }
    // Rows that have read nothing are in no cache of theirs yet.
    const parts = this.length + other.length === 0 ? (['cross'] as const) : (['self', 'cross'] as const);
    for (const part of parts) for (const [l, cache] of this[part].entries()) cache.join(other[part][l] as never, rows); // of the same kind
    this.#lengths = [...this.#lengths, ...rows.map((row) => other.#lengths[row] as number)];
  }

  /** Forgets the tokens of each row from `length` on, or of row i from length[i] on. */
  truncate(length: number | readonly number[]): void {
    this.expectAlive();
    this.#settle();
    this.#lengths = this.#lengths.map((own, row) => Math.min(own, typeof length === 'number' ? length : (length[row] as number)));
    for (const cache of this.self) cache.truncate(this.#lengths);
  }

  /** Runs a step that appends T tokens of each row to every cache. Throws SHAPE for other rows than there are. */
  *step<Y>([rows, T]: readonly [rows: number, T: number], run: () => Generator<void, Y>): Generator<void, Y> {
    this.expectAlive();
    const shape = [rows, T];
    if (this.rows > 0 && rows !== this.rows)
      throw new HeedError('SHAPE', `decode: ids are [${shape}], the state has ${this.rows} rows`, { culprit: 'ids', shape });
    this.#settle();
    this.#isMidway = true;
    const result = yield* run();
    this.#isMidway = false;
    this.#lengths = Array.from({ length: rows }, (_, row) => (this.#lengths[row] ?? 0) + T);
    return result;
  }

  /** Undoes a step that was abandoned midway. */
  #settle(): void {
    if (!this.#isMidway) return;
    this.#isMidway = false;
    // Layers that it did not reach have no rows yet where it was the first.
    for (const cache of this.self)
      if (this.length === 0) cache.dispose();
      else cache.truncate(this.#lengths);
  }

  /** Throws ARGUMENT where it was disposed of. */
  expectAlive(): void {
    if (this.#disposed) throw new HeedError('ARGUMENT', 'This state was disposed of', { culprit: 'state', cure: 'Start another' });
  }

  dispose(): void {
    this.#disposed = true;
    this.recorded.dispose();
    for (const cache of [...this.self, ...this.cross]) cache.dispose();
  }
}
