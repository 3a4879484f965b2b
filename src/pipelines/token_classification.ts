/** pipeline('token-classification'): tokens of a text that name a person, a place … (named entities), in transformers.js's shapes, with their places. */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import { maxLengthOf } from '../models/inputs.js';
import type { PretrainedOptions } from '../models/options.js';
import { TokenClassificationModel, type TokenClassifier } from '../models/task_model.js';
import { expectBooleans } from '../ops/check.js';
import type { Tensor } from '../tensor.js';
import type { Encoding, Text } from '../text/tokenizer.js';
import {
  type AggregationStrategy,
  type Entity,
  endOf,
  entitiesOf,
  type ScoredToken,
  startOf,
  strategies,
  withoutOverlaps,
} from './entities.js';
import { eachOf, type RunOptions, runOptionNames, runRows, tokensOf } from './rows.js';
import { softmax } from './scores.js';
import type { Task } from './tasks.js';
import { checkCount, loadText, stringsOf, TextPipeline, textsOf, wrong } from './text.js';

/** Options of a call of token-classification. */
export interface TokenClassificationOptions extends RunOptions {
  /**
   * Strategy that makes entities of tokens: 'none' (default) keeps single tokens; 'simple' joins neighbours of one kind; 'first', 'average' and 'max' make the tokens of a word agree beforehand.
   * Words are those of the tokenizer.
   */
  aggregation_strategy?: AggregationStrategy | undefined;
  /** Labels that are left out. Default ['O']. */
  ignore_labels?: readonly string[] | undefined;
  /** Reads long texts in windows that share this many tokens, instead of cutting them. Not with 'none'. */
  stride?: number | undefined;
  /** Tokens of a window, special ones included. Default: the tokenizer's, or the model's positions. */
  max_length?: number | undefined;
  /** `true` where a text is a list of words, which no token goes beyond; one such list is a list of texts. Places refer to the joined words. Default false. */
  is_split_into_words?: boolean | undefined;
  /** Delimiter between words when they are joined. Default a space. */
  delimiter?: string | undefined;
}

/** Place of a token or entity in a text: text.slice(start, end). */
interface Place {
  /** Probability; of an entity, the mean of its parts. */
  score: number;
  /** Text as the tokenizer decodes it. */
  word: string;
  /** Begin in the text, in UTF-16 code units. */
  start: number;
  /** End in the text, in UTF-16 code units. */
  end: number;
}

/** A token with its label. */
export interface EntityToken extends Place {
  /** Label of the token. */
  entity: string;
  /** Number of the token in the row that the model read. */
  index: number;
}

/** Tokens that are one thing, with its kind. */
export interface EntityGroup extends Place {
  /** Kind of the entity: a label without B- or I-. */
  entity_group: string;
}

/** Type of the results, by strategy and by options. */
type WithStrategy<Strategy> = Strategy extends 'none' | undefined ? EntityToken : EntityGroup;
type ResultOf<Options> = 'aggregation_strategy' extends keyof Options
  ? Options extends { aggregation_strategy?: infer Strategy }
    ? WithStrategy<Strategy>
    : EntityToken
  : EntityToken;

/** The tokens of a text, or its entities; a list of those for a list of texts. */
export type TokenClassification = TokenClassificationPipeline & TokenClassificationPipeline['call'];

/** A window of a text. */
interface Window extends Encoding {
  text: number;
}

/** Input that is read, text to which results refer, and the begin of each word in the text where the input is a list of words. */
interface Source {
  input: Text;
  text: string;
  begins?: readonly number[];
}

const name = 'token-classification';
const optionNames = [
  'aggregation_strategy',
  'ignore_labels',
  'stride',
  'max_length',
  'is_split_into_words',
  'delimiter',
  ...runOptionNames,
];

/**
 * Labels of tokens, or entities: names of people, of places.
 * @example
 * ```js
 * const ner = await pipeline('ner');
 * const entities = await ner('Ada lives in London.', { aggregation_strategy: 'simple' });
 * ```
 */
export class TokenClassificationPipeline extends TextPipeline<TokenClassifier> {
  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<TokenClassification> {
    return loadText(TokenClassificationModel, engine, from, options, (tokenizer, model) =>
      callable(new TokenClassificationPipeline(tokenizer, model)),
    );
  }

  /** The tokens or entities of each text, in their order. Rejects with ARGUMENT, UNSUPPORTED, NUMERIC, or `signal.reason`. */
  async call<const Texts extends Text | readonly Text[], const Options extends TokenClassificationOptions = object>(
    texts: Texts,
    given?: Options & TokenClassificationOptions,
  ): Promise<Texts extends string ? ResultOf<Options>[] : ResultOf<Options>[][]> {
    const options: TokenClassificationOptions = given ?? {};
    checkOptions(options, optionNames, name);
    const { aggregation_strategy: strategy = 'none', ignore_labels = ['O'], stride, signal, onProgress } = options;
    if (!strategies.includes(strategy))
      throw new HeedError('ARGUMENT', `There is no aggregation strategy ${kindOf(strategy)}`, {
        culprit: 'aggregation_strategy',
        cure: `Use ${strategies.join(', ')}`,
      });
    const ignored = stringsOf(name, 'ignore_labels', ignore_labels);
    if (stride !== undefined) {
      checkCount(name, 'stride', stride, 0);
      if (strategy === 'none')
        throw new HeedError('ARGUMENT', `${name}: windows that overlap need an aggregation strategy`, {
          culprit: 'stride',
          cure: "Use 'simple'",
        });
    }
    const list = sourcesOf(texts, options);
    const { model, tokenizer } = this;
    const max_length = maxLengthOf(options.max_length, tokenizer.model_max_length, model.encoder.dims.positions);
    if (stride !== undefined && stride >= max_length)
      throw wrong(name, 'stride', stride, `A window has ${max_length} tokens, and must have new ones`);
    const { is_split_into_words } = options;
    const placed = this.#placed.bind(this);
    const encode = function* ({ input, begins }: Source) {
      const own = yield* tokenizer.encodingsSteps(input, { truncation: true, max_length, stride, is_split_into_words });
      return begins ? own.map((window) => placed(window, input as readonly string[], begins)) : own;
    };
    const windows: Window[] = (await eachOf(model.engine, list, encode, signal)).flatMap((own, text) =>
      own.map((one) => ({ ...one, text })),
    );
    const found = await runRows(model, windows, ({ logits }, batch) => tokensOf(logits as Tensor, batch), {
      ...{ pad: tokenizer.pad_token_id, signal, onProgress },
    });
    const results = list.map((): Entity[][] => []);
    for (const [i, window] of windows.entries()) {
      const entities = entitiesOf(this.#scored(window, found[i] as Float32Array), model.labels, strategy);
      results[window.text]?.push(entities.filter(({ label }) => !ignored.includes(label)));
      await model.engine.turn(signal);
    }
    const answers: (EntityToken | EntityGroup)[][] = [];
    for (const [i, own] of results.entries()) {
      const entities = own.length > 1 ? withoutOverlaps(own.flat()) : own.flat();
      const results: (EntityToken | EntityGroup)[] = [];
      for (const entity of entities) {
        results.push(this.#result((list[i] as Source).text, entity, strategy === 'none'));
        await model.engine.turn(signal);
      }
      answers.push(results);
    }
    return (typeof texts === 'string' ? answers[0] : answers) as never;
  }

  /** A window of words as one of their text: offsets are places in it, and words are those that the tokenizer splits the given ones into, numbered by their begins. */
  #placed(window: Encoding, given: readonly string[], begins: readonly number[]): Encoding {
    const cut = new Map<number, Encoding>();
    const within = (word: number): Encoding => {
      const own = cut.get(word) ?? (this.tokenizer.encodings(given[word] as string, { add_special_tokens: false })[0] as Encoding);
      cut.set(word, own);
      return own;
    };
    const places = window.ids.map((_, t) => {
      const [word, [from, to]] = [window.words[t], window.offsets[t] as readonly [number, number]];
      if (word === undefined) return { span: [from, to] as const, word };
      const [begin, own] = [begins[word] as number, within(word)];
      const part = own.words[own.offsets.findIndex((span) => span[0] === from && span[1] === to)];
      const first = own.offsets[own.words.indexOf(part)] ?? [0, 0];
      return { span: [begin + from, begin + to] as const, word: begin + first[0] };
    });
    return { ...window, offsets: places.map(({ span }) => span), words: places.map(({ word }) => word) };
  }

  /** The tokens of a window that are of the text. */
  #scored({ ids, texts, offsets, words }: Encoding, logits: Float32Array): ScoredToken[] {
    const width = this.model.labels.length;
    const tokens = ids.map((id, index) => {
      const [start, end] = offsets[index] as readonly [number, number];
      return { index, id, scores: softmax(logits.subarray(index * width, (index + 1) * width)), start, end, word: words[index] };
    });
    return tokens.filter(({ index }) => texts[index] !== undefined);
  }

  #result(text: string, entity: Entity, raw: boolean): EntityToken | EntityGroup {
    const { label, score, tokens } = entity;
    const place = { word: this.#word(text, tokens), start: startOf(entity), end: endOf(entity) };
    if (!raw) return { entity_group: label, score, ...place };
    return { entity: label, score, index: (tokens[0] as ScoredToken).index, ...place };
  }

  /** Text of tokens as the tokenizer decodes them, except unknown tokens, which are as in the text. */
  #word(text: string, tokens: readonly ScoredToken[]): string {
    const unknown = this.tokenizer.unk_token_id;
    const pieces: (number[] | string)[] = [];
    for (const { id, start, end } of tokens) {
      const last = pieces.at(-1);
      if (id === unknown) pieces.push(text.slice(start, end));
      else if (typeof last === 'object') last.push(id);
      else pieces.push([id]);
    }
    const words = pieces.map((piece) => (typeof piece === 'string' ? piece : this.tokenizer.decode(piece)));
    return words.length === 1 ? (words[0] as string) : words.map((word) => word.trim()).join(' ');
  }
}

/** Texts, or lists of words. Throws ARGUMENT for anything else. */
function sourcesOf(texts: Text | readonly Text[], options: TokenClassificationOptions): Source[] {
  const { is_split_into_words = false, delimiter } = options;
  expectBooleans(name, { is_split_into_words });
  if (!is_split_into_words) {
    if (delimiter !== undefined) throw wrong(name, 'delimiter', delimiter, 'It is for is_split_into_words: true');
    return textsOf(name, texts as string | readonly string[], options).map((text) => ({ input: text, text }));
  }
  if (delimiter !== undefined && typeof delimiter !== 'string') throw wrong(name, 'delimiter', delimiter, 'It must be a string');
  if (!Array.isArray(texts)) throw wrong(name, 'texts', texts, 'With is_split_into_words a text is a list of words');
  const lists = (texts.every(Array.isArray) ? texts : [texts]) as readonly (readonly string[])[];
  return lists.map((words) => wordsOf(textsOf(name, words, options), delimiter));
}

function wordsOf(words: readonly string[], delimiter = ' '): Source {
  let next = 0;
  const begins = words.map((word) => {
    const begin = next;
    next += word.length + delimiter.length;
    return begin;
  });
  return { input: words, text: words.join(delimiter), begins };
}

/** Task for `registerTask`. */
export const tokenClassification: Task<'token-classification'> = {
  name,
  model: 'dslim/bert-base-NER@d1a3e8f13f8c3566299d95fcfc9a8d2382a9affc',
  aliases: ['ner'],
  load: ((...given) => TokenClassificationPipeline.load(...given)) as typeof TokenClassificationPipeline.load,
};
