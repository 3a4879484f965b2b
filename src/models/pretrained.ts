/**
 * From a folder to a module: config.json names the architecture, the architecture says what is made and what the checkpoint calls it. For whoever wraps a
 * module for users: model.ts, and models that generate.
 */
import { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Progress } from '../io/checkpoint.js';
import { JsonNode, readJson } from '../io/json.js';
import { type ArchitectureKind, type ArchitectureOf, architectureOf, type CheckpointSummary } from './architecture.js';
import { Encoder } from './encoder.js';
import { EncoderDecoder } from './encoder_decoder.js';
import { loadWeights } from './load.js';
import type { PretrainedOptions } from './model.js';
import { weightForms } from './quantization.js';

/** What each kind of architecture becomes. */
interface Modules {
  encoder: Encoder;
  'encoder-decoder': EncoderDecoder;
}

type Make<Kind extends ArchitectureKind> = (
  engine: Engine,
  architecture: ArchitectureOf<Kind>,
  config: JsonNode,
  checkpoint: CheckpointSummary,
) => Modules[Kind];

const makers: { readonly [Kind in ArchitectureKind]: Make<Kind> } = {
  encoder: (engine, architecture, config, checkpoint) => {
    const dims = architecture.dims(config);
    if (dims.C % dims.H) throw config.error(`has a hidden_size of ${dims.C}, which ${dims.H} heads cannot share`);
    expectLayers(config, dims.L, checkpoint);
    return new Encoder(engine, dims, architecture.block(config, checkpoint));
  },
  'encoder-decoder': (engine, architecture, config, checkpoint) => {
    const dims = architecture.dims(config);
    expectLayers(config, dims.encoder.L + dims.decoder.L, checkpoint);
    return new EncoderDecoder(engine, dims, architecture.block(config, checkpoint));
  },
};

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
  const found = architectureOf(config);
  if (found.kind !== kind) {
    const message = `${config.file}: ${found.name} is an ${found.kind}, and what was asked for is an ${kind}`;
    throw new HeedError('UNSUPPORTED', message, { culprit: 'model_type', cure: `Use ${loaders[found.kind]}` });
  }
  const architecture = found as ArchitectureOf<Kind>;
  const last = { file, loaded: 0, total: undefined as number | undefined };
  const onProgress =
    listen &&
    ((p: Progress) => listen({ status: 'progress', progress: p.total ? (100 * p.loaded) / p.total : 0, ...Object.assign(last, p) }));
  const make = (checkpoint: CheckpointSummary): Encoder | EncoderDecoder => makers[kind](engine, architecture, config, checkpoint);
  const module = await loadWeights(make, found, runtime, folder, { signal, onProgress, forms: weightForms(config, dtype) });
  try {
    listen?.({ ...last, status: 'ready', progress: 100 });
  } catch (error) {
    module.dispose();
    throw error;
  }
  return { config, module: module as Modules[Kind] }; // by the maker of that kind
}

/** Who loads which kind. */
const loaders: Readonly<Record<ArchitectureKind, string>> = { encoder: 'AutoModel', 'encoder-decoder': 'AutoModelForSeq2SeqLM' };
