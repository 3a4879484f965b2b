/**
 * From files to a model, the one way that loading, estimating, quantizing and telling of a model share: config.json names the architecture, the architecture says
 * what is made and what the checkpoint calls its weights. `readParts` reads what there is to know before a weight is, `designOf` says what becomes of it.
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
  registered,
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

/** What the files of a model are, before a weight is read. */
export interface ModelParts<F extends Folder = Folder> {
  /** Where it is found, its tokenizer with it. */
  folder: F;
  /** config.json, by the keys that its architecture reads. */
  config: JsonNode;
  architecture: Architecture;
  weights: Checkpoint;
  /** What its tensors may be. Default: floats. */
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

/** The same for those who want states, or classes: a decoder is an encoder to them. */
export function forStates<P extends ModelParts>(parts: P): P {
  const { architecture } = parts;
  return { ...parts, architecture: architecture.module.encoder?.(architecture) ?? architecture };
}

/** Those of a model for a task, or for none: a decoder's checkpoint without scores of words, as config.json names it, has states alone. */
export function partsFor<P extends ModelParts>(parts: P, task: Task | undefined): P {
  const named = parts.config.array('architectures', []);
  const writes = named.length === 0 || named.some((name) => /(ForCausalLM|LMHeadModel)$/.test(String(name)));
  return task || !writes ? forStates(parts) : parts;
}

/** What a model is made for. */
export interface Purpose {
  /** What is put on an encoder: `headFor` of heads.ts. Given, not imported, so that a bundle without tasks has no heads. */
  head?: HeadMaker | undefined;
  /** Whether it is for training. What the checkpoint may lack begins as a new model's does. */
  trainable?: boolean | undefined;
}

/** What is made of parts. */
export interface Design {
  /** With the task's head, by the names that the files have. */
  architecture: Spelt;
  /** By those that Hugging Face's checkpoints of this config have, under which it is saved. */
  saved: Spelt;
  /** A module without weights. Throws FORMAT, UNSUPPORTED, MODEL_MISMATCH. */
  make(engine: Engine, checkpoint: CheckpointSummary): Encoder | EncoderDecoder | Decoder;
}

export function designOf({ config, architecture: found, sources }: ModelParts, purpose: Purpose = {}): Design {
  const { head, trainable = false } = purpose;
  const named = head ? withHead(found, head.task, trainable) : found;
  const { gguf } = named;
  const saved = spell(named, config);
  // A GGUF file has names of its own, and nothing before them.
  const architecture = sources && gguf ? spell({ ...named, weights: (c) => gguf.weights(c), prefixes: [], renamed: [] }, config) : saved;
  const { module: Made } = found;
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

/** The tasks whose heads a checkpoint has; a head of words that has no tensor of its own is there if config.json names it. First the one that is `named` there. */
export function tasksIn(parts: ModelParts, { tensors }: CheckpointHeaders): { tasks: readonly Task[]; named: Task | undefined } {
  const { config, architecture } = forStates(parts);
  const { has } = summaryOf(tensors, spell(architecture, config));
  const named = config.array('architectures', []);
  const { className = '' } = architecture;
  const isNamed = (task: Task) => named.some((name) => String(name).startsWith(className) && String(name).endsWith(`For${task}`));
  const known = (Object.entries(architecture.heads ?? {}) as [Task, HeadDesign][]).filter(
    ([task, design]) => hasHead(design.weights, has) || (isNamed(task) && design.choices(config).bias === false),
  );
  // What could be of several tasks is of the one that is named, or of the first.
  known.sort(([a], [b]) => Number(isNamed(b)) - Number(isNamed(a)));
  const scores = known.map(([, { weights }]) => weights['head.out']);
  const tasks = known.filter((_, i) => scores.indexOf(scores[i]) === i).map(([task]) => task);
  return { tasks, named: tasks.find(isNamed) };
}

/** Whether a checkpoint has a head: what transforms, and what scores, if only a number for each word. */
function hasHead({ 'head.out': out, 'head.bias': bias, ...rest }: HeadDesign['weights'], has: CheckpointSummary['has']): boolean {
  const [transforms, scores] = [Object.values(rest), [`${out}.weight`, ...(bias ? [bias, `${out}.bias`] : [])]];
  return transforms.every((module) => has(`${module}.weight`)) && scores.some(has);
}
