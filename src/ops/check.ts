/** Checks that ops share: the host validates, so that kernels can trust their arguments. */
import { HeedError, kindOf } from '../errors.js';

export { kindOf } from '../errors.js';

import { isMatrix, type Matrix, type Shape, Tensor } from '../tensor.js';

export function wrongShape(op: string, argument: string, shape: Shape, must: string): HeedError {
  return new HeedError('SHAPE', `${op}: ${argument} is [${shape}], ${must}`, { culprit: argument, shape });
}

export function wrongArgument(op: string, argument: string, value: unknown, cure: string): HeedError {
  return new HeedError('ARGUMENT', `${op}: ${argument} is ${kindOf(value)}`, { culprit: argument, cure });
}

/** Throws ARGUMENT for a value that is no tensor. */
export function expectTensor(op: string, argument: string, x: unknown): asserts x is Tensor {
  if (!(x instanceof Tensor)) throw wrongArgument(op, argument, x, 'It must be a tensor: tensor(engine, data)');
}

/** Throws ARGUMENT for a value that is neither a tensor nor a packed matrix. */
export function expectMatrix(op: string, argument: string, x: unknown): asserts x is Tensor | Matrix {
  if (!isMatrix(x)) expectTensor(op, argument, x);
}

/** Throws ARGUMENT unless `shape` is a list of sizes; where `open`, −1 may stand for a size to be computed. */
export function expectSizes(op: string, argument: string, shape: unknown, { open = false } = {}): asserts shape is Shape {
  const least = open ? -1 : 0;
  if (Array.isArray(shape) && Array.from(shape).every((d) => Number.isSafeInteger(d) && d >= least)) return;
  throw wrongArgument(op, argument, Array.isArray(shape) ? String(shape.map(kindOf)) : shape, 'It must be a list of whole numbers');
}

/** Throws ARGUMENT unless each of these options is true, false or absent: the string 'false' would mean true. */
export function expectBooleans(op: string, options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && typeof value !== 'boolean') throw wrongArgument(op, name, value, 'It must be true or false');
}

/** Throws ARGUMENT for a value that is no tensor, DTYPE for a tensor of another element type. */
export function expectDtype(op: string, argument: string, x: Tensor, dtype: Tensor['dtype']): void {
  expectTensor(op, argument, x);
  if (x.dtype === dtype) return;
  throw new HeedError('DTYPE', `${op}: ${argument} is ${x.dtype}, it must be ${dtype}`, { culprit: argument, shape: x.shape });
}

/** Throws ARGUMENT unless every element of `ids`, int32 and contiguous, is the number of one of `rows` rows. */
export function expectRows(op: string, argument: string, ids: Tensor, rows: number): void {
  const wrong = ids.engine.heap.ints(ids.ptr, ids.size).find((id) => id < 0 || id >= rows);
  if (wrong === undefined) return;
  throw new HeedError('ARGUMENT', `${op}: ${argument} holds ${wrong}, and there are ${rows} rows`, {
    culprit: argument,
    shape: ids.shape,
    cure: `They run from 0 to ${rows - 1}`,
  });
}

/** Throws SHAPE unless `x` has exactly this shape. */
export function expectShape(op: string, argument: string, x: { readonly shape: Shape }, shape: Shape): void {
  if (x.shape.length === shape.length && x.shape.every((d, i) => d === shape[i])) return;
  throw wrongShape(op, argument, x.shape, `it must be [${shape}]`);
}
