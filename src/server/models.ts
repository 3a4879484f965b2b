/**
 * The server's models: loaded when they are first asked for, on one engine, and given up, the least recently used first, where another needs the memory. A model that answers a
 * request is never given up. An engine that was lost is replaced, and its models are loaded again.
 */
import type { Engine } from '../engine/engine.js';
import { Queue } from '../engine/queue.js';
import { HeedError } from '../errors.js';
import type { ModelSource } from '../io/find.js';
import type { JsonObject } from '../io/json.js';
import type { Tasks } from '../pipelines/tasks.js';
import { ApiError } from './errors.js';
import type { ServedModel, ServedPipeline, ServedTask, Settings } from './options.js';
import { servedTasks } from './options.js';
import { Places } from './places.js';

/** What loads models on a runtime. */
export interface Loader {
  createEngine(options: Settings['engine']): Promise<Engine>;
  pipeline(task: ServedTask, model: ModelSource, options: object): Promise<ServedPipeline>;
  /** Reads a model's config.json. */
  configOf(model: ModelSource, options: object): Promise<JsonObject>;
}

/** A model by its name. */
export interface Entry<Task extends ServedTask = ServedTask> {
  readonly name: string;
  readonly task: Task;
  readonly places: Places;
  /** Whether its weights are in memory. */
  readonly isLoaded: boolean;
}

/** A model that is in use until `release`. */
export interface Held<Task extends ServedTask = ServedTask> {
  readonly entry: Entry<Task>;
  readonly pipe: Tasks[Task];
  /** Ends the use; `failure` is the error that ended it, after which an engine that was lost is replaced. */
  release(failure?: unknown): void;
}

class Known implements Entry {
  pipe: ServedPipeline | undefined;
  /** Requests that use it. */
  users = 0;
  /** Number of the last use, of all models. */
  used = 0;

  constructor(
    readonly name: string,
    readonly task: ServedTask,
    readonly places: Places,
    /** Where it is; undefined for a pipeline that was given, which is its owner's. */
    readonly model: ServedModel | undefined,
  ) {}

  get isLoaded(): boolean {
    return this.pipe !== undefined;
  }
}

/** Tasks by the classes that config.json names. The first that fits. */
const byArchitecture: readonly (readonly [RegExp, ServedTask])[] = [
  [/(ForCausalLM|LMHeadModel)$/, 'text-generation'],
  [/^(Whisper|Moonshine)|ForCTC$|ForSpeechSeq2Seq$/, 'automatic-speech-recognition'],
  [/ForSequenceClassification$/, 'text-classification'],
  [/ForImageClassification$/, 'image-classification'],
  [/^(ViT|DeiT|Dinov2|Dinov2WithRegisters|DINOv3ViT)Model$/, 'image-feature-extraction'],
  [/(ForConditionalGeneration|MTModel|HeedTransformer)$/, 'translation'],
];

/** Task of a model by its config.json. */
export function taskOfConfig({ architectures, is_encoder_decoder }: JsonObject, isGguf: boolean): ServedTask {
  const names = (Array.isArray(architectures) ? architectures : []).map(String);
  const found = byArchitecture.find(([pattern]) => names.some((name) => pattern.test(name)));
  if (found) return found[1];
  return isGguf ? 'text-generation' : is_encoder_decoder === true ? 'translation' : 'feature-extraction';
}

/** Task of a model that is to be loaded: as it is given, or by its config.json. */
export async function taskFor(loader: Pick<Loader, 'configOf'>, { source, task, options = {} }: ServedModel): Promise<string> {
  if (task !== undefined) return task;
  const { revision, cache_dir, local_files_only, subfolder, gguf_file } = options;
  const names = source instanceof Map ? [...source.keys()] : [source];
  const isGguf = gguf_file !== undefined || names.some((name) => /\.gguf$/i.test(String(name)));
  const config = await loader.configOf(source, { revision, cache_dir, local_files_only, subfolder, gguf_file });
  return taskOfConfig(config, isGguf);
}

const isPipeline = (model: Settings['models'][string]): model is ServedPipeline => typeof model === 'function';
const servedOf = (model: string | URL | ServedModel): ServedModel =>
  typeof model === 'string' || model instanceof URL ? { source: model } : model;
const hasCode = (error: unknown, code: string): boolean => error instanceof HeedError && error.code === code;

export class Models {
  readonly #known = new Map<string, Known>();
  readonly #loader: Loader;
  readonly #settings: Settings;
  readonly #loading = new Queue();
  #engine: Promise<Engine> | undefined;
  #uses = 0;
  readonly created = Math.floor(Date.now() / 1000);

  private constructor(loader: Loader, settings: Settings) {
    this.#loader = loader;
    this.#settings = settings;
  }

  /** Finds all models, and loads them as far as memory holds them. Rejects with what is wrong with one. */
  static async open(loader: Loader, settings: Settings): Promise<Models> {
    const models = new Models(loader, settings);
    try {
      for (const [name, given] of Object.entries(settings.models)) await models.#add(name, given);
    } catch (error) {
      await models.dispose();
      throw error;
    }
    return models;
  }

  async #add(name: string, given: Settings['models'][string]): Promise<void> {
    const places = new Places(this.#settings.maxBatch, this.#settings.maxQueue);
    if (isPipeline(given)) {
      const task = expectTask(name, given.task);
      const known = new Known(name, task, places, undefined);
      known.pipe = given;
      this.#known.set(name, known);
      return;
    }
    const model = servedOf(given);
    const known = new Known(name, expectTask(name, await taskFor(this.#loader, model)), places, model);
    this.#known.set(name, known);
    await this.#loaded(known);
  }

  /** All models, in the order in which they were given. */
  get all(): readonly Entry[] {
    return [...this.#known.values()];
  }

  /** Bytes of the engine's memory: in use, and reserved. */
  async memory(): Promise<{ used: number; size: number }> {
    return (await this.#engine?.catch(() => undefined))?.memory() ?? { used: 0, size: 0 };
  }

  /** The model of a name, in use until it is released. Rejects with 404 for a name that is not in the list, 400 for a model of another task, 503 where memory does not hold it. */
  async hold<Task extends ServedTask>(name: string, ...tasks: readonly Task[]): Promise<Held<Task>> {
    const known = this.#known.get(name);
    if (!known)
      throw new ApiError(404, `The model ${JSON.stringify(name.slice(0, 100))} does not exist`, {
        param: 'model',
        code: 'model_not_found',
      });
    if (!(tasks as readonly string[]).includes(known.task))
      throw new ApiError(400, `The model ${JSON.stringify(name)} is one for ${known.task}, which this path is not for`, {
        param: 'model',
        code: 'model_not_supported',
      });
    known.users++;
    known.used = ++this.#uses;
    let held = true;
    const release = () => {
      if (held) known.users--;
      held = false;
    };
    try {
      const pipe = (await this.#loaded(known)) as Tasks[Task];
      const end = (failure?: unknown) => {
        // While it counts as in use: it is not the one to be given up.
        if (held) this.makeRoom(failure);
        release();
        if (hasCode(failure, 'ENGINE_LOST') && known.pipe === (pipe as ServedPipeline)) void this.#forget();
      };
      return { entry: known as Entry as Entry<Task>, pipe, release: end };
    } catch (error) {
      release();
      throw new ApiError(503, `The model ${JSON.stringify(name)} could not be loaded`, { retryAfter: 10, cause: error });
    }
  }

  /** Gives the least recently used model up where an error says that memory is short: whether there was one that no request uses. */
  makeRoom(error: unknown): boolean {
    return hasCode(error, 'MEMORY') && this.#giveUp();
  }

  /** Frees the models, but for those that were given. */
  dispose(): Promise<void> {
    return this.#forget();
  }

  async #forget(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    for (const known of this.#known.values()) if (known.model) known.pipe = undefined;
    await (await engine?.catch(() => undefined))?.dispose();
  }

  /** One model is loaded at a time, so that each sees the memory that the others have left. */
  async #loaded(known: Known): Promise<ServedPipeline> {
    return known.pipe ?? this.#loading.run(async () => (known.pipe ??= await this.#load(known)));
  }

  async #load(known: Known): Promise<ServedPipeline> {
    const { source, options } = known.model as ServedModel;
    for (;;) {
      this.#engine ??= this.#loader.createEngine(this.#settings.engine);
      const engine = await this.#engine;
      try {
        return await this.#loader.pipeline(known.task, source, { ...options, engine });
      } catch (error) {
        if (hasCode(error, 'ENGINE_LOST')) await this.#forget();
        if (!(hasCode(error, 'MEMORY') && this.#giveUp(known))) throw error;
      }
    }
  }

  /** Frees the model that was not used for longest, of those that no request uses: whether there was one. */
  #giveUp(other?: Known): boolean {
    const idle = [...this.#known.values()].filter((one) => one !== other && one.model && one.pipe && !one.users);
    const oldest = idle.sort((a, b) => a.used - b.used)[0];
    oldest?.pipe?.dispose();
    if (oldest) oldest.pipe = undefined;
    return oldest !== undefined;
  }
}

function expectTask(name: string, task: string): ServedTask {
  if ((servedTasks as readonly string[]).includes(task)) return task as ServedTask;
  throw new HeedError('UNSUPPORTED', `The model ${name} is for ${task}, for which the server has no path`, {
    culprit: 'models',
    cure: `Give models for ${servedTasks.join(', ')}`,
  });
}
