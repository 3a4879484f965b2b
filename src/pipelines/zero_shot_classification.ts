/**
 * pipeline('zero-shot-classification'): texts to labels that the caller makes up, in transformers.js's shapes. A model for natural language inference, which tells whether one
 * text follows from another, reads "This example is …" for each label (Yin et al. 2019, arXiv 1909.00161).
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import { maxLengthOf } from '../models/inputs.js';
import type { PretrainedOptions } from '../models/options.js';
import { expectBooleans } from '../ops/check.js';
import type { Tensor } from '../tensor.js';
import type { CallableTokenizer } from '../text/tokenizer.js';
import { eachOf, partsOf, type RunOptions, runOptionNames, runRows } from './rows.js';
import { softmax } from './scores.js';
import { type Classifier, SequenceClassifier } from './sequence_classifier.js';
import type { Task } from './tasks.js';
import { loadText, stringsOf, TextPipeline, textsOf, wrong } from './text.js';

/** Options of a call of zero-shot-classification. */
export interface ZeroShotClassificationOptions extends RunOptions {
  /** Template of the hypothesis; {} stands for the label. Default 'This example is {}.' */
  hypothesis_template?: string | undefined;
  /** `true` where several labels may apply: each label then has a probability of its own; else the probabilities of all labels add up to 1. Default false. */
  multi_label?: boolean | undefined;
  /** Tokens after which a text is cut, its question included. Default: the tokenizer's, or the model's positions. */
  max_length?: number | undefined;
}

/** A text with the labels, the likeliest first. */
export interface ZeroShotAnswer {
  /** The text. */
  sequence: string;
  /** The candidates, the likeliest first. */
  labels: string[];
  /** Probabilities of the labels, in the same order. */
  scores: number[];
}

/** An answer for a text, a list of them for a list of texts. */
export type ZeroShotClassification = ZeroShotClassificationPipeline & ZeroShotClassificationPipeline['call'];

const name = 'zero-shot-classification';

/**
 * Scores of labels for a text, by a model for natural language inference.
 * @example
 * ```js
 * const classify = await pipeline('zero-shot-classification');
 * const { labels, scores } = await classify('The match ended 2:1.', ['sports', 'politics']);
 * ```
 */
export class ZeroShotClassificationPipeline extends TextPipeline<Classifier> {
  /** Arguments of a call before its options. */
  readonly inputs = 2;
  /** Indices of the model's classes for entailment and contradiction. */
  readonly #entailment: number;
  readonly #contradiction: number;

  /** Throws MODEL_MISMATCH for a model none of whose labels is an entailment. */
  constructor(tokenizer: CallableTokenizer, model: Classifier) {
    super(tokenizer, model);
    const { labels } = model;
    const find = (beginning: RegExp) => labels.findIndex((label) => beginning.test(label));
    this.#entailment = find(/^entail/i);
    if (this.#entailment < 0 || labels.length < 2)
      throw new HeedError('MODEL_MISMATCH', `This model tells ${labels.slice(0, 9).join(', ')} apart, none of which is an entailment`, {
        culprit: 'id2label',
        cure: 'Give a model for natural language inference, whose config.json names its classes',
      });
    const contradiction = find(/^(contradict|not[_ -]?entail)/i);
    // Without a label of a contradiction or of no entailment, the contradiction is the class at the other end.
    this.#contradiction = contradiction >= 0 ? contradiction : this.#entailment === 0 ? labels.length - 1 : 0;
  }

  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<ZeroShotClassification> {
    return loadText(SequenceClassifier, engine, from, options, (tokenizer, model) =>
      callable(new ZeroShotClassificationPipeline(tokenizer, model)),
    );
  }

  /** The labels of a text. Rejects with ARGUMENT, NUMERIC, or `signal.reason`. */
  call(text: string, candidate_labels: string | readonly string[], options?: ZeroShotClassificationOptions): Promise<ZeroShotAnswer>;
  /** Classifies each text. */
  call(
    texts: readonly string[],
    candidate_labels: string | readonly string[],
    options?: ZeroShotClassificationOptions,
  ): Promise<ZeroShotAnswer[]>;
  async call(
    texts: string | readonly string[],
    candidate_labels: string | readonly string[],
    options: ZeroShotClassificationOptions = {},
  ): Promise<ZeroShotAnswer | ZeroShotAnswer[]> {
    checkOptions(options, ['hypothesis_template', 'multi_label', 'max_length', ...runOptionNames], name);
    const { hypothesis_template: template = 'This example is {}.', multi_label = false, signal, onProgress } = options;
    expectBooleans(name, { multi_label });
    if (typeof template !== 'string' || !template.includes('{}'))
      throw wrong(name, 'hypothesis_template', template, 'It must have {} where the label goes');
    const list = textsOf(name, texts, options);
    const labels = stringsOf(name, 'candidate_labels', candidate_labels);
    if (!labels.length) throw new HeedError('ARGUMENT', `${name}: there are no labels`, { culprit: 'candidate_labels', cure: 'Give some' });
    const { model, tokenizer } = this;
    const max_length = maxLengthOf(options.max_length, tokenizer.model_max_length, model.encoder.dims.positions);
    // Not `replace` with a string, in which $ has a meaning.
    const hypotheses = labels.map((label) => template.replace('{}', () => label));
    const pairs = list.flatMap((text) => hypotheses.map((text_pair) => ({ text, text_pair })));
    const encode = ({ text, text_pair }: (typeof pairs)[number]) =>
      tokenizer.rowSteps(text, { text_pair, truncation: 'only_first', max_length });
    const rows = await eachOf(model.engine, pairs, encode, signal);
    const logits = await runRows(model, rows, (outputs) => partsOf(outputs.logits as Tensor), {
      ...{ pad: tokenizer.pad_token_id, signal, onProgress },
    });
    const answers = list.map((sequence, i) => {
      const own = logits.slice(i * labels.length, (i + 1) * labels.length);
      return answer(sequence, labels, this.#scores(own, multi_label || labels.length === 1));
    });
    return Array.isArray(texts) ? answers : (answers[0] as ZeroShotAnswer);
  }

  /** Scores of one text's labels: each against its contradiction, or all against each other. */
  #scores(logits: readonly Float32Array[], apart: boolean): ArrayLike<number> {
    const [yes, no] = [this.#entailment, this.#contradiction];
    if (!apart) return softmax(logits.map((row) => row[yes] as number));
    return logits.map((row) => softmax([row[no] as number, row[yes] as number])[1] as number);
  }
}

function answer(sequence: string, labels: readonly string[], scores: ArrayLike<number>): ZeroShotAnswer {
  const order = [...labels.keys()].sort((a, b) => (scores[b] as number) - (scores[a] as number));
  return { sequence, labels: order.map((i) => labels[i] as string), scores: order.map((i) => scores[i] as number) };
}

/** Task for `registerTask`. */
export const zeroShotClassification: Task<'zero-shot-classification'> = {
  name,
  model: 'typeform/distilbert-base-uncased-mnli',
  load: ((...given) => ZeroShotClassificationPipeline.load(...given)) as typeof ZeroShotClassificationPipeline.load,
};
