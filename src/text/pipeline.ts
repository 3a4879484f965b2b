/**
 * The way from a text to the ids of its tokens, and back: the parts that a tokenizer.json describes, in the order in which
 * a text meets them. Special tokens around a text, lengths and padding come later, in tokenizer.ts.
 */
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { type AddedToken, addedTokensOf, Found, Splitter } from './added_tokens.js';
import { Aligned, type Span, stringOf, type Text } from './aligned.js';
import { type Decoder, decoderOf } from './decoder.js';
import type { Tokens } from './encoding.js';
import { append, Cutter, LONG } from './long_text.js';
import { modelOf } from './model.js';
import { type Normalizer, normalizerOf } from './normalizer.js';
import { asksForOrigin, type PreTokenizer, preTokenizerOf } from './pre_tokenizer.js';
import { whiteSpace } from './unicode.js';
import type { Model } from './vocabulary.js';

export class Pipeline {
  readonly #file: string;
  /** Cuts at added tokens: in a text as it comes, then in what is normalized. */
  readonly #raw: Splitter;
  readonly #normalized: Splitter;
  readonly #normalize: Normalizer;
  readonly #words: PreTokenizer;
  /** Whether even ids cannot be had without a memory of where text comes from. */
  readonly #traces: boolean;
  readonly #model: Model;
  readonly #decode: Decoder;
  readonly #cutter: Cutter;
  readonly #added = new Map<string, AddedToken>();
  readonly #addedById = new Map<number, AddedToken>();

  /** `splitsSpecial`: special tokens are text like any other. */
  constructor(root: JsonNode, splitsSpecial = false) {
    const all = addedTokensOf(root);
    const added = splitsSpecial ? all.filter((token) => !token.special) : all;
    for (const token of all) {
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
    this.#traces = asksForOrigin(root);
    this.#model = modelOf(root);
    this.#decode = decoderOf(root);
    this.#cutter = new Cutter((text, first) => this.#parts(text, first), this.#model, added);
  }

  encode(text: string): number[] {
    return guard(this.#file, 'cannot encode this text', () => {
      const ids: number[] = [];
      const parts = this.#traces ? this.#parts(Aligned.of(wellFormed(text))) : this.#parts(wellFormed(text));
      for (const part of parts) {
        if (part instanceof Found) ids.push(part.token.id);
        else this.#model.encode(part.map(stringOf), ids);
      }
      return ids;
    });
  }

  /** As encode, yielding now and then within a long text; it may end once there are `most` tokens. */
  *encodeSteps(text: string, most = Number.POSITIVE_INFINITY): Generator<void, number[]> {
    if (text.length <= LONG) return this.encode(text);
    const ids: number[] = [];
    const guarded = <T>(run: () => T) => guard(this.#file, 'cannot encode this text', run);
    let first = true;
    for (const piece of this.#cutter.pieces(text)) {
      for (const part of guarded(() => this.#parts(wellFormed(piece), first))) {
        if (part instanceof Found) ids.push(part.token.id);
        else
          for (const words of this.#cutter.words(part)) {
            guarded(() => this.#model.encode(words, ids));
            yield;
          }
      }
      if (ids.length >= most) break;
      first = false;
    }
    return ids;
  }

  /** As trace, yielding as encodeSteps does. */
  *traceSteps(text: string, trims: boolean, most = Number.POSITIVE_INFINITY): Generator<void, Tokens> {
    if (text.length <= LONG) return this.trace(text, trims);
    const tokens = { ids: [] as number[], offsets: [] as Span[], words: [] as number[], spaces: [] as Span[] };
    let length = 0;
    for (const piece of this.#cutter.pieces(text)) {
      append(tokens, this.trace(piece, trims, length === 0), length);
      length += piece.length;
      if (tokens.ids.length >= most) break;
      yield;
    }
    return tokens;
  }

  /** As encode, with what is known of each token; spaces are counted if `trims`. `first`: whether nothing stands before it. */
  trace(text: string, trims: boolean, first = true): Tokens {
    return guard(this.#file, 'cannot encode this text', () => {
      const tokens = { ids: [] as number[], offsets: [] as Span[], words: [] as number[], spaces: [] as Span[] };
      const add = (span: Span, word: number, name: string) => {
        tokens.offsets.push(span);
        tokens.words.push(word);
        if (trims) tokens.spaces.push(spacesOf(name));
      };
      let index = 0;
      for (const part of this.#parts(Aligned.of(wellFormed(text)), first)) {
        if (part instanceof Found) {
          tokens.ids.push(part.token.id);
          add(part.text.span(0, part.text.text.length), index++, part.text.text);
          continue;
        }
        for (const word of part) {
          const first = tokens.ids.length;
          const spans: number[] = [];
          this.#model.encode([word.text], tokens.ids, spans);
          for (let i = 0; i < spans.length; i += 2)
            add(
              word.span(spans[i] as number, spans[i + 1] as number),
              index,
              trims ? (this.tokenOf(tokens.ids[first + i / 2] as number) ?? '') : '',
            );
          index++;
        }
      }
      return tokens;
    });
  }

  /** Added tokens, and the words of what stands between them. */
  #parts<T extends Text>(text: T, begins = true): (Found<T> | readonly T[])[] {
    const parts: (Found<T> | readonly T[])[] = [];
    let first = begins;
    for (const part of this.#raw.split(text)) {
      for (const piece of part instanceof Found ? [part] : this.#normalized.split(this.#normalize(part))) {
        parts.push(piece instanceof Found ? piece : this.#words(piece, first));
        first = false;
      }
      first = false;
    }
    return parts;
  }

  /** Ids that the vocabulary does not have are passed over, as Hugging Face's tokenizers do. */
  decode(ids: Iterable<number | bigint>, skipSpecial: boolean): string {
    if (typeof ids?.[Symbol.iterator] !== 'function') throw new HeedError('ARGUMENT', 'the ids must be a list', { culprit: 'ids' });
    const tokens: string[] = [];
    for (const value of ids) {
      const id = typeof value === 'bigint' ? Number(value) : value;
      if (!Number.isInteger(id)) throw new HeedError('ARGUMENT', 'an id is not a whole number', { culprit: 'ids' });
      const token = this.tokenOf(id);
      if (token === undefined) continue;
      const added = this.#addedById.get(id);
      // As they are looked for in texts. Only a special token's own content is skipped.
      const form = added?.normalized ? this.#normalize(token) : token;
      if (skipSpecial && added?.special && this.#added.get(form)?.special) continue;
      tokens.push(form);
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

/** Half a surrogate pair is no character in any other language. */
const wellFormed = (text: string) => text.replace(/\p{Cs}/gu, '\uFFFD');

/** Spaces as such, and as GPT-2's alphabet has them. */
const isSpace = (unit: string) => unit === 'Ġ' || whiteSpace.test(unit);
const spacesOf = (token: string): Span => {
  let [begin, end] = [0, token.length];
  while (begin < end && isSpace(token.charAt(begin))) begin++;
  while (end > begin && isSpace(token.charAt(end - 1))) end--;
  return begin < end ? [begin, token.length - end] : [Infinity, Infinity];
};

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
