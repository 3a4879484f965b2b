/**
 * The public API without architectures, and `bind`, which gives a runtime to what needs one. src/entry has one file per runtime
 * that does so.
 */
import { Engine, type EngineOptions } from './engine/engine.js';
import { HeedError } from './errors.js';
import { EncoderModel, type Model, type PretrainedOptions } from './models/model.js';
import { FeatureExtractionPipeline, type FeatureExtractor } from './pipelines/feature_extraction.js';
import type { OpenOptions, Runtime } from './runtime/types.js';
import { type CallableTokenizer, Tokenizer } from './text/tokenizer.js';

export { Engine, type EngineInfo, type EngineOptions } from './engine/engine.js';
export type { MemoryUse } from './engine/memory.js';
export { type ErrorCode, errorCodes, HeedError } from './errors.js';
export { type Architecture, defineArchitecture, registerArchitecture } from './models/architecture.js';
export { bert } from './models/bert.js';
export type { CallOptions, Model, ModelInputs, ModelOutput, PretrainedOptions, ProgressEvent } from './models/model.js';
export type { FeatureExtractionOptions, FeatureExtractor } from './pipelines/feature_extraction.js';
export type { Pooling } from './pipelines/pooling.js';
export type { Binary, Runtime } from './runtime/types.js';
export { type Dtype, HostTensor, Tensor, tensor } from './tensor.js';
export type { Batch, CallableTokenizer } from './text/tokenizer.js';

/** Tasks and what carries them out. */
const tasks = { 'feature-extraction': FeatureExtractionPipeline } as const;
export type Task = keyof typeof tasks;

export interface Heed {
  /** Starts an engine. See EngineOptions. */
  createEngine(options?: EngineOptions): Promise<Engine>;
  /** A model and a tokenizer, ready for a task. `model` is a folder or a URL. */
  pipeline(task: 'feature-extraction', model: string, options?: PretrainedOptions): Promise<FeatureExtractor>;
  AutoModel: { from_pretrained(model: string, options?: PretrainedOptions): Promise<Model> };
  AutoTokenizer: { from_pretrained(model: string, options?: OpenOptions): Promise<CallableTokenizer> };
}

/** The API on a runtime. Models without an engine of their own share one, which is created when the first needs it. */
export function bind(runtime: Runtime): Heed {
  let shared: Promise<Engine> | undefined;
  const createEngine = (options?: EngineOptions) => Engine.create(runtime, options);
  const engineFor = ({ engine }: PretrainedOptions): Promise<Engine> => {
    if (engine) return Promise.resolve(engine);
    // Whoever disposed of it has done so for all; the next model gets a new one.
    shared = shared?.then((known) => (known.disposed ? createEngine() : known)) ?? createEngine();
    shared.catch(() => {
      shared = undefined;
    });
    return shared;
  };
  return {
    createEngine,
    async pipeline(task, model, options = {}) {
      if (!Object.hasOwn(tasks, task))
        throw new HeedError('UNSUPPORTED', `There is no task ${task}`, {
          culprit: 'task',
          cure: `There are ${Object.keys(tasks).join(', ')}`,
        });
      return tasks[task].load(await engineFor(options), model, options);
    },
    AutoModel: { from_pretrained: async (model, options = {}) => EncoderModel.load(await engineFor(options), model, options) },
    AutoTokenizer: { from_pretrained: (model, options) => Tokenizer.load(runtime, model, options) },
  };
}
