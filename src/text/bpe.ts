/**
 * Byte-pair encoding (Sennrich, Haddow & Birch 2016, arXiv 1508.07909): a word begins as characters, and pairs of
 * neighbours become one piece in the order in which the merges were learnt, of equal ones the leftmost first. With a heap
 * a word of n characters takes n log n steps. Characters that the vocabulary lacks become their bytes, or unknown, or
 * nothing where there is no unknown token.
 */
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { Heap } from './heap.js';
import { byteIds, type Model, Vocabulary } from './vocabulary.js';

/** Words whose pieces are kept, and how long they may be. A text repeats its words. */
const CACHE = 10_000;
const LONG_WORD = 256;

/** A piece of a word, between its neighbours. */
interface Piece {
  id: number;
  readonly begin: number;
  end: number;
  before: Piece | undefined;
  after: Piece | undefined;
  merged: boolean;
}

interface Merge {
  readonly rank: number;
  readonly id: number;
}

/** A merge that was possible when it entered the heap. */
interface Candidate extends Merge {
  readonly left: Piece;
}

const precedes = (a: Candidate, b: Candidate) => a.rank < b.rank || (a.rank === b.rank && a.left.begin < b.left.begin);

export class Bpe extends Vocabulary implements Model {
  readonly #model: JsonNode;
  readonly #merges = new Map<number, Merge>();
  /** null where it is named but not in the vocabulary. */
  readonly #unknown: number | null | undefined;
  readonly #fusesUnknown: boolean;
  readonly #fallsBack: boolean;
  readonly #wholeFirst: boolean;
  /** What a character has before it unless it begins a word, and after it if it ends one. */
  readonly #prefix: string;
  readonly #suffix: string;
  /** Ids, begins and ends in turn. */
  readonly #cache = new Map<string, readonly number[]>();

  constructor(model: JsonNode) {
    super(model.object('vocab'));
    this.#model = model;
    for (const token of Object.keys(this.node.value)) this.idOf(token);
    if (model.get('dropout'))
      throw new HeedError('UNSUPPORTED', `${model.file}: heed has no dropout in BPE`, {
        culprit: `${model.path}.dropout`,
        cure: 'Set it to null: it makes tokens random, for training',
      });
    this.#prefix = model.string('continuing_subword_prefix', '');
    this.#suffix = model.string('end_of_word_suffix', '');
    for (const [rank, merge] of model.array('merges').entries()) {
      const [left, right, ...more] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
      if (typeof left !== 'string' || typeof right !== 'string' || more.length) throw model.error('has a merge that is not of two tokens');
      if (right.length < this.#prefix.length)
        throw model.error(`has a merge of ${JSON.stringify(right.slice(0, 60))}, which is shorter than its prefix`);
      const [a, b, id] = [left, right, left + right.slice(this.#prefix.length)].map((token) => this.idOf(token));
      if (a === undefined || b === undefined || id === undefined) throw model.error('has a merge of tokens that are not in its vocabulary');
      this.#merges.set(keyOf(a, b), { rank, id });
    }
    const unknown = model.string('unk_token', undefined);
    this.#unknown = unknown === undefined ? undefined : (this.idOf(unknown) ?? null);
    this.#fusesUnknown = model.boolean('fuse_unk', false);
    this.#fallsBack = model.boolean('byte_fallback', false);
    this.#wholeFirst = model.boolean('ignore_merges', false);
  }

  encode(words: readonly string[], into: number[], spans?: number[]): void {
    for (const word of words) {
      const pieces = this.#piecesOf(word);
      for (let i = 0; i < pieces.length; i += 3) {
        into.push(pieces[i] as number);
        spans?.push(pieces[i + 1] as number, pieces[i + 2] as number);
      }
    }
  }

  pieces(): Iterable<string> {
    return this.#suffix || this.#prefix ? [] : Object.keys(this.node.value);
  }

  #piecesOf(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known) return known;
    const whole = this.#wholeFirst ? this.idOf(word) : undefined;
    const pieces: number[] = [];
    if (whole !== undefined) pieces.push(whole, 0, word.length);
    else for (let piece = this.#merge(this.#begin(word)); piece; piece = piece.after) pieces.push(piece.id, piece.begin, piece.end);
    if (word.length < LONG_WORD) {
      if (this.#cache.size === CACHE) this.#cache.clear();
      this.#cache.set(word, pieces);
    }
    return pieces;
  }

  /** A word as characters; the first of them. */
  #begin(word: string): Piece | undefined {
    let first: Piece | undefined;
    let last = undefined as Piece | undefined;
    let begin = 0;
    let unknown = false;
    const add = (id: number, end: number) => {
      const piece: Piece = { id, begin, end, before: last, after: undefined, merged: false };
      if (last) last.after = piece;
      first ??= piece;
      last = piece;
    };
    for (const character of word) {
      const end = begin + character.length;
      const ids = this.#idsOf((begin ? this.#prefix : '') + character + (end === word.length ? this.#suffix : ''));
      if (ids) for (const id of ids) add(id, end);
      else if (this.#unknown !== undefined) {
        if (unknown && this.#fusesUnknown && last) last.end = end;
        else add(this.#unknownId(), end);
      }
      unknown = !ids;
      begin = end;
    }
    return first;
  }

  /** undefined: unknown. */
  #idsOf(character: string): readonly number[] | undefined {
    const id = this.idOf(character);
    if (id !== undefined) return [id];
    return this.#fallsBack ? byteIds(character, (token) => this.idOf(token)) : undefined;
  }

  #unknownId(): number {
    if (typeof this.#unknown === 'number') return this.#unknown;
    throw this.#model.error('has neither a piece of the text nor its unk_token');
  }

  #merge(first: Piece | undefined): Piece | undefined {
    const queue = new Heap(precedes);
    const mergeOf = (left: Piece) => left.after && this.#merges.get(keyOf(left.id, left.after.id));
    const offer = (left: Piece) => {
      const merge = mergeOf(left);
      if (merge) queue.push({ ...merge, left });
    };
    for (let piece = first; piece; piece = piece.after) offer(piece);
    for (let top = queue.pop(); top; top = queue.pop()) {
      const { left, id } = top;
      const right = left.after;
      // Its pieces may have become parts of others since.
      if (left.merged || !right || mergeOf(left)?.id !== id) continue;
      left.id = id;
      left.end = right.end;
      left.after = right.after;
      if (right.after) right.after.before = left;
      right.merged = true;
      if (left.before) offer(left.before);
      offer(left);
    }
    return first;
  }
}

/** Ids stay below 2^24 (LARGEST_ID), so the key is exact. */
const keyOf = (left: number, right: number) => left * 0x1000000 + right;
