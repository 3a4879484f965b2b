/** The checks that ops share: the host validates, so that kernels can trust. */
import { HeedError } from '../errors.js';
import type { Shape, Tensor } from '../tensor.js';

export function wrongShape(op: string, argument: string, shape: Shape, must: string): HeedError {
  return new HeedError('SHAPE', `${op}: ${argument} is [${shape}], ${must}`, { culprit: argument, shape });
}

/** Throws DTYPE unless `x` holds elements of that type. */
export function expectDtype(op: string, argument: string, x: Tensor, dtype: Tensor['dtype']): void {
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
