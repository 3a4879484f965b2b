/**
 * The keys and values that an attention has seen, in the panels that its kernel reads, so that a token is projected and packed once. Keys and values lie in pages of KEYS
 * keys: each row has a list of pages and a length of its own, and rows with a common beginning (the beams of a search, requests with one prompt) share its
 * pages. A page is copied when a row continues in a shared one, or outgrows its small first one; other growth, reordering and sharing copy nothing.
 * The cache keeps its memory until `dispose`, whatever scopes are open.
 */
import type { Engine } from '../engine/engine.js';
import { append, KEYS } from '../engine/kernels.generated.js';
import type { Storage } from '../engine/memory.js';
import { checkOptions, HeedError } from '../errors.js';
import type { CachedKeys } from '../ops/attention_layout.js';
import { expectShape, wrongArgument } from '../ops/check.js';
import type { Tensor } from '../tensor.js';
import { BYTES, type KeysAndValues, type Page, type PageDtype, PageForm, roomFor } from './pages.js';

interface Row {
  pages: Page[];
  length: number;
  /** Number of keys before the last were appended. */
  start: number;
}

/** Options of KVCache. */
export interface KVCacheOptions {
  /** Dtype of numbers: 'float32' (default), or 'int8' with a float32 scale for each key and value of a head, which takes about a quarter. */
  dtype?: PageDtype | undefined;
}

/**
 * Keys and values of earlier calls of one attention, for decoding token by token: given as `cache` to MultiheadAttention, which appends to
 * it. Its rows may have different lengths.
 */
export class KVCache {
  readonly #dtype: PageDtype;
  #form: PageForm | undefined;
  #rows: Row[] = [];
  /** Table for kernels: the rows' lengths [B], their starts [B], and their pages [B, most, 2]. */
  #table: Storage | undefined;
  #most = 0;
  #words = 0;
  #isStale = true;
  #appended: number | undefined;
  /** Number of keys of each row whose place is reserved and counted, and which are still to be written. */
  #awaited: number | undefined;

  /** Makes an empty cache. Throws ARGUMENT for an unknown dtype. */
  constructor(
    /** Engine whose memory holds the cache. */
    readonly engine: Engine,
    options: KVCacheOptions = {},
  ) {
    checkOptions(options, ['dtype'], 'KVCache');
    const { dtype = 'float32' } = options;
    if (!Object.hasOwn(BYTES, dtype)) throw wrongArgument('KVCache', 'dtype', dtype, `It is one of ${Object.keys(BYTES).join(', ')}`);
    this.#dtype = dtype;
  }

  /** Keys of the longest row. */
  get length(): number {
    return this.#rows.reduce((most, { length }) => Math.max(most, length), 0);
  }

  /** Keys of each row. */
  get lengths(): readonly number[] {
    return this.#rows.map(({ length }) => length);
  }

  /** Rows of the batch; 0 before the first keys come. */
  get rows(): number {
    return this.#rows.length;
  }

  /** The pages of its rows, one that they share as often as they do. */
  get pages(): readonly Page[] {
    return this.#rows.flatMap((row) => row.pages);
  }

  /** A copy of a row's keys [G, T, D] and values [G, T, Dv], of a cache of float32. Throws ARGUMENT for a row that is not there, DTYPE. */
  toHost(row: number): KeysAndValues {
    const form = this.#known();
    const { pages, length } = this.#rows[row] ?? {};
    if (!pages || length === undefined) throw wrongArgument('KVCache.toHost', 'row', row, `Rows run from 0 to ${this.rows - 1}`);
    return form.read(this.engine, pages, length);
  }

  /** Panels that attention reads. */
  get panels(): CachedKeys {
    const { G, D, Dv, bytes } = this.#known();
    const { ptr: lengths } = this.table;
    const [B, most, appended] = [this.rows, this.#most, this.#appended];
    const pages = { pages: lengths + 8 * B, most, bytes, lengths, offsets: lengths + 4 * B, counts: this.lengths, appended };
    return { keys: 0, values: 0, pages, B, G, S: this.length, D, Dv };
  }

  /**
   * Appends T keys [B, G, T, D] and values [B, G, T, Dv], views or not, whose channels are neighbours; of row b the first counts[b] where counts are given. The
   * first call sets the numbers of rows and heads. Throws SHAPE, ARGUMENT, and MEMORY, upon which the cache is unchanged.
   */
  append(key: Tensor, value: Tensor, counts?: readonly number[]): void {
    const [B, , T] = key.shape as [number, number, number, number];
    const form = this.#form ?? new PageForm(key.dim(1), key.dim(3), value.dim(3), this.#dtype);
    const rows = this.#form ? this.#rows : Array.from({ length: B }, () => ({ pages: [], length: 0, start: 0 }));
    expectKeys('KVCache.append', form, rows.length, T, key, value);
    const fits = (count: unknown) => Number.isInteger(count) && (count as number) >= 0 && (count as number) <= T;
    if (counts && !(counts.length === B && counts.every(fits)))
      throw wrongArgument('KVCache.append', 'counts', counts, `Give ${B} whole numbers from 0 to ${T}`);
    this.#advance(form, rows, T, counts);
    this.#write(key, value, T);
  }

  /**
   * The host's part of `append`: makes room for T keys more of each row, and counts them. `put` writes them, in a launch that is the same each time for as long as `table` is. Throws
   * ARGUMENT before the first keys, and MEMORY, upon which the cache is as it was.
   */
  advance(T: number): void {
    this.#advance(this.#known(), this.#rows, T);
    this.#awaited = T;
  }

  /** Writes the keys [B, G, T, D] and values [B, G, T, Dv] that `advance` has counted. Throws SHAPE, and ARGUMENT where it has not, or rows have changed since. */
  put(key: Tensor, value: Tensor): void {
    const T = this.#awaited;
    if (T === undefined)
      throw new HeedError('ARGUMENT', 'KVCache.put: no keys are awaited', { culprit: 'cache', cure: 'Call advance(T) first' });
    expectKeys('KVCache.put', this.#known(), this.rows, T, key, value);
    this.#write(key, value, T);
  }

  #known(): PageForm {
    if (this.#form) return this.#form;
    throw new HeedError('ARGUMENT', 'This cache holds no keys', { culprit: 'cache', cure: 'Append some first' });
  }

  #advance(form: PageForm, rows: Row[], T: number, counts?: readonly number[]): void {
    const countOf = (row: number) => counts?.[row] ?? T;
    const before = [this.#form, this.#rows, this.#appended] as const;
    try {
      for (const [b, row] of rows.entries()) this.#makeRoom(form, row, countOf(b));
      this.#form = form;
      this.#rows = rows.map(({ pages, length }, b) => ({ pages, length: length + countOf(b), start: length }));
      this.#changed(T);
      void this.table;
    } catch (error) {
      if (!before[0]) for (const row of rows) release(row);
      [this.#form, this.#rows] = before;
      this.#changed(before[2]);
      throw error;
    }
  }

  #write(key: Tensor, value: Tensor, T: number): void {
    const { pages: table, B, G, D, Dv } = this.panels;
    const { pages, most, bytes, lengths, offsets } = table;
    const [kb, kg, kt] = key.strides as [number, number, number];
    const [vb, vg, vt] = value.strides as [number, number, number];
    const [tiles, work, k, v] = [B * G, B * G * T * (D + Dv), key.ptr, value.ptr];
    this.engine.launch(append({ tiles, work, k, v, offsets, lengths, pages, most, bytes, G, D, Dv, kb, kg, kt, vb, vg, vt }));
  }

  /** Makes row i a copy of the former row rows[i]: the batch may grow and shrink. Throws ARGUMENT for a row that does not exist. */
  reorder(rows: readonly number[]): void {
    if (!this.#form) {
      expectList('KVCache.reorder', rows);
      return; // no rows yet, in any order
    }
    const old = this.#rows;
    if (Array.isArray(rows) && rows.length === old.length && rows.every((row, i) => row === i)) return;
    this.#rows = this.#shared('KVCache.reorder', rows);
    for (const row of old) release(row);
    this.#changed(this.#appended);
  }

  /**
   * Appends rows of another cache, by default all, and shares their pages: a request joins a batch, or begins with the text that another one
   * has read. The other cache is unchanged. Throws ARGUMENT for a row that does not exist and for a cache of another engine, SHAPE and DTYPE for other heads and numbers.
   */
  join(other: KVCache, rows: readonly number[] = other.#rows.map((_, row) => row)): void {
    if (other.engine !== this.engine) throw wrongArgument('KVCache.join', 'other', other, 'It must be of the same engine');
    const [form, own] = [other.#form, this.#form ?? other.#form];
    const joined = other.#shared('KVCache.join', rows);
    if (
      form &&
      own &&
      !(form.G === own.G && form.D === own.D && form.Dv === own.Dv && form.dtype === own.dtype && form.dtype === this.#dtype)
    ) {
      for (const row of joined) release(row);
      const [has, wants] = [form, own].map(({ G, D, Dv, dtype }) => `${G} heads of ${D} and ${Dv} channels in ${dtype}`);
      const code = form.dtype === this.#dtype ? 'SHAPE' : 'DTYPE';
      throw new HeedError(code, `KVCache.join: the other has ${has}, this one ${wants}, made for ${this.#dtype}`, { culprit: 'other' });
    }
    this.#form = own;
    this.#rows = [...this.#rows, ...joined];
    this.#changed(undefined);
  }

  /** Forgets the keys from `length` on, or of each row from lengths[row] on. */
  truncate(length: number | readonly number[]): void {
    const each = typeof length === 'number' ? this.#rows.map((row) => Math.min(length, row.length)) : length;
    const most = (row: number) => (typeof length === 'number' ? this.length : (this.#rows[row]?.length ?? 0));
    const fits = (n: unknown, row: number) => Number.isInteger(n) && (n as number) >= 0 && (n as number) <= most(row);
    if (!(typeof length === 'number' ? fits(length, 0) : Array.isArray(each) && each.length === this.rows && each.every(fits)))
      throw wrongArgument('KVCache.truncate', 'length', length, `It is a whole number from 0 to ${this.length}, or one for each row`);
    for (const [b, row] of this.#rows.entries()) {
      row.length = each[b] as number;
      row.start = Math.min(row.start, row.length);
      for (const page of row.pages.splice(Math.ceil(row.length / KEYS))) page.release();
    }
    this.#changed(undefined);
  }

  /** Frees the memory of the cache, apart from shared pages. */
  dispose(): void {
    for (const row of this.#rows) release(row);
    this.#table?.free();
    this.#form = this.#table = undefined;
    this.#rows = [];
    this.#changed(undefined);
  }

  /** Rows that share the pages of the given rows. */
  #shared(op: string, rows: readonly number[]): Row[] {
    expectList(op, rows);
    const known = (row: unknown) => Number.isInteger(row) && this.#rows[row as number] !== undefined;
    const wrong = rows.find((row) => !known(row));
    if (wrong !== undefined) throw wrongArgument(op, 'rows', wrong, `Rows run from 0 to ${this.rows - 1}`);
    return rows.map((row) => {
      const { pages, length, start } = this.#rows[row] as Row;
      return { pages: pages.map((page) => page.share()), length, start };
    });
  }

  /** Gives a row pages of its own, as far as `count` keys more will be written to them. */
  #makeRoom(form: PageForm, { pages, length }: Row, count: number): void {
    const end = length + count;
    for (let index = Math.floor(length / KEYS); index * KEYS < end && count > 0; index++) {
      const [old, kept, needed] = [pages[index], length - index * KEYS, Math.min(KEYS, end - index * KEYS)];
      if (old && !old.isShared && old.room >= needed) continue;
      const page = form.make(this.engine, roomFor(index, needed, old?.room ?? 0));
      if (old && kept > 0) form.copy(this.engine, old, page, kept);
      old?.release();
      pages[index] = page;
    }
  }

  #changed(appended: number | undefined): void {
    this.#isStale = true;
    this.#appended = appended;
    this.#awaited = undefined;
  }

  /** The table that kernels read, rewritten where it has changed. Another number of rows, or of pages in the longest row, takes another block of memory. */
  get table(): Storage {
    if (this.#table && !this.#isStale) return this.#table;
    const most = this.#rows.reduce((most, { pages }) => Math.max(most, pages.length), 1);
    const words: number[] = [];
    for (const { length } of this.#rows) words.push(length);
    for (const { start } of this.#rows) words.push(start);
    for (const { pages } of this.#rows) for (let i = 0; i < most; i++) words.push(pages[i]?.ptr ?? 0, pages[i]?.room ?? 0);
    const { heap } = this.engine;
    if (!this.#table || this.#most !== most || this.#words !== words.length) {
      this.#table?.free();
      this.#table = undefined;
      this.#table = heap.allocate(4 * words.length);
      [this.#most, this.#words] = [most, words.length];
    }
    const { ptr } = this.#table;
    this.engine.write(words, (own) => heap.ints(ptr, own.length).set(own));
    this.#isStale = false;
    return this.#table;
  }
}

function expectKeys(op: string, { G, D, Dv }: PageForm, B: number, T: number, key: Tensor, value: Tensor): void {
  expectShape(op, 'key', key, [B, G, T, D]);
  expectShape(op, 'value', value, [B, G, T, Dv]);
}

function release({ pages }: Row): void {
  for (const page of pages.splice(0)) page.release();
}

function expectList(op: string, rows: unknown): void {
  if (!Array.isArray(rows)) throw wrongArgument(op, 'rows', rows, 'It is a list of rows');
}
