/** Options and loop of `fit`: steps until the end, and between them evaluations, records and checkpoints, when they are due. */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { Module } from '../nn/module.js';
import type { Batches } from './batches.js';
import { save, saveBest } from './checkpoint_folder.js';
import { evaluate as evaluateModel } from './evaluation.js';
import type { Learner, StepReport } from './learner.js';
import type { Metrics } from './objective.js';

/** Settings by which a run ends when it no longer improves. */
export interface EarlyStopping {
  /** Number of evaluations in a row that may be no better than the best before. */
  patience: number;
  /** Name of the metric that decides. Default 'loss'. */
  metric?: string | undefined;
  /** `true` where a larger metric is better. Default false for loss, perplexity and mae, true for all others. */
  maximize?: boolean | undefined;
}

/** Settings by which a run is saved, so that it can be resumed. */
export interface Checkpointing {
  /** Folder of the checkpoints. See `Trainer.resume`. */
  folder: string;
  /** Steps between two. Default: after each evaluation, or else each epoch. */
  every?: number | undefined;
  /** Number of checkpoints that are kept besides the best. Default 2. */
  keep?: number | undefined;
}

/** After each step. */
export interface TrainingProgress extends StepReport {
  /** Steps so far, those before a resume included. */
  step: number;
  /** Number of steps of the whole run; undefined where it is not known. */
  steps: number | undefined;
  /** Epoch of the step, from 0. */
  epoch: number;
  /** Averages since the last record, over the time that steps took. */
  stepsPerSecond: number;
  /** Tokens per second that the model reads, without padding. */
  tokensPerSecond: number;
}

/** A point of the learning curve. */
export interface TrainingRecord {
  /** Steps so far. */
  step: number;
  /** Epochs that are done as a whole. */
  epoch: number;
  /** Mean training loss over all targets since the previous record. */
  loss: number;
  /** Learning rate of the last step. NaN where no step was taken. */
  rate: number;
  /** Norm of all gradients together in the last step, before clipping. NaN where no step was taken. */
  norm: number;
  /** Averages since the last record, over the time that steps took. */
  stepsPerSecond: number;
  /** Tokens per second that the model reads, without padding. */
  tokensPerSecond: number;
  /** Metrics of the evaluation, where there was one. */
  validation?: Metrics;
}

/** Options of `trainer.fit`. */
export interface FitOptions {
  /** Total number of steps at which the run ends, steps before a resume included; instead of `epochs`. */
  steps?: number | undefined;
  /** Total number of epochs (passes over the loader's data) at which the run ends; instead of `steps`. */
  epochs?: number | undefined;
  /** Steps between two evaluations. Default: after each epoch. There is one at the end as well, and none without `validation`. */
  evaluateEvery?: number | undefined;
  /** `true` where evaluations generate texts and score them. Default: true where early stopping goes by bleu or chrf. */
  decode?: boolean | undefined;
  /** Steps between two records. Default: with each evaluation, or else each epoch. */
  logEvery?: number | undefined;
  /** Ends the run when evaluations stop improving. Default: the run continues to its end. */
  earlyStopping?: EarlyStopping | undefined;
  /** Keeps the run in a folder. Default: no checkpoints. */
  checkpoint?: Checkpointing | undefined;
  /** Folder for TensorBoard, which gets the records too. A resumed run has a new file beside the old ones. */
  tensorboard?: string | undefined;
  /** Abort signal, which ends the run between two steps; where checkpoints are kept, one is written before. Rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** Callback after each step. */
  onProgress?: ((progress: TrainingProgress) => void) | undefined;
  /** Callback after each record. */
  onLog?: ((record: TrainingRecord) => void) | undefined;
}

/** Why fit ended, and where. */
export interface FitResult {
  /** Reason of the end: all steps or epochs were done, or early stopping's patience was exhausted. */
  reason: 'steps' | 'epochs' | 'patience';
  /** Steps taken altogether. */
  step: number;
  /** Epochs that are done as a whole. */
  epoch: number;
  /** Metrics of the last evaluation. */
  validation: Metrics | undefined;
  /** Metric and step of the best evaluation. */
  best:
    | {
        /** Value of the metric. */
        value: number;
        /** Number of steps before the evaluation. */
        step: number;
      }
    | undefined;
}

const optionNames = [
  'steps',
  'epochs',
  'evaluateEvery',
  'decode',
  'logEvery',
  'earlyStopping',
  'checkpoint',
  'tensorboard',
  'signal',
  'onProgress',
  'onLog',
];

/** Metrics that say how wrong a model is. */
const errors = new Set(['loss', 'perplexity', 'mae']);

/** Throws ARGUMENT and UNSUPPORTED for options that make no sense. */
export function checkFitOptions(options: FitOptions, hasValidation: boolean): void {
  checkOptions(options, optionNames, 'fit');
  const { steps, epochs, evaluateEvery, logEvery, earlyStopping, checkpoint } = options;
  if ((steps === undefined) === (epochs === undefined))
    throw wrong('steps', 'steps or epochs must be given, one of them', 'fit({ epochs: 10 })');
  checkOptions(earlyStopping ?? {}, ['patience', 'metric', 'maximize'], "fit's earlyStopping");
  checkOptions(checkpoint ?? {}, ['folder', 'every', 'keep'], "fit's checkpoint");
  checkWhole({ steps, epochs, evaluateEvery, logEvery, 'checkpoint.every': checkpoint?.every, 'checkpoint.keep': checkpoint?.keep });
  if (earlyStopping) checkWhole({ 'earlyStopping.patience': earlyStopping.patience ?? 0 });
  if (checkpoint && (typeof checkpoint.folder !== 'string' || checkpoint.folder === ''))
    throw wrong('checkpoint.folder', `checkpoint.folder is ${kindOf(checkpoint.folder)}`, 'Give a path');
  if (!hasValidation && (evaluateEvery !== undefined || earlyStopping))
    throw wrong('validation', 'there is nothing to evaluate with', 'Give the trainer `validation`');
}

export function checkWhole(values: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      throw wrong(name, `${name} is ${kindOf(value)}`, 'It must be a whole number from 1');
}

/** Speed since the last record, of steps alone. */
class Meter {
  #steps = 0;
  #tokens = 0;
  #seconds = 0;

  add(tokens: number, seconds: number): void {
    this.#steps++;
    this.#tokens += tokens;
    this.#seconds += seconds;
  }

  get rates() {
    return { stepsPerSecond: this.#steps / this.#seconds, tokensPerSecond: this.#tokens / this.#seconds };
  }
}

export interface FitContext<Batch> {
  validation: Batches<Batch> | undefined;
  warn: (message: string) => void;
}

/** Runs steps, evaluations, records and checkpoints until an end is reached. */
export async function runFit<Model extends Module, Batch>(
  learner: Learner<Model, Batch>,
  { validation, warn }: FitContext<Batch>,
  options: FitOptions,
): Promise<FitResult> {
  const { steps, epochs, evaluateEvery, logEvery, earlyStopping, checkpoint, signal, onProgress, onLog } = options;
  const { loader, accumulate } = learner.options;
  const perEpoch = loader.length === undefined ? undefined : Math.ceil(loader.length / accumulate);
  const total = steps ?? (perEpoch && perEpoch * (epochs as number));
  const { metric = 'loss', maximize = !errors.has(metric) } = earlyStopping ?? {};
  const decode = options.decode ?? (metric === 'bleu' || metric === 'chrf');
  const keep = checkpoint?.keep ?? 2;
  let meter = new Meter();
  let last: StepReport | undefined;
  let [evaluated, saved] = [-1, -1];
  let metrics: Metrics | undefined;

  const ending = (): FitResult['reason'] | undefined => {
    const { step, epoch, stale } = learner.state;
    if (earlyStopping && stale >= earlyStopping.patience) return 'patience';
    if (steps !== undefined) return step >= steps ? 'steps' : undefined;
    return epoch >= (epochs as number) ? 'epochs' : undefined;
  };
  const record = (validated?: Metrics) => {
    const { step, epoch, window } = learner.state;
    const { rate, norm } = last ?? { rate: Number.NaN, norm: Number.NaN };
    const loss = window.loss / window.targets;
    learner.state = { ...learner.state, window: { loss: 0, targets: 0 } };
    onLog?.({ ...{ step, epoch, loss, rate, norm }, ...meter.rates, ...(validated && { validation: validated }) });
    meter = new Meter();
  };
  const evaluate = async (from: Batches<Batch>): Promise<void> => {
    metrics = await evaluateModel(learner.model, { ...learner.options, loader: from, decode, signal });
    const value = metrics[metric];
    if (value === undefined)
      throw wrong('earlyStopping.metric', `there is no metric ${metric}`, `There are ${Object.keys(metrics).join(', ')}`);
    const { step, best, stale } = learner.state;
    evaluated = step;
    const better = best === undefined ? !Number.isNaN(value) : maximize ? value > best.value : value < best.value;
    learner.state = { ...learner.state, ...(better ? { best: { value, step }, stale: 0 } : { stale: stale + 1 }) };
    record(metrics);
    if (better && checkpoint) await saveBest(learner, checkpoint.folder);
  };
  const store = async (folder: string): Promise<void> => {
    await save(learner, folder, keep);
    saved = learner.state.step;
  };

  try {
    let reason = ending();
    while (reason === undefined) {
      const began = performance.now();
      const epoch = learner.state.epoch;
      last = await learner.step(signal);
      meter.add(last.tokens, (performance.now() - began) / 1000);
      const { step } = learner.state;
      onProgress?.({ ...last, ...{ step, steps: total, epoch }, ...meter.rates });
      const turned = learner.state.epoch > epoch;
      const due = (every: number | undefined, otherwise: boolean) => (every === undefined ? otherwise : step % every === 0);
      const ended = ending() !== undefined;
      if (validation && (due(evaluateEvery, turned) || ended)) await evaluate(validation);
      else if (due(logEvery, (!validation && turned) || ended)) record();
      if (checkpoint && (due(checkpoint.every, evaluated === step || turned) || ended)) await store(checkpoint.folder);
      reason = ending();
    }
    const { step, epoch, best } = learner.state;
    return { reason, step, epoch, validation: metrics, best };
  } catch (error) {
    if (checkpoint && signal?.aborted && saved !== learner.state.step && learner.state.step > 0)
      await store(checkpoint.folder).catch((failure: Error) => warn(failure.message));
    throw error;
  } finally {
    await learner.rewind();
  }
}

const wrong = (culprit: string, what: string, cure: string) => new HeedError('ARGUMENT', `fit: ${what}`, { culprit, cure });
