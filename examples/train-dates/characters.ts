/** A tokenizer of characters: an id for each that the examples have, behind three special tokens. TranslationDataset takes it as it would any other. */
const special = ['<pad>', '<s>', '</s>'] as const;
export const [PAD, BEGIN, END] = [0, 1, 2] as const;

export class Characters {
  readonly tokens: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;

  constructor(texts: Iterable<string>) {
    this.tokens = [...special, ...[...new Set([...texts].join(''))].sort()];
    this.#ids = new Map(this.tokens.map((token, id) => [token, id]));
  }

  token_to_id(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** Characters that no example has are passed over. */
  encode(text: string): number[] {
    return [...text].flatMap((character) => this.#ids.get(character) ?? []);
  }

  /** Without special tokens. */
  decode(ids: readonly number[]): string {
    return ids.map((id) => (id < special.length ? '' : this.tokens[id])).join('');
  }
}
