/**
 * Fine-tuning of a classifier with one call, whatever it reads: examples in batches through AdamW, a linear schedule with warm-up, and the Trainer. classifier.ts has what is
 * particular to texts, image_classifier.ts to pictures.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { HEAD } from '../models/architecture.js';
import type { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { expectBooleans } from '../ops/check.js';
import { checkRunOptions } from '../pipelines/rows.js';
import { type AdamOptions, AdamW } from './adam.js';
import type { Batches } from './batches.js';
import { classWeights } from './data/sampler.js';
import { checkFitOptions, checkWhole, type FitOptions, type FitResult } from './fit.js';
import type { ClassifyingModel, LabelledExamples } from './objectives/numbers.js';
import type { Group } from './optimizer.js';
import { type ExampleLabel, type Problem, problemOf } from './problem.js';
import { schedule } from './schedule.js';
import { Trainer } from './trainer.js';

/** Options of `fit` that all classifiers share. */
export interface FitClassifierOptions<Example> extends Omit<FitOptions, 'steps' | 'decode'> {
  /** Number of epochs. Default 3. */
  epochs?: number | undefined;
  /** Examples to evaluate with, after each epoch unless told otherwise. */
  validation?: readonly Example[] | undefined;
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
  /** `true` where the head alone learns, and all else stays as it was loaded. Default false. */
  freeze?: boolean | undefined;
  /** Seed of dropout and of the order of examples. Default 0. */
  seed?: number | undefined;
}

const ownOptions = ['validation', 'batchSize', 'lr', 'weightDecay', 'warmup', 'clip', 'weight', 'labelSmoothing', 'freeze', 'seed'];
const runOptions = ['epochs', 'evaluateEvery', 'logEvery', 'earlyStopping', 'checkpoint', 'tensorboard', 'signal', 'onProgress', 'onLog'];

/** A classifier as `fit` takes it. */
interface Learning {
  readonly encoder: Module & ClassifyingModel;
  readonly config: Readonly<Record<string, unknown>>;
  readonly labels: readonly string[];
  readonly trainable: boolean;
}

/** How examples of a kind become batches. */
export interface ExampleReader<Example, Row> {
  /** Reads the examples of a list called `name`, with their labels. */
  rows(name: string, examples: readonly Example[], labelsOf: (label: unknown, index: number) => readonly number[]): Promise<readonly Row[]>;
  batches(
    rows: readonly Row[],
    options: { batchSize: number; shuffle: boolean; seed: number },
    problem: Problem,
  ): Batches<LabelledExamples>;
}

/** A kind of examples: names of options that it alone has, an example as messages show one, and its reader, once options are found good. */
export interface ExampleKind<Example, Row> {
  readonly optionNames: readonly string[];
  readonly form: string;
  open(): Promise<ExampleReader<Example, Row>>;
}

/** Models that are being trained. */
const busy = new WeakSet<Module>();

/**
 * Trains on examples. Rejects as the Trainer's `fit` does, with ARGUMENT for a model that is not for training or being trained, for options, and for examples that
 * are none, and with `signal.reason`.
 */
export async function fitClassifier<Example extends { label: ExampleLabel }, Row extends { labels: readonly number[] }>(
  model: Learning,
  examples: readonly Example[],
  options: FitClassifierOptions<Example>,
  kind: ExampleKind<Example, Row>,
): Promise<FitResult> {
  checkOptions(options, [...runOptions, ...ownOptions, ...kind.optionNames], 'fit');
  checkRunOptions('fit', { signal: options.signal });
  expectBooleans('fit', { freeze: options.freeze });
  const { encoder } = model;
  if (!model.trainable) throw wrong('trainable', 'this model was not loaded for training', 'Give from_pretrained trainable: true');
  if (busy.has(encoder)) throw wrong('fit', 'this model is being trained', 'Await one before the next');
  busy.add(encoder);
  const frozen = options.freeze ? freeze(encoder) : [];
  try {
    return await run(model, examples, options, kind);
  } finally {
    for (const parameter of frozen) parameter.requiresGrad = true;
    busy.delete(encoder);
  }
}

async function run<Example extends { label: ExampleLabel }, Row extends { labels: readonly number[] }>(
  { encoder, config, labels }: Learning,
  examples: readonly Example[],
  options: FitClassifierOptions<Example>,
  { form, open }: ExampleKind<Example, Row>,
): Promise<FitResult> {
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
  // Options are checked before the examples, of which there may be many.
  checkFitOptions(fitting, validation !== undefined);
  for (const [name, list] of Object.entries({ examples, ...(validation !== undefined && { validation }) }))
    if (!Array.isArray(list) || list.length === 0)
      throw wrong(name, `${name} is ${Array.isArray(list) ? 'empty' : kindOf(list)}`, `Give [${form}, …]`);
  const { type, problem } = problemOf(config.problem_type, labels, examples[0]?.label);
  checkWeight(options.weight, labels);
  const objectiveWith = (weight: ArrayLike<number> | undefined) => problem.objective({ labelSmoothing, weight });
  objectiveWith(options.weight === 'balanced' ? labels.map(() => 1) : options.weight);
  if (!(clip > 0)) throw wrong('clip', `clip is ${kindOf(clip)}`, 'It is a number above 0');
  const optimizer = new AdamW(groups(encoder, weightDecay), { lr });
  const reader = await open();
  const read = (name: string, list: readonly Example[]) =>
    reader.rows(name, list, (label, i) => {
      const known = problem.read(label, labels);
      if (known) return known;
      throw wrong(name, `example ${i} of ${name} has the label ${labelShown(label)}`, problem.cure(labels));
    });
  const rows = await read('examples', examples);
  const loader = reader.batches(rows, { batchSize, shuffle: true, seed }, problem);
  const validated = validation && reader.batches(await read('validation', validation), { batchSize, shuffle: false, seed }, problem);
  const steps = epochs * (loader.length ?? 0);
  // The schedule's first step, with a rate of 0, is left out: each of the steps has an effect, however few there are.
  const line = schedule('linear', { warmup: Math.ceil(warmup * steps), steps: steps + 1 });
  const weights = () =>
    classWeights(
      rows.map(({ labels: [label] }) => label as number),
      labels.length,
    );
  const weight = options.weight === 'balanced' ? weights() : options.weight;
  // As in transformers: the kind of its training labels decides the meaning of a model's logits.
  Object.assign(config, { problem_type: type });
  try {
    const trainer = new Trainer(encoder, {
      ...{ objective: objectiveWith(weight), optimizer, loader, validation: validated, clip, seed },
      schedule: (step) => line(step + 1),
    });
    return await trainer.fit(fitting);
  } finally {
    optimizer.dispose();
  }
}

/** Takes gradients from everything but the head, and returns what had them. */
function freeze(encoder: Module): readonly Parameter[] {
  const others = [...encoder.namedParameters()].flatMap(([name, one]) => (name.startsWith(HEAD) || !one.requiresGrad ? [] : [one]));
  for (const parameter of others) parameter.requiresGrad = false;
  return others;
}

/** Matrices, which decay, and all else, which does not. */
function groups(encoder: Module, weightDecay: number): Group<AdamOptions>[] {
  const all = [...encoder.namedParameters()];
  const matrices = all.filter(([, { shape }]) => shape.length > 1);
  const others = all.filter(([, { shape }]) => shape.length <= 1);
  return [
    { parameters: matrices, options: { weightDecay } },
    { parameters: others, options: { weightDecay: 0 } },
  ];
}

/** Throws ARGUMENT for weights that are not one for each label. */
function checkWeight(weight: FitClassifierOptions<unknown>['weight'], labels: readonly string[]): void {
  if (weight === undefined || weight === 'balanced') return;
  const isList = Array.isArray(weight) || (ArrayBuffer.isView(weight) && !(weight instanceof DataView));
  if (isList && weight.length === labels.length) return;
  const what = isList ? `there are ${weight.length} weights for ${labels.length} labels` : `weight is ${kindOf(weight)}`;
  throw wrong('weight', what, "Give one for each, or 'balanced'");
}

const labelShown = (label: unknown): string =>
  Array.isArray(label) ? `[${label.slice(0, 9).map(kindOf)}${label.length > 9 ? ', …' : ''}]` : kindOf(label);

/** Error of `fit` about an argument. */
export const wrong = (culprit: string, what: string, cure: string) => new HeedError('ARGUMENT', `fit: ${what}`, { culprit, cure });
