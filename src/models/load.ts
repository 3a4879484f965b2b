/**
 * Loading of a checkpoint's tensors into a module's parameters: the architecture translates names, shapes are checked before
 * anything is read, each parameter takes the format of its tensors, and bytes pass through bounded staging memory into kernels that convert, quantize and pack them.
 */

import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import { BUFFER } from '../io/staging.js';
import { warn } from '../io/warn.js';
import type { Checkpoint, CheckpointEntry, CheckpointTensor, Progress } from '../io/weights.js';
import { dtypeFor } from '../nn/entries.js';
import type { Format } from '../nn/formats/format.js';
import { Q4_1 } from '../nn/formats/q4.js';
import { weightName } from '../nn/formats/q8.js';
import { floats, type Source } from '../nn/formats/sources.js';
import type { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { sizeOf } from '../tensor.js';
import { type CheckpointSummary, HEAD, type Spelt } from './architecture.js';
import type { WeightForms } from './quantization.js';
import { type Target, targetsOf } from './stored.js';
import { apartIn, asHeld, settleTies } from './ties.js';

export interface LoadOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Default: floats, which stay float32. */
  forms?: WeightForms | undefined;
}

/**
 * Makes a module and fills its parameters. `make` is told what the checkpoint holds. Throws MODEL_MISMATCH for tensors that are missing, or of another shape, and
 * DTYPE, by what the headers say: nothing is allocated or read before all of them fit, so that a config cannot ask for more than the files hold. Tensors that are
 * not used are skipped with a warning.
 */
export async function loadWeights<M extends Module>(
  make: (checkpoint: CheckpointSummary) => M,
  architecture: Spelt,
  /** Folder's name for messages. */
  folder: string,
  weights: Checkpoint,
  options: LoadOptions = {},
): Promise<M> {
  const { forms = { stored: 'float32', kept: undefined, sources: floats } } = options;
  let made: Prepared<M> | undefined;
  const check = (entries: readonly CheckpointEntry[]) => {
    made = prepared(make, architecture, folder, entries, forms);
    warnOf(entries, made, architecture, folder);
    const all = [...made.module.namedParameters()].map(([, parameter]) => parameter);
    if (forms.kept === 'q4' && !all.some((parameter) => dtypeFor(parameter, 'q4') === 'q4'))
      warn(`${folder}: dtype 'q4' holds it in 8 bits, since no matrix has rows that are whole blocks of 32`);
  };
  try {
    for await (const tensor of weights.tensors({ ...options, check })) {
      const target = made?.targetOf(tensor);
      if (!target) continue;
      await fill(target, tensor, forms);
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

/** A module without its weights yet, and the target of each of a checkpoint's tensors. */
export interface Prepared<M> {
  module: M;
  summary: CheckpointSummary;
  targetOf(entry: CheckpointEntry): Target | undefined;
}

/** Makes a module for a checkpoint with these headers, and reserves memory for its weights. Throws as `loadWeights` does; the module then exists already, and holds nothing. */
export function prepared<M extends Module>(
  make: (checkpoint: CheckpointSummary) => M,
  architecture: Spelt,
  folder: string,
  entries: readonly CheckpointEntry[],
  forms: WeightForms,
): Prepared<M> {
  const summary = summaryOf(entries, architecture);
  const module = make(summary);
  const kinds = new Map(entries.map(({ name, dtype }) => [ownName(name, architecture), dtype]));
  const targets = targetsOf(module, asHeld(architecture, summary.has), forms.stored !== 'float32', (name) => kinds.get(name) === 'U8');
  checkComplete(targets, architecture, folder, entries, forms);
  const parameters = [...module.namedParameters()].map(([, parameter]) => parameter);
  const total = () => parameters.reduce((bytes, { bytes: more }) => bytes + more + 64, 0);
  // A weight in 8 bits in the file and in float32 in the engine takes the memory of both while it is converted.
  const float32 = forms.stored !== 'float32' && forms.kept === 'float32' ? total() : 0;
  if (forms.embeddings === 'q4') for (const parameter of parameters) parameter.leastBits = 4;
  if (forms.kept === 'q8' || forms.kept === 'q4') module.to(forms.kept);
  for (const { parameter, holds } of targets.values()) if (holds === 'ints') parameter.to('q8');
  const find = (entry: CheckpointEntry) => targetOf(targets, architecture, entry, forms);
  hold(entries, find, forms);
  const staging = entries.reduce((most, entry) => Math.max(most, stagedBytes(entry, find(entry), forms)), 0);
  // One grow for all weights: each grow replaces the views of the memory.
  try {
    module.engine.heap.reserve(total() + float32, staging);
  } catch (error) {
    if (error instanceof HeedError) error.message = `${folder}: its weights take ${(total() / 1e9).toFixed(2)} GB. ${error.message}`;
    throw error;
  }
  return { module, summary, targetOf: find };
}

/** Gives each parameter the format of its tensors, of several the one of most bits, unless floats are asked for or a tensor is in floats. */
function hold(entries: readonly CheckpointEntry[], find: Prepared<Module>['targetOf'], forms: WeightForms): void {
  if (forms.kept === 'float32') return;
  const found = new Map<Parameter, Set<Format | undefined>>();
  for (const entry of entries) {
    const target = find(entry);
    const source = target && sourceOf(target, entry, forms);
    if (!source || !target.parameter.quantizable) continue;
    const formats = found.get(target.parameter) ?? new Set();
    found.set(target.parameter, formats.add(target.transposed ? undefined : source.format));
  }
  for (const [parameter, formats] of found) {
    if (formats.has(undefined)) continue;
    parameter.hold([...(formats as Set<Format>)].reduce((one, other) => (bitsOf(other) > bitsOf(one) ? other : one)));
  }
}

/** Bits of a weight in a format that is not float32: 4 for q4. */
const bitsOf = ({ dtype }: Format): number => Number(dtype.slice(1));

/** Format of a tensor's rows; undefined for tensors without rows. */
function sourceOf({ holds }: Target, { dtype }: CheckpointEntry, { sources }: WeightForms): Source | undefined {
  return holds === 'blocks' ? Q4_1 : holds === 'rows' ? sources[dtype] : undefined;
}

/** Bytes of staging memory for a chunk of a tensor. */
export function stagedBytes(entry: CheckpointEntry, target: Target | undefined, forms: WeightForms): number {
  if (!target) return 0;
  const { name, shape } = entry;
  const { parameter, transposed } = target;
  const source = sourceOf(target, entry, forms);
  const { staged = true, format, copy, recoded = 0 }: Partial<Source> = source ?? {};
  const own = entry.block[1] / entry.block[0];
  // A tensor of blocks is one of bytes in a safetensors file.
  const each = source ? source.block[1] / source.block[0] : own;
  const chunk = Math.min(BUFFER, sizeOf(shape) * own);
  const raw = staged ? chunk + (chunk / each) * recoded : 0;
  if (!source || (copy && parameter.dtype === format?.dtype)) return raw;
  const widened = (chunk / each) * 4;
  const width = ((shape.at(-1) ?? 1) * own) / each;
  const rows = chunk / each / width;
  const blocks = copy && format ? format.bytes({ engine: parameter.engine, name, shape: [rows, width], heights: [rows] }) + widened : 0;
  return raw + blocks + (transposed ? 2 * widened : parameter.packed ? widened : 0);
}

/** Converts a complete parameter to the dtype in which it is kept: float32, or 4 bits where it came in 8. */
export function settle(parameter: Parameter, { kept }: WeightForms): void {
  if (kept === 'float32' && parameter.dtype !== 'float32' && parameter.complete) parameter.to('float32');
  if (kept === 'q4' && parameter.dtype === 'q8' && parameter.complete) parameter.to(dtypeFor(parameter, 'q4'));
}

/** Summary of a checkpoint from its headers, under the architecture's names. */
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
  forms: WeightForms,
): void {
  const missing = new Set(targets.keys());
  for (const entry of entries) {
    if (!targetOf(targets, architecture, entry, forms)) continue;
    const name = ownName(entry.name, architecture);
    if (!missing.delete(name)) throw new HeedError('MODEL_MISMATCH', `${entry.file} has ${quote(name)} twice`, { culprit: entry.name });
  }
  const keyOf = (name: string) => targets.get(name)?.key ?? '';
  const absent = (architecture.optional ?? []).filter((start) =>
    [...targets].every(([name, { key }]) => missing.has(name) || !key.startsWith(start)),
  );
  const lacks = [...missing].filter((name) => !absent.some((start) => keyOf(name).startsWith(start)));
  // A missing head is a more telling error than the missing pooler beneath it.
  const head = lacks.find((name) => keyOf(name).startsWith(HEAD));
  const name = head ?? lacks[0];
  if (name === undefined) return;
  throw new HeedError('MODEL_MISMATCH', `The checkpoint in ${folder} has no ${name}`, {
    culprit: name,
    shape: targets.get(name)?.shape ?? [],
    cure: head ? 'It is of another task; with trainable: true it gets a new head' : 'Is the config that of these weights?',
  });
}

/** Target of a tensor; undefined for a tensor that this model does not use. Throws MODEL_MISMATCH, DTYPE. */
function targetOf(
  targets: ReadonlyMap<string, Target>,
  architecture: Spelt,
  { name, file, dtype, shape: given }: CheckpointEntry,
  { sources }: WeightForms,
): Target | undefined {
  const target = targets.get(ownName(name, architecture));
  if (!target) return undefined;
  const details = { culprit: name, shape: given };
  const { shape, holds, key } = target;
  // A stack of matrices may have an axis of its own, a convolution of each channel none for what it is summed over.
  const [one = 0, two = 0, three] = given;
  const flat =
    given.length === 3 && shape.length === 2 ? [one * two, three] : given.length === 2 && shape.length === 3 ? [one, 1, two] : given;
  if (flat.length !== shape.length || flat.some((d, i) => d !== shape[i])) {
    if (architecture.renewed?.some((start) => key.startsWith(start))) return undefined;
    const message = `${file}: ${name} is [${given}], by the config it must be [${shape}]`;
    throw new HeedError('MODEL_MISMATCH', message, details);
  }
  const known = { rows: target.layout?.dtypes ?? Object.keys(sources), blocks: ['U8'], ints: ['I8'], scales: ['F16'] }[holds];
  if (!known.includes(dtype)) {
    const cure =
      dtype === 'I8' || dtype === 'U8'
        ? 'Quantized weights need a quantization_config in config.json, and are matrices'
        : `It must be ${known.join(', ')}`;
    throw new HeedError('DTYPE', `${file}: ${name} is ${dtype}`, { ...details, cure });
  }
  return target;
}

/** Name without the prefixes of torch.compile and DataParallel. */
const unwrapped = (name: string) => name.replace(/(^|\.)_orig_mod\./g, '$1').replace(/^(module\.)+/, '');

/** heed's spelling of a checkpoint's name; the scales of a weight are spelt as the weight is. */
export function ownName(given: string, { prefixes = [], renamed = [] }: Spelt): string {
  const name = unwrapped(given);
  const prefix = prefixes.find((start) => name.startsWith(start)) ?? '';
  const weight = weightName(name);
  return renamed.reduce((own, [old, now]) => own.replace(old, now), weight.slice(prefix.length)) + name.slice(weight.length);
}

async function fill(target: Target, given: CheckpointTensor, forms: WeightForms): Promise<void> {
  const { parameter, row, height, width, layout, transposed } = target;
  const [elements, bytes] = given.block;
  const rowBytes = (width / elements) * bytes;
  const source = sourceOf(target, given, forms);
  const write = {
    rows: (at: number, chunk: Uint8Array) => parameter.write(row + at, chunk, source),
    blocks: (at: number, chunk: Uint8Array) => parameter.write(row + at, chunk, source),
    columns: (at: number, chunk: Uint8Array) => parameter.writeColumns({ row, rows: height, column: at }, chunk, source),
    ints: (at: number, chunk: Uint8Array) => parameter.quantized.writeInts(row + at, chunk),
    scales: (at: number, chunk: Uint8Array) => parameter.quantized.writeScales(row + at, chunk),
  }[transposed ? 'columns' : target.holds];
  // Rows that fill panels.
  const rows = transposed ? parameter.columnStep : layout ? layout.rowsAtOnce(parameter.rowStep) : parameter.rowStep;
  const put = (at: number, chunk: Uint8Array) => {
    for (const [to, piece] of layout?.read(at, chunk, rowBytes) ?? [[at, chunk] as const]) write(to, piece);
  };
  try {
    await given.read((chunk, offset) => put(offset / rowBytes, chunk), { granularity: rowBytes * rows });
  } catch (error) {
    if (!(error instanceof HeedError) || error.culprit !== parameter.name) throw error;
    // Said by its name in the checkpoint.
    const message = `${given.file}: ${error.message.replace(parameter.name, given.name)}`;
    throw new HeedError(error.code, message, { culprit: given.name, shape: given.shape });
  }
}
