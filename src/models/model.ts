/**
 * Models as users call them, in transformers.js's idiom: `await model({ input_ids, attention_mask })` gives host tensors. Calls on
 * one engine queue, and yield to the event loop between blocks.
 */
import type { Engine, EngineInfo, EngineOptions } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { JsonObject } from '../io/json.js';
import type { Module } from '../nn/module.js';
import { expectBooleans } from '../ops/check.js';
import type { Port } from '../runtime/types.js';
import type { HostTensor } from '../tensor.js';
import { callable } from './callable.js';
import type { Encoder, EncoderInputs } from './encoder.js';
import { type IntegerInput, integers, integersLike, lengthsOf, within } from './inputs.js';
import { loadPretrained } from './pretrained.js';
import { checkDtype, type PretrainedDtype } from './quantization.js';

export interface ModelInputs {
  input_ids: IntegerInput;
  /** 1 for tokens, 0 for padding. Default: all 1. */
  attention_mask?: IntegerInput | undefined;
  /** Default: all 0. */
  token_type_ids?: IntegerInput | undefined;
}

export interface CallOptions {
  output_attentions?: boolean | undefined;
  output_hidden_states?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface ModelOutput {
  /** [B, T, C] */
  last_hidden_state: HostTensor;
  /** [B, C], where the checkpoint has a pooler. */
  pooler_output?: HostTensor;
  /** The embeddings and every block's output, when asked for. */
  hidden_states?: HostTensor[];
  /** [B, H, T, T] of every block, when asked for. */
  attentions?: HostTensor[];
}

export interface PretrainedOptions {
  /** The engine that runs the model, or the options of one of its own. Default: one engine that all share. */
  engine?: Engine | EngineOptions | undefined;
  /**
   * Whether the model runs in a worker instead of on this thread. Default: true in a page, where it then needs no `engine` but may have options of
   * one; false elsewhere. A Worker of yours must call `serve()`.
   */
  worker?: boolean | Port | undefined;
  /** Only 'wasm' */
  device?: string | undefined;
  /**
   * 'fp32', or 'q8': matrices and tables in 8 bits, to which a float checkpoint is rounded while it loads. Half precision is widened. Default: q8 for a
   * checkpoint that is, else fp32.
   */
  dtype?: PretrainedDtype | undefined;
  progress_callback?: ((progress: ProgressEvent) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** transformers.js's progress events. */
export interface ProgressEvent {
  status: 'progress' | 'ready';
  file: string;
  loaded: number;
  total: number | undefined;
  /** Percent. */
  progress: number;
}

export const pretrainedOptionNames = ['engine', 'worker', 'device', 'dtype', 'progress_callback', 'signal'];

/** In a page the model lives in a worker: then `engine` and `encoder` cannot be reached, and say so. */
export type Model = EncoderModel & ((inputs: ModelInputs, options?: CallOptions) => Promise<ModelOutput>);

/** What a call of a model that was disposed of throws. */
export const gone = () => new HeedError('ARGUMENT', 'This model was disposed of', { culprit: 'model', cure: 'Load it again' });

/** A module that was loaded, and the engine that it runs on. */
export class LoadedModel {
  #disposed = false;
  #module: Module;

  constructor(
    readonly engine: Engine,
    readonly config: JsonObject,
    module: Module,
  ) {
    this.#module = module;
  }

  /** Runs steps of the module, which may be disposed of meanwhile. */
  async run<T>(steps: () => Generator<unknown, T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      if (this.#disposed && !this.engine.disposed) throw gone();
      return await this.engine.run(steps, signal);
    } catch (error) {
      throw this.#disposed && error instanceof HeedError && error.code === 'MODEL_MISMATCH' ? gone() : error;
    }
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

export class EncoderModel extends LoadedModel {
  constructor(
    engine: Engine,
    config: JsonObject,
    readonly encoder: Encoder,
  ) {
    super(engine, config, encoder);
  }

  /** Loads a folder's config.json and weights. */
  static async load(engine: Engine, folder: string, options: PretrainedOptions = {}): Promise<Model> {
    checkPretrained(options);
    const { config, module } = await loadPretrained(engine, folder, 'encoder', options);
    return callable(new EncoderModel(engine, config.value, module), ['run']);
  }

  /** One forward. Rejects with ARGUMENT, SHAPE, or `signal.reason`. */
  async call(inputs: ModelInputs, options: CallOptions = {}): Promise<ModelOutput> {
    checkOptions(inputs, ['input_ids', 'attention_mask', 'token_type_ids'], 'model');
    checkOptions(options, ['output_attentions', 'output_hidden_states', 'signal'], 'model');
    const { output_attentions: attentions, output_hidden_states: hiddenStates, signal } = options;
    expectBooleans('model', { output_attentions: attentions, output_hidden_states: hiddenStates });
    const { encoder } = this;
    const prepared = prepare(inputs);
    const { V, types } = encoder.dims;
    within('input_ids', prepared.ids, V);
    within('token_type_ids', prepared.typeIds, types);
    return this.run(function* () {
      const out = yield* encoder.steps(prepared, { attentions, hiddenStates, pooler: true });
      const result: ModelOutput = { last_hidden_state: out.lastHiddenState.toHost() };
      if (out.poolerOutput) result.pooler_output = out.poolerOutput.toHost();
      if (hiddenStates) result.hidden_states = out.hiddenStates.map((x) => x.toHost());
      if (attentions) result.attentions = out.attentions.map((x) => x.toHost());
      return result;
    }, signal);
  }
}

/** Throws for options that `from_pretrained` does not have. */
export function checkPretrained(options: PretrainedOptions): void {
  checkOptions(options, pretrainedOptionNames, 'from_pretrained');
  const { device = 'wasm', dtype } = options;
  if (device !== 'wasm')
    throw new HeedError('UNSUPPORTED', `There is no device ${kindOf(device)}`, { culprit: 'device', cure: "Use 'wasm'" });
  checkDtype(dtype);
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
