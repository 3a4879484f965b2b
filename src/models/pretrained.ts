/**
 * From a folder to a module: config.json names the architecture, the architecture says what is made and what the checkpoint calls it. For whoever wraps a
 * module for users: model.ts, and models that generate.
 */
import { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Progress } from '../io/checkpoint.js';
import { JsonNode, readJson } from '../io/json.js';
import { type ArchitectureKind, architectureOf, type CheckpointSummary, loaders } from './architecture.js';
import type { Encoder } from './encoder.js';
import type { EncoderDecoder } from './encoder_decoder.js';
import { loadWeights } from './load.js';
import type { PretrainedOptions } from './model.js';
import { weightForms } from './quantization.js';

/** What each kind of architecture becomes. */
interface Modules {
  encoder: Encoder;
  'encoder-decoder': EncoderDecoder;
}

/** Every layer has tensors of its own, and is made of many objects before the first of them is looked at. */
function expectLayers(config: JsonNode, layers: number, { tensors }: CheckpointSummary): void {
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
  folder: string,
  kind: Kind,
  { signal, progress_callback: listen, dtype }: Pick<PretrainedOptions, 'signal' | 'progress_callback' | 'dtype'> = {},
): Promise<{ config: JsonNode; module: Modules[Kind] }> {
  if (!(engine instanceof Engine))
    throw new HeedError('ARGUMENT', `engine is ${kindOf(engine)}`, { culprit: 'engine', cure: 'Make one with createEngine()' });
  if (listen !== undefined && typeof listen !== 'function')
    throw new HeedError('ARGUMENT', `progress_callback is ${kindOf(listen)}`, { culprit: 'progress_callback', cure: 'Give a function' });
  const { runtime } = engine;
  const json = await readJson(runtime, folder, 'config.json', { signal });
  const file = runtime.join(folder, 'config.json');
  const config = JsonNode.of(file, json);
  const architecture = architectureOf(config);
  const { name, module: made } = architecture;
  if (made.kind !== kind) {
    const message = `${config.file}: ${name} is an ${made.kind}, and what was asked for is an ${kind}`;
    throw new HeedError('UNSUPPORTED', message, { culprit: 'model_type', cure: `Use ${loaders[made.kind]}` });
  }
  const dims = architecture.dims(config);
  const last = { file, loaded: 0, total: undefined as number | undefined };
  const onProgress =
    listen &&
    ((p: Progress) => listen({ status: 'progress', progress: p.total ? (100 * p.loaded) / p.total : 0, ...Object.assign(last, p) }));
  const make = (checkpoint: CheckpointSummary) => {
    expectLayers(config, made.layers(dims), checkpoint);
    return new made(engine, dims, architecture.block(config, checkpoint));
  };
  const module = await loadWeights(make, architecture, runtime, folder, { signal, onProgress, forms: weightForms(config, dtype) });
  try {
    listen?.({ ...last, status: 'ready', progress: 100 });
  } catch (error) {
    module.dispose();
    throw error;
  }
  return { config, module: module as Modules[Kind] }; // which is of that kind
}
