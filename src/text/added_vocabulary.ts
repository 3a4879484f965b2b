/**
 * The added tokens of a tokenizer that is put together from several files: each gets the id that the vocabulary has for
 * it, or the next that is free, as Hugging Face's tokenizers count them. A token that comes again has its last flags, stays
 * special once it was, and is looked for as each of its forms says.
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
  /** Whether a token is looked for in the normalized text: as it was first special, and each time that it was not yet. */
  readonly #places = new Map<string, Set<boolean>>();
  readonly #special = new Set<string>();
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
    const { content, special, normalized } = token;
    const places = this.#places.get(content) ?? new Set();
    this.#places.set(content, places);
    if (!this.#special.has(content)) places.add(normalized);
    if (special) this.#special.add(content);
    this.#tokens.set(content, { ...token, special: this.#special.has(content) });
    this.#most = Math.max(this.#most, token.id);
  }

  /** As tokenizer.json writes them. */
  get tokens(): AddedToken[] {
    return [...this.#tokens.values()].flatMap((token) =>
      Array.from(this.#places.get(token.content) ?? [], (normalized) => ({ ...token, normalized })),
    );
  }
}
