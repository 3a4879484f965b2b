/**
 * Models on a runtime, here or in a worker, without texts and tasks. src/entry has one file per runtime; users never see this file. It is apart from bind.ts, which has texts,
 * so that bundles without texts hold no module of them.
 */
import { Engine, type EngineOptions } from './engine/engine.js';
import { checkOptions, expectOptions } from './errors.js';
import {
  folderFor,
  folderOfSource,
  type Hub,
  type ModelSource,
  registerHub,
  type Source,
  type SourceOptions,
  sourceOf,
  sourceOptionNames,
} from './io/find.js';
import type { Folder } from './io/folder.js';
import { checkListener, observed } from './io/progress.js';
import { type Estimate, type EstimateOptions, estimate } from './models/estimate.js';
import { type AdaptedOptions, type PretrainedOptions, pretrainedOptionNames } from './models/options.js';
import { type Hosted, hostModels, type Loaders } from './remote/host.js';
import { Place } from './remote/place.js';
import type { Port, Runtime } from './runtime/types.js';

/** Loader behind `from_pretrained` of an exported name, and its options, where it takes more than PretrainedOptions. */
export interface Auto {
  /** Loads a model's config.json and weights from a folder or address into an engine. */
  load(engine: Engine, folder: string | Folder, options?: PretrainedOptions): Promise<Hosted>;
  /** Names of the loader's options. Default: those of PretrainedOptions. */
  readonly optionNames?: readonly string[];
}

/** heed on a runtime without texts and tasks. */
export interface Models {
  /** Starts an engine. See EngineOptions. */
  createEngine(options?: EngineOptions): Promise<Engine>;
  /** Starts the engine that models share, or returns it. */
  sharedEngine(): Promise<Engine>;
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

/** Loads what a page names, here or in a worker. */
type Load = (
  name: string,
  args: unknown[],
  model: ModelSource,
  options: PretrainedOptions,
  known: readonly string[],
  here: Loaders[string],
) => Promise<unknown>;

/** heed on a runtime without texts and tasks, which `bindTokenizer` and `bindTasks` put on it: a program that names neither has neither in its bundle. */
export interface Bound extends Models {
  readonly runtime: Runtime;
  readonly hub: Hub | undefined;
  /** Finds the source of a model, and loads it in a worker, which knows the loader by its name, or by `here`. */
  readonly load: Load;
  /** Loads on this thread. */
  loadHere(source: Source, options: PretrainedOptions, load: Auto['load'], task?: string): Promise<Hosted>;
}

/**
 * Binds models to a runtime. Those without an engine of their own share one, which is created when the first model needs it. A `hub` knows models by more names than
 * addresses.
 */
export function bindModels(runtime: Runtime, hub?: Hub, engineOptions?: () => EngineOptions | undefined): Bound {
  if (hub) registerHub(runtime, hub);
  const place = new Place(runtime, engineOptions);
  const loadHere: Bound['loadHere'] = (source, { progress_callback: listen, ...options }, load, task) =>
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
  const load: Load = async (name, args, model, options, known, here) => {
    checkOptions(options, [...known, ...sourceOptionNames], 'from_pretrained');
    const source = await sourceOf(runtime, model, options, hub);
    const own = Object.entries(options).filter(([option]) => !(sourceOptionNames as readonly string[]).includes(option));
    const { adapter, cache_dir, local_files_only } = options as PretrainedOptions & AdaptedOptions;
    // Like the model's, its name is understood here, and what that stands for crosses to a worker.
    const found = adapter !== undefined && { adapter: await sourceOf(runtime, adapter, { cache_dir, local_files_only }, hub) };
    return place.load(name, args, source, { ...Object.fromEntries(own), ...found } as PretrainedOptions, { [name]: here });
  };
  return {
    ...{ runtime, hub, load, loadHere },
    createEngine: (options?: EngineOptions) => Engine.create(runtime, options),
    sharedEngine: () => place.sharedEngine(),
    auto: (name: string, auto: Auto) => ({
      from_pretrained: (model: ModelSource, options: PretrainedOptions = {}) =>
        load(name, [], model, options, auto.optionNames ?? pretrainedOptionNames, (source: Source, options: PretrainedOptions) =>
          loadHere(source, options, (engine, folder, own) => auto.load(engine, folder, own)),
        ),
    }),
  } as Bound;
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
  (
    { auto, ...heed }: Pick<Models, 'auto'> & { pipeline?: unknown },
    autos: () => Readonly<Record<string, Auto>>,
    pipeline = heed.pipeline,
  ) =>
  (port: Port = globalThis as unknown as Port): void => {
    const loaders = Object.entries(autos()).map(([name, one]) => [name, auto(name, one).from_pretrained]);
    hostModels({ pipeline, ...Object.fromEntries(loaders) } as Loaders, port);
  };
