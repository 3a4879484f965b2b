/**
 * Structured answers: a logits processor that allows only tokens with which a text can still become an answer of the requested format, for example JSON that fits a schema. It
 * works on rows of tokens and scores, without models or searches; the state of a row is computed from its tokens, so that beams may be forked and reordered freely.
 */
import { checkOptions, HeedError, kindOf } from '../../errors.js';
import { type Expression, Expressions } from './expression.js';
import { expressionOf, type ResponseFormat } from './format.js';
import { type Mask, Masks } from './masks.js';
import { Trie } from './trie.js';
import { type TokenSource, type Vocabulary, vocabularyOf } from './vocabulary.js';

/** Options of `constrain`. */
export interface ConstrainOptions {
  /** Tokens that end a text, which may come when it is complete. Default: the tokenizer's. */
  eos_token_id?: number | readonly number[] | undefined;
}

/** Processor of scores [V] of the token behind `ids`: scores of tokens that must not come become −∞, in place. */
export type GrammarProcessor = (scores: Float32Array, ids: readonly number[]) => void;

/** Automaton of a vocabulary: its tree of tokens, and the expressions and masks that all formats share. */
interface Automaton {
  readonly make: Expressions;
  readonly masks: Masks;
}

const automata = new WeakMap<Vocabulary, Automaton>();

function automatonOf(vocabulary: Vocabulary): Automaton {
  const known = automata.get(vocabulary);
  if (known) return known;
  const make = new Expressions();
  const made = { make, masks: new Masks(make, new Trie(vocabulary)) };
  automata.set(vocabulary, made);
  return made;
}

/** Path of a row's generated tokens from the beginning of the answer, with the automaton's state at its end. */
interface Path {
  readonly state: Expression | 'ended';
  readonly next: Map<number, Path>;
}

/** Number of paths that are kept; then all are dropped and computed again. */
const MOST_PATHS = 100_000;

/** Constraint of a format for texts in one vocabulary. */
export class Constraint {
  readonly #automaton: Automaton;
  readonly #start: Path;
  readonly #eos: readonly number[];
  #paths = 0;

  constructor(
    /** Vocabulary of the texts. */
    readonly vocabulary: Vocabulary,
    format: ResponseFormat,
    options: ConstrainOptions,
  ) {
    checkOptions(options, ['eos_token_id'], 'constrain');
    this.#eos = [options.eos_token_id ?? vocabulary.eos].flat();
    if (!this.#eos.length || !this.#eos.every((id) => Number.isInteger(id) && id >= 0))
      throw new HeedError('ARGUMENT', `constrain: the end token is ${kindOf(options.eos_token_id)}`, {
        culprit: 'eos_token_id',
        cure: 'Give the id of a token that ends a text, or several',
      });
    this.#automaton = automatonOf(vocabulary);
    const { make } = this.#automaton;
    this.#begin();
    const text = guarded(() => expressionOf(make, format));
    // SentencePiece begins a text with a space that decode takes away.
    const start = vocabulary.strips ? make.sequence(make.optional(make.text(' ')), text) : text;
    this.#start = { state: start, next: new Map() };
    this.#maskOf(start);
  }

  /** Makes a processor of texts whose first `prompt` tokens are not part of the answer. */
  processor(prompt: number): GrammarProcessor {
    return (scores, ids) => this.apply(scores, ids, prompt);
  }

  /** Sets the scores of tokens that must not follow `ids` to −∞; the first `prompt` ids are the prompt, not the answer. Scores of an ended text stay unchanged. Throws ARGUMENT for ids that do not fit the grammar. */
  apply(scores: Float32Array, ids: readonly number[], prompt: number): void {
    const state = this.#stateOf(ids, prompt);
    if (state === 'ended') return;
    const mask = this.#maskOf(state);
    const ends = state.nullable ? this.#eos.map((id) => scores[id] as number) : [];
    keepOnly(scores, mask);
    for (const [i, id] of this.#eos.entries()) if (id < scores.length) scores[id] = ends[i] ?? Number.NEGATIVE_INFINITY;
  }

  /** The tokens that may follow, end tokens included. */
  allowed(ids: readonly number[], prompt = 0): number[] {
    const state = this.#stateOf(ids, prompt);
    if (state === 'ended') return [];
    const mask = this.#maskOf(state);
    const found = Array.from({ length: mask.length * 32 }, (_, id) => id).filter((id) => ((mask[id >> 5] as number) >>> (id & 31)) & 1);
    const text = found.filter((id) => !this.#eos.includes(id));
    return state.nullable ? [...text, ...this.#eos] : text;
  }

  /** The token that must follow, where there is only one: a step of the model can be saved. */
  forced(ids: readonly number[], prompt = 0): number | undefined {
    const state = this.#stateOf(ids, prompt);
    if (state === 'ended') return undefined;
    const mask = this.#maskOf(state);
    let only: number | undefined = state.nullable && this.#eos.length === 1 ? this.#eos[0] : undefined;
    if (state.nullable && only === undefined) return undefined;
    for (const [i, bits] of mask.entries()) {
      if (bits === 0) continue;
      if (only !== undefined || (bits & (bits - 1)) !== 0) return undefined;
      only = 32 * i + 31 - Math.clz32(bits);
    }
    return only;
  }

  /** Returns `true` where the answer in `ids` is complete. */
  complete(ids: readonly number[], prompt = 0): boolean {
    const state = this.#stateOf(ids, prompt);
    return state === 'ended' || state.nullable;
  }

  #begin(): void {
    const { make, masks } = this.#automaton;
    if (make.begin()) masks.clear();
  }

  #stateOf(ids: readonly number[], prompt: number): Expression | 'ended' {
    if (!Array.isArray(ids))
      throw new HeedError('ARGUMENT', `The ids are ${kindOf(ids)}`, { culprit: 'ids', cure: 'Give a list of token ids' });
    let path = this.#start;
    for (let i = prompt; i < ids.length; i++) {
      const token = ids[i] as number;
      let next = path.next.get(token);
      if (!next) {
        next = { state: this.#after(path.state, token), next: new Map() };
        if (++this.#paths > MOST_PATHS) {
          this.#start.next.clear();
          this.#paths = 0;
        }
        path.next.set(token, next);
      }
      path = next;
    }
    return path.state;
  }

  #after(before: Expression | 'ended', token: number): Expression | 'ended' {
    if (before === 'ended' || this.#eos.includes(token)) return 'ended';
    const { make } = this.#automaton;
    this.#begin();
    const bytes = this.vocabulary.tokens[token];
    const state = guarded(() => {
      let state = bytes === undefined ? make.nothing : before;
      for (let i = 0; i < (bytes?.length ?? 0); i++) state = make.after(state, (bytes as string).charCodeAt(i));
      return state;
    });
    if (state !== make.nothing) return state;
    throw new HeedError('ARGUMENT', `response_format: token ${token} was written where it does not fit`, {
      culprit: 'response_format',
      cure: 'Does another option force tokens? Tokens of the prompt are not to be counted as written',
    });
  }

  #maskOf(state: Expression): Mask {
    this.#begin();
    const mask = guarded(() => this.#automaton.masks.of(state));
    if (state.nullable || mask.some(Boolean)) return mask;
    throw new HeedError('ARGUMENT', 'response_format: no token of the vocabulary can come next', {
      culprit: 'response_format',
      cure: 'The tokenizer cannot write a character that is asked for',
    });
  }
}

/** Sets scores whose bit is not set to −∞. Most words of most masks are 0: runs of zero words are filled at once. */
function keepOnly(scores: Float32Array, mask: Mask): void {
  const words = Math.ceil(scores.length / 32);
  for (let word = 0; word < words; word++) {
    const first = word;
    while (word < words && !mask[word]) word++;
    if (word > first) scores.fill(Number.NEGATIVE_INFINITY, 32 * first, 32 * word);
    const bits = mask[word] ?? 0;
    if (word === words || bits === 0xffffffff) continue;
    const end = Math.min(32 * word + 32, scores.length);
    for (let id = 32 * word; id < end; id++) if (((bits >>> (id & 31)) & 1) === 0) scores[id] = Number.NEGATIVE_INFINITY;
  }
}

/** Runs `run`; a stack overflow means that the format is nested too deep, and throws ARGUMENT. */
function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new HeedError('ARGUMENT', 'response_format is too complex: it is too long, or nested too deep', {
      culprit: 'response_format',
      cure: 'Ask for less',
      cause: error,
    });
  }
}

/**
 * Constrains generated texts to a format. Throws ARGUMENT for invalid formats, with the place in the schema, UNSUPPORTED for unsupported features of schemas and
 * regular expressions, by name.
 * @example
 * ```js
 * const answer = constrain(tokenizer, { type: 'choice', choices: ['yes', 'no'] });
 * const process = answer.processor(prompt.length);
 * process(scores, ids);
 * ```
 */
export const constrain = (tokenizer: TokenSource | Vocabulary, format: ResponseFormat, options: ConstrainOptions = {}): Constraint =>
  new Constraint(isVocabulary(tokenizer) ? tokenizer : vocabularyOf(tokenizer), format, options);

/** Tokenizers have `decode`, and may have `tokens` as well. */
const isVocabulary = (given: TokenSource | Vocabulary): given is Vocabulary =>
  'tokens' in Object(given) && !('decode' in (given as object));
