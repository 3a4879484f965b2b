/**
 * The pieces and merges of a GGUF file where its metadata have them: bytes behind bytes, and a hash table over them. A vocabulary of 50,000 pieces and as many merges
 * becomes a tokenizer without a string for each.
 */
import type { GgufTexts } from '../io/gguf_texts.js';
import { MergeList, NOT_THERE, NOT_TWO } from './merges.js';
import type { Merges } from './merging.js';
import { Table } from './vocabulary.js';

/** FNV-1a, so that the hash of a text's beginning is a state of the text's: https://datatracker.ietf.org/doc/html/draft-eastlake-fnv */
const SEED = 0x811c9dc5 | 0;
const hashed = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193);

const SPACE = 0x20;

/** Pieces by their ids, which are their places; of two that are alike the first has the id. */
export class GgufPieces extends Table {
  /** Number of pieces, those that are alike included. */
  readonly size: number;
  /** An id plus 1, or 0 for none. At most half of them are taken. */
  readonly #slots: Int32Array;
  readonly #hashes: Int32Array;
  /** Ids of single code units, which words are made of. */
  readonly #units = new Map<string, number | undefined>();
  #scratch = new Uint8Array(256);

  /** Throws FORMAT for texts that are not UTF-8. */
  constructor(readonly texts: GgufTexts) {
    super();
    texts.check();
    const { bytes, starts, length } = texts;
    this.size = length;
    this.#hashes = new Int32Array(length);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * length + 2)));
    for (let id = 0; id < length; id++) {
      const begin = (starts[id] as number) + 8;
      const end = starts[id + 1] as number;
      let hash = SEED;
      for (let at = begin; at < end; at++) hash = hashed(hash, bytes[at] as number);
      this.#hashes[id] = hash;
      const slot = this.#slotOf(hash, bytes, begin, end);
      if (this.#slots[slot] === 0) this.#slots[slot] = id + 1;
    }
  }

  /** The slot of a text, or the free one where it would be. */
  #slotOf(hash: number, text: Uint8Array, begin: number, end: number): number {
    const { bytes, starts } = this.texts;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const id = (slots[slot] as number) - 1;
      if (id < 0) return slot;
      if (this.#hashes[id] !== hash) continue;
      const from = (starts[id] as number) + 8;
      if ((starts[id + 1] as number) - from !== end - begin) continue;
      let at = begin;
      while (at < end && text[at] === bytes[from + at - begin]) at++;
      if (at === end) return slot;
    }
  }

  /** The id of a text whose hash is known; -1 for none. */
  find(hash: number, text: Uint8Array, begin: number, end: number): number {
    return (this.#slots[this.#slotOf(hash, text, begin, end)] as number) - 1;
  }

  idOf(token: string): number | undefined {
    if (token.length !== 1) return this.#look(token);
    if (!this.#units.has(token)) this.#units.set(token, this.#look(token));
    return this.#units.get(token);
  }

  #look(token: string): number | undefined {
    if (3 * token.length > this.#scratch.length) this.#scratch = new Uint8Array(6 * token.length);
    const text = this.#scratch;
    const { written } = new TextEncoder().encodeInto(token, text);
    let hash = SEED;
    for (let at = 0; at < written; at++) hash = hashed(hash, text[at] as number);
    const id = this.find(hash, text, 0, written);
    return id < 0 ? undefined : id;
  }

  tokenOf(id: number): string | undefined {
    return this.texts.at(id);
  }

  *entries(): Iterable<readonly [string, number]> {
    for (const [id, token] of this.texts.list().entries()) if (this.idOf(token) === id) yield [token, id];
  }
}

/** Merges of a file's pieces: two of them with a space between. */
export class GgufMerges extends MergeList {
  readonly length: number;

  constructor(
    readonly texts: GgufTexts,
    readonly pieces: GgufPieces,
  ) {
    super();
    texts.check();
    this.length = texts.length;
  }

  fill(merges: Merges, fail: (what: string) => Error): void {
    const { pieces } = this;
    const { bytes, starts, length } = this.texts;
    let text = new Uint8Array(256);
    for (let rank = 0; rank < length; rank++) {
      const begin = (starts[rank] as number) + 8;
      const end = starts[rank + 1] as number;
      if (end - begin > text.length) text = new Uint8Array(2 * (end - begin));
      // The two without the space between them, and the hashes of the first, the second, and both.
      let count = 0;
      let cut = -1;
      let left = SEED;
      let right = SEED;
      let both = SEED;
      for (let at = begin; at < end; at++) {
        const byte = bytes[at] as number;
        if (byte === SPACE) {
          if (cut >= 0) throw fail(NOT_TWO);
          cut = count;
          left = both;
          continue;
        }
        text[count++] = byte;
        both = hashed(both, byte);
        if (cut >= 0) right = hashed(right, byte);
      }
      if (cut < 0) throw fail(NOT_TWO);
      const a = pieces.find(left, text, 0, cut);
      const b = pieces.find(right, text, cut, count);
      const id = pieces.find(both, text, 0, count);
      if (a < 0 || b < 0 || id < 0) throw fail(NOT_THERE);
      merges.set(rank, a, b, id);
    }
  }

  toJSON(): readonly string[] {
    return this.texts.list();
  }
}
