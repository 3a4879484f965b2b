/**
 * A checkpoint's tensors into a module's parameters: names are translated by the architecture, shapes are checked before
 * anything is read, and bytes pass through bounded staging into kernels that convert and pack them.
 */
import { HeedError } from '../errors.js';
import { type CheckpointTensor, type Progress, readCheckpoint } from '../io/checkpoint.js';
import { bytesPerElement } from '../io/header.js';
import type { Module } from '../nn/module.js';
import { type Parameter, type SourceDtype, sources } from '../nn/parameter.js';
import type { Runtime } from '../runtime/types.js';
import type { Architecture } from './architecture.js';

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
    const names = architecture.weights[key.replace(/\.\d+\./, '.{l}.')];
    if (!names) throw new Error(`${architecture.name} does not say what a checkpoint calls ${key}`);
    const parts = typeof names === 'string' ? [names] : names;
    const height = parameter.rows / parts.length;
    const shape = [height, ...parameter.shape.slice(1)];
    for (const [i, name] of parts.entries()) targets.set(name.replace('{l}', layer), { key, parameter, row: i * height, shape });
  }
  return targets;
}

/** Fills every parameter. Throws MODEL_MISMATCH for tensors that are missing, unknown, or of another shape, and DTYPE. */
export async function loadWeights(
  module: Module,
  architecture: Architecture,
  runtime: Runtime,
  folder: string,
  options: LoadOptions = {},
): Promise<void> {
  const targets = targetsOf(module, architecture);
  const missing = new Set(targets.keys());
  // One grow for all weights: each grow replaces the views of the memory.
  const parameters = [...module.namedParameters()].map(([, parameter]) => parameter);
  let reserved = false;
  for await (const given of readCheckpoint(runtime, folder, options)) {
    const name = ownName(given.name, architecture);
    const target = targets.get(name);
    if (!target) {
      if (architecture.ignored.some((pattern) => pattern.test(name))) continue;
      throw new HeedError('MODEL_MISMATCH', `${given.file} has a tensor ${given.name} that a ${architecture.name} model does not`, {
        culprit: given.name,
        shape: given.shape,
      });
    }
    if (!missing.delete(name)) throw new HeedError('MODEL_MISMATCH', `${given.file} has ${name} twice`, { culprit: given.name });
    if (!reserved) module.engine.heap.reserve(parameters.reduce((bytes, { bytes: more }) => bytes + more + 64, 0));
    reserved = true;
    await fill(target, given);
  }
  const absent = architecture.optional.filter((start) =>
    [...targets].every(([name, { key }]) => missing.has(name) || !key.startsWith(start)),
  );
  for (const name of missing) {
    const { key, parameter } = targets.get(name) as Target;
    if (absent.some((start) => key.startsWith(start))) continue;
    throw new HeedError('MODEL_MISMATCH', `The checkpoint in ${folder} has no ${name}`, {
      culprit: name,
      shape: parameter.shape,
      cure: 'Is config.json that of these weights?',
    });
  }
}

function ownName(name: string, { prefixes, renamed }: Architecture): string {
  const prefix = prefixes.find((start) => name.startsWith(start)) ?? '';
  return renamed.reduce((own, [old, now]) => own.replace(old, now), name.slice(prefix.length));
}

async function fill({ parameter, row, shape }: Target, given: CheckpointTensor): Promise<void> {
  const { name, dtype } = given;
  if (given.shape.length !== shape.length || given.shape.some((d, i) => d !== shape[i])) {
    throw new HeedError('MODEL_MISMATCH', `${given.file}: ${name} is [${given.shape}], by config.json it must be [${shape}]`, {
      culprit: name,
      shape: given.shape,
    });
  }
  if (!Object.hasOwn(sources, dtype)) {
    throw new HeedError('DTYPE', `${given.file}: ${name} is ${dtype}`, {
      culprit: name,
      shape: given.shape,
      cure: `heed loads ${Object.keys(sources).join(', ')}`,
    });
  }
  const rowBytes = parameter.width * bytesPerElement(dtype);
  const consume = (chunk: Uint8Array, offset: number) => parameter.write(row + offset / rowBytes, chunk, dtype as SourceDtype);
  await given.read(consume, { granularity: rowBytes * parameter.rowStep });
}
