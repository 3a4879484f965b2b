/**
 * What a folder's config.json and the headers of its weights say of a model before a weight is read: its architecture, what it can be loaded as, and modules
 * without weights, for whoever wants to know sizes. Models themselves are loaded by pretrained.ts.
 */
import type { Engine } from '../engine/engine.js';
import { type CheckpointHeaders, readHeaders } from '../io/checkpoint.js';
import type { Folder } from '../io/folder.js';
import { JsonNode, readJson } from '../io/json.js';
import type { OpenOptions } from '../runtime/types.js';
import {
  type Architecture,
  architectureOf,
  type CheckpointSummary,
  type EncoderDims,
  namesOf,
  type Spelt,
  type Task,
  withHead,
} from './architecture.js';
import type { Encoder } from './encoder.js';
import type { EncoderDecoder } from './encoder_decoder.js';
import { heads } from './heads.js';
import { summaryOf } from './load.js';
import { expectLayers } from './pretrained.js';

export interface Blueprint {
  folder: Folder;
  config: JsonNode;
  headers: CheckpointHeaders;
  architecture: Architecture;
  /** Of those that the architecture has heads for, the task that config.json names in `architectures`, if the checkpoint has its head. */
  task: Task | undefined;
  /** All whose heads the checkpoint has. */
  tasks: readonly Task[];
}

/** Reads what there is to know. Throws what the files are found guilty of, and UNSUPPORTED for an architecture that is not registered. */
export async function readBlueprint(folder: Folder, { signal }: Pick<OpenOptions, 'signal'> = {}): Promise<Blueprint> {
  const config = JsonNode.of(folder.locate('config.json'), await readJson(folder, 'config.json', { signal }));
  const architecture = architectureOf(config);
  const headers = await readHeaders(folder, { signal });
  const known = Object.entries(architecture.heads ?? {}) as [Task, { model: string; weights: Readonly<Record<string, string>> }][];
  const has = summaryOf(headers.tensors, spelt({ architecture, config }, undefined)).has;
  const tasks = known.filter(([, { weights }]) => Object.values(weights).every(has)).map(([task]) => task);
  const named = config.array('architectures', []);
  return {
    folder,
    config,
    headers,
    architecture,
    tasks,
    task: tasks.find((task) => named.some((name) => name === architecture.heads?.[task]?.model)),
  };
}

/** The architecture with the head of a task, if any, by the names that checkpoints of this config have. */
export function spelt({ architecture, config }: Pick<Blueprint, 'architecture' | 'config'>, task: Task | undefined): Spelt {
  const chosen = task ? withHead(architecture, task, false) : architecture;
  return { ...chosen, weights: namesOf(chosen, config) };
}

/** A module of this model without weights, with the head of a task if one is given. Throws FORMAT, UNSUPPORTED. */
export function blank(engine: Engine, { architecture, config }: Blueprint, task: Task | undefined, checkpoint: CheckpointSummary) {
  const { module: Made } = architecture;
  const dims = architecture.dims(config);
  expectLayers(config, Made.layers(dims), checkpoint);
  const design = task && architecture.heads?.[task];
  const head = design && heads[task](engine, dims as EncoderDims, design.choices(config), config);
  return new Made(engine, dims, architecture.block(config, checkpoint), head) as Encoder | EncoderDecoder;
}
