/**
 * WordPiece, the model of BERT's tokenizer: a word becomes the longest piece of the vocabulary that it begins with, then
 * the longest that the rest begins with, and so on.
 */
import { quote } from '../io/header.js';
import type { JsonNode } from '../io/json.js';
import { type Model, Vocabulary } from './vocabulary.js';

/** Words up to this length are tried whole; for longer ones the longest piece is looked for first, once. */
const LONG_WORD = 24;

export class WordPiece extends Vocabulary implements Model {
  readonly #prefix: string;
  readonly #mostCharacters: number;
  readonly #unknown: number;
  #longest: number | undefined;

  constructor(model: JsonNode) {
    super(model);
    this.#prefix = model.string('continuing_subword_prefix', '##');
    this.#mostCharacters = model.integer('max_input_chars_per_word', 1000, 100);
    const unknown = model.string('unk_token', '[UNK]');
    const id = this.idOf(unknown);
    if (id === undefined) throw model.error(`has no entry for its unk_token ${quote(unknown)}`);
    this.#unknown = id;
  }

  encode(words: readonly string[], into: number[], spans?: number[]): void {
    for (const word of words) {
      const length = into.length;
      if (this.#tooLong(word) || !this.#pieces(word, into, spans)) {
        into.length = length;
        into.push(this.#unknown);
        spans?.splice(0, spans.length, 0, word.length);
      }
    }
  }

  #pieces(word: string, into: number[], spans?: number[]): boolean {
    const longest = word.length > LONG_WORD ? this.#longestPiece() : LONG_WORD;
    for (let start = 0; start < word.length; ) {
      let end = Math.min(word.length, start + longest);
      let id: number | undefined;
      for (; end > start; end--) {
        const piece = word.slice(start, end);
        id = this.idOf(start ? this.#prefix + piece : piece);
        if (id !== undefined) break;
      }
      if (id === undefined) return false;
      into.push(id);
      spans?.push(start, end);
      start = end;
    }
    return true;
  }

  /** Characters count, of which some take two code units. */
  #tooLong(word: string): boolean {
    return word.length > this.#mostCharacters && (word.length > 2 * this.#mostCharacters || [...word].length > this.#mostCharacters);
  }

  #longestPiece(): number {
    if (this.#longest === undefined) {
      this.#longest = 1;
      for (const [token] of this.table.entries()) this.#longest = Math.max(this.#longest, token.length);
    }
    return this.#longest;
  }
}
