/**
 * Byte-pair encoding (Sennrich, Haddow & Birch 2016, arXiv 1508.07909): a word begins as characters, and pairs of
 * neighbours become one piece in the order in which the merges were learnt, of equal ones the leftmost first (merging.ts).
 * Characters that the vocabulary lacks become their bytes, or unknown, or nothing where there is no unknown token.
 */
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { drained } from '../steps.js';
import { mergesOf } from './merges.js';
import { type Merges, mergeLong, mergeShort, Pieces, REST, SHORT } from './merging.js';
import { byteIds, type Model, Vocabulary } from './vocabulary.js';

/** Number of words whose pieces are cached, and their largest length. A text repeats its words. */
const CACHE = 10_000;
const LONG_WORD = 256;

export class Bpe extends Vocabulary implements Model {
  readonly #model: JsonNode;
  readonly #merges: Merges;
  /** null where it is named but not in the vocabulary. */
  readonly #unknown: number | null | undefined;
  readonly #fusesUnknown: boolean;
  readonly #fallsBack: boolean;
  readonly #wholeFirst: boolean;
  /** Prefix of characters that do not begin a word, and suffix of those that end one. */
  readonly #prefix: string;
  readonly #suffix: string;
  /** Cached words: ids, begins and ends in turn. */
  readonly #cache = new Map<string, readonly number[]>();
  /** Pieces of the current word, if it is not long. */
  readonly #pieces = new Pieces();

  constructor(model: JsonNode) {
    super(model);
    this.#model = model;
    if (model.get('dropout'))
      throw new HeedError('UNSUPPORTED', `${model.file}: heed has no dropout in BPE`, {
        culprit: `${model.path}.dropout`,
        cure: 'Set it to null: it makes tokens random, for training',
      });
    this.#prefix = model.string('continuing_subword_prefix', '');
    this.#suffix = model.string('end_of_word_suffix', '');
    this.#merges = mergesOf(model, this.table, this.#prefix);
    const unknown = model.string('unk_token', undefined);
    this.#unknown = unknown === undefined ? undefined : (this.idOf(unknown) ?? null);
    this.#fusesUnknown = model.boolean('fuse_unk', false);
    this.#fallsBack = model.boolean('byte_fallback', false);
    this.#wholeFirst = model.boolean('ignore_merges', false);
  }

  encode(words: readonly string[], into: number[], spans?: number[]): void {
    for (const word of words) {
      if (word.length >= LONG_WORD) {
        drained(this.steps(word, into, spans));
        continue;
      }
      const pieces = this.#piecesOf(word);
      for (let i = 0; i < pieces.length; i += 3) {
        into.push(pieces[i] as number);
        spans?.push(pieces[i + 1] as number, pieces[i + 2] as number);
      }
    }
  }

  *steps(word: string, into: number[], spans?: number[]): Generator<void, void> {
    const pieces = new Pieces();
    yield* this.#encode(word, pieces);
    for (let i = 0; i < pieces.count; i++) {
      into.push(pieces.ids[i] as number);
      spans?.push(pieces.begins[i] as number, pieces.ends[i] as number);
    }
  }

  pieces(): Iterable<string> {
    return this.#prefix || this.#suffix ? [] : Array.from(this.table.entries(), ([token]) => token);
  }

  #piecesOf(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known) return known;
    const pieces = this.#pieces;
    pieces.count = 0;
    pieces.unknown = false;
    drained(this.#encode(word, pieces));
    const found: number[] = [];
    for (let i = 0; i < pieces.count; i++) found.push(pieces.ids[i] as number, pieces.begins[i] as number, pieces.ends[i] as number);
    if (this.#cache.size === CACHE) this.#cache.clear();
    this.#cache.set(word, found);
    return found;
  }

  *#encode(word: string, pieces: Pieces): Generator<void, void> {
    const whole = this.#wholeFirst ? this.idOf(word) : undefined;
    if (whole !== undefined) return pieces.add(whole, 0, word.length);
    for (let begin = 0; begin < word.length; ) {
      if (begin > 0) yield;
      begin = this.#read(word, begin, Math.min(word.length, begin + REST), pieces);
    }
    if (pieces.count <= SHORT) mergeShort(pieces, this.#merges);
    else yield* mergeLong(pieces, this.#merges);
  }

  /** Adds a word's characters from `begin` to `end`, or one behind it where that is within a character; where it stopped. */
  #read(word: string, begin: number, end: number, pieces: Pieces): number {
    let at = begin;
    while (at < end) {
      const next = at + ((word.codePointAt(at) as number) > 0xffff ? 2 : 1);
      const ids = this.#idsOf((at ? this.#prefix : '') + word.slice(at, next) + (next === word.length ? this.#suffix : ''));
      if (ids) for (const id of ids) pieces.add(id, at, next);
      else if (this.#unknown !== undefined) {
        if (pieces.unknown && this.#fusesUnknown && pieces.count) pieces.ends[pieces.count - 1] = next;
        else pieces.add(this.#unknownId(), at, next);
      }
      pieces.unknown = !ids;
      at = next;
    }
    return at;
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
}
