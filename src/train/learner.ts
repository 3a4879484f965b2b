/**
 * One training run: the model, its optimizer, the data, and its progress. A learner takes steps and reports how much memory a step
 * takes; the trainer decides when to evaluate, stop and save (fit.ts). Each batch is one task of the engine's queue, so that other work on the
 * engine has its turns in between, and a step is taken as a whole or not at all.
 */
import { Tape } from '../autograd/tape.js';
import type { Engine } from '../engine/engine.js';
import type { MemoryUse } from '../engine/memory.js';
import { HeedError } from '../errors.js';
import type { Module } from '../nn/module.js';
import { backward } from '../ops/backward.js';
import { scale } from '../ops/elementwise.js';
import { Random } from '../random.js';
import { type Batches, empty, exampleOf, located } from './batches.js';
import { atOnce } from './evaluation.js';
import type { Exercise, Objective } from './objective.js';
import type { Optimizer } from './optimizer.js';
import type { Schedule } from './schedule.js';

export interface LearnerOptions<Model, Batch> {
  objective: Objective<Model, Batch>;
  optimizer: Optimizer;
  schedule: Schedule;
  loader: Batches<Batch>;
  seed: number;
  clip: number | undefined;
  accumulate: number;
}

/** Progress of a run: the content of a checkpoint besides tensors. */
export interface TrainerState {
  /** Number of steps taken. */
  step: number;
  /** Next batch, by epoch and number. */
  epoch: number;
  batch: number;
  /** Batches taken: the name of what chance draws. */
  batches: number;
  /** Since the last record: the sum of losses over targets, and the targets. */
  window: { loss: number; targets: number };
  /** Best evaluation so far, and number of evaluations after it. */
  best:
    | {
        /** Value of the metric. */
        value: number;
        /** Number of steps before the evaluation. */
        step: number;
      }
    | undefined;
  stale: number;
}

export const beginning = (): TrainerState => ({
  ...{ step: 0, epoch: 0, batch: 0, batches: 0 },
  ...{ window: { loss: 0, targets: 0 }, best: undefined, stale: 0 },
});

/** State in epochs of `batches` batches: moved to the beginning of the next epoch, where a run resumes with fewer batches than before and is beyond all of them. */
export const within = (state: TrainerState, batches: number | undefined): TrainerState =>
  batches !== undefined && state.batch > 0 && state.batch >= batches ? { ...state, epoch: state.epoch + 1, batch: 0 } : state;

/** Report of a step. */
export interface StepReport {
  /** Mean loss over the targets of all batches of the step. */
  loss: number;
  /** Norm of all gradients together, before clipping. */
  norm: number;
  /** Learning rate of the first parameter group. */
  rate: number;
  /** Number of targets that counted. */
  targets: number;
  /** Number of tokens that the model read, without padding. */
  tokens: number;
}

export class Learner<Model extends Module, Batch> {
  state = beginning();
  #batches: AsyncIterator<Batch> | undefined;
  /** Batch that was read ahead, where the number of batches is unknown. */
  #next: IteratorResult<Batch> | undefined;

  constructor(
    readonly model: Model,
    readonly options: LearnerOptions<Model, Batch>,
  ) {}

  get engine(): Engine {
    return this.model.engine;
  }

  /** Takes one step. After an error or an abort, model, optimizer and state are unchanged. */
  async step(signal?: AbortSignal): Promise<StepReport> {
    const { engine, model, state } = this;
    const { optimizer, schedule, clip, seed } = this.options;
    // Gradients of an earlier, failed attempt are cleared.
    optimizer.zeroGrad();
    let at = 0;
    try {
      const { batches, last } = await this.#gather();
      const exercises = batches.map((batch, i) => {
        at = i;
        return this.options.objective.prepare(model, batch, new Random(seed, 'exercise', state.batches + i));
      });
      const weights = exercises.map(weightOf);
      const whole = weights.reduce((sum, weight) => sum + weight, 0);
      if (whole === 0) throw noTarget();
      const factor = schedule(state.step + 1);
      let [loss, norm] = [0, 0];
      // A batch that weighs nothing has no mean, and no part in the step.
      const final = weights.findLastIndex((weight) => weight > 0);
      for (const [i, exercise] of exercises.entries()) {
        if (weights[i] === 0) continue;
        at = i;
        const work = () => {
          model.train({ seed, step: state.batches + i + 1 }); // counted from 1, as steps are
          optimizer.reserve();
          loss += lossAndGrad(engine, exercise, (weights[i] as number) / whole);
          if (i === final) norm = optimizer.step({ factor, clip });
        };
        await engine.run(() => atOnce(work), signal);
      }
      const targets = exercises.reduce((sum, exercise) => sum + exercise.targets, 0);
      if (last) await this.rewind();
      this.#advance(batches.length, last, loss * targets, targets);
      const tokens = exercises.reduce((sum, exercise) => sum + exercise.tokens, 0);
      return { loss, norm, rate: optimizer.lr * factor, targets, tokens };
    } catch (error) {
      await this.rewind();
      throw this.#located(error, at);
    }
  }

  /** Lets go of the data: the next step opens it where the state says. */
  async rewind(): Promise<void> {
    const batches = this.#batches;
    this.#batches = this.#next = undefined;
    await batches?.return?.();
  }

  /** Memory of a step with the given batch, or with the next one; nothing is computed. */
  async memory(given?: Batch): Promise<{ use: MemoryUse; moments: number }> {
    const { engine, model, state } = this;
    const { objective, optimizer, seed } = this.options;
    const batch = given ?? (await this.#peek());
    const exercise = objective.prepare(model, batch, new Random(seed, 'exercise', state.batches));
    if (weightOf(exercise) === 0) throw noTarget();
    const moments = optimizer.missingBytes;
    const parameters = [...model.distinctParameters().values()];
    const work = (): MemoryUse => {
      model.train({ seed, step: state.batches + 1 });
      for (const parameter of parameters) parameter.freeGrad();
      return engine.rehearse(() => {
        const later = engine.allocate(moments);
        try {
          // The first pass allocates the gradients, which the second pass finds in place, as a step does.
          for (const _ of [1, 2]) lossAndGrad(engine, exercise, 1);
        } finally {
          for (const parameter of parameters) parameter.freeGrad();
          later.free();
        }
      });
    };
    return { use: await engine.run(() => atOnce(work)), moments };
  }

  /** Reads the batches of a step, fewer at an epoch's end; `last` is `true` at the end of the epoch. */
  async #gather(): Promise<{ batches: Batch[]; last: boolean }> {
    const { accumulate, loader } = this.options;
    this.state = within(this.state, loader.length);
    const batches: Batch[] = [];
    while (batches.length < accumulate) {
      const next = await this.#read();
      if (next.done) break;
      batches.push(next.value);
    }
    if (batches.length) return { batches, last: await this.#ends(batches.length) };
    if (this.state.batch === 0) throw empty('loader');
    // A stream that has got shorter than it was when the run began.
    await this.rewind();
    this.state = within(this.state, this.state.batch);
    return this.#gather();
  }

  async #read(): Promise<IteratorResult<Batch>> {
    const { epoch, batch } = this.state;
    this.#batches ??= this.options.loader.epoch(epoch, { from: batch })[Symbol.asyncIterator]();
    const next = this.#next ?? (await this.#batches.next());
    this.#next = undefined;
    return next;
  }

  async #ends(taken: number): Promise<boolean> {
    const { length } = this.options.loader;
    if (length !== undefined) return this.state.batch + taken >= length;
    this.#next = await this.#read();
    return this.#next.done === true;
  }

  async #peek(): Promise<Batch> {
    this.state = within(this.state, this.options.loader.length);
    this.#next = await this.#read();
    if (this.#next.done) throw empty('loader');
    return this.#next.value;
  }

  #advance(taken: number, last: boolean, loss: number, targets: number): void {
    const { state } = this;
    const { window } = state;
    const place = last ? { epoch: state.epoch + 1, batch: 0 } : { batch: state.batch + taken };
    const more = { loss: window.loss + loss, targets: window.targets + targets };
    this.state = { ...state, ...place, step: state.step + 1, batches: state.batches + taken, window: more };
  }

  #located(error: unknown, offset: number): unknown {
    const { step, epoch, batch } = this.state;
    const number = batch + offset;
    return located(error, `Step ${step + 1} (epoch ${epoch}, batch ${number}${exampleOf(error, this.options.loader, epoch, number)})`);
  }
}

/** Weight of a batch among the batches of its step: the divisor of its loss. */
const weightOf = ({ targets, weight = targets }: Exercise): number => weight;

const noTarget = () =>
  new HeedError('ARGUMENT', 'The batch has no target', {
    culprit: 'batch',
    cure: 'Leave out examples that are nothing but padding, and classes that weigh nothing',
  });

/** Forward and backward: adds the gradients of the loss times `weight` to the parameters', and gives the loss times `weight`. */
function lossAndGrad(engine: Engine, exercise: Exercise, weight: number): number {
  const tape = new Tape(engine);
  return engine.scope(() => {
    const loss = tape.record(() => (weight === 1 ? exercise.loss() : scale(exercise.loss(), weight)));
    const value = loss.toHost().data[0] as number;
    if (!Number.isFinite(value)) {
      tape.dispose();
      throw new HeedError('NUMERIC', `The loss is ${value}`, {
        culprit: 'loss',
        cure: 'Lower the learning rate, warm up, or clip, and go on from the last checkpoint',
      });
    }
    backward(tape, loss);
    return value;
  });
}
