/** pipeline('text-classification'): texts to labels and their probabilities, in transformers.js's shapes. */
import type { Engine, EngineInfo } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import { checkPretrained, type PretrainedOptions } from '../models/model.js';
import { type Classification, type Classifier, SequenceClassifier } from '../models/sequence_classifier.js';
import { textsOf } from './text.js';

export interface TextClassificationOptions {
  /** How many labels of each text, the likeliest first; null for all. Default 1. */
  top_k?: number | null | undefined;
  /** Tokens after which a text is cut. Default: the tokenizer's, or the model's positions. */
  max_length?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** One label for each text; with another `top_k`, a list for each text of a list. */
export type TextClassification = TextClassificationPipeline &
  ((texts: string | readonly string[], options?: TextClassificationOptions) => Promise<Classification[] | Classification[][]>);

export class TextClassificationPipeline {
  constructor(readonly model: Classifier) {}

  static async load(engine: Engine, folder: string | Folder, options: PretrainedOptions = {}): Promise<TextClassification> {
    checkPretrained(options);
    return callable(new TextClassificationPipeline(await SequenceClassifier.load(engine, folder, options)));
  }

  async call(texts: string | readonly string[], options: TextClassificationOptions = {}): Promise<Classification[] | Classification[][]> {
    checkOptions(options, ['top_k', 'max_length', 'signal'], 'text-classification');
    const { top_k = 1, max_length, signal } = options;
    const list = textsOf('text-classification', texts, { signal });
    const found = (await this.model.classify(list, { top_k: top_k ?? this.model.labels.length, max_length, signal })) as Classification[][];
    if (top_k === 1) return found.flat();
    return Array.isArray(texts) ? found : (found[0] as Classification[]);
  }

  /** What the engine got that runs it. */
  get info(): EngineInfo {
    return this.model.info;
  }

  /** Frees the model's weights. */
  dispose(): void {
    this.model.dispose();
  }
}

/** For `registerTask`. */
export const textClassification = { name: 'text-classification', load: TextClassificationPipeline.load };
