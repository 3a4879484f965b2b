/**
 * The public API without architectures, and `bind`, which gives a runtime to what needs one. src/entry has one file per runtime
 * that does so.
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
import { EncoderModel } from './models/model.js';
import { type PretrainedOptions, pretrainedOptionNames } from './models/options.js';
import { defaultModelOf, type Tasks, taskOf } from './pipelines/tasks.js';
import { Place } from './remote/place.js';
import { type Loaders, type Servable, serve } from './remote/serve.js';
import type { Port, Runtime } from './runtime/types.js';
import { type CallableTokenizer, Tokenizer } from './text/tokenizer.js';

export { Engine, type EngineInfo, type EngineOptions } from './engine/engine.js';
export type { MemoryUse } from './engine/memory.js';
export { type ErrorCode, type ErrorDetails, errorCodes, HeedError } from './errors.js';
export type { GenerationConfig } from './generation/config.js';
export type { Streamer } from './generation/search.js';
export type {
  Generate,
  GenerateOptions,
  GenerateOutput,
  Seq2SeqInputs,
  Seq2SeqLM,
  Seq2SeqModel,
  Seq2SeqOutput,
} from './generation/seq2seq.js';
export { TextStreamer, type TextStreamerOptions } from './generation/streamer.js';
export {
  cat,
  full,
  full_like,
  interpolate,
  layer_norm,
  log_softmax,
  mean,
  mean_pooling,
  ones,
  ones_like,
  permute,
  quantize_embeddings,
  rand,
  randn,
  softmax,
  stack,
  std_mean,
  Tensor,
  Tensor as HostTensor,
  type TensorConstructor,
  topk,
  zeros,
  zeros_like,
} from './host/index.js';
export type { AnyData, HostData, HostDtype, Nested } from './host/tensor.js';
export { type AutoConfig, bindConfig } from './io/auto_config.js';
export type { ModelSource, SourceOptions } from './io/find.js';
export type { ModelFile, ModelFiles } from './io/given.js';
export type { ProgressEvent } from './io/progress.js';
export {
  bindRead,
  bindWrite,
  type ReadTensorsOptions,
  type WritableTensor,
  type WriteSafetensors,
  type WriteTensorsOptions,
} from './io/tensor_files.js';
export type { TensorSource } from './io/weights_folder.js';
export { type Architecture, defineArchitecture, registerArchitecture } from './models/architecture.js';
export { bart } from './models/bart.js';
export { bert } from './models/bert.js';
export { bertGeneration } from './models/bert_generation.js';
export { camembert } from './models/camembert.js';
export { data2vecText } from './models/data2vec_text.js';
export { distilbert } from './models/distilbert.js';
export { electra } from './models/electra.js';
export { Encoder } from './models/encoder.js';
export { EncoderDecoder } from './models/encoder_decoder.js';
export { ernie } from './models/ernie.js';
export type { Estimate, EstimateOptions } from './models/estimate.js';
export { heedTransformer } from './models/heed_transformer.js';
export { marian } from './models/marian.js';
export type { CallOptions, EncoderModel, Insights, Model, ModelCall, ModelInputs, ModelOutput } from './models/model.js';
export { modernbert } from './models/modernbert.js';
export { mpnet } from './models/mpnet.js';
export type { PretrainedOptions, TrainableOptions } from './models/options.js';
export { roberta } from './models/roberta.js';
export { mt5, t5 } from './models/t5.js';
export { xlmRoberta } from './models/xlm_roberta.js';
export type { Precision } from './pipelines/bits.js';
export { dense, layerNormModule } from './pipelines/dense.js';
export type { AggregationStrategy } from './pipelines/entities.js';
export type {
  FeatureExtractionOptions,
  FeatureExtractionPipeline,
  FeatureExtractor,
  SentenceOptions,
} from './pipelines/feature_extraction.js';
export { type FilledMask, type FillMask, type FillMaskOptions, type FillMaskPipeline, fillMask } from './pipelines/fill_mask.js';
export type { Pooling, SentencePooling } from './pipelines/pooling.js';
export {
  type Answer,
  type QuestionAnswering,
  type QuestionAnsweringOptions,
  type QuestionAnsweringPipeline,
  questionAnswering,
} from './pipelines/question_answering.js';
export type { SentenceConfig } from './pipelines/sentence_config.js';
export { registerSentenceModule, type SentenceModule, type SentenceModuleKind } from './pipelines/sentence_modules.js';
export {
  cos_sim,
  dot,
  euclidean_sim,
  magnitude,
  manhattan_sim,
  type SearchHit,
  type SearchOptions,
  type SimilarityName,
  semantic_search,
  similarity,
  type Vector,
  type Vectors,
} from './pipelines/similarity.js';
export { registerTask, type Task, type Tasks } from './pipelines/tasks.js';
export {
  type TextClassification,
  type TextClassificationOptions,
  type TextClassificationPipeline,
  textClassification,
} from './pipelines/text_classification.js';
export {
  type Summarizer,
  summarization,
  type Text2TextOptions,
  type Text2TextPipeline,
  type TextGenerator,
  type TextToText,
  type TranslationOptions,
  type Translator,
  text2textGeneration,
  translation,
} from './pipelines/text2text.js';
export {
  type EntityGroup,
  type EntityToken,
  type TokenClassification,
  type TokenClassificationOptions,
  type TokenClassificationPipeline,
  tokenClassification,
} from './pipelines/token_classification.js';
export {
  type ZeroShotAnswer,
  type ZeroShotClassification,
  type ZeroShotClassificationOptions,
  type ZeroShotClassificationPipeline,
  zeroShotClassification,
} from './pipelines/zero_shot_classification.js';
export type { Binary, Port, Runtime } from './runtime/types.js';
export { type Dtype, type Tensor as EngineTensor, tensor } from './tensor.js';
export { chatTemplates } from './text/chat.js';
export { type ChatOptions, type ChatRenderer, type Conversation, type Message, registerChatTemplates } from './text/chat_options.js';
export { moreTokenizers } from './text/classes/more.js';
export { registerTokenizers, type TokenizerTable } from './text/classes/names.js';
export type {
  Batch,
  BatchOptions,
  CallableTokenizer,
  DecodeOptions,
  EncodeOptions,
  Encoding,
  EncodingOptions,
  IdTensor,
  IntTensor,
  ListBatch,
  Tokenizer,
} from './text/tokenizer.js';

/** What `from_pretrained` of a name loads, and by which options, where they are more than all have. */
export interface Auto {
  /** Loads a model's config.json and weights from a folder or address into an engine. */
  load(engine: Engine, folder: string | Folder, options?: PretrainedOptions): Promise<Servable>;
  /** Names of the options that it takes. Default: those of PretrainedOptions. */
  readonly optionNames?: readonly string[];
}
/** Loaders of models by the names under which they are exported: AutoModel … */
export type Autos = Readonly<Record<string, Auto>>;

/** Options of `AutoTokenizer.from_pretrained`. */
export type TokenizerOptions = SourceOptions & Pick<PretrainedOptions, 'signal' | 'progress_callback'>;

interface Core {
  /** Starts an engine. See EngineOptions. */
  createEngine(options?: EngineOptions): Promise<Engine>;
  /** A model and a tokenizer, ready for a task. Without a model the task's own is taken, and the console says which. In a page it lives in a worker; see PretrainedOptions. */
  pipeline<Name extends keyof Tasks>(task: Name, model?: ModelSource | null, options?: PretrainedOptions): Promise<Tasks[Name]>;
  /** Tokenizers as models bring them along. */
  AutoTokenizer: {
    /** Reads a model's tokenizer. Rejects with NOT_FOUND, FORMAT, UNSUPPORTED, NETWORK, or `signal.reason`. */
    from_pretrained(model: ModelSource, options?: TokenizerOptions): Promise<CallableTokenizer>;
  };
}

/** The API: `Core`, and a loader of models for each of `A`. */
export type Heed<A extends Autos = typeof autos> = Core & {
  [Name in keyof A]: {
    /**
     * Loads a model's config.json and weights. Rejects with NOT_FOUND, NETWORK, FORMAT, MODEL_MISMATCH where they do not fit each other, UNSUPPORTED for an architecture
     * that is not registered, MEMORY, or `signal.reason`.
     */
    from_pretrained(model: ModelSource, options?: Parameters<A[Name]['load']>[2]): ReturnType<A[Name]['load']>;
  };
};

/** The loaders that heed/core has. */
export const autos = {
  /** An encoder: token ids to hidden states. */
  AutoModel: EncoderModel,
} satisfies Autos;

/** The API on a runtime. Models without an engine of their own share one, which is created when the first needs it. A `hub` knows models by more names than addresses. */
export function bind<A extends Autos = typeof autos>(
  runtime: Runtime,
  loaded: A,
  hub?: Hub,
  engineOptions?: () => EngineOptions | undefined,
): Heed<A> {
  const place = new Place(runtime, engineOptions);
  type Load = (engine: Engine, folder: Folder, options: PretrainedOptions) => Promise<Servable>;
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
  const here: Loaders = {
    pipeline: async (task: string, source: Source, options: PretrainedOptions) => {
      const { load, name } = taskOf(task);
      return Object.assign(await loadHere(source, options, load as Load, task), { task: name });
    },
    ...Object.fromEntries(
      Object.entries(loaded).map(([name, auto]) => [
        name,
        (source: Source, options: PretrainedOptions) => loadHere(source, options, (engine, folder, own) => auto.load(engine, folder, own)),
      ]),
    ),
  };
  const load = async (name: string, args: unknown[], model: ModelSource, options: PretrainedOptions = {}) => {
    checkOptions(options, [...(loaded[name]?.optionNames ?? pretrainedOptionNames), ...sourceOptionNames], 'from_pretrained');
    const source = await sourceOf(runtime, model, options, hub);
    const own = Object.entries(options).filter(([option]) => !(sourceOptionNames as readonly string[]).includes(option));
    return place.load(name, args, source, Object.fromEntries(own), here);
  };
  return {
    createEngine: (options?: EngineOptions) => Engine.create(runtime, options),
    pipeline: async (task: string, model?: ModelSource | null, options?: PretrainedOptions) =>
      load('pipeline', [task], model ?? defaultModelOf(task), options),
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
    ...Object.fromEntries(
      Object.keys(loaded).map((name) => [
        name,
        { from_pretrained: (model: ModelSource, options?: PretrainedOptions) => load(name, [], model, options) },
      ]),
    ),
  } as unknown as Heed<A>;
}

/**
 * `estimate` on a runtime: what a model takes, before it is loaded: bytes to fetch, memory of weights and of a forward. Reads config.json and the headers of the
 * weights alone. Apart from `bind`, so that bundles may do without.
 */
export const bindEstimate =
  (runtime: Runtime, hub?: Hub) =>
  async (model: ModelSource, options: EstimateOptions & SourceOptions = {}): Promise<Estimate> => {
    expectOptions(options, 'estimate');
    const { revision, cache_dir, local_files_only, subfolder, ...own } = options;
    const where = { revision, cache_dir, local_files_only, subfolder, signal: own.signal };
    return estimate(runtime, await folderFor(runtime, model, where, hub), own);
  };

/** What `serve` of the entries is: `port` is the worker's own scope unless given. */
export function serveModels({ createEngine, AutoTokenizer, pipeline, ...models }: Core, port = globalThis as unknown as Port): void {
  const loaders = Object.entries(models as Record<string, { from_pretrained: Loaders[string] }>).filter(([name]) =>
    name.startsWith('AutoModel'),
  );
  serve(
    { pipeline: pipeline as Loaders[string], ...Object.fromEntries(loaders.map(([name, { from_pretrained }]) => [name, from_pretrained])) },
    port,
  );
}
