/**
 * From files to a model, in the one way that loading, estimating, quantizing and `heed info` share: config.json names the architecture, the architecture names
 * the module and its weights in the checkpoint. `readParts` reads everything but the weights, `designOf` decides what is made of it.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { checkpointIn } from '../io/checkpoint.js';
import type { Folder } from '../io/folder.js';
import type { JsonNode } from '../io/json.js';
import type { Checkpoint, CheckpointHeaders } from '../io/weights.js';
import type { Sources } from '../nn/formats/sources.js';
import type { OpenOptions } from '../runtime/types.js';
import {
  type Architecture,
  architectureOf,
  type CheckpointSummary,
  type EncoderDims,
  type HeadChoices,
  type HeadDesign,
  headNames,
  registered,
  type Side,
  type Spelt,
  spell,
  type Task,
  withHead,
} from './architecture.js';
import { byOwnKeys } from './config.js';
import type { Decoder } from './decoder.js';
import type { Encoder } from './encoder.js';
import type { EncoderDecoder } from './encoder_decoder.js';
import type { HeadMaker } from './heads.js';
import { homeOf } from './home.js';
import { summaryOf } from './load.js';

/** Parts of a model's files that are read before any weight. */
export interface ModelParts<F extends Folder = Folder> {
  /** Folder of the model, with its tokenizer. */
  folder: F;
  /** config.json, under the keys that its architecture reads. */
  config: JsonNode;
  architecture: Architecture;
  weights: Checkpoint;
  /** Dtypes that its tensors may have. Default: floats. */
  sources?: Sources;
}

/** Throws what config.json is found guilty of (NOT_FOUND, FORMAT), and UNSUPPORTED for an architecture that is not registered. */
export async function readParts<F extends Folder>(model: F, { signal }: Pick<OpenOptions, 'signal'> = {}): Promise<ModelParts<F>> {
  const { folder, config } = await homeOf(model, { signal });
  const architecture = architectureOf(config);
  const { sources } = folder as { sources?: Sources };
  if (sources && !architecture.gguf)
    throw new HeedError('UNSUPPORTED', `${config.file}: heed has no names for weights of ${architecture.name} in GGUF files`, {
      culprit: 'general.architecture',
      cure: `It has ${[...registered()].flatMap(({ gguf }) => gguf?.name ?? []).join(', ') || 'none'}`,
    });
  return {
    folder,
    config: byOwnKeys(config, architecture.aliases),
    architecture,
    weights: checkpointIn(folder),
    ...(sources && { sources }),
  };
}

/** Parts of the model for states or classes: a decoder is then an encoder. */
export function forStates<P extends ModelParts>(parts: P): P {
  const { architecture } = parts;
  return { ...parts, architecture: architecture.module.encoder?.(architecture) ?? architecture };
}

/** The same for those who want one side of a model that has two. Throws UNSUPPORTED where it has one. */
export function forSide<P extends ModelParts>(parts: P, side: Side): P {
  const { architecture, config } = parts;
  const own = architecture.module.side?.(architecture, side);
  if (own) return { ...parts, architecture: own };
  throw new HeedError('UNSUPPORTED', `${config.file}: ${architecture.name} is not an encoder of texts and of pictures`, {
    culprit: 'model_type',
    cure: 'Use AutoModel',
  });
}

/** Those of a model for a task, or for none: a decoder's checkpoint without scores of words, as config.json names it, has states alone. */
export function partsFor<P extends ModelParts>(parts: P, task: Task | undefined): P {
  const named = parts.config.array('architectures', []);
  const writes = named.length === 0 || named.some((name) => /(ForCausalLM|LMHeadModel)$/.test(String(name)));
  return task || !writes ? forStates(parts) : parts;
}

/** Purpose of a model. */
export interface Purpose {
  /** Maker of a head: `headFor` of heads.ts. An argument, not an import, so that a bundle without tasks has no heads. */
  head?: HeadMaker | undefined;
  /** Which encoder is made of a model that has two, and Hugging Face's class of it. Default: both. */
  side?: { readonly name: Side; readonly className: string } | undefined;
  /** Whether it is for training. What the checkpoint may lack begins as a new model's does. */
  trainable?: boolean | undefined;
  /** Whether a head for another number of classes does so, too. */
  renews?: boolean | undefined;
}

/** Design of a model, made of its parts. */
export interface Design {
  /** Architecture with the task's head, under the names of the files. */
  architecture: Spelt;
  /** Architecture under the names of Hugging Face's checkpoints of this config, with which the model is saved. */
  saved: Spelt;
  /** Makes a module without weights. Throws FORMAT, UNSUPPORTED, MODEL_MISMATCH. */
  make(engine: Engine, checkpoint: CheckpointSummary): Encoder | EncoderDecoder | Decoder;
}

export function designOf({ config, architecture: found, sources }: ModelParts, purpose: Purpose = {}): Design {
  const { head, trainable = false, renews } = purpose;
  const named = head ? withHead(found, head.task, trainable, renews) : found;
  const { gguf } = named;
  const saved = spell(named, config);
  // A GGUF file has names of its own, and nothing before them.
  const architecture = sources && gguf ? spell({ ...named, weights: (c) => gguf.weights(c), prefixes: [], renamed: [] }, config) : saved;
  const { module: Made } = named;
  const design = head && architecture.heads?.[head.task];
  return {
    architecture,
    saved,
    make(engine, checkpoint) {
      const dims = architecture.dims(config);
      expectLayers(config, Made.layers(dims), checkpoint);
      const choices = { ...design?.choices(config), apart: checkpoint.apart('head.out') } as HeadChoices;
      const own = design && head.make(engine, dims as EncoderDims, choices, config);
      return new Made(engine, dims, architecture.block(config, checkpoint), own as never) as Encoder | EncoderDecoder | Decoder;
    },
  };
}

/** Every layer has tensors of its own, and is made of many objects before the first of them is looked at. */
function expectLayers(config: JsonNode, layers: number, { tensors }: CheckpointSummary): void {
  if (layers <= tensors) return;
  const message = `${config.file} asks for ${layers} layers, and the checkpoint has ${tensors} tensors`;
  throw new HeedError('MODEL_MISMATCH', message, { culprit: config.file });
}

/** Tasks whose heads a checkpoint has; a head of words without a tensor of its own counts if config.json names it. `named`: the task that config.json names, which comes first. */
export function tasksIn(parts: ModelParts, { tensors }: CheckpointHeaders): { tasks: readonly Task[]; named: Task | undefined } {
  const { config, architecture } = forStates(parts);
  const { has } = summaryOf(tensors, spell(architecture, config));
  const named = config.array('architectures', []);
  const { className = '' } = architecture;
  const classOf = (task: Task) => architecture.heads?.[task]?.className?.(config) ?? task;
  const isNamed = (task: Task) => named.some((name) => String(name).startsWith(className) && String(name).endsWith(`For${classOf(task)}`));
  const known = (Object.entries(architecture.heads ?? {}) as [Task, HeadDesign][]).filter(
    ([task, design]) => hasHead(headNames(design, config), has) || (isNamed(task) && design.choices(config).bias === false),
  );
  // A head that could be of several tasks counts for the one that config.json names, or for the first.
  known.sort(([a], [b]) => Number(isNamed(b)) - Number(isNamed(a)));
  const scores = known.map(([, design]) => headNames(design, config)['head.out']);
  const tasks = known.filter((_, i) => scores.indexOf(scores[i]) === i).map(([task]) => task);
  return { tasks, named: tasks.find(isNamed) };
}

/** Whether a checkpoint has a head: what transforms, and what scores, if only a number for each word. */
function hasHead({ 'head.out': out, 'head.bias': bias, ...rest }: ReturnType<typeof headNames>, has: CheckpointSummary['has']): boolean {
  const [transforms, scores] = [Object.values(rest), out ? [`${out}.weight`, ...(bias ? [bias, `${out}.bias`] : [])] : []];
  return transforms.every((module) => has(`${module.replace('{l}', '0')}.weight`)) && (!out || scores.some(has));
}
