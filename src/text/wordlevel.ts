/** Word-level model: every word is one piece, and words outside the vocabulary are unknown. */
import type { JsonNode } from '../io/json.js';
import { type Model, Vocabulary } from './vocabulary.js';

export class WordLevel extends Vocabulary implements Model {
  readonly #model: JsonNode;
  readonly #unknown: string;

  constructor(model: JsonNode) {
    super(model);
    this.#model = model;
    this.#unknown = model.string('unk_token', '<unk>');
  }

  encode(words: readonly string[], into: number[], spans?: number[]): void {
    for (const word of words) {
      const id = this.idOf(word) ?? this.idOf(this.#unknown);
      if (id === undefined) throw this.#model.error('has neither a word of the text nor its unk_token');
      into.push(id);
      spans?.push(0, word.length);
    }
  }
}
