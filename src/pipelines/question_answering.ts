/**
 * pipeline('question-answering'): the part of a text that answers a question, in transformers.js's shapes, with its place. Texts longer than the model's context are read in
 * overlapping windows, so that nothing is lost.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { PretrainedOptions } from '../models/options.js';
import { type QuestionAnswerer, QuestionAnsweringModel } from '../models/task_model.js';
import { expectBooleans } from '../ops/check.js';
import type { Tensor } from '../tensor.js';
import type { Encoding } from '../text/tokenizer.js';
import { eachOf, type RunOptions, runOptionNames, runRows, tokensOf } from './rows.js';
import { type ReadWindow, Spans } from './spans.js';
import type { Task } from './tasks.js';
import { checkCount, loadText, stringsOf, TextPipeline, textsOf, wrong } from './text.js';

/** Options of a call of question-answering. */
export interface QuestionAnsweringOptions extends RunOptions {
  /** Number of answers, the likeliest first. Default 1: a single answer, not a list. */
  top_k?: number | undefined;
  /** Tokens that neighbouring windows share. Default 128, or half a window where that is less. */
  doc_stride?: number | undefined;
  /** Tokens of a window, question and special tokens included. Default 384, or what the model takes where that is less. */
  max_seq_len?: number | undefined;
  /** Tokens of a question, after which it is cut, special tokens not included. Default: it is not cut. */
  max_question_len?: number | undefined;
  /** Tokens of the longest answer. Default 15. */
  max_answer_len?: number | undefined;
  /** `true` to allow the empty text as an answer, for models that were trained on questions without an answer. Default false. */
  handle_impossible_answer?: boolean | undefined;
  /** `true` to extend answers to whole words. Default true. */
  align_to_words?: boolean | undefined;
}

/** context.slice(start, end) is the answer. */
export interface Answer {
  /** Text of the answer, as in the context. */
  answer: string;
  /** Probability of the answer. */
  score: number;
  /** Begin of the answer in the context, in UTF-16 code units. */
  start: number;
  /** End of the answer in the context, in UTF-16 code units. */
  end: number;
}

/** Type of the result with these options. */
type AnswersOf<Options> = Options extends { top_k: infer K } ? (1 extends K ? Answer : Answer[]) : Answer;

/** The answer to a question, or its answers; a list of that for a list of questions. */
export type QuestionAnswering = QuestionAnsweringPipeline & QuestionAnsweringPipeline['call'];

/** A window of a context, behind its question. */
interface Window extends Encoding {
  question: number;
}

const name = 'question-answering';
const optionNames = [
  'top_k',
  'doc_stride',
  'max_seq_len',
  'max_question_len',
  'max_answer_len',
  'handle_impossible_answer',
  'align_to_words',
  ...runOptionNames,
];

/**
 * The part of a text that answers a question. Long texts are read in windows that overlap.
 * @example
 * ```js
 * const answer = await pipeline('question-answering');
 * const { answer: name, score } = await answer('Who wrote it?', 'It was written by Ada Lovelace.');
 * ```
 */
export class QuestionAnsweringPipeline extends TextPipeline<QuestionAnswerer> {
  /** Arguments of a call before its options. */
  readonly inputs = 2;

  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<QuestionAnswering> {
    return loadText(QuestionAnsweringModel, engine, from, options, (tokenizer, model) =>
      callable(new QuestionAnsweringPipeline(tokenizer, model)),
    );
  }

  /** Answers each question from its context, or all questions from one context. */
  async call<const Questions extends string | readonly string[], const Options extends QuestionAnsweringOptions = object>(
    questions: Questions,
    contexts: string | readonly string[],
    given?: Options & QuestionAnsweringOptions,
  ): Promise<Questions extends string ? AnswersOf<Options> : AnswersOf<Options>[]> {
    const options: QuestionAnsweringOptions = given ?? {};
    checkOptions(options, optionNames, name);
    const { top_k = 1, max_answer_len = 15, handle_impossible_answer = false, align_to_words = true, signal, onProgress } = options;
    checkCount(name, 'top_k', top_k);
    checkCount(name, 'max_answer_len', max_answer_len);
    expectBooleans(name, { handle_impossible_answer, align_to_words });
    const pairs = pairsOf(textsOf(name, questions, options), contexts);
    const { model, tokenizer } = this;
    const encode = this.#reader(options);
    const windows: Window[] = (await eachOf(model.engine, pairs, encode, signal)).flatMap((own, question) =>
      own.map((window) => ({ ...window, question })),
    );
    const logits = await runRows(model, windows, (outputs, batch) => tokensOf(outputs.logits as Tensor, batch), {
      ...{ pad: tokenizer.pad_token_id, signal, onProgress },
    });
    const found = pairs.map(() => new Spans(max_answer_len, top_k));
    for (const [i, window] of windows.entries()) {
      found[window.question]?.add(readWindow(window, logits[i] as Float32Array, align_to_words));
      await model.engine.turn(signal);
    }
    const answers = pairs.map(({ context }, i) => {
      const { none } = found[i] as Spans;
      const spans = (found[i] as Spans).best();
      const answers: Answer[] = spans.map(({ score, start, end }) => ({ answer: context.slice(start, end), score, start, end }));
      if (handle_impossible_answer) answers.push({ answer: '', score: none, start: 0, end: 0 });
      const best = answers.sort((a, b) => b.score - a.score).slice(0, top_k);
      return top_k === 1 ? (best[0] as Answer) : best;
    });
    return (Array.isArray(questions) ? answers : answers[0]) as never;
  }

  /** Returns the function that makes windows of a question and its context. */
  #reader({ max_seq_len, doc_stride, max_question_len }: QuestionAnsweringOptions): (pair: Pair) => Generator<void, Encoding[]> {
    const { tokenizer } = this;
    const { positions } = this.model.encoder.dims;
    const most = Math.min(positions, tokenizer.model_max_length ?? positions);
    const max_length = max_seq_len ?? Math.min(most, 384);
    if (!(Number.isSafeInteger(max_length) && max_length >= 1 && max_length <= most))
      throw wrong(name, 'max_seq_len', max_length, `The model takes 1 to ${most} tokens`);
    if (doc_stride !== undefined) checkCount(name, 'doc_stride', doc_stride, 0);
    if (max_question_len !== undefined) checkCount(name, 'max_question_len', max_question_len);
    const cut = this.#cut.bind(this);
    return function* ({ question: asked, context }) {
      const question = max_question_len === undefined ? asked : cut(asked, max_question_len);
      const room = max_length - tokenizer.encode(question, { text_pair: '' }).length;
      if (room < 1)
        throw new HeedError('ARGUMENT', `${name}: the question leaves no room for its context within ${max_length} tokens`, {
          culprit: 'question',
          cure: 'Shorten it, or set max_seq_len higher where the model allows it',
        });
      if (doc_stride !== undefined && doc_stride >= room)
        throw wrong(name, 'doc_stride', doc_stride, `A window has ${room} tokens of the context, and must have new ones`);
      const stride = doc_stride ?? Math.min(max_length >> 1, 128, room - 1);
      const windows = yield* tokenizer.encodingsSteps(question, { text_pair: context, truncation: 'only_second', max_length, stride });
      // Characters that the tokenizer drops.
      if (!windows.some(({ texts }) => texts.includes(1))) throw blank('context');
      return windows;
    };
  }

  /** The question cut to its first `most` tokens, or to fewer where the shorter text would be tokenized into others, and more of them. */
  #cut(question: string, most: number): string {
    for (let count = most; count > 0; count--) {
      const [{ offsets }] = this.tokenizer.encodings(question, {
        add_special_tokens: false,
        max_length: count,
        truncation_side: 'right',
      }) as [Encoding];
      const cut = question.slice(0, offsets.at(-1)?.[1]);
      if (this.tokenizer.encode(cut, { add_special_tokens: false }).length <= most) return cut;
    }
    throw blank('question');
  }
}

const blank = (culprit: string) => new HeedError('ARGUMENT', `${name}: the ${culprit} is blank`, { culprit, cure: 'Give a text' });

interface Pair {
  question: string;
  context: string;
}

function pairsOf(questions: readonly string[], contexts: string | readonly string[]): Pair[] {
  const list = stringsOf(name, 'context', contexts);
  if (typeof contexts !== 'string' && list.length !== questions.length)
    throw new HeedError('ARGUMENT', `${name}: there are ${questions.length} questions and ${list.length} contexts`, {
      culprit: 'context',
      cure: 'Give a context for each question, or one for all',
    });
  const pairs = questions.map((question, i) => ({ question, context: (typeof contexts === 'string' ? contexts : list[i]) as string }));
  for (const pair of pairs) for (const [culprit, text] of Object.entries(pair)) if (text.trim() === '') throw blank(culprit);
  return pairs;
}

/** A window's tokens of the context, and their words; the tokens' own places where the tokenizer knows no words. */
function readWindow({ ids, texts, offsets, words }: Encoding, logits: Float32Array, align: boolean): ReadWindow {
  const context = [...ids.keys()].filter((t) => texts[t] === 1);
  const ends = new Map<number, [begin: number, end: number]>();
  for (const t of context) {
    const [word, [begin, end]] = [words[t], offsets[t] as readonly [number, number]];
    const known = word === undefined ? undefined : ends.get(word);
    if (known) ends.set(word as number, [Math.min(known[0], begin), Math.max(known[1], end)]);
    else if (word !== undefined) ends.set(word, [begin, end]);
  }
  const spans = context.map((t) => (align && ends.get(words[t] ?? -1)) || (offsets[t] as readonly [number, number]));
  const of = (side: 0 | 1) => Float32Array.from(ids, (_, t) => logits[2 * t + side] as number);
  return { start: of(0), end: of(1), context, spans, none: texts[0] === undefined ? 0 : undefined };
}

/** Task for `registerTask`. */
export const questionAnswering: Task<'question-answering'> = {
  name,
  model: 'distilbert/distilbert-base-cased-distilled-squad@564e9b582944a57a3e586bbb98fd6f0a4118db7f',
  load: ((...given) => QuestionAnsweringPipeline.load(...given)) as typeof QuestionAnsweringPipeline.load,
};
