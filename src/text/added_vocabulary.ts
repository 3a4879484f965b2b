/**
 * The added tokens of a tokenizer that is described by several files: each gets its id in the vocabulary, or
 * the next free id, as Hugging Face's tokenizers count them. A token that is listed again takes its last flags, but
 * stays special once it was.
 */
import type { AddedToken } from './added_tokens.js';
import type { Token } from './classes/class.js';

/** Ids of a model's own vocabulary. */
export interface Ids {
  idOf(token: string): number | undefined;
  readonly size: number;
}

export class AddedVocabulary {
  readonly #ids: Ids;
  readonly #tokens = new Map<string, AddedToken>();
  #most = -1;

  constructor(ids: Ids, tokens: readonly AddedToken[] = []) {
    this.#ids = ids;
    for (const token of tokens) this.#put(token);
  }

  has(content: string): boolean {
    return this.#tokens.has(content);
  }

  /** undefined: neither added nor in the vocabulary. */
  idOf(content: string): number | undefined {
    return this.#tokens.get(content)?.id ?? this.#ids.idOf(content);
  }

  add({ content, special = false, normalized = !special, single_word = false, lstrip = false, rstrip = false }: Token): void {
    if (!content) return;
    const id = this.idOf(content) ?? Math.max(this.#most + 1, this.#ids.size);
    this.#put({ id, content, special, normalized, single_word, lstrip, rstrip });
  }

  #put(token: AddedToken): void {
    const { content, special } = token;
    this.#tokens.set(content, { ...token, special: special || this.#tokens.get(content)?.special === true });
    this.#most = Math.max(this.#most, token.id);
  }

  /** Added tokens as tokenizer.json writes them. */
  get tokens(): AddedToken[] {
    return [...this.#tokens.values()];
  }
}
