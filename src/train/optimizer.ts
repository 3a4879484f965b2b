/**
 * Shared parts of optimizers, under torch.optim's names: SGD (sgd.ts), Adam and AdamW (adam.ts) over groups of parameters. `step` applies the gradients, first clipped where a global norm
 * is given; it does not zero them. Their state can be saved and loaded by the parameters' names, so that a run continues where it stopped.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { Parameter } from '../nn/parameter.js';
import { squareSum, zerosOf } from '../ops/optimizer.js';
import { type HostTensor, type Shape, sizeOf, type Tensor } from '../tensor.js';

/** Parameters that share options; named, as `module.namedParameters()` gives them. */
export type Named = Iterable<readonly [string, Parameter]>;

/** Parameters with options of their own: no weight decay for biases, say. */
export interface Group<Options> {
  /** Parameters with their names, as `module.namedParameters()` returns them. */
  parameters: Named;
  /** Options of the group that differ from the optimizer's. */
  options?: Partial<Options>;
}

/** Options of `optimizer.step`. */
export interface StepOptions {
  /** Multiplies every group's rate: a schedule's value at this step, from 0 on. Default 1. */
  factor?: number;
  /** Scales all gradients so that their norm together is at most this, from 0 on (Pascanu et al., arXiv 1211.5063). */
  clip?: number | undefined;
  /** Multiplies all gradients before that: 1 / n after n accumulated batches. Default 1. */
  scale?: number;
}

interface Member<Options> {
  name: string;
  parameter: Parameter;
  options: Options;
  /** Moments, by the order of `slots`. Made with the first gradient. */
  state: Tensor[];
  /** Steps of its own: those for which it had a gradient. Its moments are means over so many. */
  steps: number;
}

/** State of a saved optimizer: the step, and `name.slot` for every moment. */
export interface OptimizerState {
  /** Number of steps taken. */
  step: number;
  /** Numbers of steps of parameters that took fewer than the optimizer, by name: those without a gradient at times. */
  steps?: Readonly<Record<string, number>> | undefined;
  /** Every moment, by `name.slot`. */
  tensors: Record<string, HostTensor>;
}

interface Rated {
  /** Learning rate. */
  lr: number;
}

/** Base of SGD, Adam and AdamW. */
export abstract class Optimizer<Options extends Rated = Rated> {
  readonly #members: Member<Options>[] = [];
  #step = 0;

  constructor(
    groups: Named | readonly Group<Options>[],
    given: Partial<Options>,
    defaults: Options,
    /** Names of a parameter's moments. */
    readonly slots: readonly string[],
  ) {
    const where = new.target.name;
    checkOptions(given, Object.keys(defaults), where);
    const shared = { ...defaults, ...given };
    const seen = new Set<Parameter>();
    for (const { parameters, options } of isGroups<Options>(groups) ? groups : [{ parameters: groups, options: {} }]) {
      checkOptions(options ?? {}, Object.keys(defaults), where);
      for (const [name, parameter] of parameters) {
        if (seen.has(parameter)) continue; // tied weights come under several names
        seen.add(parameter);
        this.#members.push({ name, parameter, options: { ...shared, ...options }, state: [], steps: 0 });
      }
    }
    if (this.#members.length === 0) throw new HeedError('ARGUMENT', `${where} has no parameters`, { culprit: 'parameters' });
    for (const { options } of this.#members) {
      for (const [name, standard] of Object.entries(defaults))
        if (typeof standard === 'number') notNegative(where, name, options[name as keyof Options]);
      this.check(options, where);
    }
  }

  /** Throws ARGUMENT for options that make no sense; numbers are finite and not negative already. */
  protected abstract check(options: Options, where: string): void;

  /** Steps taken. A parameter counts its own: those for which it had a gradient. */
  get steps(): number {
    return this.#step;
  }

  /** Learning rate of the first group, which schedules multiply. */
  get lr(): number {
    return (this.#members[0] as Member<Options>).options.lr;
  }

  /** Bytes of the moments that the next steps will make, where not all are there yet. */
  get missingBytes(): number {
    const missing = this.#members.filter(({ parameter, state }) => parameter.requiresGrad && state.length === 0);
    return missing.reduce((sum, { parameter }) => sum + this.slots.length * Math.ceil((4 * sizeOf(parameter.shape)) / 64) * 64, 0);
  }

  /** Makes the memory of all gradients and moments now, so that a first step takes as much as all others. */
  reserve(): void {
    for (const { parameter, state } of this.#members) {
      if (!parameter.requiresGrad) continue;
      parameter.reserveGrad();
      if (state.length === 0) state.push(...this.slots.map(() => momentOf(parameter)));
    }
  }

  /** Updates the parameters. Returns the norm of all gradients together, before clipping. Parameters without a gradient stay unchanged. */
  step({ factor = 1, clip, scale = 1 }: StepOptions = {}): number {
    notNegative('step', 'factor', factor);
    notNegative('step', 'scale', Math.abs(scale));
    if (clip !== undefined && !(clip >= 0)) throw wrong('step', 'clip', clip, 'It is a number from 0 on');
    const ready = this.#members.filter(({ parameter }) => parameter.grad && parameter.requiresGrad);
    const norm = Math.abs(scale) * Math.sqrt(ready.reduce((sum, { parameter }) => sum + squareSum(parameter.grad as Tensor), 0));
    if (!Number.isFinite(norm))
      throw new HeedError('NUMERIC', `The gradients' norm is ${norm}`, {
        culprit: ready.find(({ parameter }) => !Number.isFinite(squareSum(parameter.grad as Tensor)))?.name ?? 'gradients',
        cure: 'Lower the learning rate, warm up, or clip; nothing was changed',
      });
    this.#step++;
    // PyTorch's clip_grad_norm_ adds 1e-6, and so do we.
    const clipped = clip === undefined ? scale : scale * Math.min(1, clip / (norm + 1e-6));
    for (const member of ready) {
      const { parameter, options } = member;
      if (member.state.length === 0) member.state.push(...this.slots.map(() => momentOf(parameter)));
      const rated = { ...options, lr: options.lr * factor };
      this.update(parameter.value, parameter.grad as Tensor, member.state, rated, clipped, ++member.steps);
    }
    return norm;
  }

  /** Changes a parameter p by its gradient g, times `scale`, and its moments; `step` counts from 1. */
  protected abstract update(p: Tensor, g: Tensor, state: readonly Tensor[], options: Options, scale: number, step: number): void;

  /** Forgets the gradients of all its parameters. */
  zeroGrad(): void {
    for (const { parameter } of this.#members) parameter.zeroGrad();
  }

  /** Shape of every possible moment, by `name.slot`. */
  get slotShapes(): Map<string, Shape> {
    return new Map(this.#members.flatMap(({ name, parameter }) => this.slots.map((slot) => [`${name}.${slot}`, parameter.shape] as const)));
  }

  /** Yields the existing moments, by `name.slot`: the tensors themselves, not copies. */
  *namedState(): Generator<[string, Tensor], void> {
    for (const { name, state } of this.#members) for (const [i, x] of state.entries()) yield [`${name}.${this.slots[i]}`, x];
  }

  /** Steps of the parameters that have moments and took fewer than the optimizer, by name. */
  get fewerSteps(): Record<string, number> {
    const fewer = this.#members.filter(({ state, steps }) => state.length > 0 && steps !== this.#step);
    return Object.fromEntries(fewer.map(({ name, steps }) => [name, steps]));
  }

  /**
   * Sets the step, with moments of zeros for the parameters whose slots are all in `names`, to be filled by the caller. These parameters took as many steps, unless
   * `fewer` has another number.
   */
  restore(step: number, names: ReadonlySet<string>, fewer: Readonly<Record<string, number>> = {}): void {
    this.dispose();
    for (const member of this.#members) {
      const { name, parameter, state } = member;
      const known = this.slots.every((slot) => names.has(`${name}.${slot}`));
      if (known) state.push(...this.slots.map(() => momentOf(parameter)));
      member.steps = !known ? 0 : Object.hasOwn(fewer, name) ? (fewer[name] as number) : step;
    }
    this.#step = step;
  }

  /** Copies of all moments, and how many steps were taken: what `load` takes. */
  state(): OptimizerState {
    return {
      step: this.#step,
      steps: this.fewerSteps,
      tensors: Object.fromEntries([...this.namedState()].map(([name, x]) => [name, x.toHost()])),
    };
  }

  /** Throws MODEL_MISMATCH for a state of other parameters, ARGUMENT for steps that are no counts. */
  load({ step, steps = {}, tensors }: OptimizerState): void {
    for (const [name, count] of Object.entries({ ...steps, step }))
      if (!(Number.isSafeInteger(count) && count >= 0 && count <= step))
        throw wrong('load', name, count, `It is a whole number from 0 to ${step}`);
    for (const [name, shape] of this.slotShapes) {
      const given = tensors[name];
      if (given && given.dims.join() !== shape.join())
        throw new HeedError('MODEL_MISMATCH', `The optimizer's ${name} is [${given.dims}], not [${shape}]`, {
          culprit: name,
          shape: given.dims,
        });
    }
    this.restore(step, new Set(Object.keys(tensors)), steps);
    for (const [name, x] of this.namedState()) x.engine.heap.floats(x.ptr, x.size).set((tensors[name] as HostTensor).data);
  }

  /** Frees the moments. */
  dispose(): void {
    for (const member of this.#members) for (const x of member.state.splice(0)) x.dispose();
  }
}

const momentOf = ({ engine, shape }: Parameter): Tensor => zerosOf(engine, shape);

/** An option that makes no sense. */
export const wrong = (where: string, name: string, value: unknown, cure: string) =>
  new HeedError('ARGUMENT', `${where}: ${name} is ${kindOf(value)}`, { culprit: name, cure });

function notNegative(where: string, name: string, value: unknown): void {
  if (!(typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY))
    throw wrong(where, name, value, 'It is a number from 0 on');
}

const isGroups = <Options>(groups: Named | readonly Group<Options>[]): groups is readonly Group<Options>[] =>
  Array.isArray(groups) && groups.length > 0 && !Array.isArray(groups[0]);
