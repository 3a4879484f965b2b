/**
 * AutoModelForSequenceClassification: an encoder that classifies texts. A call takes token ids and returns logits, like every model; `classify` takes texts and returns
 * labels. Training is in src/train/classifier.ts.
 */
import type { Engine } from '../engine/engine.js';
import { settleEarly } from '../engine/queue.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { EncoderOutputs } from '../models/encoder.js';
import { maxLengthOf } from '../models/inputs.js';
import type { ModelCall } from '../models/model.js';
import { type ClassifierOptions, type LogitsOutput, loadTask, TaskModel } from '../models/task_model.js';
import type { Tensor } from '../tensor.js';
import { type CallableTokenizer, Tokenizer } from '../text/tokenizer.js';
import { checkRunOptions, eachOf, partsOf, type RunOptions, runOptionNames, runRows } from './rows.js';
import { type Classification, ranked, type Scoring, scoring, scoringOf } from './scores.js';

/** A text, or two that the model compares. */
export type TextInput =
  | string
  | {
      /** The text, or the first of a pair. */
      readonly text: string;
      /** The second. */
      readonly text_pair?: string | null | undefined;
    };

/** Options of `classify`. */
export interface ClassifyOptions extends RunOptions {
  /** Number of labels of each text, the likeliest first. Default 1: a single Classification for each text, not a list. */
  top_k?: number | undefined;
  /** Tokens after which a text is cut. Default: the tokenizer's, or the model's positions. */
  max_length?: number | undefined;
  /**
   * Function from logits to scores. Default by config.json's problem_type: 'none' for a regression, 'sigmoid' for several labels at once or a single one,
   * else 'softmax'.
   */
  function_to_apply?: Scoring | undefined;
}

export const classifyOptionNames = ['top_k', 'max_length', 'function_to_apply', ...runOptionNames];

/** A classifier that can be called. In a page the model runs in a worker: `engine` and `encoder` then throw an error that says so. */
export type Classifier = Pick<SequenceClassifier, ClassifierMember> & ModelCall<LogitsOutput>;
export const classifierMethods = ['run', 'forward', 'classify', 'save_pretrained'] as const;
export type ClassifierMember =
  | (typeof classifierMethods)[number]
  | ('engine' | 'config' | 'encoder' | 'labels' | 'trainable' | 'info' | 'call' | 'dispose');

/** A loaded encoder with a head that labels texts: logits [B, labels]. */
export class SequenceClassifier extends TaskModel<'SequenceClassification'> {
  #tokenizer: Promise<CallableTokenizer> | undefined;

  /** Loads a folder's config.json and weights. Throws MODEL_MISMATCH for a checkpoint without a head, unless it is to be trained. */
  static async load(engine: Engine, folder: string | Folder, options: ClassifierOptions = {}): Promise<Classifier> {
    return callable(new SequenceClassifier(...(await loadTask('SequenceClassification', engine, folder, options))), classifierMethods);
  }

  /** Tokenizer of the model's folder, read once on first use and shared by all callers: a signal ends the caller's waiting, not the reading. */
  protected tokenizer(signal?: AbortSignal): Promise<CallableTokenizer> {
    const tokenizer = this.#tokenizer ?? Tokenizer.load(this.origin.folder, {}, this.engine.runtime);
    this.#tokenizer = tokenizer;
    tokenizer.catch(() => {
      this.#tokenizer = undefined;
    });
    return settleEarly(tokenizer, signal);
  }

  /** The likeliest label of a text or a pair, or of each of several; with `top_k` lists of them. */
  async classify(
    texts: TextInput | readonly TextInput[],
    options: ClassifyOptions = {},
  ): Promise<Classification | Classification[] | Classification[][]> {
    const list: readonly TextInput[] = Array.isArray(texts) ? texts : [texts as TextInput];
    const found = await classified(this, (signal) => this.tokenizer(signal), list, options);
    const answers = options.top_k === undefined ? found.map(([first]) => first as Classification) : found;
    return Array.isArray(texts) ? (answers as Classification[]) : (answers[0] as Classification);
  }
}

/** The likeliest labels of each text, by a classifier and the tokenizer that goes with it. */
export async function classified(
  model: Pick<SequenceClassifier, 'engine' | 'encoder' | 'run' | 'config' | 'labels'>,
  tokenizerOf: (signal: AbortSignal | undefined) => CallableTokenizer | Promise<CallableTokenizer>,
  texts: readonly TextInput[],
  options: ClassifyOptions,
): Promise<Classification[][]> {
  checkOptions(options, classifyOptionNames, 'classify');
  checkRunOptions('classify', options);
  const { top_k = 1, signal, onProgress } = options;
  if (!(Number.isSafeInteger(top_k) && top_k >= 1))
    throw new HeedError('ARGUMENT', `classify: top_k is ${kindOf(top_k)}`, { culprit: 'top_k', cure: 'It is a whole number from 1' });
  const { engine, encoder, config, labels } = model;
  const apply = scoring[scoringOf(options.function_to_apply, config, labels.length)];
  const pairs = texts.map(pairOf);
  const tokenizer = await tokenizerOf(signal);
  const max_length = maxLengthOf(options.max_length, tokenizer.model_max_length, encoder.dims.positions);
  const encode = ({ text, text_pair }: Pair) => tokenizer.rowSteps(text, { text_pair, truncation: true, max_length });
  const rows = await eachOf(engine, pairs, encode, signal);
  const read = (outputs: EncoderOutputs) => partsOf(outputs.logits as Tensor);
  const logits = await runRows(model, rows, read, { pad: tokenizer.pad_token_id, signal, onProgress });
  return logits.map((row) => ranked(apply(row), labels).slice(0, top_k));
}

type Pair = Exclude<TextInput, string>;

function pairOf(input: TextInput, index: number): Pair {
  const { text, text_pair = null, ...rest } = typeof input === 'string' ? { text: input } : (Object(input) as Pair);
  const fits = typeof text === 'string' && (text_pair === null || typeof text_pair === 'string') && Object.keys(rest).length === 0;
  if (fits) return { text, text_pair };
  throw new HeedError('ARGUMENT', `classify takes texts, and text ${index} is ${kindOf(input)}`, {
    culprit: 'texts',
    cure: 'Give strings, or { text, text_pair }',
  });
}
