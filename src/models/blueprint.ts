/**
 * What a folder's config.json and the headers of its weights say of a model before a weight is read: its architecture, what it can be loaded as, and modules
 * without weights, for whoever wants to know sizes. Models themselves are loaded by pretrained.ts.
 */
import type { Engine } from '../engine/engine.js';
import { type CheckpointHeaders, readHeaders } from '../io/checkpoint.js';
import type { Folder } from '../io/folder.js';
import type { JsonNode } from '../io/json.js';
import type { OpenOptions } from '../runtime/types.js';
import {
  type Architecture,
  architectureOf,
  type CheckpointSummary,
  type EncoderDims,
  type HeadChoices,
  type HeadDesign,
  type Names,
  type Spelt,
  spell,
  type Task,
  withHead,
} from './architecture.js';
import { byOwnKeys } from './config.js';
import type { Encoder } from './encoder.js';
import type { EncoderDecoder } from './encoder_decoder.js';
import { headOf } from './heads.js';
import { homeOf } from './home.js';
import { summaryOf } from './load.js';
import { expectLayers } from './pretrained.js';

export interface Blueprint {
  folder: Folder;
  config: JsonNode;
  headers: CheckpointHeaders;
  architecture: Architecture;
  /** Of those that the architecture has heads for, the task that config.json names in `architectures`, if the checkpoint has its head. */
  task: Task | undefined;
  /** All whose heads the checkpoint has; a head of words that has no tensor of its own is there if config.json names it. */
  tasks: readonly Task[];
}

/** Reads what there is to know. Throws what the files are found guilty of, and UNSUPPORTED for an architecture that is not registered. */
export async function readBlueprint(model: Folder, { signal }: Pick<OpenOptions, 'signal'> = {}): Promise<Blueprint> {
  const { folder, config: said } = await homeOf(model, { signal });
  const architecture = architectureOf(said);
  const config = byOwnKeys(said, architecture.aliases);
  const headers = await readHeaders(folder, { signal });
  const has = summaryOf(headers.tensors, spelt({ architecture, config }, undefined)).has;
  const named = config.array('architectures', []);
  const isNamed = (task: Task) => named.some((name) => name === `${architecture.className}For${task}`);
  const known = (Object.entries(architecture.heads ?? {}) as [Task, HeadDesign][]).filter(
    ([task, design]) => hasHead(design.weights, has) || (isNamed(task) && design.choices(config).bias === false),
  );
  // What could be of several tasks is of the one that is named, or of the first.
  known.sort(([a], [b]) => Number(isNamed(b)) - Number(isNamed(a)));
  const scores = known.map(([, { weights }]) => weights['head.out']);
  const tasks = known.filter((_, i) => scores.indexOf(scores[i]) === i).map(([task]) => task);
  return {
    folder,
    config,
    headers,
    architecture,
    tasks,
    task: tasks.find(isNamed),
  };
}

/** Whether a checkpoint has a head: what transforms, and what scores, if only a number for each word. */
function hasHead({ 'head.out': out, 'head.bias': bias, ...rest }: Names, has: CheckpointSummary['has']): boolean {
  const [transforms, scores] = [Object.values(rest), [`${out}.weight`, ...(bias ? [bias, `${out}.bias`] : [])]];
  return transforms.every((module) => has(`${module}.weight`)) && scores.some(has);
}

/** The architecture with the head of a task, if any, by the names that checkpoints of this config have. */
export function spelt({ architecture, config }: Pick<Blueprint, 'architecture' | 'config'>, task: Task | undefined): Spelt {
  return spell(task ? withHead(architecture, task, false) : architecture, config);
}

/** A module of this model without weights, with the head of a task if one is given. Throws FORMAT, UNSUPPORTED. */
export function blank(engine: Engine, { architecture, config }: Blueprint, task: Task | undefined, checkpoint: CheckpointSummary) {
  const { module: Made } = architecture;
  const dims = architecture.dims(config);
  expectLayers(config, Made.layers(dims), checkpoint);
  const design = task && architecture.heads?.[task];
  const choices = { ...design?.choices(config), apart: checkpoint.apart('head.out') } as HeadChoices;
  const head = design && headOf(task, engine, dims as EncoderDims, choices, config);
  return new Made(engine, dims, architecture.block(config, checkpoint), head) as Encoder | EncoderDecoder;
}
