/**
 * heed on a runtime: loading models and tokenizers, here or in a worker. src/entry has one file per runtime, which calls `bind` and exports its result; users never
 * see this file.
 */
import { Engine, type EngineOptions } from './engine/engine.js';
import { checkOptions, expectOptions } from './errors.js';
import {
  folderFor,
  folderOfSource,
  type Hub,
  type ModelSource,
  type Source,
  type SourceOptions,
  sourceOf,
  sourceOptionNames,
} from './io/find.js';
import type { Folder } from './io/folder.js';
import { checkListener, observed } from './io/progress.js';
import { type Estimate, type EstimateOptions, estimate } from './models/estimate.js';
import { type PretrainedOptions, pretrainedOptionNames, type TokenizerOptions } from './models/options.js';
import { defaultModelOf, type Tasks, taskOf } from './pipelines/tasks.js';
import { type Hosted, hostModels, type Loaders } from './remote/host.js';
import { Place } from './remote/place.js';
import type { Port, Runtime } from './runtime/types.js';
import { type CallableTokenizer, Tokenizer } from './text/tokenizer.js';

/** Loader behind `from_pretrained` of an exported name, and its options, where it takes more than PretrainedOptions. */
export interface Auto {
  /** Loads a model's config.json and weights from a folder or address into an engine. */
  load(engine: Engine, folder: string | Folder, options?: PretrainedOptions): Promise<Hosted>;
  /** Names of the loader's options. Default: those of PretrainedOptions. */
  readonly optionNames?: readonly string[];
}

export interface Heed {
  /** Starts an engine. See EngineOptions. */
  createEngine(options?: EngineOptions): Promise<Engine>;
  /**
   * Loads a model and a tokenizer for a task. Without a model, the task's default is loaded, and the console names it. In a page the model lives in a worker; see
   * PretrainedOptions.
   */
  pipeline<Name extends keyof Tasks>(task: Name, model?: ModelSource | null, options?: PretrainedOptions): Promise<Tasks[Name]>;
  /** Loader of the tokenizers that models bring along. */
  AutoTokenizer: {
    /** Reads a model's tokenizer. Rejects with NOT_FOUND, FORMAT, UNSUPPORTED, NETWORK, or `signal.reason`. */
    from_pretrained(model: ModelSource, options?: TokenizerOptions): Promise<CallableTokenizer>;
  };
  /** Binds a loader of models to the name under which it is exported: AutoModel … A bundle holds the loaders that its program names. */
  auto<A extends Auto>(
    name: string,
    auto: A,
  ): {
    /**
     * Loads a model's config.json and weights. Rejects with NOT_FOUND, NETWORK, FORMAT, MODEL_MISMATCH where config and weights do not fit each other, UNSUPPORTED
     * for an architecture that is not registered, MEMORY, or `signal.reason`.
     */
    from_pretrained(model: ModelSource, options?: Parameters<A['load']>[2]): ReturnType<A['load']>;
  };
}

/**
 * Binds heed to a runtime. Models without an engine of their own share one, which is created when the first model needs it. A `hub` knows models by more names than
 * addresses.
 */
export function bind(runtime: Runtime, hub?: Hub, engineOptions?: () => EngineOptions | undefined): Heed {
  const place = new Place(runtime, engineOptions);
  type Load = (engine: Engine, folder: Folder, options: PretrainedOptions) => Promise<Hosted>;
  const loadHere = (source: Source, { progress_callback: listen, ...options }: PretrainedOptions, load: Load, task?: string) =>
    place.onEngine(options, async (engine) => {
      checkListener(listen);
      const { name } = source;
      const folder = folderOfSource(runtime, source, hub);
      const made = await load(engine, listen ? observed(folder, listen, { name }) : folder, options);
      try {
        listen?.({ status: 'ready', model: name, ...(task !== undefined && { task }) });
      } catch (error) {
        made.dispose();
        throw error;
      }
      return made;
    });
  /** Finds the source of `model`, and loads it in a worker, which knows the loader by `name`, or by `here`. */
  const load = async (
    name: string,
    args: unknown[],
    model: ModelSource,
    options: PretrainedOptions,
    known: readonly string[],
    here: Loaders[string],
  ) => {
    checkOptions(options, [...known, ...sourceOptionNames], 'from_pretrained');
    const source = await sourceOf(runtime, model, options, hub);
    const own = Object.entries(options).filter(([option]) => !(sourceOptionNames as readonly string[]).includes(option));
    return place.load(name, args, source, Object.fromEntries(own), { [name]: here });
  };
  const pipelineHere = async (task: string, source: Source, options: PretrainedOptions) => {
    const { load, name } = taskOf(task);
    return Object.assign(await loadHere(source, options, load as Load, task), { task: name });
  };
  return {
    createEngine: (options?: EngineOptions) => Engine.create(runtime, options),
    pipeline: async (task: string, model?: ModelSource | null, options: PretrainedOptions = {}) =>
      load('pipeline', [task], model ?? defaultModelOf(task), options, pretrainedOptionNames, pipelineHere),
    AutoTokenizer: {
      from_pretrained: async (model: ModelSource, options: TokenizerOptions = {}) => {
        checkOptions(options, ['signal', 'progress_callback', ...sourceOptionNames], 'from_pretrained');
        const { signal, progress_callback: listen } = options;
        checkListener(listen);
        const source = await sourceOf(runtime, model, options, hub);
        const folder = folderOfSource(runtime, source, hub);
        return Tokenizer.load(listen ? observed(folder, listen, { name: source.name, weights: false }) : folder, { signal }, runtime);
      },
    },
    auto: (name: string, auto: Auto) => ({
      from_pretrained: (model: ModelSource, options: PretrainedOptions = {}) =>
        load(name, [], model, options, auto.optionNames ?? pretrainedOptionNames, (source: Source, options: PretrainedOptions) =>
          loadHere(source, options, (engine, folder, own) => auto.load(engine, folder, own)),
        ),
    }),
  } as unknown as Heed;
}

/**
 * `estimate` on a runtime: the needs of a model before it is loaded: bytes to fetch, memory of weights and of a forward. Reads config.json and the headers of the
 * weights alone. Separate from `bind`, so that bundles may do without.
 */
export const bindEstimate =
  (runtime: Runtime, hub?: Hub) =>
  async (model: ModelSource, options: EstimateOptions & SourceOptions = {}): Promise<Estimate> => {
    expectOptions(options, 'estimate');
    const { revision, cache_dir, local_files_only, subfolder, gguf_file, ...own } = options;
    const where = { revision, cache_dir, local_files_only, subfolder, gguf_file, signal: own.signal };
    return estimate(runtime, await folderFor(runtime, model, where, hub), own);
  };

/** `hostModels` of an entry: in a worker, loads and runs the pipelines and models of a page. Default of `port`: the worker's own scope. */
export const bindHost =
  ({ pipeline, auto }: Heed, autos: () => Readonly<Record<string, Auto>>) =>
  (port: Port = globalThis as unknown as Port): void => {
    const loaders = Object.entries(autos()).map(([name, one]) => [name, auto(name, one).from_pretrained]);
    hostModels({ pipeline, ...Object.fromEntries(loaders) } as Loaders, port);
  };
