/** Sums and products of tensors of like shapes, or with a second operand that repeats along the leading axes. */
import { record } from '../autograd/tape.js';
import { add_f32, mul_f32, scale_f32, TILE } from '../engine/kernels.generated.js';
import { sizeOf, Tensor } from '../tensor.js';
import { expectDtype, wrongArgument, wrongShape } from './check.js';
import type { TensorLike } from './given.js';
import { op } from './op.js';
import { contiguous, expandFor } from './shape.js';
import { sumTo } from './sum_to.js';

const kernels = { add: add_f32, mul: mul_f32 } as const;

const binary = op((a: Tensor, b: Tensor, name: 'add' | 'mul'): Tensor => {
  expectDtype(name, 'a', a, 'float32');
  expectDtype(name, 'b', b, 'float32');
  if (b.rank > a.rank) throw wrongShape(name, 'b', b.shape, `it has more axes than a, [${a.shape}]`);
  // A `b` whose shape is a suffix of a's needs no copy; any other broadcast is laid out first.
  const suffix = b.shape.every((d, i) => d === a.shape[a.rank - b.rank + i]);
  const [p, q] = [contiguous(a), contiguous(suffix ? b : expandFor(name, 'b', b, a.shape))];
  const y = Tensor.empty(a.engine, a.shape);
  const [n, period] = [a.size, Math.max(1, sizeOf(q.shape))];
  a.engine.launch(kernels[name]({ tiles: Math.ceil(n / TILE), work: n * 2, y: y.ptr, a: p.ptr, b: q.ptr, n, period }));
  const times = (dy: Tensor, other: Tensor) => (name === 'mul' ? mul(dy, other) : contiguous(dy));
  record(y, [a, b], name === 'mul' ? [a, b] : [], (dy, [wantsA, wantsB]) => [
    wantsA ? times(dy, b) : undefined,
    wantsB ? sumTo(times(dy, a), b.shape) : undefined,
  ]);
  return y;
});

/** a + b; b may lack leading axes of a, or have axes of length 1. */
export const add = (a: TensorLike, b: TensorLike): Tensor => binary(a, b, 'add');

/** a · b, element by element; b as in `add`. */
export const mul = (a: TensorLike, b: TensorLike): Tensor => binary(a, b, 'mul');

/** factor · x */
export const scale = op((x: Tensor, factor: number): Tensor => {
  expectDtype('scale', 'x', x, 'float32');
  if (typeof factor !== 'number') throw wrongArgument('scale', 'factor', factor, 'It is a number');
  const source = contiguous(x);
  const y = Tensor.empty(x.engine, x.shape);
  const n = x.size;
  x.engine.launch(scale_f32({ tiles: Math.ceil(n / TILE), work: n * 2, y: y.ptr, x: source.ptr, n, a: factor }));
  record(y, [x], [], (dy) => [scale(dy, factor)]);
  return y;
});
