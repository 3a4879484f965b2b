/**
 * The Trainer: runs a model, an objective, an optimizer and data. It decides when to step, evaluate, record, stop and save (fit.ts); the
 * learner does it (learner.ts). In deterministic mode a run that was killed and resumed ends with the bits of one that was not.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { byteStream } from '../io/bytes.js';
import { joinSafetensors } from '../io/safetensors_writer.js';
import { Module } from '../nn/module.js';
import type { Batches } from './batches.js';
import { checkpointOf, restore } from './checkpoint.js';
import { expectFree, resume, save } from './checkpoint_folder.js';
import { evaluate } from './evaluation.js';
import { checkFitOptions, checkWhole, type FitOptions, type FitResult, runFit, type TrainingProgress, type TrainingRecord } from './fit.js';
import { Learner, type TrainerState } from './learner.js';
import type { Metrics, Objective } from './objective.js';
import { Optimizer } from './optimizer.js';
import type { Schedule } from './schedule.js';
import { TensorBoard } from './tensorboard.js';

/** Options of a Trainer. */
export interface TrainerOptions<Model, Batch> {
  /** Training objective, for example `sequenceToSequence({ pad })`. */
  objective: Objective<Model, Batch>;
  /** Optimizer of the parameters; its groups decide which parameters are trained. */
  optimizer: Optimizer;
  /** Factors of the optimizer's learning rate. Default constant. */
  schedule?: Schedule | undefined;
  /** Batches to train with. */
  loader: Batches<Batch>;
  /** Batches to evaluate with. */
  validation?: Batches<Batch> | undefined;
  /** Decides on dropout and on what the objective draws. The model's beginning and the loader's order have seeds of their own. Default 0. */
  seed?: number | undefined;
  /** Maximum norm of all gradients together, to which gradients are clipped. Default no limit. */
  clip?: number | undefined;
  /** Batches in a step: as if they were one, each target counting the same. Default 1. */
  accumulate?: number | undefined;
  /** Callback for warnings: a damaged checkpoint that was skipped, a checkpoint of another binary. Default console.warn. */
  onWarning?: ((message: string) => void) | undefined;
}

/** Bytes that a step takes in the engine's memory. */
export interface StepMemory {
  /** Peak memory, including that of other models on the engine. */
  peak: number;
  /** Memory of the weights. */
  parameters: number;
  /** Memory of the weights' gradients. */
  gradients: number;
  /** Memory of the optimizer's moments. */
  moments: number;
  /** Memory of everything else: activations that the tape holds, and scratch memory. */
  activations: number;
}

const optionNames = ['objective', 'optimizer', 'schedule', 'loader', 'validation', 'seed', 'clip', 'accumulate', 'onWarning'];

/**
 * Trains a module on batches: forward, backward and the optimizer's step, with evaluations, checkpoints that a run resumes from bit by bit, and learning curves.
 * @example
 * const trainer = new Trainer(model, { objective: sequenceToSequence({ pad: 0 }), optimizer: new AdamW(model.namedParameters()), loader, validation });
 * await trainer.resume('run');
 * await trainer.fit({ epochs: 10, checkpoint: { folder: 'run' }, onLog: console.log });
 */
export class Trainer<Model extends Module, Batch> {
  readonly #learner: Learner<Model, Batch>;
  readonly #validation: Batches<Batch> | undefined;
  readonly #warn: (message: string) => void;
  /** Folders with checkpoints of this run. */
  readonly #folders = new Set<string>();
  #busy: string | undefined;

  /** Throws ARGUMENT for options that are not right, UNSUPPORTED for one that there is not. */
  constructor(
    /** Module that is trained. */
    readonly model: Model,
    options: TrainerOptions<NoInfer<Model>, Batch>,
  ) {
    checkOptions(options, optionNames, 'Trainer');
    const { objective, optimizer, schedule = () => 1, loader, validation, seed = 0, clip, accumulate = 1 } = options;
    if (!(model instanceof Module)) throw wrong('model', kindOf(model), 'It must be a module of heed/nn');
    if (typeof objective?.prepare !== 'function') throw wrong('objective', kindOf(objective), 'sequenceToSequence({ pad }), for one');
    if (!(optimizer instanceof Optimizer)) throw wrong('optimizer', kindOf(optimizer), 'Give SGD, Adam or AdamW');
    for (const [name, batches] of Object.entries({ loader, ...(validation && { validation }) })) {
      if (typeof batches?.epoch !== 'function') throw wrong(name, kindOf(batches), 'Give a DataLoader');
      if (batches.length === 0) throw wrong(name, 'empty', 'Give it examples; with dropLast, at least batchSize');
    }
    if (typeof schedule !== 'function') throw wrong('schedule', kindOf(schedule), "schedule('cosine', { steps }), for one");
    if (!Number.isSafeInteger(seed)) throw wrong('seed', kindOf(seed), 'It is a whole number');
    if (clip !== undefined && !(clip > 0)) throw wrong('clip', kindOf(clip), 'It is a number above 0');
    checkWhole({ accumulate });
    this.#learner = new Learner(model, { objective, optimizer, schedule, loader, seed, clip, accumulate });
    this.#validation = validation;
    this.#warn = options.onWarning ?? ((message) => console.warn(message));
  }

  /** Steps taken, and the next batch: its epoch and its number in it. */
  get position(): Pick<TrainerState, 'step' | 'epoch' | 'batch'> {
    const { step, epoch, batch } = this.#learner.state;
    return { step, epoch, batch };
  }

  /** Best evaluation of `fit` so far. */
  get best(): TrainerState['best'] {
    return this.#learner.state.best;
  }

  /**
   * Trains until an end. Leaves the model out of training, ready to be used. Rejects with `signal.reason`; with NUMERIC for a loss or a gradient that is not
   * finite, ARGUMENT for data that the model does not accept, STORAGE for a checkpoint that cannot be written: with the step, and the culprit. All state is then
   * that of before the step, so that the run can continue once the cause is removed.
   */
  async fit(options: FitOptions): Promise<FitResult> {
    checkFitOptions(options, this.#validation !== undefined);
    return this.#alone('fit', async () => {
      const { folder } = options.checkpoint ?? {};
      if (folder !== undefined && !this.#folders.has(folder)) {
        await expectFree(this.model.engine.runtime, folder);
        this.#folders.add(folder);
      }
      const board = await this.#board(options.tensorboard);
      const onLog = (record: TrainingRecord) => {
        board?.log(record);
        options.onLog?.(record);
      };
      try {
        const result = await runFit(this.#learner, { validation: this.#validation, warn: this.#warn }, { ...options, onLog });
        await board?.close();
        return result;
      } finally {
        if (!this.model.engine.disposed) this.model.eval();
        await board?.close().catch(() => {}); // it has been told, or something worse is
      }
    });
  }

  async #board(folder: string | undefined): Promise<TensorBoard | undefined> {
    return folder === undefined ? undefined : TensorBoard.open(this.model.engine, folder, { step: this.position.step });
  }

  /** Trains to the end of the epoch that the run is in. Gives the mean loss over its targets. */
  async trainEpoch(
    options: {
      /** Ends it between two steps; it rejects with the reason. */
      signal?: AbortSignal | undefined;
      /** Callback after each step. */
      onProgress?: (progress: TrainingProgress) => void;
    } = {},
  ): Promise<number> {
    checkOptions(options, ['signal', 'onProgress'], 'trainEpoch');
    let [loss, targets] = [0, 0];
    await this.#alone('trainEpoch', async () => {
      const onProgress = (progress: TrainingProgress) => {
        loss += progress.loss * progress.targets;
        targets += progress.targets;
        options.onProgress?.(progress);
      };
      const fitting = { epochs: this.position.epoch + 1, signal: options.signal, onProgress };
      try {
        await runFit(this.#learner, { validation: undefined, warn: this.#warn }, fitting);
      } finally {
        if (!this.model.engine.disposed) this.model.eval();
      }
    });
    return loss / targets;
  }

  /**
   * Metrics of the model on `loader`, `validation` unless given: for predictions the mean cross entropy per target, without smoothing, its perplexity,
   * and the share of targets that have the largest logit; with `decode`, also bleu and chrf. Leaves the model out of training.
   */
  async evaluate(
    options: {
      /** Batches to evaluate with. Default the trainer's `validation`. */
      loader?: Batches<Batch>;
      /** `true` to generate texts and score them too. Default false. */
      decode?: boolean;
      /** Abort signal that ends the evaluation, which rejects with the signal's reason. */
      signal?: AbortSignal;
    } = {},
  ): Promise<Metrics> {
    checkOptions(options, ['loader', 'decode', 'signal'], 'evaluate');
    const { loader = this.#validation, decode = false, signal } = options;
    if (!loader) throw wrong('loader', 'missing', 'Give one, or give the trainer `validation`');
    const { objective, seed } = this.#learner.options;
    return this.#alone('evaluate', () => evaluate(this.model, { objective, loader, seed, decode, signal }));
  }

  /**
   * Memory of a step with this batch, or with the next one: the step is rehearsed on the engine's allocator, every block of it, without computing
   * and without taking memory. The longest batch decides; with `accumulate` a step takes the memory of its largest batch.
   */
  async memory(batch?: Batch): Promise<StepMemory> {
    const { use, moments: missing } = await this.#alone('memory', () => this.#learner.memory(batch));
    const { optimizer } = this.#learner.options;
    const all = [...this.model.distinctParameters().values()];
    const bytes = (list: typeof all) => list.reduce((sum, parameter) => sum + parameter.bytes, 0);
    const kept = [...optimizer.namedState()].reduce((sum, [, x]) => sum + x.storage.bytes, 0);
    const [parameters, gradients, moments] = [bytes(all), bytes(all.filter(({ requiresGrad }) => requiresGrad)), kept + missing];
    return { peak: use.peak, parameters, gradients, moments, activations: use.peak - parameters - gradients - moments };
  }

  /** Returns a checkpoint as bytes, which the program stores. */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#alone('save', async () => joinSafetensors(checkpointOf(this.#learner)));
  }

  /** Restores a run from the bytes of `save`. Throws FORMAT for damaged bytes, MODEL_MISMATCH for the bytes of another model; nothing has changed then. */
  async load(bytes: Uint8Array): Promise<void> {
    if (!(bytes instanceof Uint8Array)) throw wrong('bytes', kindOf(bytes), 'Give what save() gave');
    const open = async () => byteStream(bytes, 'checkpoint');
    await this.#alone('load', () => restore(this.#learner, open, this.#warn));
  }

  /** Writes a checkpoint into a folder, as fit does; `keep` is how many stay. Gives where it is. */
  async saveTo(
    folder: string,
    {
      keep = 2,
    }: {
      /** Number of checkpoints that are kept besides the best. Default 2. */
      keep?: number;
    } = {},
  ): Promise<string> {
    checkWhole({ keep });
    return this.#alone('saveTo', async () => {
      if (!this.#folders.has(folder)) await expectFree(this.model.engine.runtime, folder);
      this.#folders.add(folder);
      return save(this.#learner, folder, keep);
    });
  }

  /**
   * Continues from a folder's last undamaged checkpoint, or from its best; returns `true` if there is one. A damaged one is skipped with a warning, and
   * one that another binary or version of heed wrote is accepted with a warning: the run continues, with other bits.
   */
  async resume(
    folder: string,
    options: {
      /** `true` to resume from the best checkpoint instead of the last. Default false. */
      best?: boolean;
    } = {},
  ): Promise<boolean> {
    checkOptions(options, ['best'], 'resume');
    this.#folders.add(folder);
    return this.#alone('resume', () => resume(this.#learner, folder, options.best ?? false, this.#warn));
  }

  /** Runs `work` alone and throws where other work is running: all of it changes the state of the run. */
  async #alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy)
      throw new HeedError('ARGUMENT', `${what}: this trainer is in ${this.#busy}`, { culprit: what, cure: 'Await one before the next' });
    this.#busy = what;
    try {
      return await work();
    } finally {
      this.#busy = undefined;
    }
  }
}

const wrong = (culprit: string, what: string, cure: string) =>
  new HeedError('ARGUMENT', `Trainer: ${culprit} is ${what}`, { culprit, cure });
