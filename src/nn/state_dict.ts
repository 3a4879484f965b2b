/** Checks of the tensors for a module's parameters: all tensors are checked before any parameter changes. */
import { HeedError } from '../errors.js';
import type { CheckpointEntry } from '../io/weights.js';
import { kindOf, wrongArgument } from '../ops/check.js';
import { type Shape, sizeOf } from '../tensor.js';
import { floats } from './formats/sources.js';
import type { Parameter } from './parameter.js';

/** Tensor that loadStateDict takes: a host tensor, or an object that looks like one. */
export interface StateTensor {
  /** The elements in order, the last axis innermost. */
  readonly data: ArrayLike<number>;
  /** The length of each axis. */
  readonly dims: Shape;
}
/** Tensors by PyTorch's keys: layers.0.linear1.weight. */
export type StateDict = Record<string, StateTensor>;

type Parameters = ReadonlyMap<string, Parameter>;

/** Throws MODEL_MISMATCH for a parameter that `names` lack, and for a name without a parameter. */
export function checkNames(module: string, own: Parameters, names: readonly string[], where: string): void {
  const filled = new Set(names.flatMap((name) => own.get(name) ?? []));
  for (const [name, parameter] of own)
    if (!filled.has(parameter)) throw new HeedError('MODEL_MISMATCH', `${where} has no ${name}`, { culprit: name, shape: parameter.shape });
  const extra = names.find((name) => !own.has(name));
  if (extra === undefined) return;
  throw new HeedError('MODEL_MISMATCH', `${where} has ${extra}, which ${module} does not`, {
    culprit: extra,
    cure: 'Pass { strict: false } to ignore it',
  });
}

/** Description of a tensor in a file. */
export type FileTensor = Pick<CheckpointEntry, 'name' | 'file' | 'dtype' | 'shape'>;

/** Throws MODEL_MISMATCH for tensors of files that do not fit: by name only if `strict`, by shape and type always. */
export function checkFile(module: string, own: Parameters, tensors: readonly FileTensor[], strict: boolean): void {
  const names = tensors.map(({ name }) => name);
  if (strict) checkNames(module, own, names, tensors[0]?.file ?? 'The file');
  for (const { name, file, dtype, shape } of tensors) {
    const parameter = own.get(name);
    const fits = shape.join() === parameter?.shape.join();
    if (!parameter || (fits && Object.hasOwn(floats, dtype))) continue;
    const must = fits ? `one of ${Object.keys(floats).join(', ')}` : `[${parameter.shape}]`;
    throw new HeedError('MODEL_MISMATCH', `${file}: ${name} is ${dtype} [${shape}], it must be ${must}`, { culprit: name, shape });
  }
}

/** Throws ARGUMENT for what holds no numbers, MODEL_MISMATCH for a tensor of another shape. */
export function checkFit(name: string, shape: Shape, given: StateTensor): void {
  const { data, dims } = Object(given) as Partial<StateTensor>;
  const strange = () => wrongArgument('loadStateDict', name, given, 'It must have dims, and as many numbers in data');
  if (!Array.isArray(dims) || typeof data !== 'object' || data === null) throw strange();
  if (dims.length !== shape.length || dims.some((d, i) => d !== shape[i]) || data.length !== sizeOf(shape)) {
    const message = `${name} is [${dims.map(kindOf)}] with ${kindOf(data.length)} elements, it must be [${shape}]`;
    throw new HeedError('MODEL_MISMATCH', message, { culprit: name, shape: dims });
  }
  // Typed arrays of bigints hold no numbers.
  const holdsNumbers = ArrayBuffer.isView(data) ? typeof data[0] === 'number' : Array.from(data).every((n) => typeof n === 'number');
  if (!holdsNumbers) throw strange();
}
