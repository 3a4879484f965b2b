/** pipeline('text-classification'): texts, or pairs of them, to labels and their probabilities, in transformers.js's shapes. */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { PretrainedOptions } from '../models/options.js';
import { type RankedDocument, type RankOptions, rankedBy } from './rank.js';
import type { Classification } from './scores.js';
import {
  type Classifier,
  type ClassifyOptions,
  classified,
  classifyOptionNames,
  SequenceClassifier,
  type TextInput,
} from './sequence_classifier.js';
import type { Task } from './tasks.js';
import { loadText, TextPipeline } from './text.js';

/** Options of a call of text-classification. */
export interface TextClassificationOptions extends Omit<ClassifyOptions, 'top_k'> {
  /** Number of labels of each text, the likeliest first; null for all. Default 1. */
  top_k?: number | null | undefined;
}

/** Result for one text of a list with these options: a label, or a list of labels unless `top_k` is 1. */
type OfList<Options> = Options extends { top_k: infer K } ? (1 extends K ? Classification : Classification[]) : Classification;
type LabelsOf<Texts, Options> = Texts extends readonly TextInput[] ? OfList<Options>[] : Classification[];

/** One label for each text; with another `top_k`, a list for each text of a list. */
export type TextClassification = TextClassificationPipeline & TextClassificationPipeline['call'];

/**
 * Labels of texts, with their probabilities.
 * @example
 * ```js
 * const classify = await pipeline('sentiment-analysis');
 * const [{ label, score }] = await classify('What a day!');
 * ```
 */
export class TextClassificationPipeline extends TextPipeline<Classifier> {
  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<TextClassification> {
    return loadText(SequenceClassifier, engine, from, options, (tokenizer, model) =>
      callable(new TextClassificationPipeline(tokenizer, model), ['rank']),
    );
  }

  /** A label for each text, or with another `top_k` a list of them. Rejects with ARGUMENT, UNSUPPORTED, NUMERIC, or `signal.reason`. */
  async call<const Texts extends TextInput | readonly TextInput[], const Options extends TextClassificationOptions = object>(
    texts: Texts,
    given?: Options & TextClassificationOptions,
  ): Promise<LabelsOf<Texts, Options>> {
    const options: TextClassificationOptions = given ?? {};
    checkOptions(options, classifyOptionNames, 'text-classification');
    const { top_k = 1, ...rest } = options;
    const list = (Array.isArray(texts) ? texts : [texts]) as readonly TextInput[];
    const found = await classified(this.model, () => this.tokenizer, list, { ...rest, top_k: top_k ?? this.model.labels.length });
    return (top_k === 1 ? found.flat() : Array.isArray(texts) ? found : found[0]) as LabelsOf<Texts, Options>;
  }

  /**
   * Documents by how well they answer a query, the best first: `CrossEncoder.rank` of sentence-transformers, for models with one label. Rejects with ARGUMENT,
   * UNSUPPORTED for other models, NUMERIC, or `signal.reason`.
   * @example
   * ```js
   * const reranker = await pipeline('text-classification', 'cross-encoder/ms-marco-MiniLM-L6-v2');
   * const [{ corpus_id, score }] = await reranker.rank('What sleeps a lot?', ['Cats do.', 'Rust is a language.'], { top_k: 1 });
   * ```
   */
  rank(query: string, documents: readonly string[], options: RankOptions = {}): Promise<RankedDocument[]> {
    return rankedBy(this.model, () => this.tokenizer, query, documents, options);
  }
}

/** Task for `registerTask`. */
export const textClassification: Task<'text-classification'> = {
  name: 'text-classification',
  model: 'distilbert/distilbert-base-uncased-finetuned-sst-2-english@714eb0fa89d2f80546fda750413ed43d93601a13',
  aliases: ['sentiment-analysis'],
  load: ((...given) => TextClassificationPipeline.load(...given)) as typeof TextClassificationPipeline.load,
};
