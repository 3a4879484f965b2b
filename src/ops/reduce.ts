/** Sums and means, over one axis or all of them. */
import { record } from '../autograd/tape.js';
import { sizeOf, type Tensor } from '../tensor.js';
import { expectDtype } from './check.js';
import { scale } from './elementwise.js';
import type { TensorLike } from './given.js';
import { op } from './op.js';
import { axisOf, contiguous, expand, reshape } from './shape.js';
import { sumMiddle } from './sum_to.js';

const reduce = op((x: Tensor, name: 'sum' | 'mean', axis: number | undefined): Tensor => {
  expectDtype(name, 'x', x, 'float32');
  const a = axis === undefined ? undefined : axisOf(name, x, axis);
  const [A, R, I] = a === undefined ? [1, x.size, 1] : [sizeOf(x.shape.slice(0, a)), x.dim(a), sizeOf(x.shape.slice(a + 1))];
  const shape = a === undefined ? [] : x.shape.filter((_, i) => i !== a);
  const y = sumMiddle(contiguous(x), A, R, I, name === 'mean' ? R : 1).view(shape);
  const repeated = x.shape.map((d, i) => (a === undefined || i === a ? 1 : d));
  record(y, [x], [], (dy) => [expand(reshape(name === 'mean' ? scale(dy, 1 / R) : dy, repeated), x.shape)]);
  return y;
});

/** Σ x over an axis, which is removed, or over all axes: one number. */
export const sum = (x: TensorLike, axis?: number): Tensor => reduce(x, 'sum', axis);

/** The mean over an axis, which is removed, or of all elements; NaN where there are none. */
export const mean = (x: TensorLike, axis?: number): Tensor => reduce(x, 'mean', axis);
