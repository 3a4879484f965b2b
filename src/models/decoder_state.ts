/**
 * What a decoder remembers while it writes: for each layer, the keys and values of the tokens so far, and of an encoder's states, where there is one, made once. Rows can be reordered, dropped and doubled (the beams of a search): those of one source share its keys. Its memory is its own until `dispose`.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { KVCache } from '../nn/cache.js';
import { wrongArgument } from '../ops/check.js';

export class DecoderState {
  /** Of each layer's two attentions. */
  readonly self: readonly KVCache[];
  readonly cross: readonly KVCache[];
  #length = 0;
  #lengths: readonly number[] | undefined;
  #disposed = false;

  /** Of so many layers, which attend to a source or do not. `lengths`: tokens of each source, those behind are padding. */
  constructor(engine: Engine, layers: number, crosses: boolean, lengths?: readonly number[]) {
    const caches = () => Array.from({ length: layers }, () => new KVCache(engine));
    this.self = caches();
    this.cross = crosses ? caches() : [];
    this.#lengths = lengths;
  }

  /** Tokens of each row so far. */
  get length(): number {
    return this.#length;
  }

  get rows(): number {
    return (this.cross[0] ?? this.self[0])?.rows ?? 0;
  }

  /** Tokens of each row's source. */
  get lengths(): readonly number[] | undefined {
    return this.#lengths;
  }

  /** Row i goes on as row rows[i]. There may be more rows than before, or fewer. Throws ARGUMENT for a row that is not there. */
  reorder(rows: readonly number[]): void {
    this.expectAlive();
    const known = (row: unknown) => Number.isInteger(row) && (row as number) >= 0 && (row as number) < this.rows;
    const wrong = Array.isArray(rows) ? rows.findIndex((row) => !known(row)) : 0;
    if (wrong >= 0) throw wrongArgument('reorder', 'rows', Array.isArray(rows) ? rows[wrong] : rows, `Rows run from 0 to ${this.rows - 1}`);
    for (const cache of [...this.self, ...this.cross]) cache.reorder(rows);
    this.#lengths = this.#lengths && rows.map((row) => this.#lengths?.[row] as number);
  }

  /** Runs a step that appends T tokens to every cache; one that was given up on its way is forgotten when the next begins. */
  *step<Y>(T: number, run: () => Generator<void, Y>): Generator<void, Y> {
    for (const cache of this.self) cache.truncate(Math.min(cache.length, this.#length));
    const result = yield* run();
    this.#length += T;
    return result;
  }

  /** Throws ARGUMENT where it was disposed of. */
  expectAlive(): void {
    if (this.#disposed) throw new HeedError('ARGUMENT', 'This state was disposed of', { culprit: 'state', cure: 'Start another' });
  }

  dispose(): void {
    this.#disposed = true;
    for (const cache of [...this.self, ...this.cross]) cache.dispose();
  }
}
