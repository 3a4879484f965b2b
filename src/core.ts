/**
 * The public API without architectures, and `bind`, which gives a runtime to what needs one. src/entry has one file per runtime
 * that does so.
 */
import { Engine, type EngineOptions } from './engine/engine.js';
import { checkOptions, HeedError, kindOf } from './errors.js';
import { EncoderModel, type Model, type PretrainedOptions, pretrainedOptionNames } from './models/model.js';
import { FeatureExtractionPipeline, type FeatureExtractor } from './pipelines/feature_extraction.js';
import { Place } from './remote/place.js';
import { serve } from './remote/serve.js';
import type { OpenOptions, Port, Runtime } from './runtime/types.js';
import { type CallableTokenizer, Tokenizer } from './text/tokenizer.js';

export { Engine, type EngineInfo, type EngineOptions } from './engine/engine.js';
export type { MemoryUse } from './engine/memory.js';
export { type ErrorCode, errorCodes, HeedError } from './errors.js';
export { type Architecture, defineArchitecture, registerArchitecture } from './models/architecture.js';
export { bart } from './models/bart.js';
export { bert } from './models/bert.js';
export { heedTransformer } from './models/heed_transformer.js';
export { marian } from './models/marian.js';
export type { CallOptions, Model, ModelInputs, ModelOutput, PretrainedOptions, ProgressEvent } from './models/model.js';
export { t5 } from './models/t5.js';
export type { FeatureExtractionOptions, FeatureExtractor } from './pipelines/feature_extraction.js';
export type { Pooling } from './pipelines/pooling.js';
export type { Binary, Port, Runtime } from './runtime/types.js';
export { type Dtype, HostTensor, Tensor, tensor } from './tensor.js';
export type { Batch, CallableTokenizer } from './text/tokenizer.js';

/** Tasks and what carries them out. */
const tasks = { 'feature-extraction': FeatureExtractionPipeline } as const;
export type Task = keyof typeof tasks;

export interface Heed {
  /** Starts an engine. See EngineOptions. */
  createEngine(options?: EngineOptions): Promise<Engine>;
  /** A model and a tokenizer, ready for a task. `model` is a folder or a URL. In a page it lives in a worker; see PretrainedOptions. */
  pipeline(task: 'feature-extraction', model: string, options?: PretrainedOptions): Promise<FeatureExtractor>;
  AutoModel: { from_pretrained(model: string, options?: PretrainedOptions): Promise<Model> };
  AutoTokenizer: { from_pretrained(model: string, options?: OpenOptions): Promise<CallableTokenizer> };
}

/** The API on a runtime. Models without an engine of their own share one, which is created when the first needs it. */
export function bind(runtime: Runtime): Heed {
  const place = new Place(runtime);
  const here = {
    async pipeline(task: Task, model: string, options: PretrainedOptions) {
      if (typeof task !== 'string' || !Object.hasOwn(tasks, task))
        throw new HeedError('UNSUPPORTED', `There is no task ${kindOf(task)}`, {
          culprit: 'task',
          cure: `There are ${Object.keys(tasks).join(', ')}`,
        });
      return place.onEngine(options, (engine) => tasks[task].load(engine, model, options));
    },
    AutoModel: (model: string, options: PretrainedOptions) =>
      place.onEngine(options, (engine) => EncoderModel.load(engine, model, options)),
  };
  const load = <Name extends keyof typeof here>(name: Name, args: unknown[], model: string, options: PretrainedOptions = {}) => {
    checkOptions(options, pretrainedOptionNames, 'from_pretrained');
    return place.load(name, args, model, options, here) as ReturnType<(typeof here)[Name]>;
  };
  return {
    createEngine: (options) => Engine.create(runtime, options),
    pipeline: async (task, model, options) => load('pipeline', [task], model, options),
    AutoModel: { from_pretrained: async (model, options) => load('AutoModel', [], model, options) },
    AutoTokenizer: { from_pretrained: (model, options) => Tokenizer.load(runtime, model, options) },
  };
}

/** What `serve` of the entries is: `port` is the worker's own scope unless given. */
export function serveModels({ pipeline, AutoModel }: Heed, port = globalThis as unknown as Port): void {
  serve({ pipeline, AutoModel: AutoModel.from_pretrained }, port);
}
