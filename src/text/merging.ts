/**
 * The merging of byte-pair encoding over flat arrays: merges by rank, the pieces of a word, and two ways of
 * merging them with equal results. A short word is searched for its next merge each time; a long one has its merges
 * in a heap, which takes n log n steps and 36 bytes for each piece, and yields between them.
 */
import { HeedError } from '../errors.js';

/** Rank after all others. */
const NEVER = 0x7fffffff;
/** A piece that has become part of the one before it. */
const GONE = -1;
/** Pieces of a word up to which to look through them all is faster than a heap. */
export const SHORT = 40;
/** Pieces, or merges, between two rests: some milliseconds. */
export const REST = 1 << 14;

/** Pairs of ids by their rank, found through a hash table with open addressing. */
export class Merges {
  /** Id of the piece that the pair of each rank becomes. */
  readonly ids: Int32Array;
  readonly #lefts: Int32Array;
  readonly #rights: Int32Array;
  /** A rank plus 1, or 0 for none. At most half of them are taken. */
  readonly #slots: Int32Array;

  constructor(count: number) {
    [this.ids, this.#lefts, this.#rights] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)];
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
  }

  /** Sets the merge of a pair; the last call for a pair counts. */
  set(rank: number, left: number, right: number, id: number): void {
    this.ids[rank] = id;
    this.#lefts[rank] = left;
    this.#rights[rank] = right;
    this.#slots[this.#slotOf(left, right)] = rank + 1;
  }

  /** NEVER for a pair that is not merged. */
  rankOf(left: number, right: number): number {
    const rank = this.#slots[this.#slotOf(left, right)] as number;
    return rank === 0 ? NEVER : rank - 1;
  }

  #slotOf(left: number, right: number): number {
    const slots = this.#slots;
    const lefts = this.#lefts;
    const rights = this.#rights;
    const mask = slots.length - 1;
    // The mixing is MurmurHash3's.
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    for (let slot = (hash ^ (hash >>> 13)) & mask; ; slot = (slot + 1) & mask) {
      const rank = (slots[slot] as number) - 1;
      if (rank < 0 || (lefts[rank] === left && rights[rank] === right)) return slot;
    }
  }
}

/** The pieces of a word, side by side: their ids, and where in it they begin and end. */
export class Pieces {
  ids = new Int32Array(SHORT);
  begins = new Int32Array(SHORT);
  ends = new Int32Array(SHORT);
  count = 0;
  /** `true` where the last character was unknown. */
  unknown = false;

  add(id: number, begin: number, end: number): void {
    const at = this.count++;
    if (at === this.ids.length)
      [this.ids, this.begins, this.ends] = [grown(this.ids, Int32Array), grown(this.begins, Int32Array), grown(this.ends, Int32Array)];
    this.ids[at] = id;
    this.begins[at] = begin;
    this.ends[at] = end;
  }

  copy(from: number, to: number): void {
    this.ids[to] = this.ids[from] as number;
    this.begins[to] = this.begins[from] as number;
    this.ends[to] = this.ends[from] as number;
  }
}

function grown<T extends Int32Array | Float64Array>(array: T, type: new (length: number) => T): T {
  const next = new type(2 * array.length);
  next.set(array);
  return next;
}

/** Rank of the merge of each piece with the next one. */
const ranks = new Int32Array(SHORT);

/** Merges at most SHORT pieces in place: of all pairs with a merge the one of the lowest rank first, of equal ranks the leftmost. */
export function mergeShort(pieces: Pieces, merges: Merges): void {
  const { ids, ends } = pieces;
  for (let i = 0; i + 1 < pieces.count; i++) ranks[i] = merges.rankOf(ids[i] as number, ids[i + 1] as number);
  for (;;) {
    let at = 0;
    let best = NEVER;
    for (let i = 0; i + 1 < pieces.count; i++) {
      const rank = ranks[i] as number;
      if (rank >= best) continue;
      best = rank;
      at = i;
    }
    if (best === NEVER) return;
    ids[at] = merges.ids[best] as number;
    ends[at] = ends[at + 1] as number;
    const count = --pieces.count;
    for (let i = at + 1; i < count; i++) {
      pieces.copy(i + 1, i);
      ranks[i] = ranks[i + 1] as number;
    }
    if (at > 0) ranks[at - 1] = merges.rankOf(ids[at - 1] as number, ids[at] as number);
    if (at + 1 < count) ranks[at] = merges.rankOf(ids[at] as number, ids[at + 1] as number);
  }
}

/** A rank and a place make one number, exact up to 2^53. A string has fewer characters than that many places. */
const PLACES = 2 ** 29;
export const MOST_MERGES = 2 ** 24;

/** A binary heap of numbers, of which the least comes first. */
class Queue {
  #heap = new Float64Array(64);
  #count = 0;

  push(key: number): void {
    if (this.#count === this.#heap.length) this.#heap = grown(this.#heap, Float64Array);
    const heap = this.#heap;
    let at = this.#count++;
    for (let parent = (at - 1) >> 1; at > 0 && key < (heap[parent] as number); parent = (at - 1) >> 1) {
      heap[at] = heap[parent] as number;
      at = parent;
    }
    heap[at] = key;
  }

  /** undefined once it is empty. */
  pop(): number | undefined {
    if (this.#count === 0) return undefined;
    const heap = this.#heap;
    const top = heap[0];
    const last = heap[--this.#count] as number;
    let at = 0;
    for (let child = 1; child < this.#count; child = 2 * at + 1) {
      if (child + 1 < this.#count && (heap[child + 1] as number) < (heap[child] as number)) child++;
      if (!((heap[child] as number) < last)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

/** Merges any number of pieces, like mergeShort, yielding now and then. */
export function* mergeLong(pieces: Pieces, merges: Merges): Generator<void, void> {
  const { ids, ends, count } = pieces;
  if (count > PLACES)
    throw new HeedError('MEMORY', `a word of ${count} pieces is too long for BPE`, { culprit: 'text', cure: 'Split the text' });
  const next = new Int32Array(count);
  const before = new Int32Array(count);
  const queue = new Queue();
  const offer = (left: number) => {
    const right = next[left] as number;
    const rank = right < count ? merges.rankOf(ids[left] as number, ids[right] as number) : NEVER;
    if (rank !== NEVER) queue.push(rank * PLACES + left);
  };
  for (let i = 0; i < count; i++) {
    next[i] = i + 1;
    before[i] = i - 1;
    offer(i);
    if (i % REST === REST - 1) yield;
  }
  let steps = 0;
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    if (++steps % REST === 0) yield;
    const rank = Math.floor(key / PLACES);
    const left = key - rank * PLACES;
    const right = next[left] as number;
    // Either piece may have become part of another since.
    if (right >= count || merges.rankOf(ids[left] as number, ids[right] as number) !== rank) continue;
    const after = next[right] as number;
    ids[left] = merges.ids[rank] as number;
    ends[left] = ends[right] as number;
    ids[right] = GONE;
    next[left] = after;
    if (after < count) before[after] = left;
    if (left > 0) offer(before[left] as number);
    offer(left);
  }
  pieces.count = 0;
  for (let i = 0; i < count; i = next[i] as number) pieces.copy(i, pieces.count++);
}
