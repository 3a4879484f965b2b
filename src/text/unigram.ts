/**
 * The unigram model (Kudo 2018, arXiv 1804.10959): every piece has a score, its logarithmic probability, and a word becomes
 * the pieces with the largest sum of scores, found by dynamic programming from left to right. Where no piece is a single
 * character, an unknown one of a score lower than all stands in; neighbouring unknown ones become one.
 */
import type { JsonNode } from '../io/json.js';
import { drained } from '../steps.js';
import { byteIds, type Model } from './vocabulary.js';

/** Penalty of an unknown character below the score of the rarest piece, as in SentencePiece. */
const UNKNOWN_PENALTY = 10;
/** Characters between two rests within a word: some milliseconds. */
const REST = 1 << 13;

export class Unigram implements Model {
  readonly #model: JsonNode;
  readonly #tokens: string[] = [];
  readonly #scores: Float64Array;
  readonly #ids = new Map<string, number>();
  /** The longest piece that begins with a code unit. */
  readonly #longest = new Map<number, number>();
  readonly #unknown: number | undefined;
  readonly #unknownScore: number;
  readonly #fallsBack: boolean;
  /** Ways of the current word, if it is not long. */
  readonly #ways = new Ways(REST);

  constructor(model: JsonNode) {
    this.#model = model;
    const vocabulary = model.array('vocab');
    this.#scores = new Float64Array(vocabulary.length);
    let least = Number.POSITIVE_INFINITY;
    for (const [id, entry] of vocabulary.entries()) {
      const [token, score] = Array.isArray(entry) ? entry : [];
      if (typeof token !== 'string' || typeof score !== 'number') throw model.error('has an entry that is not a token and its score');
      this.#tokens.push(token);
      this.#scores[id] = score;
      this.#ids.set(token, id);
      const unit = token.charCodeAt(0);
      if (!(token.length <= (this.#longest.get(unit) ?? 0))) this.#longest.set(unit, token.length);
      if (score < least) least = score;
    }
    this.#unknown = model.integer('unk_id', vocabulary.length - 1, undefined);
    this.#unknownScore = least - UNKNOWN_PENALTY;
    this.#fallsBack = model.boolean('byte_fallback', false);
  }

  encode(words: readonly string[], into: number[], spans?: number[]): void {
    for (const word of words) {
      if (word.length > REST) {
        drained(this.steps(word, into, spans));
        continue;
      }
      this.#ways.begin(word.length);
      this.#look(word, 0, word.length, this.#ways);
      this.#write(word, this.#ways, into, spans);
    }
  }

  *steps(word: string, into: number[], spans?: number[]): Generator<void, void> {
    const ways = new Ways(word.length);
    ways.begin(word.length);
    for (let begin = 0; begin < word.length; ) {
      begin = this.#look(word, begin, Math.min(word.length, begin + REST), ways);
      yield;
    }
    this.#write(word, ways, into, spans);
  }

  /** Appends the pieces of the best way to a word's end. Unknown neighbours become one. */
  #write(word: string, ways: Ways, into: number[], spans?: number[]): void {
    const unknown = this.#unknown ?? -1;
    const { ends, pieces } = ways.turned();
    for (let begin = 0; begin < word.length; ) {
      let end = ends[begin] as number;
      const id = pieces[end] as number;
      while (id === unknown && end < word.length && pieces[ends[end] as number] === unknown) end = ends[end] as number;
      if (id !== unknown) {
        into.push(id);
        spans?.push(begin, end);
      } else
        for (const token of this.#unknownIds(word.slice(begin, end))) {
          into.push(token);
          spans?.push(begin, end);
        }
      begin = end;
    }
  }

  idOf(token: string): number | undefined {
    return this.#ids.get(token);
  }

  tokenOf(id: number): string | undefined {
    return this.#tokens[id];
  }

  pieces(): Iterable<string> {
    return this.#tokens;
  }

  /** Offers the pieces that begin at a word's characters from `begin` to `end`, or one behind it where that is within a character; where it stopped. */
  #look(word: string, begin: number, end: number, ways: Ways): number {
    let at = begin;
    while (at < end) {
      const next = at + ((word.codePointAt(at) as number) > 0xffff ? 2 : 1);
      const last = Math.min(word.length, at + (this.#longest.get(word.charCodeAt(at)) ?? 0));
      let known = false;
      for (let to = next; to <= last; to++) {
        const id = this.#ids.get(word.slice(at, to));
        if (id === undefined) continue;
        ways.offer(at, to, this.#scores[id] as number, id);
        known ||= to === next;
      }
      if (!known) ways.offer(at, next, this.#unknownScore, this.#unknown ?? -1);
      at = next;
    }
    return at;
  }

  #unknownIds(text: string): readonly number[] {
    // A text may spell the unknown token itself.
    const own = this.#ids.get(text);
    if (own !== undefined) return [own];
    const bytes = this.#fallsBack && byteIds(text, (token) => this.#ids.get(token));
    if (bytes) return bytes;
    if (this.#unknown === undefined) throw this.#model.error('has neither a piece of the text nor an unk_id');
    return [this.#unknown];
  }
}

/** Best way to each place of a word: its score, and the begin and id of its last piece. */
class Ways {
  readonly #scores: Float64Array;
  readonly #begins: Int32Array;
  readonly #pieces: Int32Array;

  #length = 0;

  /** Tables for words of at most `most` code units. */
  constructor(most: number) {
    this.#scores = new Float64Array(most + 1);
    this.#begins = new Int32Array(most + 1);
    this.#pieces = new Int32Array(most + 1);
  }

  begin(length: number): void {
    this.#length = length;
    this.#begins.fill(-1, 0, length + 1);
    this.#scores[0] = 0;
  }

  offer(begin: number, end: number, score: number, id: number): void {
    const sum = score + (this.#scores[begin] as number);
    if (this.#begins[end] !== -1 && !(sum > (this.#scores[end] as number))) return;
    this.#scores[end] = sum;
    this.#begins[end] = begin;
    this.#pieces[end] = id;
  }

  /** The best way to the end, from the beginning on: where the piece that begins at a place ends, and which piece ends at a place. */
  turned(): { readonly ends: Int32Array; readonly pieces: Int32Array } {
    const begins = this.#begins;
    const pieces = this.#pieces;
    // Each begin is read before an end is written in its place.
    for (let end = this.#length, after = -1; end >= 0; ) {
      const begin = begins[end] as number;
      begins[end] = after;
      after = end;
      end = begin;
    }
    return { ends: begins, pieces };
  }
}
