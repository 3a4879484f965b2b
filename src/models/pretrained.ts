/**
 * From a folder to a module: config.json names the architecture, the architecture says what is made and what the checkpoint calls it. For whoever wraps a
 * module for users: model.ts, and models that generate.
 */
import { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Progress } from '../io/checkpoint.js';
import { type Folder, folderOf } from '../io/folder.js';
import type { JsonNode } from '../io/json.js';
import { checkListener, isObserved, observed } from '../io/progress.js';
import type { SafetensorsEntry } from '../io/safetensors_writer.js';
import { normal, zeros } from '../nn/init.js';
import type { Module } from '../nn/module.js';
import type { ParameterDtype } from '../nn/parameter.js';
import { Random } from '../random.js';
import {
  type ArchitectureKind,
  architectureOf,
  type CheckpointSummary,
  type EncoderDims,
  type HeadChoices,
  loaders,
  spell,
  type Task,
  withHead,
} from './architecture.js';
import { byOwnKeys, numberIn } from './config.js';
import type { Encoder } from './encoder.js';
import type { EncoderDecoder } from './encoder_decoder.js';
import type { Head } from './heads.js';
import { homeOf } from './home.js';
import { checkpointEntries, loadWeights } from './load.js';
import type { PretrainedOptions } from './model.js';
import { weightForms } from './quantization.js';

/** What each kind of architecture becomes. */
interface Modules {
  encoder: Encoder;
  'encoder-decoder': EncoderDecoder;
}

/** What a model is loaded for. */
export interface Purpose {
  /** What is put on an encoder. */
  head?: { task: Task; make(engine: Engine, dims: EncoderDims, choices: HeadChoices, config: JsonNode): Head } | undefined;
  /** In training form. What the checkpoint may lack begins as a new model's does. */
  trainable?: boolean | undefined;
  /** Of what begins so. Default 0. */
  seed?: number | undefined;
}

/** A module, and where it comes from. */
export interface Loaded<Kind extends ArchitectureKind> {
  config: JsonNode;
  module: Modules[Kind];
  origin: Origin;
}

export interface Origin {
  folder: Folder;
  /** The module's tensors, as a checkpoint of this dtype calls them. */
  tensors(dtype: ParameterDtype): Iterable<SafetensorsEntry>;
  /** Hugging Face's class of such a model: with a head or, where there is none, without. Undefined where config.json knows. */
  model: string | undefined;
  /** Whether it has a task's head. */
  headed: boolean;
}

/** Every layer has tensors of its own, and is made of many objects before the first of them is looked at. */
export function expectLayers(config: JsonNode, layers: number, { tensors }: CheckpointSummary): void {
  if (layers <= tensors) return;
  const message = `${config.file} asks for ${layers} layers, and the checkpoint has ${tensors} tensors`;
  throw new HeedError('MODEL_MISMATCH', message, { culprit: config.file });
}

/**
 * Loads a folder's config.json and weights as a module of the kind that the caller works with. Throws what its files are found guilty of (NOT_FOUND, FORMAT,
 * MODEL_MISMATCH, DTYPE), UNSUPPORTED for an architecture that is not registered or of another kind, ARGUMENT for options.
 */
export async function loadPretrained<Kind extends ArchitectureKind>(
  engine: Engine,
  model: string | Folder,
  kind: Kind,
  { signal, progress_callback: listen, dtype }: Pick<PretrainedOptions, 'signal' | 'progress_callback' | 'dtype'> = {},
  { head, trainable = false, seed = 0 }: Purpose = {},
): Promise<Loaded<Kind>> {
  if (trainable && dtype === 'q8')
    throw new HeedError('UNSUPPORTED', 'Weights in 8 bits do not train', { culprit: 'dtype', cure: "Leave dtype out, or give 'fp32'" });
  if (!(engine instanceof Engine))
    throw new HeedError('ARGUMENT', `engine is ${kindOf(engine)}`, { culprit: 'engine', cure: 'Make one with createEngine()' });
  checkListener(listen);
  const plain = folderOf(engine.runtime, model);
  const { folder, config: said } = await homeOf(listen ? observed(plain, listen) : plain, { signal });
  const found = architectureOf(said);
  const config = byOwnKeys(said, found.aliases);
  const { name, module: made } = found;
  if (made.kind !== kind) {
    const message = `${config.file}: ${name} is an ${made.kind}, and what was asked for is an ${kind}`;
    throw new HeedError('UNSUPPORTED', message, { culprit: 'model_type', cure: `Use ${loaders[made.kind]}` });
  }
  const chosen = head ? withHead(found, head.task, trainable) : found;
  const architecture = spell(chosen, config);
  const design = head && architecture.heads?.[head.task];
  const dims = architecture.dims(config);
  const onProgress = isObserved(folder) ? ({ file, loaded, total }: Progress) => folder.progress(file, loaded, total) : undefined;
  const forms = weightForms(config, trainable ? 'fp32' : dtype);
  const make = (checkpoint: CheckpointSummary) => {
    expectLayers(config, made.layers(dims), checkpoint);
    const choices = { ...design?.choices(config), apart: checkpoint.apart('head.out') } as HeadChoices;
    const own = design && head.make(engine, dims as EncoderDims, choices, config);
    const module = new made(engine, dims, architecture.block(config, checkpoint), own);
    // Weights that come in 8 bits are widened first.
    return trainable && forms.stored !== 'q8' ? module.train() : module;
  };
  const module = await loadWeights(make, architecture, folder, { signal, onProgress, forms });
  try {
    if (trainable) {
      begin(module, seed, numberIn(config, 'initializer_range', 0.02));
      module.train();
    }
  } catch (error) {
    module.dispose();
    throw error;
  }
  const tensors = (held: ParameterDtype) => checkpointEntries(module, architecture, held);
  const called = architecture.className && `${architecture.className}${head ? `For${head.task}` : 'Model'}`;
  const origin = { folder: isObserved(folder) ? folder.unobserved : folder, tensors, model: called, headed: head !== undefined };
  return { config, module: module as Modules[Kind], origin }; // which is of that kind
}

/** Fills what was not loaded, as Hugging Face's models do it: matrices normal, biases 0, norms 1. */
function begin(module: Module, seed: number, deviation: number): void {
  for (const [name, parameter] of module.namedParameters()) {
    if (parameter.complete) continue;
    const init = name.endsWith('bias') ? zeros : parameter.shape.length > 1 ? normal(deviation) : undefined;
    parameter.init(new Random(seed, name), init);
  }
}
