/**
 * Fine-tuning a classifier with one call: `fit` tokenizes examples, batches them by length, and trains with AdamW, a linear schedule with warm-up, and the Trainer.
 * Whoever wants more of a say takes the Trainer and the `classification` objective: this file is how.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { Encoder } from '../models/encoder.js';
import { maxLengthOf } from '../models/inputs.js';
import { type ClassifierOptions, classifierOptionNames, loadTask } from '../models/task_model.js';
import { checkRunOptions } from '../pipelines/rows.js';
import { type Classifier, classifierMethods, SequenceClassifier } from '../pipelines/sequence_classifier.js';
import type { CallableTokenizer } from '../text/tokenizer.js';
import { type AdamOptions, AdamW } from './adam.js';
import { pad } from './data/collate.js';
import { DataLoader } from './data/loader.js';
import { classWeights } from './data/sampler.js';
import { checkFitOptions, checkWhole, type FitOptions, type FitResult } from './fit.js';
import type { LabelledBatch } from './objectives/numbers.js';
import type { Group } from './optimizer.js';
import { type ExampleLabel, type Problem, problemOf } from './problem.js';
import { schedule } from './schedule.js';
import { Trainer } from './trainer.js';

/** A text, or a pair of them, and its label: by name, or by number; all of its labels, or numbers, where the model is for that. */
export interface TextExample {
  /** Text, or the first text of a pair. */
  text: string;
  /** Second text of a pair. */
  text_pair?: string | undefined;
  /** Correct label of the text or pair. */
  label: ExampleLabel;
}

/** Options of a classifier's `fit`. */
export interface ClassifierFitOptions extends Omit<FitOptions, 'steps' | 'decode'> {
  /** Number of epochs. Default 3. */
  epochs?: number | undefined;
  /** Examples to evaluate with, after each epoch unless told otherwise. */
  validation?: readonly TextExample[] | undefined;
  /** Examples in a step. Default 16. */
  batchSize?: number | undefined;
  /** AdamW's rate at its highest. Default 5e-5. */
  lr?: number | undefined;
  /** Weight decay of matrices; biases and norms have none. Default 0.01. */
  weightDecay?: number | undefined;
  /** Share of the steps in which the learning rate rises, before it falls to 0. Default 0.1. */
  warmup?: number | undefined;
  /** Maximum norm of all gradients together, to which gradients are clipped. Default 1. */
  clip?: number | undefined;
  /** Weights of the classes in the loss: numbers, or 'balanced', by which rare classes count as much as others. Default: every example counts the same. */
  weight?: readonly number[] | 'balanced' | undefined;
  /** Label smoothing. Default 0. */
  labelSmoothing?: number | undefined;
  /** Tokens after which a text is cut. Default: the tokenizer's, or the model's positions. */
  max_length?: number | undefined;
  /** Seed of dropout and of the order of examples. Default 0. */
  seed?: number | undefined;
}

const ownOptions = ['validation', 'batchSize', 'lr', 'weightDecay', 'warmup', 'clip', 'weight', 'labelSmoothing', 'max_length', 'seed'];
const runOptions = ['epochs', 'evaluateEvery', 'logEvery', 'earlyStopping', 'checkpoint', 'tensorboard', 'signal', 'onProgress', 'onLog'];

/** In a page the model lives in a worker, and so does its training. */
export type TextClassifier = Classifier & Pick<TrainableClassifier, 'fit'>;

type FitBatch = LabelledBatch<Int32Array | Float32Array>;

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
  #fitting = false;

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
  async fit(examples: readonly TextExample[], options: ClassifierFitOptions = {}): Promise<FitResult> {
    checkOptions(options, [...runOptions, ...ownOptions], 'fit');
    checkRunOptions('fit', { signal: options.signal });
    if (!this.trainable) throw wrong('trainable', 'this model was not loaded for training', 'Give from_pretrained trainable: true');
    if (this.#fitting) throw wrong('fit', 'this model is being trained', 'Await one before the next');
    this.#fitting = true;
    try {
      return await this.alive(() => this.#fit(examples, options));
    } finally {
      this.#fitting = false;
    }
  }

  async #fit(examples: readonly TextExample[], options: ClassifierFitOptions): Promise<FitResult> {
    const {
      validation,
      epochs = 3,
      batchSize = 16,
      lr = 5e-5,
      weightDecay = 0.01,
      warmup = 0.1,
      clip = 1,
      labelSmoothing,
      seed = 0,
    } = options;
    if (!(typeof warmup === 'number' && warmup >= 0 && warmup < 1))
      throw wrong('warmup', `warmup is ${kindOf(warmup)}`, 'It is a share of the steps, from 0, below 1');
    checkWhole({ epochs, batchSize });
    const { evaluateEvery, logEvery, earlyStopping, checkpoint, tensorboard, signal, onProgress, onLog } = options;
    const fitting = { epochs, evaluateEvery, logEvery, earlyStopping, checkpoint, tensorboard, signal, onProgress, onLog };
    // Options are checked before the texts, of which there may be many.
    checkFitOptions(fitting, validation !== undefined);
    for (const [name, list] of Object.entries({ examples, ...(validation !== undefined && { validation }) })) expectExamples(name, list);
    const { type, problem } = problemOf(this.config.problem_type, this.labels, examples[0]?.label);
    checkWeight(options.weight, this.labels);
    const objectiveWith = (weight: ArrayLike<number> | undefined) => problem.objective({ labelSmoothing, weight });
    objectiveWith(options.weight === 'balanced' ? this.labels.map(() => 1) : options.weight);
    if (!(clip > 0)) throw wrong('clip', `clip is ${kindOf(clip)}`, 'It is a number above 0');
    const optimizer = new AdamW(this.#groups(weightDecay), { lr });
    const tokenizer = await this.tokenizer(signal);
    const max_length = maxLengthOf(options.max_length, tokenizer.model_max_length, this.encoder.dims.positions);
    const loaderOf = async (name: string, list: readonly TextExample[], shuffle: boolean) => {
      const data = await this.#encode(name, list, tokenizer, { problem, max_length, signal });
      const collate = (batch: readonly Encoded[]) => batchOf(batch, problem, tokenizer.pad_token_id ?? 0);
      return { data, loader: new DataLoader(data, { batchSize, shuffle, seed, bucketing: { length: ({ ids }) => ids.length }, collate }) };
    };
    const { data, loader } = await loaderOf('examples', examples, true);
    const validated = validation && (await loaderOf('validation', validation, false)).loader;
    const steps = epochs * (loader.length ?? 0);
    // Without the first, which has a rate of 0: each of the steps has an effect, however few there are.
    const line = schedule('linear', { warmup: Math.ceil(warmup * steps), steps: steps + 1 });
    const weight =
      options.weight === 'balanced'
        ? classWeights(
            data.map(({ labels: [label] }) => label as number),
            this.labels.length,
          )
        : options.weight;
    // As in transformers: what it was trained for decides on what its logits mean.
    Object.assign(this.config, { problem_type: type });
    try {
      const trainer = new Trainer<Encoder, FitBatch>(this.encoder, {
        ...{ objective: objectiveWith(weight), optimizer, loader, validation: validated, clip, seed },
        schedule: (step) => line(step + 1),
      });
      return await trainer.fit(fitting);
    } finally {
      optimizer.dispose();
    }
  }

  /** Matrices, which decay, and all else, which does not. */
  #groups(weightDecay: number): Group<AdamOptions>[] {
    const all = [...this.encoder.namedParameters()];
    const matrices = all.filter(([, { shape }]) => shape.length > 1);
    const others = all.filter(([, { shape }]) => shape.length <= 1);
    return [
      { parameters: matrices, options: { weightDecay } },
      { parameters: others, options: { weightDecay: 0 } },
    ];
  }

  async #encode(
    name: string,
    examples: readonly TextExample[],
    tokenizer: CallableTokenizer,
    { problem, max_length, signal }: { problem: Problem; max_length: number; signal: AbortSignal | undefined },
  ): Promise<Encoded[]> {
    const encoded: Encoded[] = [];
    for (const [i, example] of examples.entries()) {
      const { text, text_pair, label } = Object(example) as Partial<TextExample>;
      const strange = typeof text !== 'string' || (text_pair !== undefined && typeof text_pair !== 'string');
      if (strange) throw wrong(name, `example ${i} of ${name} has no text`, "Give { text: '…', label: '…' }");
      const labels = problem.read(label, this.labels);
      if (!labels) throw wrong(name, `example ${i} of ${name} has the label ${labelShown(label)}`, problem.cure(this.labels));
      const { input_ids, token_type_ids } = tokenizer(text, { text_pair, truncation: true, max_length });
      const first = token_type_ids.data.indexOf(1);
      encoded.push({ ids: Array.from(input_ids.data), first: first < 0 ? input_ids.data.length : first, labels });
      await this.engine.turn(signal);
    }
    return encoded;
  }
}

function expectExamples(name: string, examples: readonly TextExample[]): void {
  if (!Array.isArray(examples) || examples.length === 0)
    throw wrong(name, `${name} is ${Array.isArray(examples) ? 'empty' : kindOf(examples)}`, "Give [{ text: '…', label: '…' }, …]");
}

/** Throws ARGUMENT for weights that are not one for each label. */
function checkWeight(weight: ClassifierFitOptions['weight'], labels: readonly string[]): void {
  if (weight === undefined || weight === 'balanced' || weight.length === labels.length) return;
  throw wrong('weight', `there are ${weight.length} weights for ${labels.length} labels`, "Give one for each, or 'balanced'");
}

const labelShown = (label: unknown): string =>
  Array.isArray(label) ? `[${label.slice(0, 9).map(kindOf)}${label.length > 9 ? ', …' : ''}]` : kindOf(label);

function batchOf(examples: readonly Encoded[], problem: Problem, padId: number): FitBatch {
  const inputs = pad(
    examples.map(({ ids }) => ids),
    padId,
  );
  const labels = problem.pack(examples.map(({ labels }) => labels));
  if (examples.every(({ ids, first }) => first === ids.length)) return { inputs, labels };
  const types = examples.map(({ ids, first }) => ids.map((_, t) => Number(t >= first)));
  return { inputs, labels, typeIds: pad(types, 0).ids };
}

const wrong = (culprit: string, what: string, cure: string) => new HeedError('ARGUMENT', `fit: ${what}`, { culprit, cure });
