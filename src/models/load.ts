/**
 * A checkpoint's tensors into a module's parameters: names are translated by the architecture, shapes are checked before
 * anything is read, and bytes pass through bounded staging into kernels that convert, quantize and pack them.
 */
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import type { SafetensorsEntry } from '../io/safetensors_writer.js';
import { BUFFER } from '../io/staging.js';
import { warn } from '../io/warn.js';
import type { Checkpoint, CheckpointEntry, CheckpointTensor, Progress } from '../io/weights.js';
import type { Module } from '../nn/module.js';
import type { Parameter, ParameterDtype } from '../nn/parameter.js';
import { scaleName, weightName } from '../nn/quantized.js';
import { type SourceDtype, sources } from '../nn/sources.js';
import { groups, sizeOf } from '../tensor.js';
import { type CheckpointSummary, HEAD, isBeside, type Spelt } from './architecture.js';
import { tensorsOf } from './names.js';
import type { WeightForms } from './quantization.js';
import { apartIn, asHeld, settleTies } from './ties.js';

export interface LoadOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Default: floats, which stay float32. */
  forms?: WeightForms | undefined;
}

/** What a tensor of a checkpoint may be: elements as floats, or the int8 and the scales of a q8 one. */
const dtypes = { floats: Object.keys(sources), ints: ['I8'], scales: ['F16'] };

/** A checkpoint's tensor: rows of a parameter. */
interface Target {
  key: string;
  parameter: Parameter;
  /** The row of the parameter at which the tensor begins, and its shape. */
  row: number;
  shape: readonly number[];
  holds: keyof typeof dtypes;
}

/** Every parameter, and what checkpoints call it: one name, or one for each of the parts that are stacked in it. */
function* spelt(module: Module, { name, weights }: Spelt): Generator<[key: string, parameter: Parameter, names: readonly string[]], void> {
  for (const [key, parameter] of module.namedParameters()) {
    const names = weights ? tensorsOf(weights, key) : [key];
    if (!names) throw new Error(`${name} does not say what a checkpoint calls ${key}`);
    yield [key, parameter, names];
  }
}

/** The rows that each of a parameter's tensors has: those of its parts, or equal ones. */
const heightsOf = ({ heights, rows }: Parameter, names: readonly string[]): readonly number[] =>
  names.length === heights.length ? heights : names.map(() => rows / names.length);

/** What a checkpoint's tensors are, by their names. */
export function targetsOf(module: Module, architecture: Spelt, { stored }: WeightForms): Map<string, Target> {
  const targets = new Map<string, Target>();
  for (const [key, parameter, names] of spelt(module, architecture)) {
    const quantized = stored === 'q8' && parameter.quantizable;
    let row = 0;
    for (const [i, height] of heightsOf(parameter, names).entries()) {
      const name = names[i] as string;
      const shape = [height, ...parameter.shape.slice(1)];
      const target = { key, parameter, row };
      row += height;
      targets.set(name, { ...target, shape, holds: quantized ? 'ints' : 'floats' });
      if (quantized) targets.set(scaleName(name), { ...target, shape: [height, groups(parameter.width)], holds: 'scales' });
    }
  }
  return targets;
}

/**
 * A module's tensors as a checkpoint of this dtype has them, under its architecture's names, without those that were optional and did not come. A task's model
 * holds the base model under a prefix. Each is copied on its turn.
 */
export function* checkpointEntries(module: Module, architecture: Spelt, dtype: ParameterDtype): Generator<SafetensorsEntry, void> {
  const all = [...spelt(module, architecture)].filter(([, parameter]) => parameter.complete);
  // A language model's embeddings may be its head.
  const holds = architecture.module.kind === 'decoder' || all.some(([key]) => isBeside(key));
  const [prefix = ''] = holds ? (architecture.prefixes ?? []) : [];
  // Stacked parts come one after the other: what they are cut out of is copied once.
  let whole: { of: SafetensorsEntry; bytes: Uint8Array } | undefined;
  for (const [key, parameter, names] of all) {
    const before = isBeside(key) ? '' : prefix;
    for (const entry of parameter.entries('', dtype)) {
      const [rows = 0, ...rest] = entry.shape;
      let row = 0;
      for (const [i, height] of heightsOf(parameter, names).entries()) {
        const first = row;
        row += height;
        yield {
          ...{ name: before + names[i] + entry.name, dtype: entry.dtype, shape: [height, ...rest] },
          get bytes() {
            if (whole?.of !== entry) whole = { of: entry, bytes: entry.bytes };
            const each = whole.bytes.length / rows;
            return whole.bytes.subarray(first * each, (first + height) * each);
          },
        };
      }
    }
  }
}

/**
 * Makes a module and fills its parameters. `make` is told what the checkpoint holds. Throws MODEL_MISMATCH for tensors that are missing, or of another shape, and
 * DTYPE, by what the headers say: nothing is allocated or read before all of them fit, so that a config cannot ask for more than the files hold. Tensors that are
 * nobody's are passed over, which a warning tells.
 */
export async function loadWeights<M extends Module>(
  make: (checkpoint: CheckpointSummary) => M,
  architecture: Spelt,
  /** For messages. */
  folder: string,
  weights: Checkpoint,
  options: LoadOptions = {},
): Promise<M> {
  const { forms = { stored: 'float32', kept: 'float32' } } = options;
  let made: Prepared<M> | undefined;
  const check = (entries: readonly CheckpointEntry[]) => {
    made = prepared(make, architecture, folder, entries, forms);
    warnOf(entries, made, architecture, folder);
  };
  try {
    for await (const tensor of weights.tensors({ ...options, check })) {
      const target = made?.targetOf(tensor);
      if (!target) continue;
      await fill(target, tensor);
      settle(target.parameter, forms);
    }
    const { module, summary } = made as Prepared<M>; // made by `check`
    settleTies(module, architecture, summary, folder);
    return module;
  } catch (error) {
    made?.module.dispose();
    throw error;
  }
}

/** A module that waits for its weights, and where each of a checkpoint's tensors goes. */
export interface Prepared<M> {
  module: M;
  summary: CheckpointSummary;
  targetOf(entry: CheckpointEntry): Target | undefined;
}

/** Makes a module for a checkpoint whose headers say this, and room for its weights. Throws as `loadWeights` does; the module is made by then, and holds nothing. */
export function prepared<M extends Module>(
  make: (checkpoint: CheckpointSummary) => M,
  architecture: Spelt,
  folder: string,
  entries: readonly CheckpointEntry[],
  forms: WeightForms,
): Prepared<M> {
  const summary = summaryOf(entries, architecture);
  const module = make(summary);
  const targets = targetsOf(module, asHeld(architecture, summary.has), forms);
  checkComplete(targets, architecture, folder, entries);
  const parameters = [...module.namedParameters()].map(([, parameter]) => parameter);
  const total = () => parameters.reduce((bytes, { bytes: more }) => bytes + more + 64, 0);
  // What is 8-bit in the file and float32 in the engine is both, for a while.
  const float32 = forms.stored === 'q8' && forms.kept === 'float32' ? total() : 0;
  if (forms.stored === 'q8' || forms.kept === 'q8') module.to('q8');
  const find = (entry: CheckpointEntry) => targetOf(targets, architecture, entry);
  const staging = entries.reduce((most, entry) => Math.max(most, stagedBytes(entry, find(entry)?.parameter)), 0);
  // One grow for all weights: each grow replaces the views of the memory.
  module.engine.heap.reserve(total() + float32, staging);
  return { module, summary, targetOf: find };
}

/** What a chunk of a tensor takes in the engine on its way into a parameter. */
export function stagedBytes({ dtype, block, shape }: CheckpointEntry, parameter: Parameter | undefined): number {
  if (!parameter) return 0;
  const each = block[1] / block[0];
  const chunk = Math.min(BUFFER, sizeOf(shape) * each);
  const raw = sources[dtype as SourceDtype]?.kernel === undefined && dtypes.floats.includes(dtype) ? 0 : chunk;
  return raw + (parameter.packed && dtypes.floats.includes(dtype) ? (chunk / each) * 4 : 0);
}

/** What has come as a whole takes the form in which it is kept. */
export function settle(parameter: Parameter, { kept }: WeightForms): void {
  if (parameter.dtype !== kept && parameter.quantizable && parameter.complete) parameter.to(kept);
}

/** What headers tell of a checkpoint, in the architecture's spelling. */
export function summaryOf(entries: readonly CheckpointEntry[], architecture: Spelt): CheckpointSummary {
  const names = new Set(entries.map(({ name }) => ownName(name, architecture)));
  const has = (name: string) => names.has(name);
  const apart = apartIn(architecture, has);
  return { tensors: entries.length, has, apart: (module) => apart.has(module) };
}

/** Tells of tensors that no model of this architecture uses, as transformers does: they may be others' that the config should have told of. */
function warnOf(entries: readonly CheckpointEntry[], { targetOf }: Prepared<Module>, architecture: Spelt, folder: string): void {
  const isKnown = (name: string) => architecture.ignored?.some((pattern) => pattern.test(weightName(ownName(name, architecture))));
  const unused = entries.filter((entry) => !targetOf(entry) && !isKnown(entry.name)).map(({ name }) => quote(name));
  if (unused.length === 0) return;
  const more = unused.length > 3 ? ` and ${unused.length - 3} more` : '';
  warn(`${folder} has tensors that a ${architecture.name} model does not use: ${unused.slice(0, 3).join(', ')}${more}`);
}

/** Throws unless the checkpoint has every tensor of the model once. */
function checkComplete(
  targets: ReadonlyMap<string, Target>,
  architecture: Spelt,
  folder: string,
  entries: readonly CheckpointEntry[],
): void {
  const missing = new Set(targets.keys());
  for (const entry of entries) {
    if (!targetOf(targets, architecture, entry)) continue;
    const name = ownName(entry.name, architecture);
    if (!missing.delete(name)) throw new HeedError('MODEL_MISMATCH', `${entry.file} has ${quote(name)} twice`, { culprit: entry.name });
  }
  const keyOf = (name: string) => targets.get(name)?.key ?? '';
  const absent = (architecture.optional ?? []).filter((start) =>
    [...targets].every(([name, { key }]) => missing.has(name) || !key.startsWith(start)),
  );
  const lacks = [...missing].filter((name) => !absent.some((start) => keyOf(name).startsWith(start)));
  // That a head is missing says more than that the pooler beneath it is.
  const head = lacks.find((name) => keyOf(name).startsWith(HEAD));
  const name = head ?? lacks[0];
  if (name === undefined) return;
  throw new HeedError('MODEL_MISMATCH', `The checkpoint in ${folder} has no ${name}`, {
    culprit: name,
    shape: targets.get(name)?.shape ?? [],
    cure: head ? 'It is of another task; with trainable: true it gets a new head' : 'Is config.json that of these weights?',
  });
}

/** Where a tensor goes; undefined for one that this model does not use. Throws MODEL_MISMATCH, DTYPE. */
function targetOf(targets: ReadonlyMap<string, Target>, architecture: Spelt, entry: CheckpointEntry): Target | undefined {
  const { file, dtype } = entry;
  const target = targets.get(ownName(entry.name, architecture));
  if (!target) return undefined;
  const details = { culprit: entry.name, shape: entry.shape };
  const { shape } = target;
  if (entry.shape.length !== shape.length || entry.shape.some((d, i) => d !== shape[i])) {
    const message = `${file}: ${entry.name} is [${entry.shape}], by config.json it must be [${shape}]`;
    throw new HeedError('MODEL_MISMATCH', message, details);
  }
  const known = dtypes[target.holds];
  if (!known.includes(dtype)) {
    const cure =
      dtype === 'I8' ? '8-bit weights need a quantization_config in config.json, and are matrices' : `It must be ${known.join(', ')}`;
    throw new HeedError('DTYPE', `${file}: ${entry.name} is ${dtype}`, { ...details, cure });
  }
  return target;
}

/** What torch.compile and DataParallel put before names. */
const unwrapped = (name: string) => name.replace(/(^|\.)_orig_mod\./g, '$1').replace(/^(module\.)+/, '');

/** heed's spelling of a checkpoint's name; the scales of a weight are spelt as the weight is. */
export function ownName(given: string, { prefixes = [], renamed = [] }: Spelt): string {
  const name = unwrapped(given);
  const prefix = prefixes.find((start) => name.startsWith(start)) ?? '';
  const weight = weightName(name);
  return renamed.reduce((own, [old, now]) => own.replace(old, now), weight.slice(prefix.length)) + name.slice(weight.length);
}

async function fill({ parameter, row, shape, holds }: Target, given: CheckpointTensor): Promise<void> {
  const [elements, bytes] = given.block;
  const rowBytes = (sizeOf(shape.slice(1)) / elements) * bytes;
  const write = {
    floats: (at: number, chunk: Uint8Array) => parameter.write(at, chunk, given.dtype as SourceDtype),
    ints: (at: number, chunk: Uint8Array) => parameter.quantized.writeInts(at, chunk),
    scales: (at: number, chunk: Uint8Array) => parameter.quantized.writeScales(at, chunk),
  }[holds];
  try {
    await given.read((chunk, offset) => write(row + offset / rowBytes, chunk), { granularity: rowBytes * parameter.rowStep });
  } catch (error) {
    if (!(error instanceof HeedError) || error.culprit !== parameter.name) throw error;
    // Said by its name in the checkpoint.
    const message = `${given.file}: ${error.message.replace(parameter.name, given.name)}`;
    throw new HeedError(error.code, message, { culprit: given.name, shape: given.shape });
  }
}
