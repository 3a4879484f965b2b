/**
 * From a folder to a module with its weights, for the classes that wrap modules for users: model.ts, and models that generate.
 */
import { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import { type Folder, folderOf } from '../io/folder.js';
import type { JsonNode } from '../io/json.js';
import { checkListener, isObserved, observed } from '../io/progress.js';
import type { Progress } from '../io/weights.js';
import { normal, zeros } from '../nn/init.js';
import type { Module } from '../nn/module.js';
import type { ParameterDtype } from '../nn/parameter.js';
import { Random } from '../random.js';
import { type ArchitectureKind, type CheckpointSummary, loaders } from './architecture.js';
import { numberIn } from './config.js';
import type { Decoder } from './decoder.js';
import type { Encoder } from './encoder.js';
import type { EncoderDecoder } from './encoder_decoder.js';
import { loadWeights } from './load.js';
import type { PretrainedOptions } from './options.js';
import { designOf, forSide, forStates, type Purpose, readParts } from './parts.js';
import { weightForms } from './quantization.js';
import type { Origin } from './save.js';
import { checkpointEntries } from './stored.js';

/** Module class of each kind of architecture. */
interface Modules {
  encoder: Encoder;
  'encoder-decoder': EncoderDecoder;
  'speech encoder-decoder': EncoderDecoder;
  decoder: Decoder;
}

/** A module with its origin. */
export interface Loaded<Kind extends ArchitectureKind> {
  config: JsonNode;
  module: Modules[Kind];
  origin: Origin;
}

const withArticle = (kind: ArchitectureKind): string => `${kind.startsWith('e') ? 'an' : 'a'} ${kind}`;

/**
 * Loads a folder's config.json and weights as a module of the kind that the caller works with. Throws what its files are found guilty of (NOT_FOUND, FORMAT,
 * MODEL_MISMATCH, DTYPE), UNSUPPORTED for an architecture that is not registered or of another kind, ARGUMENT for options.
 */
export async function loadPretrained<Kind extends ArchitectureKind>(
  engine: Engine,
  model: string | Folder,
  kind: Kind,
  {
    signal,
    progress_callback: listen,
    dtype,
    embedding_dtype,
    cache_dtype,
  }: Pick<PretrainedOptions, 'signal' | 'progress_callback' | 'dtype' | 'embedding_dtype' | 'cache_dtype'> = {},
  {
    head,
    side,
    trainable = false,
    renews,
    seed = 0,
  }: Purpose & { /** Of what begins as a new model does. Default 0. */ seed?: number | undefined } = {},
): Promise<Loaded<Kind>> {
  if (trainable && (dtype === 'q8' || dtype === 'q4'))
    throw new HeedError('UNSUPPORTED', `Weights in ${dtype.slice(1)} bits do not train`, {
      culprit: 'dtype',
      cure: "Leave dtype out, or give 'fp32'",
    });
  if (!(engine instanceof Engine))
    throw new HeedError('ARGUMENT', `engine is ${kindOf(engine)}`, { culprit: 'engine', cure: 'Make one with createEngine()' });
  if (cache_dtype !== undefined && kind === 'encoder')
    throw new HeedError('ARGUMENT', 'from_pretrained: cache_dtype would have no effect', {
      culprit: 'cache_dtype',
      cure: 'Leave it out: this model writes no text',
    });
  checkListener(listen);
  const plain = folderOf(engine.runtime, model);
  const read = await readParts(listen ? observed(plain, listen) : plain, { signal });
  const states = kind === 'encoder' ? forStates(read) : read;
  const parts = side ? forSide(states, side.name) : states;
  const { folder, config, weights } = parts;
  const { name, className, module: made } = parts.architecture;
  if (made.kind !== kind) {
    const message = `${config.file}: ${name} is ${withArticle(made.kind)}, and what was asked for is ${withArticle(kind)}`;
    throw new HeedError('UNSUPPORTED', message, { culprit: 'model_type', cure: `Use ${loaders[made.kind]}` });
  }
  const { architecture, saved, make } = designOf(parts, { head, trainable, renews });
  const onProgress = isObserved(folder) ? ({ file, loaded, total }: Progress) => folder.progress(file, loaded, total) : undefined;
  const forms = weightForms(config, trainable ? 'fp32' : dtype, parts.sources, embedding_dtype);
  const begun = (checkpoint: CheckpointSummary) => {
    const module = make(engine, checkpoint);
    // Weights of fewer bits are widened first.
    return trainable && forms.stored === 'float32' ? module.train() : module;
  };
  const module = await loadWeights(begun, architecture, folder.name, weights, { signal, onProgress, forms });
  try {
    if (cache_dtype && 'cacheDtype' in module) module.cacheDtype = cache_dtype;
    if (trainable) {
      begin(module, seed, numberIn(config, 'initializer_range', 0.02));
      module.train();
    }
  } catch (error) {
    module.dispose();
    throw error;
  }
  const tensors = (held: ParameterDtype | undefined) => checkpointEntries(module, saved, held);
  const task = head && (parts.architecture.heads?.[head.task]?.className?.(config) ?? head.task);
  const called = side?.className ?? (className && `${className}${task ? `For${task}` : 'Model'}`);
  const origin = { folder: isObserved(folder) ? folder.unobserved : folder, tensors, model: called, headed: head !== undefined };
  return { config, module: module as Modules[Kind], origin }; // which is of that kind
}

/** Fills weights that were not loaded, as Hugging Face's models do: matrices normal, biases 0, norms 1. */
function begin(module: Module, seed: number, deviation: number): void {
  for (const [name, parameter] of module.namedParameters()) {
    if (parameter.complete) continue;
    const init = name.endsWith('bias') ? zeros : parameter.shape.length > 1 ? normal(deviation) : undefined;
    parameter.init(new Random(seed, name), init);
  }
}
