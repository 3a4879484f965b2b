/**
 * Memory that a model needs, before it is loaded: config.json and the headers of its weights are read, and then loading and a forward pass are rehearsed on the engine's
 * allocator, every block of them, without computing anything. So the figures are those that `engine.memory()` will give.
 */
import { Engine, type EngineOptions } from '../engine/engine.js';
import type { MemoryUse } from '../engine/memory.js';
import { wantedThreads } from '../engine/options.js';
import { checkOptions, expectOptions, HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { BUFFER } from '../io/staging.js';
import type { CheckpointHeaders } from '../io/weights.js';
import type { Runtime } from '../runtime/types.js';
import { drained } from '../steps.js';
import { MOST_TOKENS, sizeOf } from '../tensor.js';
import type { CheckpointSummary, Task } from './architecture.js';
import type { Decoder } from './decoder.js';
import type { DecoderState } from './decoder_state.js';
import type { Encoder } from './encoder.js';
import type { EncoderDecoder } from './encoder_decoder.js';
import { headFor } from './heads.js';
import { prepared, settle, stagedBytes } from './load.js';
import { designOf, type ModelParts, partsFor, readParts, tasksIn } from './parts.js';
import {
  checkDtype,
  checkEmbeddingDtype,
  type EmbeddingDtype,
  heldIn,
  type PretrainedDtype,
  type WeightForms,
  weightForms,
} from './quantization.js';
import { samplesOf } from './waves.js';

/** Options of estimate. */
export interface EstimateOptions {
  /** Dtype as in from_pretrained. Default: that of the checkpoint. */
  dtype?: PretrainedDtype | undefined;
  /** As in from_pretrained. */
  embedding_dtype?: EmbeddingDtype | undefined;
  /** Rows of a forward. Default 1. */
  batch?: number | undefined;
  /** Number of tokens of a row; an encoder-decoder reads as many and writes as many, one by one. Default 128, or as many as the model has positions. */
  tokens?: number | undefined;
  /** Options of the engine that the model will run on. */
  engine?: EngineOptions | undefined;
  /** Ends the reading, which rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** Sizes are in bytes. */
export interface Estimate {
  /** config.json's model_type. */
  architecture: string;
  /** Numbers that the model is made of, tied ones counted once; as often as a file holds them where it holds copies, which its bytes alone tell to be equal. */
  parameters: number;
  /** Dtype of matrices and tables in the engine: of several, that of the fewest bits. */
  dtype: PretrainedDtype;
  /** Bytes of the weights' files; undefined where a server does not tell. */
  download: number | undefined;
  /** Bytes of the weights in the engine. */
  weights: number;
  /** Largest number of bytes that a forward pass of `batch` rows of `tokens` tokens takes beside the weights. */
  activations: number;
  /** Number of rows of the forward pass. */
  batch: number;
  /** Number of tokens of a row. */
  tokens: number;
  /** Bytes of the WebAssembly memory after that forward pass: weights, activations, and the engine's own. JavaScript's memory comes on top, most of it the tokenizer's. */
  memory: number;
  /** The most that loading takes: the WebAssembly memory then, and the buffers that bytes pass through. */
  loading: number;
}

/** Rows, and tokens of a row: beyond that no memory is large enough. */
const MOST = 1 << 20;

/** Estimates a model's memory. Throws the errors of `from_pretrained` for its files and options, except those that only the weights themselves show. */
export async function estimate(runtime: Runtime, folder: Folder, options: EstimateOptions = {}): Promise<Estimate> {
  const { dtype, embedding_dtype, signal, engine: engineOptions } = options;
  checkOptions(options, ['dtype', 'embedding_dtype', 'batch', 'tokens', 'engine', 'signal'], 'estimate');
  if (engineOptions !== undefined) expectOptions(engineOptions, "estimate's engine");
  checkDtype(dtype);
  checkEmbeddingDtype('estimate', dtype, embedding_dtype);
  for (const name of ['batch', 'tokens'] as const)
    if (options[name] !== undefined && !(Number.isSafeInteger(options[name]) && options[name] >= 1 && options[name] <= MOST))
      throw new HeedError('ARGUMENT', `estimate: ${name} is ${kindOf(options[name])}`, {
        culprit: name,
        cure: `It is a whole number from 1 to ${MOST}`,
      });
  const parts = await readParts(folder, { signal });
  const headers = await parts.weights.headers({ signal });
  // Threads compute nothing here; they would only have to start.
  const engine = await Engine.create(runtime, { ...engineOptions, threads: 1, signal });
  try {
    return { ...rehearsed(engine, parts, headers, options), download: headers.bytes };
  } finally {
    await engine.dispose();
  }
}

function rehearsed(
  engine: Engine,
  parts: ModelParts,
  headers: CheckpointHeaders,
  { dtype, embedding_dtype, batch = 1, tokens, engine: wanted }: EstimateOptions,
): Omit<Estimate, 'download'> {
  const { runtime } = engine;
  const forms = weightForms(parts.config, dtype, parts.sources, embedding_dtype);
  const { named: task } = tasksIn(parts, headers);
  const threads = runtime.noThreads() ? 1 : wantedThreads(runtime, wanted?.threads);
  let found: Omit<Estimate, 'download'> | undefined;
  engine.rehearse(() => {
    const module = loaded(engine, parts, task, headers, forms);
    try {
      const before = engine.memory();
      const all = [...module.distinctParameters().values()];
      const length = tokens ?? Math.min(128, module.dims.positions);
      if (batch * length > MOST_TOKENS)
        throw new HeedError('ARGUMENT', `estimate: ${batch} rows of ${length} tokens are more than memory holds`, {
          culprit: 'batch',
          cure: 'Ask for fewer',
        });
      const after = ran(engine, module, [batch, length], task);
      found = {
        architecture: parts.architecture.name,
        parameters: all.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
        dtype: heldIn(module),
        weights: before.used,
        ...{ activations: after.peak - before.used, batch, tokens: length },
        memory: after.size,
        loading: before.size + 2 * BUFFER,
      };
    } finally {
      module.dispose();
    }
  }, threads);
  return found as Omit<Estimate, 'download'>;
}

/** Loads a checkpoint without its bytes, tensor by tensor, as loadWeights does with them. */
function loaded(
  engine: Engine,
  parts: ModelParts,
  task: Task | undefined,
  headers: CheckpointHeaders,
  forms: WeightForms,
): Encoder | EncoderDecoder | Decoder {
  const { architecture, make } = designOf(partsFor(parts, task), { head: task && headFor(task) });
  const made = (checkpoint: CheckpointSummary) => make(engine, checkpoint);
  const { module, targetOf } = prepared(made, architecture, parts.folder.name, headers.tensors, forms);
  try {
    for (const entry of headers.tensors) {
      const target = targetOf(entry);
      if (!target) continue;
      target.parameter.assume();
      engine.scope(() => void engine.allocate(stagedBytes(entry, target, forms)));
      settle(target.parameter, forms);
    }
    return module;
  } catch (error) {
    module.dispose();
    throw error;
  }
}

/** Memory after the model's heaviest forward pass for users. */
function ran(
  engine: Engine,
  module: Encoder | EncoderDecoder | Decoder,
  [B, T]: readonly [number, number],
  task: Task | undefined,
): MemoryUse {
  const inputs = { ids: new Int32Array(B * T), shape: [B, T] as const, lengths: Array.from({ length: B }, () => T) };
  engine.scope(() => {
    if ('blank' in module) drained(module.steps(module.blank(B, T), { pooler: task === undefined }));
    else if ('steps' in module) drained(module.steps(inputs));
    else written(engine, module, inputs);
  });
  return engine.memory();
}

/** Reads the sources, and writes as many tokens. */
function written(
  engine: Engine,
  module: EncoderDecoder,
  { ids, shape, lengths }: { ids: Int32Array; shape: readonly [number, number]; lengths: number[] },
): void {
  const [B, T] = shape;
  const next = (state: DecoderState) => engine.scope(() => void drained(module.decode(ids.subarray(0, B), [B, 1], state)));
  let state: DecoderState | undefined;
  try {
    // The encoder's states go when the first token is there.
    const { features, waves } = module.dims;
    engine.scope(() => {
      const heard = features ? ([B, features.channels, features.steps] as const) : waves && ([B, samplesOf(T, waves)] as const);
      const source = heard ? { features: new Float32Array(sizeOf(heard)), shape: heard } : { ids, shape, lengths };
      const { lastHiddenState } = drained(module.encode(source));
      state = module.start(lastHiddenState, heard ? undefined : lengths);
      next(state);
    });
    for (let t = 1; state && t < T; t++) next(state);
  } finally {
    state?.dispose();
  }
}
