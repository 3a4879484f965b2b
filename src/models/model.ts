/**
 * Encoders as users call them, in transformers.js's idiom: `await model({ input_ids, attention_mask })` gives host tensors. Calls on
 * one engine queue, and yield to the event loop between blocks.
 */
import type { Engine, EngineInfo } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import type { Folder } from '../io/folder.js';
import type { JsonObject } from '../io/json.js';
import type { Module } from '../nn/module.js';
import { expectBooleans } from '../ops/check.js';
import type { HostTensor } from '../tensor.js';
import type { AnyEncoder, EncoderOutputs, EncoderRows, EncoderWants } from './base_encoder.js';
import { callable } from './callable.js';
import type { Encoder } from './encoder.js';
import type { ModelInputs, PixelInputs, SampleInputs } from './inputs.js';
import { checkPretrained, type TrainableOptions, trainableOptionNames } from './options.js';
import type { Purpose } from './parts.js';
import { loadPretrained } from './pretrained.js';
import { withRoom } from './room.js';
import { type Origin, remember, type SavePretrainedOptions, saveLoaded } from './save.js';

export type { ModelInputs, PixelInputs, SampleInputs } from './inputs.js';

/** Options of a call of a model. */
export interface CallOptions {
  /** `true`: the output has attention weights, which cost a second pass. Default false. */
  output_attentions?: boolean | undefined;
  /** `true`: the output has the states of all blocks. Default false. */
  output_hidden_states?: boolean | undefined;
  /** Aborts the forward pass between blocks; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Optional outputs of any encoder. */
export interface Insights {
  /** Hidden states: the embeddings and every block's output, where asked for. */
  hidden_states?: HostTensor[];
  /** Attention weights [B, H, T, T] of every block, where asked for. */
  attentions?: HostTensor[];
  /** Of DETR, in place of those: hidden states of its encoder, [B, S, C] each. */
  encoder_hidden_states?: HostTensor[];
  /** Attention weights of its encoder, [B, H, S, S] each. */
  encoder_attentions?: HostTensor[];
  /** Hidden states of its decoder, [B, N, C] each. */
  decoder_hidden_states?: HostTensor[];
  /** Weights of its decoder's attention to itself, [B, H, N, N] each. */
  decoder_attentions?: HostTensor[];
  /** Weights of its decoder's attention to the encoder, [B, H, N, S] each. */
  cross_attentions?: HostTensor[];
}

/** A forward, as models are called. What the options ask for is there for certain. */
export type ModelCall<Output, Inputs = ModelInputs> = <Options extends CallOptions>(
  inputs: Inputs,
  options?: Options,
) => Promise<Output & Insights & Asked<Options>>;
type Asked<Options> = (Options extends Record<'output_attentions', true> ? Required<Pick<Insights, 'attentions'>> : unknown) &
  (Options extends Record<'output_hidden_states', true> ? Required<Pick<Insights, 'hidden_states'>> : unknown);

/** Outputs of an encoder, float32. */
export interface ModelOutput extends Insights {
  /** Last hidden states [B, T, C]. */
  last_hidden_state: HostTensor;
  /** Output of the pooler [B, C], where the checkpoint has one. */
  pooler_output?: HostTensor;
  /** Of DETR, the last hidden states of its encoder, [B, S, C]; `last_hidden_state` is that of its queries. */
  encoder_last_hidden_state?: HostTensor;
}

/** In a page the model lives in a worker: then `engine` and `encoder` cannot be reached, and say so. A model of pictures takes `pixel_values`, one of sounds `input_values`. */
export type Model = EncoderModel & ModelCall<ModelOutput, ModelInputs | PixelInputs | SampleInputs>;

/** Error of a call to a model that was disposed of. */
export const gone = () => new HeedError('ARGUMENT', 'This model was disposed of', { culprit: 'model', cure: 'Load it again' });

/** A loaded module, and the engine on which it runs. */
export class LoadedModel {
  #disposed = false;
  #module: Module;

  constructor(
    /** Engine on which the model runs. */
    readonly engine: Engine,
    /** config.json, unchanged. */
    readonly config: JsonObject,
    module: Module,
    /** Origin of the module. None for a model that only generates with a module in training. */
    protected readonly origin?: Origin,
  ) {
    this.#module = module;
    if (origin) remember(module, config, origin);
  }

  /** Runs steps of the module, in inference mode; it may be disposed of meanwhile. Errors about its numbers name the model. */
  run<T>(steps: () => Generator<unknown, T>, signal: AbortSignal | undefined): Promise<T> {
    return this.named(() => this.stepped(steps, signal));
  }

  /** Runs work in steps, which other calls may share. */
  protected stepped<T>(steps: () => Generator<unknown, T>, signal?: AbortSignal): Promise<T> {
    const module = this.#module;
    const infer = () => {
      if (module.training) module.eval();
      return steps();
    };
    return this.alive(() => this.engine.run(infer, signal));
  }

  /** Adds the model's name to errors about its numbers. */
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

  /** Facts about the engine that runs the model. */
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
export abstract class EncoderBase<
  Output extends object,
  E extends AnyEncoder = Encoder,
  Inputs extends object = ModelInputs,
> extends LoadedModel {
  declare protected readonly origin: Origin;

  constructor(
    engine: Engine,
    config: JsonObject,
    /** The blocks, with their parameters. */
    readonly encoder: E,
    origin: Origin,
  ) {
    super(engine, config, encoder, origin);
  }

  /** Outputs that are wanted of the forward pass, and their conversion for users. */
  protected abstract get wants(): EncoderWants;
  protected abstract read(outputs: EncoderOutputs): Output;

  /** One forward. Rejects with ARGUMENT, SHAPE, or `signal.reason`. */
  async call<Options extends CallOptions>(inputs: Inputs, options: Options = {} as Options): Promise<Output & Insights & Asked<Options>> {
    const { encoder } = this;
    checkOptions(inputs, encoder.inputNames, 'model');
    checkOptions(options, ['output_attentions', 'output_hidden_states', 'signal'], 'model');
    const { output_attentions: attentions, output_hidden_states: hiddenStates, signal }: CallOptions = options;
    expectBooleans('model', { output_attentions: attentions, output_hidden_states: hiddenStates });
    return this.infer(encoder.read(inputs), { attentions, hiddenStates }, signal) as Promise<Output & Insights & Asked<Options>>;
  }

  /** The same, as transformers.js calls it. */
  forward<Options extends CallOptions>(inputs: Inputs, options?: Options): Promise<Output & Insights & Asked<Options>> {
    return this.call(inputs, options);
  }

  /** A forward, and what it gives as host tensors. */
  protected infer(inputs: EncoderRows, wants: EncoderWants, signal: AbortSignal | undefined): Promise<Output & Insights> {
    const { encoder, wants: own } = this;
    const read = (outputs: EncoderOutputs) => this.read(outputs);
    const all = { ...own, ...wants };
    return this.run(function* () {
      const out = yield* withRoom(encoder.engine, inputs.shape, () => encoder.steps(inputs, all), encoder.inputNames[0]);
      const { hiddenStates, attentions, insights } = out;
      const asked = { ...(wants.hiddenStates && { hidden_states: hiddenStates }), ...(wants.attentions && { attentions }) };
      const lists = Object.entries(insights ?? asked).map(([name, list]) => [name, list.map((x) => x.toHost())]);
      return { ...read(out), ...Object.fromEntries(lists) };
    }, signal);
  }
}

/** A loaded encoder. `AutoModel.from_pretrained` gives one, which is a function too: `model(inputs)`. */
export class EncoderModel extends EncoderBase<ModelOutput, Encoder, ModelInputs | PixelInputs | SampleInputs> {
  static readonly optionNames = trainableOptionNames;

  protected get wants(): EncoderWants {
    return { pooler: true };
  }

  /** Loads a folder's config.json and weights. */
  static load(engine: Engine, folder: string | Folder, options: TrainableOptions = {}): Promise<Model> {
    return loadEncoder(engine, folder, options, {});
  }

  /** What of the blocks' outputs is the model's. */
  protected read({ lastHiddenState, poolerOutput, named }: EncoderOutputs): ModelOutput {
    const given = named && Object.entries(named).map(([name, x]) => [name, x.toHost()]);
    if (given) return Object.fromEntries(given);
    return { last_hidden_state: lastHiddenState.toHost(), ...(poolerOutput && { pooler_output: poolerOutput.toHost() }) };
  }
}

/** What `from_pretrained` loads: a whole model, or one side of it. */
export async function loadEncoder(
  engine: Engine,
  folder: string | Folder,
  options: TrainableOptions,
  purpose: Pick<Purpose, 'side'>,
): Promise<Model> {
  checkPretrained(options, trainableOptionNames);
  const { trainable } = options;
  const { config, module, origin } = await loadPretrained(engine, folder, 'encoder', options, { ...purpose, trainable });
  return callable(new EncoderModel(engine, config.value, module, origin), ['run', 'forward', 'save_pretrained']) as Model;
}
