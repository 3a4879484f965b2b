/**
 * Models as users call them, in transformers.js's idiom: `await model({ input_ids, attention_mask })` gives host tensors. Calls on
 * one engine queue, and yield to the event loop between blocks.
 */
import type { Engine, EngineInfo, EngineOptions } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { JsonObject } from '../io/json.js';
import { expectBooleans } from '../ops/check.js';
import type { Port } from '../runtime/types.js';
import { type HostTensor, sizeOf } from '../tensor.js';
import type { Encoder, EncoderInputs } from './encoder.js';
import { loadPretrained } from './pretrained.js';
import { checkDtype, type PretrainedDtype } from './quantization.js';

/** Integers of [B, T]: nested arrays, or the form in which tokenizers and transformers.js give them. */
export type IntegerInput = readonly (readonly number[])[] | { readonly data: ArrayLike<number | bigint>; readonly dims: readonly number[] };

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

export class EncoderModel {
  #disposed = false;

  constructor(
    readonly engine: Engine,
    readonly config: JsonObject,
    readonly encoder: Encoder,
  ) {}

  /** Loads a folder's config.json and weights. */
  static async load(engine: Engine, folder: string, options: PretrainedOptions = {}): Promise<Model> {
    checkPretrained(options);
    const { config, module } = await loadPretrained(engine, folder, 'encoder', options);
    return callable(new EncoderModel(engine, config.value, module));
  }

  /** Runs steps of the encoder, which may be disposed of meanwhile. */
  async run<T>(steps: () => Generator<unknown, T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      if (this.#disposed && !this.engine.disposed) throw gone();
      return await this.engine.run(steps, signal);
    } catch (error) {
      throw this.#disposed && error instanceof HeedError && error.code === 'MODEL_MISMATCH' ? gone() : error;
    }
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

  /** What the engine got that runs it. */
  get info(): EngineInfo {
    return this.engine.info;
  }

  /** Frees the weights. */
  dispose(): void {
    this.#disposed = true;
    this.encoder.dispose();
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

/** The model as a function that has its members. */
function callable(model: EncoderModel): Model {
  const call = (inputs: ModelInputs, options?: CallOptions) => model.call(inputs, options);
  return Object.assign(call, {
    ...model,
    call,
    run: model.run.bind(model),
    info: model.info,
    dispose: () => model.dispose(),
  }) as unknown as Model;
}

function integers(name: string, input: IntegerInput): { data: Int32Array; dims: readonly number[] } {
  const { data, dims } = (Array.isArray(input) ? flattened(input) : Object(input)) as {
    data?: ArrayLike<unknown>;
    dims?: readonly number[];
  };
  const size = Array.isArray(dims) && dims.length === 2 && dims.every((d) => Number.isSafeInteger(d) && d >= 0) ? sizeOf(dims) : undefined;
  if (!dims || !data || data.length !== size)
    throw new HeedError('SHAPE', `${name} must be [B, T], rows of one length`, {
      culprit: name,
      shape: Array.isArray(dims) ? dims : [],
      cure: 'Pad the rows, and say so in attention_mask',
    });
  // Before memory is made for them: a list may claim any length.
  for (let i = 0; i < data.length; i++) {
    const n = typeof data[i] === 'bigint' ? Number(data[i]) : data[i];
    if (Number.isInteger(n) && Math.abs(n as number) <= 0x7fffffff) continue;
    throw new HeedError('ARGUMENT', `${name} holds ${kindOf(n)}`, {
      culprit: name,
      cure: 'It must hold integers',
    });
  }
  return { data: Int32Array.from(data as ArrayLike<number | bigint>, Number), dims };
}

/** Nested lists; without data where they are none, or not of one length. */
function flattened(rows: readonly (readonly number[])[]): { data?: number[]; dims: readonly number[] } {
  const width = rows[0]?.length ?? 0;
  for (const row of rows) if (!Array.isArray(row) || row.length !== width) return { dims: [] };
  return { data: rows.flat(), dims: [rows.length, width] };
}

/** Throws ARGUMENT for a number that no row of the table answers to. */
function within(name: string, ids: Int32Array | undefined, rows: number): void {
  const wrong = ids?.find((id) => id < 0 || id >= rows);
  if (wrong !== undefined)
    throw new HeedError('ARGUMENT', `${name} holds ${wrong}, and the model knows 0 to ${rows - 1}`, {
      culprit: name,
      cure: 'Is the tokenizer that of this model?',
    });
}

/** Right padding, by far the most frequent, becomes lengths; any other mask stays one. */
function prepare({ input_ids, attention_mask, token_type_ids }: ModelInputs): EncoderInputs {
  const { data: ids, dims } = integers('input_ids', input_ids);
  const shape = dims as unknown as readonly [number, number];
  const like = (name: string, input: IntegerInput | null | undefined) => {
    if (input === undefined || input === null) return undefined;
    const { data, dims: own } = integers(name, input);
    if (own[0] !== shape[0] || own[1] !== shape[1])
      throw new HeedError('SHAPE', `${name} is [${own}], input_ids [${shape}]`, { culprit: name, shape: own });
    return data;
  };
  const typeIds = like('token_type_ids', token_type_ids);
  const mask = like('attention_mask', attention_mask);
  if (!mask) return { ids, shape, typeIds };
  const [B, T] = shape;
  const rows = Array.from({ length: B }, (_, b) => mask.subarray(b * T, (b + 1) * T));
  const lengths = rows.map((row) => row.reduce((n, m) => n + Number(m !== 0), 0));
  const right = rows.every((row, b) => row.subarray(0, lengths[b]).every((m) => m !== 0));
  return right ? { ids, shape, typeIds, lengths } : { ids, shape, typeIds, padding: Uint8Array.from(mask, (m) => Number(m === 0)) };
}
