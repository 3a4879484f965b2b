/**
 * The base of every module: it knows its parameters and its submodules by PyTorch's names, which make the state dict's keys.
 * Parameters belong to the module, not to the scope that is open when they are filled; `dispose` frees them.
 */

import { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import { readCheckpoint } from '../io/checkpoint.js';
import { addressOf } from '../io/given.js';
import { joinSafetensors, pytorch, type SafetensorsEntry, writeSafetensors } from '../io/safetensors_writer.js';
import { type TensorSource, weightsFolder } from '../io/weights_folder.js';
import { expectBooleans, kindOf, wrongArgument } from '../ops/check.js';
import type { DropoutKey } from '../ops/dropout.js';
import { Random } from '../random.js';
import type { HostTensor, Shape } from '../tensor.js';
import { dtypeFor, weightEntries } from './entries.js';
import { floats, type Source } from './formats/sources.js';
import { Parameter, type ParameterDtype, type ParameterOptions } from './parameter.js';
import { checkFile, checkFit, checkNames, type FileTensor, type StateDict } from './state_dict.js';

export type { StateDict, StateTensor } from './state_dict.js';

/** Options of `module.load`. */
export interface LoadOptions {
  /** `true` where missing and extra tensors are errors. Default true. */
  strict?: boolean | undefined;
  /** Abort signal that ends the reading, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options of `module.save`. */
export interface SaveOptions {
  /** Texts by name, for readers of the file. Default `format: 'pt'`, without which transformers takes no file. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

/** Options of `module.train`. */
export interface TrainOptions {
  /** Seed of the random numbers of dropout. Default 0. */
  seed?: number;
  /** Number of the step that begins: the same step draws the same random numbers again, after a resume for example. Default 0. */
  step?: number;
}

/**
 * Base of everything with parameters and submodules: PyTorch's nn.Module. Declare both with `parameter` and `child`, in fields or in the constructor; `init`,
 * `load`, `save`, `train`, `eval` are then there.
 * @example
 * ```ts
 * class Classifier extends Module {
 *   readonly fc = this.child('fc', new Linear(this.engine, 384, 2));
 *   forward(x: Tensor): Tensor {
 *     return this.fc.forward(x); // [B, 384] → [B, 2]
 *   }
 * }
 * const classifier = new Classifier(engine).init(0);
 * await classifier.save('classifier.safetensors');
 * ```
 */
export abstract class Module {
  readonly #parameters = new Map<string, Parameter>();
  #children: readonly (readonly [name: string, module: Module])[] = [];
  #training = false;
  /** Path of the module below the module on which `train` was called; with seed, step and number of calls, it names the random numbers that the module draws. */
  #path = '';
  #random: Required<TrainOptions> = { seed: 0, step: 0 };
  #calls = 0;

  /** Throws ARGUMENT for an engine that is none. */
  constructor(
    /** Engine on which the module runs. */
    readonly engine: Engine,
  ) {
    if (!(engine instanceof Engine))
      throw new HeedError('ARGUMENT', `${new.target.name} needs an engine first`, {
        culprit: 'engine',
        cure: 'Make one with createEngine()',
      });
  }

  /** Declares a parameter under PyTorch's name. */
  protected parameter(name: string, shape: Shape, options?: ParameterOptions): Parameter {
    if (!shape.every((d) => Number.isSafeInteger(d) && d > 0)) {
      throw new HeedError('ARGUMENT', `${this.constructor.name}: ${name} cannot be [${shape.map(kindOf)}]`, {
        culprit: name,
        shape,
        cure: 'Sizes are whole numbers above 0',
      });
    }
    const made = new Parameter(this.engine, `${this.constructor.name}.${name}`, shape, options);
    this.#parameters.set(name, made);
    return made;
  }

  /** Declares a submodule under PyTorch's name; one without a name has its keys among its parent's. */
  protected child<M extends Module>(name: string, module: M): M {
    this.#children = [...this.#children, [name, module]];
    return module;
  }

  /** Removes a submodule, and frees it. */
  protected forget(name: string): void {
    const isMeant = ([other]: readonly [string, Module]) => other === name;
    this.#children.find(isMeant)?.[1].dispose();
    this.#children = this.#children.filter((child) => !isMeant(child));
  }

  /** Yields every parameter of the module and its submodules, with its state-dict key. */
  *namedParameters(prefix = ''): Generator<[string, Parameter], void> {
    for (const [name, parameter] of this.#parameters) yield [prefix + name, parameter];
    for (const [name, module] of this.#children) yield* module.namedParameters(prefix + before(name));
  }

  /** Returns each parameter once, by its first name: tied parameters have several names. */
  distinctParameters(): Map<string, Parameter> {
    const names = new Map<Parameter, string>();
    for (const [name, parameter] of this.namedParameters()) if (!names.has(parameter)) names.set(parameter, name);
    return new Map([...names].map(([parameter, name]) => [name, parameter]));
  }

  /** `true` in training: parameters are then float32 rows that receive gradients, and dropout is active. */
  get training(): boolean {
    return this.#training;
  }

  /** Key of a dropout mask of this module: a new key for each call, and the same keys again after `train` with the same seed and step. */
  protected dropoutKey(): DropoutKey {
    const { seed, step } = this.#random;
    const random = new Random(seed, step, this.#path, this.#calls++);
    return [random.uint32(), random.uint32(), random.uint32(), random.uint32()];
  }

  /**
   * Initializes every parameter as a new model's, by torch.nn's defaults. A parameter's numbers depend on the seed and its name
   * alone.
   */
  init(seed: number): this {
    for (const [name, parameter] of this.namedParameters()) this.initParameter(name, parameter, new Random(seed, name));
    return this;
  }

  /** Initializes a parameter of this module: override the method for other values than the parameter's own. */
  protected initParameter(_name: string, parameter: Parameter, random: Random): void {
    parameter.init(random);
  }

  /**
   * Into training, or out of it with `eval`: parameters change their form, and keep their values. Called again before each step, with its number, it
   * makes what dropout draws a function of seed and step, so that a run can be resumed; without, masks differ from call to call all the same. Throws UNSUPPORTED for
   * 8-bit weights.
   */
  train(options: TrainOptions = {}): this {
    checkOptions(options, ['seed', 'step'], 'train');
    const { seed = 0, step = 0 } = options;
    for (const [name, value] of Object.entries({ seed, step }))
      if (!Number.isSafeInteger(value)) throw wrongArgument('train', name, value, 'It is a whole number');
    for (const [, parameter] of this.namedParameters()) parameter.checkTrainable();
    this.#switch('', options.seed === undefined && options.step === undefined ? undefined : { seed, step });
    return this;
  }

  /** Ends training: dropout is inactive, and parameters take the form that inference reads. Returns the module. */
  eval(): this {
    for (const module of this.#all()) {
      module.#training = false;
      for (const parameter of module.#parameters.values()) parameter.eval();
    }
    return this;
  }

  /**
   * Converts weights to 8 or 4 bits, all that are quantizable, or back to float32: rounded values stay rounded. In 4 bits are the weights of products whose rows are whole blocks
   * of 32; tables and outputs then have 8. Throws UNSUPPORTED in training, NUMERIC for
   * values that are not finite.
   */
  to(dtype: ParameterDtype): this {
    for (const [, parameter] of this.namedParameters()) if (parameter.quantizable) parameter.to(dtypeFor(parameter, dtype));
    return this;
  }

  *#all(): Generator<Module, void> {
    yield this;
    for (const [, child] of this.#children) yield* child.#all();
  }

  #switch(path: string, random: Required<TrainOptions> | undefined): void {
    this.#training = true;
    this.#path = path;
    if (random) [this.#random, this.#calls] = [random, 0];
    for (const parameter of this.#parameters.values()) parameter.train();
    for (const [name, child] of this.#children) child.#switch(path + before(name), random);
  }

  /** Freezes all parameters of the module and its submodules (`false`), or unfreezes them. */
  requiresGrad(wanted: boolean): this {
    for (const [, parameter] of this.namedParameters()) parameter.requiresGrad = wanted;
    return this;
  }

  /** Clears the gradients of all parameters, before the next step accumulates new ones. */
  zeroGrad(): void {
    for (const [, parameter] of this.namedParameters()) parameter.zeroGrad();
  }

  /** Copies of all parameters, by PyTorch's keys. */
  stateDict(): Record<string, HostTensor> {
    return Object.fromEntries([...this.namedParameters()].map(([name, parameter]) => [name, parameter.toHost()]));
  }

  /**
   * All parameters in the form of a q8 checkpoint, by PyTorch's keys: `name` int8 [N, K] and `name.scale` float16 [N, ⌈K/32⌉] for quantizable ones, float32
   * for the rest. Float32 weights are rounded when their bytes are asked for, 8-bit ones are unchanged. For `writeSafetensors`.
   */
  quantizedState(): SafetensorsEntry[] {
    return [...this.distinctParameters()].flatMap(([name, parameter]) => weightEntries(parameter, name, 'q8'));
  }

  /**
   * Fills the parameters. Throws MODEL_MISMATCH for a tensor that is missing, extra (unless `strict` is false), or of another
   * shape; nothing has changed then.
   */
  loadStateDict(
    state: StateDict,
    options: {
      /** `true` where missing and extra tensors are errors. Default true. */
      strict?: boolean;
    } = {},
  ): void {
    checkOptions(options, ['strict'], 'loadStateDict');
    const { strict = true } = options;
    expectBooleans('loadStateDict', { strict });
    if (typeof state !== 'object' || state === null) throw wrongArgument('loadStateDict', 'state', state, 'It holds tensors by name');
    const own = new Map(this.namedParameters());
    if (strict) checkNames(this.constructor.name, own, Object.keys(state), 'The state dict');
    for (const [name, { shape }] of own) if (state[name] !== undefined && Object.hasOwn(state, name)) checkFit(name, shape, state[name]);
    for (const [name, parameter] of own) {
      const given = Object.hasOwn(state, name) ? state[name] : undefined;
      if (given === undefined) continue;
      const values = Float32Array.from(given.data);
      parameter.reset();
      parameter.write(0, new Uint8Array(values.buffer));
    }
  }

  /**
   * Fills the parameters from safetensors: a file, an index of shards or a folder by path or URL, or bytes. A tied parameter needs one of its names. Half precision is widened,
   * float64 rounded. Throws MODEL_MISMATCH for a tensor that is missing, extra (unless `strict` is false), or of another shape, FORMAT, NOT_FOUND, NETWORK; nothing has
   * changed then.
   * @example await model.load('model.safetensors');
   */
  async load(source: TensorSource, options: LoadOptions = {}): Promise<this> {
    checkOptions(options, ['strict', 'signal'], 'load');
    const { strict = true, signal } = options;
    expectBooleans('load', { strict });
    const own = new Map(this.namedParameters());
    const check = (tensors: readonly FileTensor[]) => checkFile(this.constructor.name, own, tensors, strict);
    const found = new Map<Parameter, [bytes: Uint8Array, source: Source]>();
    for await (const { name, dtype, begin, end, read } of readCheckpoint(weightsFolder(this.engine.runtime, source), { signal, check })) {
      const parameter = own.get(name);
      if (!parameter) continue;
      const bytes = new Uint8Array(end - begin);
      await read((chunk, offset) => bytes.set(chunk, offset));
      found.set(parameter, [bytes, floats[dtype as keyof typeof floats]]);
    }
    for (const [parameter, [bytes, source]] of found) {
      parameter.reset();
      parameter.write(0, bytes, source);
    }
    return this;
  }

  /**
   * Writes the parameters as safetensors, float32 under PyTorch's keys, a tied one once: to a file, or, without one, gives the bytes. Of 8-bit weights it is what rounding has left;
   * `quantizedState()` gives those as they are. Throws STORAGE, UNSUPPORTED where there are no files.
   * @example await model.save('model.safetensors');
   */
  save(file?: undefined, options?: SaveOptions): Promise<Uint8Array<ArrayBuffer>>;
  save(file: string | URL, options?: SaveOptions): Promise<number>;
  async save(file?: string | URL, options: SaveOptions = {}): Promise<Uint8Array<ArrayBuffer> | number> {
    checkOptions(options, ['metadata'], 'save');
    const entries = [...this.distinctParameters()].flatMap(([name, parameter]) => weightEntries(parameter, name, 'float32'));
    const chunks = writeSafetensors(entries, options.metadata ?? pytorch);
    if (file === undefined) return joinSafetensors(chunks);
    if (!addressOf(file)) throw wrongArgument('save', 'file', file, 'It is a path');
    return this.engine.runtime.writeFile(addressOf(file) as string, chunks);
  }

  /** Frees all parameters. */
  dispose(): void {
    for (const [, parameter] of this.namedParameters()) parameter.dispose();
  }
}

/** Prefix of the keys of a submodule. */
const before = (name: string): string => name && `${name}.`;
