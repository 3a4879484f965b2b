/**
 * Views and the copies that make them contiguous again, under PyTorch's names. A view shares its tensor's storage: disposing of one disposes of both. A gradient is
 * moved back the same way.
 */
import { asOp, record } from '../autograd/tape.js';
import * as kernels from '../engine/kernels.generated.js';
import { FLIPPED, TILE } from '../engine/kernels.generated.js';
import { HeedError } from '../errors.js';
import { type Shape, sizeOf, Tensor } from '../tensor.js';
import { expectSizes, expectTensor, kindOf, wrongArgument, wrongShape } from './check.js';
import { entered, holdsHost, latestEngine, type TensorLike, withEntered } from './given.js';
import { sumTo } from './sum_to.js';

/** Runs an op that only moves numbers: `make` gives the result, `back` moves its gradient back to `x`. */
function moved(x: Tensor, make: () => Tensor, back: (dy: Tensor) => Tensor): Tensor {
  return asOp(x.engine, () => {
    const y = make();
    if (y !== x) record(y, [x], [], (dy) => [back(dy)]);
    return y;
  });
}

/** Number of an axis from 0 on; negative ones count from the last. Throws ARGUMENT where there is no such axis. */
export const axisOf = (op: string, x: Tensor, axis: number): number => {
  expectTensor(op, 'x', x);
  const found = Number.isInteger(axis) ? (axis < 0 ? axis + x.rank : axis) : -1;
  if (found >= 0 && found < x.rank) return found;
  throw new HeedError('ARGUMENT', `${op}: there is no axis ${kindOf(axis)} in [${x.shape}]`, { culprit: 'axis', shape: x.shape });
};

/** Returns the elements contiguous in memory, `x` itself where they already are. At most 4 axes that cannot be merged. */
export function contiguous(given: TensorLike): Tensor {
  const x = entered<Tensor>(given);
  expectTensor('contiguous', 'x', x);
  if (x.isContiguous) return x;
  return moved(
    x,
    () => x.engine.scope(() => copied(x)),
    (dy) => dy,
  );
}

function copied(x: Tensor): Tensor {
  const y = Tensor.empty(x.engine, x.shape, x.dtype);
  if (x.size === 0) return y;
  // Neighbouring axes that are contiguous in memory are merged.
  const dims: number[] = [];
  const steps: number[] = [];
  for (let i = 0; i < x.rank; i++) {
    const d = x.shape[i] as number;
    const s = x.strides[i] as number;
    const last = dims.length - 1;
    if (last >= 0 && steps[last] === s * d && d > 0) {
      dims[last] = (dims[last] as number) * d;
      steps[last] = s;
    } else if (d !== 1) {
      dims.push(d);
      steps.push(s);
    }
  }
  if (dims.length > 4) {
    const message = `contiguous: a view [${x.shape}] has more than 4 axes`;
    throw new HeedError('UNSUPPORTED', message, { culprit: 'x', shape: x.shape });
  }
  while (dims.length < 4) {
    dims.unshift(1);
    steps.unshift(0);
  }
  const [n0, n1, n2, n3] = dims as [number, number, number, number];
  const [s0, s1, s2, s3] = steps as [number, number, number, number];
  const outer = n0 * n1;
  const { engine, ptr, size: work } = x;
  const shift = x.dtype === 'bool' ? 0 : 2;
  if (s2 === 1 && s3 !== 1 && shift)
    engine.launch(kernels.transpose_f32({ tiles: outer * Math.ceil(n2 / FLIPPED), work, y: y.ptr, x: ptr, n1, n2, n3, s0, s1, s3 }));
  else engine.launch(kernels.copy({ tiles: outer * n2, work, y: y.ptr, x: ptr, shift, n1, n2, n3, s0, s1, s2, s3 }));
  return y;
}

/** Returns the elements in order under another shape; one axis may be −1. A view where `x` is contiguous, else a copy. */
export function reshape(given: TensorLike, shape: Shape): Tensor {
  const x = entered<Tensor>(given);
  expectTensor('reshape', 'x', x);
  expectSizes('reshape', 'shape', shape, { open: true });
  const known = sizeOf(shape.filter((d) => d !== -1));
  const dims = shape.map((d) => (d === -1 ? x.size / known : d));
  if (sizeOf(dims) !== x.size || !dims.every(Number.isSafeInteger) || shape.filter((d) => d === -1).length > 1) {
    throw wrongShape('reshape', 'x', x.shape, `it does not fill [${shape}]`);
  }
  return moved(
    x,
    () => contiguous(x).view(dims),
    (dy) => reshape(dy, x.shape),
  );
}

/** Splits one axis into several: a view. @example unflatten(x, -1, [heads, -1]) */
export function unflatten(given: TensorLike, axis: number, sizes: Shape): Tensor {
  const x = entered<Tensor>(given);
  const a = axisOf('unflatten', x, axis);
  expectSizes('unflatten', 'sizes', sizes, { open: true });
  const length = x.shape[a] as number;
  const rest = length / sizeOf(sizes.filter((d) => d !== -1));
  const dims = sizes.map((d) => (d === -1 ? rest : d));
  if (sizeOf(dims) !== length || !dims.every(Number.isInteger) || sizes.filter((d) => d === -1).length > 1)
    throw wrongShape('unflatten', 'x', x.shape, `axis ${axis} does not split into [${sizes}]`);
  const inner = dims.map((_, i) => sizeOf(dims.slice(i + 1)) * (x.strides[a] as number));
  const parts = (whole: readonly number[], own: readonly number[]) => [...whole.slice(0, a), ...own, ...whole.slice(a + 1)];
  return moved(
    x,
    () => x.view(parts(x.shape, dims), parts(x.strides, inner)),
    (dy) => reshape(dy, x.shape),
  );
}

/** Puts the axes into another order: a view. */
export function permute(given: TensorLike, axes: readonly number[]): Tensor {
  const x = entered<Tensor>(given);
  expectTensor('permute', 'x', x);
  if (!Array.isArray(axes)) throw wrongArgument('permute', 'axes', axes, 'It must be a list of axes');
  const order = Array.from(axes as readonly number[], (axis) => axisOf('permute', x, axis));
  if (new Set(order).size !== x.rank || order.length !== x.rank)
    throw wrongShape('permute', 'x', x.shape, `[${axes}] is no order of its axes`);
  const ordered = (list: readonly number[]) => order.map((a) => list[a] as number);
  return moved(
    x,
    () => x.view(ordered(x.shape), ordered(x.strides)),
    (dy) =>
      permute(
        dy,
        order.map((_, axis) => order.indexOf(axis)),
      ),
  );
}

/** Exchanges two axes: a view. */
export function transpose(given: TensorLike, first: number, second: number): Tensor {
  const x = entered<Tensor>(given);
  const [a, b] = [axisOf('transpose', x, first), axisOf('transpose', x, second)];
  return permute(
    x,
    x.shape.map((_, i) => (i === a ? b : i === b ? a : i)),
  );
}

/** Takes the part of an axis from `start` on, `length` long: a view. */
export function narrow(given: TensorLike, axis: number, start: number, length: number): Tensor {
  const x = entered<Tensor>(given);
  const a = axisOf('narrow', x, axis);
  const whole = Number.isInteger(start) && Number.isInteger(length);
  if (!(whole && start >= 0 && length >= 0 && start + length <= (x.shape[a] as number))) {
    throw wrongShape('narrow', 'x', x.shape, `axis ${axis} has no ${kindOf(length)} elements from ${kindOf(start)} on`);
  }
  const shape = x.shape.map((d, i) => (i === a ? length : d));
  return moved(
    x,
    () => x.view(shape, x.strides, x.offset + start * (x.strides[a] as number)),
    (dy) => widened(dy, x.shape, a, start),
  );
}

/** Embeds `x` in zeros of another shape, from `start` on along an axis. */
function widened(x: Tensor, shape: Shape, axis: number, start: number): Tensor {
  return x.engine.scope(() => {
    const y = Tensor.empty(x.engine, shape);
    if (x.size < y.size) fill(y, 0);
    place(y, x, axis, start);
    return y;
  });
}

/** Sets every element of a contiguous float32 tensor. */
export const fill = ({ engine, ptr, size }: Tensor, a: number): void =>
  engine.launch(kernels.fill_f32({ tiles: Math.ceil(size / TILE), work: size, y: ptr, n: size, a }));

/** Copies `x` into the contiguous tensor `y`, which has the same shape but for a longer or equal `axis`, from `start` on. */
function place(y: Tensor, x: Tensor, axis: number, start: number): void {
  const source = contiguous(x);
  const inner = sizeOf(x.shape.slice(axis + 1)) * 4;
  const bytes = (x.shape[axis] as number) * inner;
  const to = (y.shape[axis] as number) * inner;
  const [tiles, work] = [sizeOf(x.shape.slice(0, axis)), x.size];
  if (work > 0) y.engine.launch(kernels.copy_rows({ tiles, work, y: y.ptr + start * inner, x: source.ptr, bytes, to, from: bytes }));
  if (source !== x) source.dispose();
}

/** Most parts of `chunk`: an axis of length 0 could be cut into any number. */
const MOST_PARTS = 1 << 16;

/** Cuts an axis into `parts` equal pieces: views. */
export function chunk(given: TensorLike, parts: number, axis: number): Tensor[] {
  const x = entered<Tensor>(given);
  const a = axisOf('chunk', x, axis);
  const whole = x.shape[a] as number;
  if (!(Number.isInteger(parts) && parts >= 1 && parts <= MOST_PARTS))
    throw wrongArgument('chunk', 'parts', parts, `It is a whole number from 1 to ${MOST_PARTS}`);
  const length = whole / parts;
  if (!Number.isInteger(length)) throw wrongShape('chunk', 'x', x.shape, `axis ${axis} cannot be cut into ${parts}`);
  return Array.from({ length: parts }, (_, i) => narrow(x, axis, i * length, length));
}

/** Repeats axes of length 1 up to `shape`, and adds new ones in front: a view with strides of 0. */
export const expand = (x: TensorLike, shape: Shape): Tensor => expandFor('expand', 'x', entered<Tensor>(x), shape);

/** `expand` for an argument of an op, both named in errors. */
export function expandFor(op: string, argument: string, x: Tensor, shape: Shape): Tensor {
  expectTensor(op, argument, x);
  expectSizes(op, 'shape', shape);
  const front = shape.length - x.rank;
  const strange = () => wrongShape(op, argument, x.shape, `it cannot be repeated up to [${shape}]`);
  if (front < 0) throw strange();
  const strides = shape.map((d, i) => {
    const old = i < front ? 1 : x.shape[i - front];
    if (old !== d && old !== 1) throw strange();
    return old === d && i >= front ? (x.strides[i - front] as number) : 0;
  });
  return moved(
    x,
    () => x.view(shape, strides),
    (dy) => sumTo(contiguous(dy), x.shape),
  );
}

/** Concatenates tensors along an axis: a copy. */
export function cat(given: readonly TensorLike[], axis: number): Tensor {
  if (!Array.isArray(given)) throw wrongArgument('cat', 'tensors', given, 'It must be a list of tensors');
  const engine =
    (given as readonly TensorLike[]).find((x) => x instanceof Tensor)?.engine ?? (given.some(holdsHost) ? latestEngine() : undefined);
  return engine ? withEntered(engine, [given as readonly Tensor[]], (tensors) => joinedAlong(tensors, axis)) : joinedAlong(given, axis);
}

function joinedAlong(tensors: readonly Tensor[], axis: number): Tensor {
  const first = tensors[0] as Tensor | undefined;
  if (!first) throw new HeedError('ARGUMENT', 'cat: there is no tensor', { culprit: 'tensors' });
  const a = axisOf('cat', first, axis);
  for (const x of tensors) {
    expectTensor('cat', 'tensors', x);
    if (x.engine !== first.engine) throw new HeedError('ARGUMENT', 'cat: the tensors belong to two engines', { culprit: 'tensors' });
    if (x.dtype !== first.dtype || x.dtype === 'bool')
      throw new HeedError('DTYPE', `cat: ${x.dtype} cannot follow ${first.dtype}`, { culprit: 'tensors', shape: x.shape });
    if (x.rank !== first.rank || x.shape.some((d, i) => i !== a && d !== first.shape[i]))
      throw wrongShape('cat', 'x', x.shape, `it does not fit behind [${first.shape}]`);
  }
  return first.engine.scope(() => asOp(first.engine, () => joined(first, tensors, a)));
}

function joined(first: Tensor, tensors: readonly Tensor[], axis: number): Tensor {
  const starts = [0];
  for (const x of tensors) starts.push((starts.at(-1) as number) + (x.shape[axis] as number));
  const shape = first.shape.map((d, i) => (i === axis ? (starts.at(-1) as number) : d));
  const y = Tensor.empty(first.engine, shape, first.dtype);
  for (const [i, x] of tensors.entries()) place(y, x, axis, starts[i] as number);
  record(y, tensors, [], (dy, wanted) =>
    tensors.map((x, i) => (wanted[i] ? narrow(dy, axis, starts[i] as number, x.shape[axis] as number) : undefined)),
  );
  return y;
}
