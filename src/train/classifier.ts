/**
 * Fine-tuning a classifier of texts with one call: `fit` tokenizes examples, batches them by length, and trains as classifier_fit.ts does. For more control use the
 * Trainer and the `classification` objective.
 */
import type { Engine } from '../engine/engine.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import { maxLengthOf } from '../models/inputs.js';
import { type ClassifierOptions, classifierOptionNames, loadTask } from '../models/task_model.js';
import { type Classifier, classifierMethods, SequenceClassifier } from '../pipelines/sequence_classifier.js';
import { type ExampleReader, type FitClassifierOptions, fitClassifier, wrong } from './classifier_fit.js';
import { pad } from './data/collate.js';
import { DataLoader } from './data/loader.js';
import type { FitResult } from './fit.js';
import type { LabelledBatch } from './objectives/numbers.js';
import type { ExampleLabel, Problem } from './problem.js';

/** A text, or a pair of them, and its label: by name, or by number; all of its labels, or numbers, where the model is for that. */
export interface TextExample {
  /** Text, or the first text of a pair. */
  text: string;
  /** Second text of a pair. */
  text_pair?: string | undefined;
  /** Correct label of the text or pair. */
  label: ExampleLabel;
}

/** Options of a text classifier's `fit`. */
export interface ClassifierFitOptions extends FitClassifierOptions<TextExample> {
  /** Tokens after which a text is cut. Default: the tokenizer's, or the model's positions. */
  max_length?: number | undefined;
}

/** A classifier that can be trained. In a page the model runs in a worker, and so does its training. */
export type TextClassifier = Classifier & Pick<TrainableClassifier, 'fit'>;

/** An example as a model takes it. */
interface Encoded {
  ids: readonly number[];
  /** Tokens of the first text, and its special ones; those behind are the second's. */
  first: number;
  /** Class of the example, or a number for each of the model's labels. */
  labels: readonly number[];
}

export class TrainableClassifier extends SequenceClassifier {
  static readonly optionNames = classifierOptionNames;

  /** Loads a folder's config.json and weights. Throws MODEL_MISMATCH for a checkpoint without a head, unless it is to be trained. */
  static override async load(engine: Engine, folder: string | Folder, options: ClassifierOptions = {}): Promise<TextClassifier> {
    const model = new TrainableClassifier(...(await loadTask('SequenceClassification', engine, folder, options)));
    return callable(model, ['fit', ...classifierMethods]) as TextClassifier;
  }

  /**
   * Trains on examples; the model then is out of training, and classifies. Rejects as the Trainer's `fit` does, with ARGUMENT for examples that are none, and with
   * `signal.reason`; what was learned until then stays.
   * @example await model.fit(examples, { epochs: 4, validation, onLog: console.log })
   */
  fit(examples: readonly TextExample[], options: ClassifierFitOptions = {}): Promise<FitResult> {
    const open = () => this.#open(options);
    return this.alive(() =>
      fitClassifier(this, examples, options, { optionNames: ['max_length'], form: "{ text: '…', label: '…' }", open }),
    );
  }

  async #open({ signal, max_length: given }: ClassifierFitOptions): Promise<ExampleReader<TextExample, Encoded>> {
    const tokenizer = await this.tokenizer(signal);
    const max_length = maxLengthOf(given, tokenizer.model_max_length, this.encoder.dims.positions);
    return {
      rows: async (name, examples, labelsOf) => {
        const encoded: Encoded[] = [];
        for (const [i, example] of examples.entries()) {
          const { text, text_pair, label } = Object(example) as Partial<TextExample>;
          const strange = typeof text !== 'string' || (text_pair !== undefined && typeof text_pair !== 'string');
          if (strange) throw wrong(name, `example ${i} of ${name} has no text`, "Give { text: '…', label: '…' }");
          const labels = labelsOf(label, i);
          const { input_ids, token_type_ids } = tokenizer(text, { text_pair, truncation: true, max_length });
          const first = token_type_ids.data.indexOf(1);
          encoded.push({ ids: Array.from(input_ids.data), first: first < 0 ? input_ids.data.length : first, labels });
          await this.engine.turn(signal);
        }
        return encoded;
      },
      batches: (rows, options, problem) => {
        const collate = (batch: readonly Encoded[]) => batchOf(batch, problem, tokenizer.pad_token_id ?? 0);
        return new DataLoader(rows, { ...options, bucketing: { length: ({ ids }) => ids.length }, collate });
      },
    };
  }
}

function batchOf(examples: readonly Encoded[], problem: Problem, padId: number): LabelledBatch<Int32Array | Float32Array> {
  const inputs = pad(
    examples.map(({ ids }) => ids),
    padId,
  );
  const labels = problem.pack(examples.map(({ labels }) => labels));
  if (examples.every(({ ids, first }) => first === ids.length)) return { inputs, labels };
  const types = examples.map(({ ids, first }) => ids.map((_, t) => Number(t >= first)));
  return { inputs, labels, typeIds: pad(types, 0).ids };
}
