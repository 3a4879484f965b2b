/**
 * A module's form in a checkpoint: the tensors of each parameter, with their names, shapes and orders of rows; and the way back, a parameter's tensors
 * for a file.
 */

import type { SafetensorsEntry } from '../io/safetensors_writer.js';
import { weightEntries } from '../nn/entries.js';
import { blockBytes, fitsQ4 } from '../nn/formats/q4.js';
import { scaleName } from '../nn/formats/q8.js';
import type { Module } from '../nn/module.js';
import type { Parameter, ParameterDtype } from '../nn/parameter.js';
import { groups } from '../ops/quantize.js';
import { sizeOf } from '../tensor.js';
import { isBeside, type Layout, type Spelt } from './architecture.js';
import { type SpeltTensor, tensorsOf } from './names.js';

/** A checkpoint's tensor: rows of a parameter. */
export interface Target {
  key: string;
  parameter: Parameter;
  /** The row of the parameter at which the tensor begins, how many it has, and its shape in the file. */
  row: number;
  height: number;
  shape: readonly number[];
  /** Elements of a row in the file. */
  width: number;
  /** Its rows, whatever their format; or blocks of 4 bits, the int8 or the scales of a quantized checkpoint. */
  holds: 'rows' | 'blocks' | 'ints' | 'scales';
  /** `true` where the file's matrix is transposed. */
  transposed: boolean;
  /** Layout in the file, where it differs from the parameter's rows. */
  layout: Layout | undefined;
}

/** A parameter's form in a checkpoint: a tensor, or one for each of the parts that are stacked in it. */
interface Stored {
  key: string;
  parameter: Parameter;
  tensors: readonly (Omit<SpeltTensor, 'layout'> & Pick<Target, 'row' | 'height' | 'layout'>)[];
}

function* storedIn(module: Module, { name, weights }: Spelt): Generator<Stored, void> {
  for (const [key, parameter] of module.namedParameters()) {
    const tensors = weights ? tensorsOf(weights, key) : [{ name: key, transposed: false } as SpeltTensor];
    if (!tensors) throw new Error(`${name} does not say what a checkpoint calls ${key}`);
    const { heights, rows, shape } = parameter;
    let end = 0;
    yield {
      ...{ key, parameter },
      tensors: tensors.map((tensor, i) => {
        const height = tensors.length === heights.length ? (heights[i] as number) : rows / tensors.length;
        const row = end;
        end += height;
        const layout = tensor.layout?.(tensor.name, height, i);
        return { ...tensor, row, height, transposed: tensor.transposed && shape.length === 2, layout };
      }),
    };
  }
}

/** A matrix of a checkpoint, as products read it: a weight, and which of the matrices that are stacked there. */
export interface StoredMatrix {
  weight: Parameter;
  first: number;
  count: number;
  layout: Layout | undefined;
}

/** Matrices whose products can be adapted, by the names of their modules in a checkpoint: without prefix, and with it. */
export function* matricesOf(module: Module, architecture: Spelt): Generator<[name: string, whole: string, matrix: StoredMatrix], void> {
  const [prefix = ''] = architecture.prefixes ?? [];
  for (const { key, parameter: weight, tensors } of storedIn(module, architecture)) {
    if (!weight.additions) continue;
    const count = weight.heights.length / tensors.length;
    for (const [i, { name: tensor, layout }] of tensors.entries()) {
      const name = tensor.replace(/\.weight$/, '');
      yield [name, isBeside(key) ? name : prefix + name, { weight, first: i * count, count, layout }];
    }
  }
}

/** Targets of a checkpoint's tensors, by name; a quantized checkpoint's matrices are blocks of 4 bits, where it has those, or int8 and scales. */
export function targetsOf(
  module: Module,
  architecture: Spelt,
  isQuantized: boolean,
  isBlocks: (name: string) => boolean,
): Map<string, Target> {
  const targets = new Map<string, Target>();
  for (const { key, parameter, tensors } of storedIn(module, architecture))
    for (const { name, row, height, layout, transposed, shape: axes } of tensors) {
      const target = { ...{ key, parameter, row, height, layout }, transposed: false };
      const rest = parameter.shape.slice(1);
      const shape = [height, ...rest];
      if (isQuantized && parameter.quantizable && fitsQ4(parameter.width) && isBlocks(name)) {
        const width = blockBytes(parameter.width);
        targets.set(name, { ...target, shape: [height, width], width, holds: 'blocks' });
      } else if (isQuantized && parameter.quantizable) {
        const width = groups(parameter.width);
        targets.set(name, { ...target, shape: [height, parameter.width], width: parameter.width, holds: 'ints' });
        targets.set(scaleName(name), { ...target, shape: [height, width], width, holds: 'scales' });
      } else {
        const width = sizeOf(transposed ? [height] : rest);
        targets.set(name, { ...target, shape: axes?.(shape) ?? (transposed ? shape.reverse() : shape), width, holds: 'rows', transposed });
      }
    }
  return targets;
}

/**
 * A module's tensors in a checkpoint's dtype, or, where none is given, as they are held, under its architecture's names, without optional ones that were not loaded. A task's model
 * holds the base model under a prefix. Each tensor is copied when it is its turn.
 */
export function* checkpointEntries(module: Module, architecture: Spelt, dtype?: ParameterDtype): Generator<SafetensorsEntry, void> {
  const all = [...storedIn(module, architecture)].filter(({ parameter }) => parameter.complete);
  // A model that generates may use its embeddings as its head.
  const holds = architecture.module.kind !== 'encoder' || all.some(({ key }) => isBeside(key));
  const [prefix = ''] = holds ? (architecture.prefixes ?? []) : [];
  // Stacked parts follow each other, and the tensor that they are cut from is copied once.
  let whole: { of: SafetensorsEntry; bytes: Uint8Array } | undefined;
  for (const { key, parameter, tensors } of all) {
    const before = isBeside(key) ? '' : prefix;
    for (const entry of weightEntries(parameter, '', dtype)) {
      const [rows = 0, ...rest] = entry.shape;
      for (const { name, row, height, layout, transposed: isTransposed, shape: axes } of tensors) {
        const shape = [height, ...rest];
        // What is quantized lies as products read it.
        const isPlain = entry.dtype === 'F32';
        const turns = isTransposed && isPlain;
        const stored = turns ? [...shape].reverse() : isPlain && axes ? axes(shape) : shape;
        yield {
          ...{ name: before + name + entry.name, dtype: entry.dtype, shape: stored },
          get bytes() {
            if (whole?.of !== entry) whole = { of: entry, bytes: entry.bytes };
            const each = whole.bytes.length / rows;
            const own = whole.bytes.subarray(row * each, (row + height) * each);
            const ordered = layout ? layout.written(own, each) : own;
            return turns ? transposed(ordered, shape as [number, number]) : ordered;
          },
        };
      }
    }
  }
}

/** Float32 [rows, columns] as [columns, rows]: a copy. */
function transposed(bytes: Uint8Array, [rows, columns]: readonly [number, number]): Uint8Array {
  const [x, y] = [new Uint32Array(bytes.slice().buffer), new Uint32Array(rows * columns)];
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j * rows + i] = x[i * columns + j] as number;
  return new Uint8Array(y.buffer);
}
