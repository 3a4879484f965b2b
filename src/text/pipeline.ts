/**
 * The way from a text to the ids of its tokens, and back: the parts that a tokenizer.json describes, in the order in which
 * a text meets them. Special tokens around a text, lengths and padding come later, in tokenizer.ts.
 */
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { type AddedToken, addedTokensOf, Splitter } from './added_tokens.js';
import { type Decoder, decoderOf } from './decoder.js';
import { modelOf } from './model.js';
import { type Normalizer, normalizerOf } from './normalizer.js';
import { type PreTokenizer, preTokenizerOf } from './pre_tokenizer.js';
import type { Model } from './vocabulary.js';

export class Pipeline {
  readonly #file: string;
  /** Cuts at added tokens: in a text as it comes, then in what is normalized. */
  readonly #raw: Splitter;
  readonly #normalized: Splitter;
  readonly #normalize: Normalizer;
  readonly #words: PreTokenizer;
  readonly #model: Model;
  readonly #decode: Decoder;
  readonly #added = new Map<string, AddedToken>();
  readonly #addedById = new Map<number, AddedToken>();

  constructor(root: JsonNode) {
    const added = addedTokensOf(root);
    for (const token of added) {
      this.#added.set(token.content, token);
      this.#addedById.set(token.id, token);
    }
    this.#file = root.file;
    this.#normalize = normalizerOf(root);
    this.#raw = new Splitter(added.filter((token) => !token.normalized));
    this.#normalized = new Splitter(
      added.filter((token) => token.normalized),
      this.#normalize,
    );
    this.#words = preTokenizerOf(root);
    this.#model = modelOf(root);
    this.#decode = decoderOf(root, added);
  }

  encode(text: string): number[] {
    return guard(this.#file, 'cannot encode this text', () => {
      const ids: number[] = [];
      // Half a surrogate pair is no character in any other language.
      const parts = this.#raw.split(text.replace(/\p{Cs}/gu, '\uFFFD'));
      for (const [i, part] of parts.entries()) {
        const pieces = typeof part === 'string' ? this.#normalized.split(this.#normalize(part)) : [part];
        for (const [j, piece] of pieces.entries()) {
          if (typeof piece === 'string') this.#model.encode(this.#words(piece, i + j === 0), ids);
          else ids.push(piece.id);
        }
      }
      return ids;
    });
  }

  /** Ids that the vocabulary does not have are passed over, as Hugging Face's tokenizers do. */
  decode(ids: Iterable<number | bigint>, skipSpecial: boolean): string {
    if (typeof ids?.[Symbol.iterator] !== 'function') throw new HeedError('ARGUMENT', 'the ids must be a list', { culprit: 'ids' });
    const tokens: string[] = [];
    for (const value of ids) {
      const id = typeof value === 'bigint' ? Number(value) : value;
      if (!Number.isInteger(id)) throw new HeedError('ARGUMENT', 'an id is not a whole number', { culprit: 'ids' });
      const token = this.tokenOf(id);
      if (token !== undefined && !(skipSpecial && this.#addedById.get(id)?.special)) tokens.push(token);
    }
    return guard(this.#file, 'cannot decode these tokens', () => this.#decode(tokens).join(''));
  }

  idOf(token: string): number | undefined {
    return this.#added.get(token)?.id ?? this.#model.idOf(token);
  }

  tokenOf(id: number): string | undefined {
    return this.#addedById.get(id)?.content ?? this.#model.tokenOf(id);
  }
}

/** Runs what a file decides about: whatever it throws that is not a HeedError is the file's fault. */
export function guard<T>(file: string, what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof HeedError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new HeedError('FORMAT', `${file} ${what} (${why})`, { culprit: file, cause: error });
  }
}
