/**
 * What a model will take, before it is loaded: config.json and the headers of its weights are read, and then loading and a forward are rehearsed on the engine's
 * allocator, every block of them, while nothing is computed. So the figures are those that `engine.memory()` will give.
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
import { checkDtype, heldIn, type PretrainedDtype, type WeightForms, weightForms } from './quantization.js';

/** Options of estimate. */
export interface EstimateOptions {
  /** As in from_pretrained. Default: as the checkpoint is. */
  dtype?: PretrainedDtype | undefined;
  /** Rows of a forward. Default 1. */
  batch?: number | undefined;
  /** Tokens of a row; a translator reads as many and writes as many, one by one. Default 128, or as many as the model has positions for. */
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
  /** How the engine will hold matrices and tables: of several ways, that of the fewest bits. */
  dtype: PretrainedDtype;
  /** The weights' files; undefined where a server does not tell. */
  download: number | undefined;
  /** What the weights take in the engine. */
  weights: number;
  /** What a forward of `batch` rows of `tokens` tokens takes at most beside them. */
  activations: number;
  /** Rows of the forward. */
  batch: number;
  /** Tokens of a row. */
  tokens: number;
  /** The WebAssembly memory after that forward: weights, activations, and what the engine keeps for itself. JavaScript's own memory comes on top, the tokenizer's most of it. */
  memory: number;
  /** The most that loading takes: the WebAssembly memory then, and the buffers that bytes pass through. */
  loading: number;
}

/** Rows, and tokens of a row: beyond that no memory is large enough. */
const MOST = 1 << 20;

/** Says what a model takes. Throws what `from_pretrained` throws for its files and options, but for what only the weights themselves tell. */
export async function estimate(runtime: Runtime, folder: Folder, options: EstimateOptions = {}): Promise<Estimate> {
  const { dtype, signal, engine: engineOptions } = options;
  checkOptions(options, ['dtype', 'batch', 'tokens', 'engine', 'signal'], 'estimate');
  if (engineOptions !== undefined) expectOptions(engineOptions, "estimate's engine");
  checkDtype(dtype);
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
  { dtype, batch = 1, tokens, engine: wanted }: EstimateOptions,
): Omit<Estimate, 'download'> {
  const { runtime } = engine;
  const forms = weightForms(parts.config, dtype, parts.sources);
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

/** What the memory is after a forward, the heaviest that the model has for users. */
function ran(
  engine: Engine,
  module: Encoder | EncoderDecoder | Decoder,
  [B, T]: readonly [number, number],
  task: Task | undefined,
): MemoryUse {
  const inputs = { ids: new Int32Array(B * T), shape: [B, T] as const, lengths: Array.from({ length: B }, () => T) };
  engine.scope(() => {
    if ('steps' in module) drained<unknown>(module.steps(inputs, { pooler: task === undefined }));
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
    engine.scope(() => {
      const { lastHiddenState } = drained(module.encode({ ids, shape, lengths }));
      state = module.start(lastHiddenState, lengths);
      next(state);
    });
    for (let t = 1; state && t < T; t++) next(state);
  } finally {
    state?.dispose();
  }
}
