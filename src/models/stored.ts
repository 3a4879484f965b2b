/**
 * A module as a checkpoint stores it: which tensors each parameter is made of, under which names, in which shape and order of rows; and the way back, a parameter's tensors
 * for a file.
 */

import type { SafetensorsEntry } from '../io/safetensors_writer.js';
import { weightEntries } from '../nn/entries.js';
import { blockBytes, fitsQ4 } from '../nn/formats/q4.js';
import { scaleName } from '../nn/formats/q8.js';
import type { Module } from '../nn/module.js';
import type { Parameter, ParameterDtype } from '../nn/parameter.js';
import { groups } from '../ops/quantize.js';
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
  /** Its rows, whatever their format; or blocks of 4 bits, the int8 or the scales of a quantized checkpoint. */
  holds: 'rows' | 'blocks' | 'ints' | 'scales';
  /** Whether the file has columns for rows. */
  transposed: boolean;
  /** How the file has it, where that is otherwise than rows of the parameter. */
  layout: Layout | undefined;
}

/** What a parameter is in a checkpoint: a tensor, or one for each of the parts that are stacked in it. */
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

/** The matrices whose products can be adapted, by what a checkpoint calls their modules: without prefix, and with it. */
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

/** What a checkpoint's tensors are, by their names; a quantized one's matrices are blocks of 4 bits, where it has those, or int8 and scales. */
export function targetsOf(
  module: Module,
  architecture: Spelt,
  isQuantized: boolean,
  isBlocks: (name: string) => boolean,
): Map<string, Target> {
  const targets = new Map<string, Target>();
  for (const { key, parameter, tensors } of storedIn(module, architecture))
    for (const { name, row, height, layout, ...tensor } of tensors) {
      const target = { ...{ key, parameter, row, height, layout }, transposed: false };
      const rest = parameter.shape.slice(1);
      const shape = [height, ...rest];
      if (isQuantized && parameter.quantizable && fitsQ4(parameter.width) && isBlocks(name)) {
        targets.set(name, { ...target, shape: [height, blockBytes(parameter.width)], holds: 'blocks' });
      } else if (isQuantized && parameter.quantizable) {
        targets.set(name, { ...target, shape, holds: 'ints' });
        targets.set(scaleName(name), { ...target, shape: [height, groups(parameter.width)], holds: 'scales' });
      } else {
        const { transposed } = tensor;
        targets.set(name, { ...target, shape: transposed ? shape.reverse() : shape, holds: 'rows', transposed });
      }
    }
  return targets;
}

/**
 * A module's tensors as a checkpoint of this dtype has them, or, where none is given, as they are held, under its architecture's names, without those that were optional and did not come. A task's model
 * holds the base model under a prefix. Each is copied on its turn.
 */
export function* checkpointEntries(module: Module, architecture: Spelt, dtype?: ParameterDtype): Generator<SafetensorsEntry, void> {
  const all = [...storedIn(module, architecture)].filter(({ parameter }) => parameter.complete);
  // What writes may have its embeddings for a head.
  const holds = architecture.module.kind !== 'encoder' || all.some(({ key }) => isBeside(key));
  const [prefix = ''] = holds ? (architecture.prefixes ?? []) : [];
  // Stacked parts come one after the other: what they are cut out of is copied once.
  let whole: { of: SafetensorsEntry; bytes: Uint8Array } | undefined;
  for (const { key, parameter, tensors } of all) {
    const before = isBeside(key) ? '' : prefix;
    for (const entry of weightEntries(parameter, '', dtype)) {
      const [rows = 0, ...rest] = entry.shape;
      for (const { name, row, height, layout, transposed: isTransposed } of tensors) {
        const shape = [height, ...rest];
        // What is quantized lies as products read it.
        const turns = isTransposed && entry.dtype === 'F32';
        yield {
          ...{ name: before + name + entry.name, dtype: entry.dtype, shape: turns ? [...shape].reverse() : shape },
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
