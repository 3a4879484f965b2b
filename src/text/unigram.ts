/**
 * The unigram model (Kudo 2018, arXiv 1804.10959): every piece has a score, its logarithmic probability, and a word becomes
 * those pieces whose scores add up to most, found by dynamic programming from left to right. Where no piece is a single
 * character, an unknown one of a score lower than all stands in; neighbouring unknown ones become one.
 */
import type { JsonNode } from '../io/json.js';
import { byteIds, type Model } from './vocabulary.js';

/** How much less than the rarest piece an unknown character is worth; as in SentencePiece. */
const UNKNOWN_PENALTY = 10;

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
      for (const [begin, end, id] of this.#bestPath(word)) {
        for (const token of id === undefined ? this.#unknownIds(word.slice(begin, end)) : [id]) {
          into.push(token);
          spans?.push(begin, end);
        }
      }
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

  /** Pieces in order; what is unknown has no id. */
  #bestPath(word: string): readonly (readonly [begin: number, end: number, id: number | undefined])[] {
    // Of the best way to each place: its score, and where its last piece begins and which it is.
    const scores = new Float64Array(word.length + 1);
    const begins = new Int32Array(word.length + 1).fill(-1);
    const pieces = new Int32Array(word.length + 1);
    const offer = (begin: number, end: number, score: number, id: number) => {
      const sum = score + (scores[begin] as number);
      if (begins[end] !== -1 && !(sum > (scores[end] as number))) return;
      scores[end] = sum;
      begins[end] = begin;
      pieces[end] = id;
    };
    for (let begin = 0; begin < word.length; ) {
      const next = begin + ((word.codePointAt(begin) as number) > 0xffff ? 2 : 1);
      const last = Math.min(word.length, begin + (this.#longest.get(word.charCodeAt(begin)) ?? 0));
      let known = false;
      for (let end = next; end <= last; end++) {
        const id = this.#ids.get(word.slice(begin, end));
        if (id === undefined) continue;
        offer(begin, end, this.#scores[id] as number, id);
        known ||= end === next;
      }
      if (!known) offer(begin, next, this.#unknownScore, this.#unknown ?? -1);
      begin = next;
    }
    const path: [number, number, number | undefined][] = [];
    for (let end = word.length; end > 0; end = begins[end] as number) {
      const begin = begins[end] as number;
      const id = pieces[end] as number;
      const unknown = id === (this.#unknown ?? -1);
      const after = path.at(-1);
      if (unknown && after && after[2] === undefined) after[0] = begin;
      else path.push([begin, end, unknown ? undefined : id]);
    }
    return path.reverse();
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
