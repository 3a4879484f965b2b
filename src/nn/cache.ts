/**
 * The keys and values that an attention has seen, in the panels that its kernel reads, so that a token is projected and packed once. Rows of a batch
 * read their keys from slots: to reorder rows, or to let several go on from one (the beams of a search), renames slots and copies nothing; rows that share
 * a slot part when the next keys are appended. The memory is the cache's own until `dispose`, whatever scopes are open.
 */
import type { Engine } from '../engine/engine.js';
import { append_f32, copy_rows, PANEL } from '../engine/kernels.generated.js';
import type { Storage } from '../engine/memory.js';
import { HeedError } from '../errors.js';
import type { KeyPanels } from '../ops/attention_layout.js';
import { expectShape, wrongArgument } from '../ops/check.js';
import { packedBytes, type Tensor } from '../tensor.js';

/** Keys by which the room grows at first; then it doubles. A multiple of PANEL. */
const BLOCK = 32;

/** Panels of `count` slots: those of keys, and behind them those of values. */
interface Slots {
  count: number;
  room: number;
  storage: Storage;
  /** Bytes from the storage's start. */
  keys: 0;
  values: number;
}

/** G heads of D channels, of values Dv. */
interface Widths {
  G: number;
  D: number;
  Dv: number;
}

/**
 * Keys and values of earlier calls of one attention, for decoding token by token: given as `cache` to MultiheadAttention, which appends to
 * it.
 */
export class KVCache {
  #slots: Slots | undefined;
  #widths: Widths = { G: 0, D: 0, Dv: 0 };
  /** The slot of each row, and the same for kernels. */
  #rows: readonly number[] = [];
  #table: Storage | undefined;
  #length = 0;

  /** Begins empty. */
  constructor(
    /** Whose memory it is in. */
    readonly engine: Engine,
  ) {}

  /** Keys of each row. */
  get length(): number {
    return this.#length;
  }

  /** Rows of the batch; 0 before the first keys come. */
  get rows(): number {
    return this.#rows.length;
  }

  /** What attention reads. */
  get panels(): KeyPanels {
    const { storage, values, room } = this.#made();
    const pointers = { keys: storage.ptr, values: storage.ptr + values, slots: (this.#table as Storage).ptr };
    return { ...pointers, B: this.rows, S: this.#length, room, ...this.#widths };
  }

  /** Appends T keys [B, G, T, D] and values [B, G, T, Dv], views or not, whose channels are neighbours. The first ones say how many rows and heads there are. */
  append(key: Tensor, value: Tensor): void {
    const [B, G, T, D] = key.shape as [number, number, number, number];
    const Dv = value.dim(3);
    if (!this.#slots) {
      this.#widths = { G, D, Dv };
      this.#slots = this.#allocate(B, Math.ceil(T / PANEL) * PANEL);
      this.#name(Array.from({ length: B }, (_, row) => row));
    }
    const { G: heads, D: width, Dv: valueWidth } = this.#widths;
    expectShape('KVCache.append', 'key', key, [this.rows, heads, T, width]);
    expectShape('KVCache.append', 'value', value, [this.rows, heads, T, valueWidth]);
    this.#part(this.#length + T);
    const { keys, values, slots, room } = this.panels;
    const [kb, kg, kt] = key.strides as [number, number, number];
    const [vb, vg, vt] = value.strides as [number, number, number];
    const [tiles, work, length, k, v] = [B * G, B * G * T * (D + Dv), this.#length, key.ptr, value.ptr];
    this.engine.launch(append_f32({ tiles, work, keys, values, k, v, slots, G, T, D, Dv, length, room, kb, kg, kt, vb, vg, vt }));
    this.#length += T;
  }

  /** Row i goes on as row rows[i]: the batch may grow and shrink. Throws ARGUMENT for a row that is not there. */
  reorder(rows: readonly number[]): void {
    if (!Array.isArray(rows)) throw wrongArgument('KVCache.reorder', 'rows', rows, 'It is a list of rows');
    if (!this.#slots) return; // no rows yet, in any order
    this.#name(rows.map((row) => slotOf(this.#rows, row)));
  }

  /** Forgets the keys from `length` on. */
  truncate(length: number): void {
    if (!(Number.isInteger(length) && length >= 0 && length <= this.#length))
      throw wrongArgument('KVCache.truncate', 'length', length, `It is a whole number from 0 to ${this.#length}`);
    this.#length = length;
  }

  /** Frees what it remembers. */
  dispose(): void {
    this.#slots?.storage.free();
    this.#table?.free();
    this.#slots = this.#table = undefined;
    this.#rows = [];
    this.#length = 0;
  }

  #made(): Slots {
    if (this.#slots) return this.#slots;
    throw new HeedError('ARGUMENT', 'This cache holds no keys', { culprit: 'cache', cure: 'Append some first' });
  }

  #allocate(count: number, room: number): Slots {
    const { G, D, Dv } = this.#widths;
    const values = count * G * room * D * 4;
    return { count, room, keys: 0, values, storage: this.engine.heap.allocate(values + count * G * packedBytes(Dv, room)) };
  }

  #name(rows: readonly number[]): void {
    const { heap } = this.engine;
    if (!this.#table || this.#table.bytes < rows.length * 4) {
      this.#table?.free();
      this.#table = heap.allocate(rows.length * 4);
    }
    heap.ints(this.#table.ptr, rows.length).set(rows);
    this.#rows = rows;
  }

  /** Gives every row a slot of its own, with room for `length` keys. */
  #part(length: number): void {
    const old = this.#made();
    if (length > old.room || this.rows > old.count) {
      const room = length > old.room ? Math.max(Math.ceil(length / BLOCK) * BLOCK, 2 * old.room) : old.room;
      const slots = this.#allocate(Math.max(this.rows, 1), room);
      for (const [row, slot] of this.#rows.entries()) this.#copy(old, slot, slots, row);
      this.#slots = slots;
      this.#name(this.#rows.map((_, row) => row));
      old.storage.free();
      return;
    }
    const taken = new Set(this.#rows);
    if (taken.size === this.rows) return;
    const free = Array.from({ length: old.count }, (_, slot) => slot).filter((slot) => !taken.has(slot));
    const parted = this.#rows.map((slot) => {
      if (taken.delete(slot)) return slot;
      const to = free.pop() as number;
      this.#copy(old, slot, old, to);
      return to;
    });
    this.#name(parted);
  }

  /** The keys so far, from slot to slot. */
  #copy(from: Slots, source: number, to: Slots, target: number): void {
    const { G, D, Dv } = this.#widths;
    const move = (part: 'keys' | 'values', count: number, width: number, length: number) => {
      const [bytes, step, old] = [length, to.room, from.room].map((n) => n * width * 4) as [number, number, number];
      const [y, x] = [to.storage.ptr + to[part] + target * count * step, from.storage.ptr + from[part] + source * count * old];
      this.engine.launch(copy_rows({ tiles: count, work: (count * bytes) / 4, y, x, bytes, to: step, from: old }));
    };
    // Panels of keys lie in the order of keys; each panel of values has all of them.
    move('keys', G, D, Math.ceil(this.#length / PANEL) * PANEL);
    move('values', G * Math.ceil(Dv / PANEL), PANEL, this.#length);
  }
}

function slotOf(rows: readonly number[], row: number): number {
  const slot = Number.isInteger(row) ? rows[row] : undefined;
  if (slot === undefined) throw wrongArgument('KVCache.reorder', 'rows', row, `Rows run from 0 to ${rows.length - 1}`);
  return slot;
}
