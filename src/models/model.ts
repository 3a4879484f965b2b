/**
 * Models as users call them, in transformers.js's idiom: `await model({ input_ids, attention_mask })` gives host tensors. Calls on
 * one engine queue, and yield to the event loop between blocks.
 */
import type { Engine, EngineInfo } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import type { Folder } from '../io/folder.js';
import type { JsonObject } from '../io/json.js';
import type { Module } from '../nn/module.js';
import { expectBooleans } from '../ops/check.js';
import type { HostTensor } from '../tensor.js';
import { callable } from './callable.js';
import type { Encoder, EncoderInputs, EncoderOutputs, EncoderWants } from './encoder.js';
import { type IntegerInput, integers, integersLike, lengthsOf, within } from './inputs.js';
import { checkPretrained, type TrainableOptions, trainableOptionNames } from './options.js';
import { loadPretrained } from './pretrained.js';
import { withRoom } from './room.js';
import { type Origin, remember, type SavePretrainedOptions, saveLoaded } from './save.js';

/** What an encoder reads: int32 [B, T] each, as a tokenizer gives them. */
export interface ModelInputs {
  /** The tokens' ids. */
  input_ids: IntegerInput;
  /** 1 for tokens, of which every row has one at least, 0 for padding. Default: all 1. */
  attention_mask?: IntegerInput | undefined;
  /** Default: all 0. */
  token_type_ids?: IntegerInput | undefined;
}

/** Options of a call of a model. */
export interface CallOptions {
  /** Whether attention weights are given; they cost a second pass. Default false. */
  output_attentions?: boolean | undefined;
  /** Whether the states of all blocks are given. Default false. */
  output_hidden_states?: boolean | undefined;
  /** Ends the forward between blocks; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What any encoder tells of itself. */
export interface Insights {
  /** The embeddings and every block's output, when asked for. */
  hidden_states?: HostTensor[];
  /** [B, H, T, T] of every block, when asked for. */
  attentions?: HostTensor[];
}

/** A forward, as models are called. What the options ask for is there for certain. */
export type ModelCall<Output> = <Options extends CallOptions>(
  inputs: ModelInputs,
  options?: Options,
) => Promise<Output & Insights & Asked<Options>>;
type Asked<Options> = (Options extends Record<'output_attentions', true> ? Required<Pick<Insights, 'attentions'>> : unknown) &
  (Options extends Record<'output_hidden_states', true> ? Required<Pick<Insights, 'hidden_states'>> : unknown);

/** What an encoder gives, float32. */
export interface ModelOutput extends Insights {
  /** [B, T, C] */
  last_hidden_state: HostTensor;
  /** [B, C], where the checkpoint has a pooler. */
  pooler_output?: HostTensor;
}

/** In a page the model lives in a worker: then `engine` and `encoder` cannot be reached, and say so. */
export type Model = EncoderModel & ModelCall<ModelOutput>;

/** What a call of a model that was disposed of throws. */
export const gone = () => new HeedError('ARGUMENT', 'This model was disposed of', { culprit: 'model', cure: 'Load it again' });

/** A module that was loaded, and the engine that it runs on. */
export class LoadedModel {
  #disposed = false;
  #module: Module;

  constructor(
    /** What it runs on. */
    readonly engine: Engine,
    /** config.json as it is. */
    readonly config: JsonObject,
    module: Module,
    /** Where it comes from. Nowhere, if it only writes for a module that somebody trains. */
    protected readonly origin?: Origin,
  ) {
    this.#module = module;
    if (origin) remember(module, config, origin);
  }

  /** Runs steps of the module, out of training; it may be disposed of meanwhile. What is wrong with its numbers is said by its name. */
  run<T>(steps: () => Generator<unknown, T>, signal: AbortSignal | undefined): Promise<T> {
    return this.named(() => this.stepped(steps, signal));
  }

  /** The same, of work that others may share. */
  protected stepped<T>(steps: () => Generator<unknown, T>, signal?: AbortSignal): Promise<T> {
    const module = this.#module;
    const infer = () => {
      if (module.training) module.eval();
      return steps();
    };
    return this.alive(() => this.engine.run(infer, signal));
  }

  /** Says by the model's name what is wrong with its numbers. */
  protected async named<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof HeedError && error.code === 'NUMERIC')
        error.message = `${this.origin?.folder.name ?? 'the model'}: ${error.message}`;
      throw error;
    }
  }

  /** Work on the module, which may be disposed of meanwhile. */
  protected async alive<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (this.#disposed && !this.engine.disposed) throw gone();
      return await work();
    } catch (error) {
      throw this.#disposed && error instanceof HeedError && error.code === 'MODEL_MISMATCH' ? gone() : error;
    }
  }

  /**
   * Writes weights, config.json, and the tokenizer and what else came with them into a folder, as Hugging Face lays it out and calls it. Throws STORAGE where that
   * fails, UNSUPPORTED where there are no files.
   */
  async save_pretrained(folder: string, options: SavePretrainedOptions = {}): Promise<void> {
    // Users have only models that were loaded.
    const origin = this.origin as Origin;
    await this.alive(async () => void (await saveLoaded(this.#module, this.config, origin, folder, options)));
  }

  /** What the engine got that runs it. */
  get info(): EngineInfo {
    return this.engine.info;
  }

  /** Frees the weights. */
  dispose(): void {
    this.#disposed = true;
    this.#module.dispose();
  }
}

/** An encoder that users call. What a call gives is its kind's business. */
export abstract class EncoderBase<Output extends object> extends LoadedModel {
  declare protected readonly origin: Origin;

  constructor(
    engine: Engine,
    config: JsonObject,
    /** The blocks, with their parameters. */
    readonly encoder: Encoder,
    origin: Origin,
  ) {
    super(engine, config, encoder, origin);
  }

  /** What is wanted of the forward, and what becomes of it. */
  protected abstract get wants(): EncoderWants;
  protected abstract read(outputs: EncoderOutputs): Output;

  /** One forward. Rejects with ARGUMENT, SHAPE, or `signal.reason`. */
  async call<Options extends CallOptions>(
    inputs: ModelInputs,
    options: Options = {} as Options,
  ): Promise<Output & Insights & Asked<Options>> {
    checkOptions(inputs, ['input_ids', 'attention_mask', 'token_type_ids'], 'model');
    checkOptions(options, ['output_attentions', 'output_hidden_states', 'signal'], 'model');
    const { output_attentions: attentions, output_hidden_states: hiddenStates, signal }: CallOptions = options;
    expectBooleans('model', { output_attentions: attentions, output_hidden_states: hiddenStates });
    const prepared = prepare(inputs);
    const { V, types } = this.encoder.dims;
    within('input_ids', prepared.ids, V);
    // Where there are no types, all tokens are of one.
    within('token_type_ids', prepared.typeIds, Math.max(1, types));
    return this.infer(prepared, { attentions, hiddenStates }, signal) as Promise<Output & Insights & Asked<Options>>;
  }

  /** The same, as transformers.js calls it. */
  forward<Options extends CallOptions>(inputs: ModelInputs, options?: Options): Promise<Output & Insights & Asked<Options>> {
    return this.call(inputs, options);
  }

  /** A forward, and what it gives as host tensors. */
  protected infer(inputs: EncoderInputs, wants: EncoderWants, signal: AbortSignal | undefined): Promise<Output & Insights> {
    const { encoder, wants: own } = this;
    const read = (outputs: EncoderOutputs) => this.read(outputs);
    const all = { ...own, ...wants };
    return this.run(function* () {
      const out = yield* withRoom(encoder.engine, inputs.shape, () => encoder.steps(inputs, all));
      const insights: Insights = {};
      if (wants.hiddenStates) insights.hidden_states = out.hiddenStates.map((x) => x.toHost());
      if (wants.attentions) insights.attentions = out.attentions.map((x) => x.toHost());
      return { ...read(out), ...insights };
    }, signal);
  }
}

/** A loaded encoder. `AutoModel.from_pretrained` gives one, which is a function too: `model(inputs)`. */
export class EncoderModel extends EncoderBase<ModelOutput> {
  static readonly optionNames = trainableOptionNames;

  protected get wants(): EncoderWants {
    return { pooler: true };
  }

  /** Loads a folder's config.json and weights. */
  static async load(engine: Engine, folder: string | Folder, options: TrainableOptions = {}): Promise<Model> {
    checkPretrained(options, trainableOptionNames);
    const { trainable } = options;
    const { config, module, origin } = await loadPretrained(engine, folder, 'encoder', options, { trainable });
    return callable(new EncoderModel(engine, config.value, module, origin), ['run', 'forward', 'save_pretrained']);
  }

  /** What of the blocks' outputs is the model's. */
  protected read({ lastHiddenState, poolerOutput }: EncoderOutputs): ModelOutput {
    return { last_hidden_state: lastHiddenState.toHost(), ...(poolerOutput && { pooler_output: poolerOutput.toHost() }) };
  }
}

/** Right padding, by far the most frequent, becomes lengths; any other mask stays one. */
function prepare({ input_ids, attention_mask, token_type_ids }: ModelInputs): EncoderInputs {
  const { data: ids, dims: shape } = integers('input_ids', input_ids);
  const typeIds = integersLike('token_type_ids', token_type_ids, shape);
  const mask = integersLike('attention_mask', attention_mask, shape);
  if (!mask) return { ids, shape, typeIds };
  const lengths = lengthsOf(mask, shape);
  return lengths ? { ids, shape, typeIds, lengths } : { ids, shape, typeIds, padding: Uint8Array.from(mask, (m) => Number(m === 0)) };
}
