/**
 * The pipeline from a text to the ids of its tokens, and back: the parts that a tokenizer.json describes, in the order in which
 * they apply to a text. Special tokens around a text, lengths and padding come later, in tokenizer.ts.
 */
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { drained } from '../steps.js';
import { type AddedToken, addedTokensOf, Found, Splitter } from './added_tokens.js';
import { Aligned, type Span, stringOf, type Text } from './aligned.js';
import { type Decoder, decoderOf } from './decoder.js';
import type { Tokens } from './encoding.js';
import { Cutter, LONG, PIECE } from './long_text.js';
import { modelOf } from './model.js';
import { type Normalizer, normalizerOf } from './normalizer.js';
import { asksForOrigin, type PreTokenizer, preTokenizerOf } from './pre_tokenizer.js';
import { whiteSpace } from './unicode.js';
import { type Model, Table } from './vocabulary.js';

const UNENCODABLE = 'cannot encode this text';

/** The tokens of a text, piece by piece. */
class Trace implements Tokens {
  readonly ids: number[] = [];
  readonly offsets: Span[] = [];
  readonly words: number[] = [];
  readonly spaces: Span[] = [];
  /** Characters of the text so far, and words. */
  length = 0;
  index = 0;

  constructor(readonly trims: boolean) {}

  /** Adds the place of the next token. `name`: the token itself, with its spaces. */
  add(span: Span, name: string): void {
    this.offsets.push(span);
    this.words.push(this.index);
    if (this.trims) this.spaces.push(spacesOf(name));
  }
}

export class Pipeline {
  readonly #file: string;
  /** Splitters at added tokens: of a raw text, then of the normalized one. */
  readonly #raw: Splitter;
  readonly #normalized: Splitter;
  readonly #normalize: Normalizer;
  readonly #words: PreTokenizer;
  /** `true` where even ids depend on the origin of the text. */
  readonly #traces: boolean;
  readonly #model: Model;
  /** Vocabulary as in the file: a table of ids, or a list. */
  readonly #vocab: unknown;
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
    this.#vocab = root.object('model').get('vocab');
    this.#decode = decoderOf(root);
    this.#cutter = new Cutter((text, first) => drained(this.#parts(this.#textOf(text, first ? 0 : 1), first)), this.#model, added);
  }

  encode(text: string): number[] {
    return guard(this.#file, UNENCODABLE, () => {
      const ids: number[] = [];
      for (const part of drained(this.#parts(this.#textOf(text, 0)))) {
        if (part instanceof Found) ids.push(part.token.id);
        else this.#model.encode(part.map(stringOf), ids);
      }
      return ids;
    });
  }

  /** Encodes like `encode`, yielding now and then within a long text; may end once there are `most` tokens. */
  *encodeSteps(text: string, most = Number.POSITIVE_INFINITY): Generator<void, number[]> {
    return text.length <= LONG ? this.encode(text) : yield* guarded(this.#file, UNENCODABLE, this.#encode(text, most));
  }

  *#encode(text: string, most: number): Generator<void, number[]> {
    const ids: number[] = [];
    let length = 0;
    for (const piece of this.#cutter.pieces(text)) {
      for (const part of yield* this.#parts(this.#textOf(piece, length), length === 0)) {
        if (part instanceof Found) ids.push(part.token.id);
        else
          for (const words of this.#cutter.words(part)) {
            yield* this.#tokens(words, ids);
            yield;
          }
      }
      length += piece.length;
      if (ids.length >= most) break;
    }
    return ids;
  }

  /** Words become ids, with rests within one that is long. */
  *#tokens(words: readonly string[], ids: number[], spans?: number[]): Generator<void, void> {
    const [word] = words;
    if (word !== undefined && word.length > LONG && this.#model.steps) yield* this.#model.steps(word, ids, spans);
    else this.#model.encode(words, ids, spans);
  }

  /** Traces like `trace`, yielding like `encodeSteps`. */
  *traceSteps(text: string, trims: boolean, most = Number.POSITIVE_INFINITY): Generator<void, Tokens> {
    if (text.length <= LONG) return this.trace(text, trims);
    const trace = new Trace(trims);
    for (const piece of this.#cutter.pieces(text)) {
      yield* guarded(this.#file, UNENCODABLE, this.#trace(piece, trace));
      if (trace.ids.length >= most) break;
      yield;
    }
    return trace;
  }

  /** Encodes like `encode`, with place and word of each token; spaces are counted if `trims`. */
  trace(text: string, trims: boolean): Tokens {
    const trace = new Trace(trims);
    guard(this.#file, UNENCODABLE, () => drained(this.#trace(text, trace)));
    return trace;
  }

  /** Adds the tokens of the next piece of a text. */
  *#trace(piece: string, trace: Trace): Generator<void, void> {
    const { length, ids } = trace;
    for (const part of yield* this.#parts(Aligned.of(wellFormed(piece), length), length === 0)) {
      if (part instanceof Found) {
        ids.push(part.token.id);
        trace.add(part.text.span(0, part.text.text.length), part.text.text);
        trace.index++;
        continue;
      }
      for (const word of part) {
        const first = ids.length;
        const spans: number[] = [];
        yield* this.#tokens([word.text], ids, spans);
        for (let i = 0; i < spans.length; i += 2) {
          const name = trace.trims ? (this.tokenOf(ids[first + i / 2] as number) ?? '') : '';
          trace.add(word.span(spans[i] as number, spans[i + 1] as number), name);
          if (trace.offsets.length % PIECE === 0) yield;
        }
        trace.index++;
      }
    }
    trace.length += piece.length;
  }

  /** `from`: how much of the text stands before it. */
  #textOf(text: string, from: number): Text {
    return this.#traces ? Aligned.of(wellFormed(text), from) : wellFormed(text);
  }

  /** Added tokens, and the words of the text between them; yields within long texts. */
  *#parts<T extends Text>(text: T, begins = true): Generator<void, (Found<T> | readonly T[])[]> {
    const parts: (Found<T> | readonly T[])[] = [];
    let first = begins;
    let due = 0;
    for (const part of this.#raw.split(text)) {
      if (part instanceof Found) parts.push(part);
      else {
        due += stringOf(part).length;
        if (due > LONG) yield;
        const normalized = this.#normalize(part);
        if (due > LONG) yield;
        for (const piece of this.#normalized.split(normalized)) {
          parts.push(piece instanceof Found ? piece : this.#words(piece, first));
          first = false;
        }
        if (due > LONG) {
          yield;
          due = 0;
        }
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
      // Added tokens in the form in which they are looked for in texts. Only a special token's own content is skipped.
      const form = added?.normalized ? this.#normalize(token) : token;
      if (skipSpecial && added?.special && this.#added.get(form)?.special) continue;
      tokens.push(form);
    }
    return guard(this.#file, 'cannot decode these tokens', () => this.#decode(tokens).join(''));
  }

  idOf(token: string): number | undefined {
    return this.#added.get(token)?.id ?? this.#model.idOf(token);
  }

  /** All tokens, with their ids: the model's, then added ones. */
  vocabulary(): Map<string, number> {
    const vocab = this.#vocab;
    const own = Array.isArray(vocab)
      ? vocab.map((entry, id) => [Array.isArray(entry) ? entry[0] : entry, id] as const)
      : vocab instanceof Table
        ? vocab.entries()
        : Object.entries(Object(vocab) as Record<string, number>);
    return new Map([...own, ...[...this.#added.values()].map(({ content, id }) => [content, id] as const)]);
  }

  /** The tokens that are not text. */
  get specials(): readonly AddedToken[] {
    return [...this.#added.values()].filter(({ special }) => special);
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

/** Runs a file's instructions: any error that is not a HeedError is the file's fault. */
export function guard<T>(file: string, what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw faultOf(file, what, error);
  }
}

/** Guards work in steps, like `guard`. */
function* guarded<T>(file: string, what: string, steps: Generator<void, T>): Generator<void, T> {
  try {
    return yield* steps;
  } catch (error) {
    throw faultOf(file, what, error);
  }
}

function faultOf(file: string, what: string, error: unknown): HeedError {
  if (error instanceof HeedError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new HeedError('FORMAT', `${file} ${what} (${why})`, { culprit: file, cause: error });
}
