/**
 * A checkpoint's tensors into a module's parameters: names are translated by the architecture, shapes are checked before
 * anything is read, and bytes pass through bounded staging into kernels that convert and pack them.
 */
import { HeedError } from '../errors.js';
import { type CheckpointEntry, type CheckpointTensor, type Progress, readCheckpoint } from '../io/checkpoint.js';
import { bytesPerElement, quote } from '../io/header.js';
import { shown } from '../io/location.js';
import type { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { type SourceDtype, sources } from '../nn/sources.js';
import type { Runtime } from '../runtime/types.js';
import type { Architecture, CheckpointSummary } from './architecture.js';

export interface LoadOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** A checkpoint's tensor: rows of a parameter. */
interface Target {
  key: string;
  parameter: Parameter;
  /** The row of the parameter at which the tensor begins, and its shape. */
  row: number;
  shape: readonly number[];
}

/** The checkpoint's name for every parameter or part of one. */
function targetsOf(module: Module, architecture: Architecture): Map<string, Target> {
  const targets = new Map<string, Target>();
  for (const [key, parameter] of module.namedParameters()) {
    const layer = /\.(\d+)\./.exec(key)?.[1] ?? '';
    const names = architecture.weights ? architecture.weights[key.replace(/\.\d+\./, '.{l}.')] : key;
    if (!names) throw new Error(`${architecture.name} does not say what a checkpoint calls ${key}`);
    const parts = typeof names === 'string' ? [names] : names;
    const height = parameter.rows / parts.length;
    const shape = [height, ...parameter.shape.slice(1)];
    for (const [i, name] of parts.entries()) targets.set(name.replace('{l}', layer), { key, parameter, row: i * height, shape });
  }
  return targets;
}

/**
 * Makes a module and fills its parameters. `make` is told what the checkpoint holds. Throws MODEL_MISMATCH for tensors that are
 * missing, unknown, or of another shape, and DTYPE, by what the headers say: nothing is allocated or read before all of them fit, so
 * that a config cannot ask for more than the files hold.
 */
export async function loadWeights<M extends Module>(
  make: (checkpoint: CheckpointSummary) => M,
  architecture: Architecture,
  runtime: Runtime,
  folder: string,
  options: LoadOptions = {},
): Promise<M> {
  let module: M | undefined;
  let targets: ReadonlyMap<string, Target> = new Map();
  const check = (entries: readonly CheckpointEntry[]) => {
    const names = new Set(entries.map(({ name }) => ownName(name, architecture)));
    module = make({ tensors: entries.length, has: (name) => names.has(name) });
    targets = targetsOf(module, architecture);
    checkComplete(targets, architecture, shown(folder), entries);
    // One grow for all weights: each grow replaces the views of the memory.
    module.engine.heap.reserve([...module.namedParameters()].reduce((bytes, [, { bytes: more }]) => bytes + more + 64, 0));
  };
  try {
    for await (const tensor of readCheckpoint(runtime, folder, { ...options, check })) {
      const target = targetOf(targets, architecture, tensor);
      if (target) await fill(target, tensor);
    }
    return module as M; // made by `check`
  } catch (error) {
    module?.dispose();
    throw error;
  }
}

/** Throws unless the checkpoint has every tensor of the model once, and no others. */
function checkComplete(
  targets: ReadonlyMap<string, Target>,
  architecture: Architecture,
  folder: string,
  entries: readonly CheckpointEntry[],
): void {
  const missing = new Set(targets.keys());
  for (const entry of entries) {
    if (!targetOf(targets, architecture, entry)) continue;
    const name = ownName(entry.name, architecture);
    if (!missing.delete(name)) throw new HeedError('MODEL_MISMATCH', `${entry.file} has ${quote(name)} twice`, { culprit: entry.name });
  }
  const absent = (architecture.optional ?? []).filter((start) =>
    [...targets].every(([name, { key }]) => missing.has(name) || !key.startsWith(start)),
  );
  for (const name of missing) {
    const { key, shape } = targets.get(name) as Target;
    if (absent.some((start) => key.startsWith(start))) continue;
    throw new HeedError('MODEL_MISMATCH', `The checkpoint in ${folder} has no ${name}`, {
      culprit: name,
      shape,
      cure: 'Is config.json that of these weights?',
    });
  }
}

/** Where a tensor goes; undefined for one that this model does not use. Throws MODEL_MISMATCH, DTYPE. */
function targetOf(targets: ReadonlyMap<string, Target>, architecture: Architecture, entry: CheckpointEntry): Target | undefined {
  const { file, dtype } = entry;
  const name = ownName(entry.name, architecture);
  const target = targets.get(name);
  if (!target) {
    if (architecture.ignored?.some((pattern) => pattern.test(name))) return undefined;
    const message = `${file} has a tensor ${quote(entry.name)} that a ${architecture.name} model does not`;
    throw new HeedError('MODEL_MISMATCH', message, { culprit: entry.name || file, shape: entry.shape });
  }
  const details = { culprit: entry.name, shape: entry.shape };
  const { shape } = target;
  if (entry.shape.length !== shape.length || entry.shape.some((d, i) => d !== shape[i])) {
    const message = `${file}: ${entry.name} is [${entry.shape}], by config.json it must be [${shape}]`;
    throw new HeedError('MODEL_MISMATCH', message, details);
  }
  if (!Object.hasOwn(sources, dtype)) {
    const cure = `heed loads ${Object.keys(sources).join(', ')}`;
    throw new HeedError('DTYPE', `${file}: ${entry.name} is ${dtype}`, { ...details, cure });
  }
  return target;
}

function ownName(name: string, { prefixes = [], renamed = [] }: Architecture): string {
  const prefix = prefixes.find((start) => name.startsWith(start)) ?? '';
  return renamed.reduce((own, [old, now]) => own.replace(old, now), name.slice(prefix.length));
}

async function fill({ parameter, row }: Target, given: CheckpointTensor): Promise<void> {
  const dtype = given.dtype as SourceDtype;
  const rowBytes = parameter.width * bytesPerElement(dtype);
  const consume = (chunk: Uint8Array, offset: number) => parameter.write(row + offset / rowBytes, chunk, dtype);
  await given.read(consume, { granularity: rowBytes * parameter.rowStep });
}
