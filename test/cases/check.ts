/** What is done with a case, whoever does it: its inputs go to an engine, and what comes back is compared with what should. */
import type { Engine } from 'heed';
import { contiguous, narrow, pack, permute, quantize, Tensor, tensor } from 'heed/ops';
import { sizeOf } from './f64.js';
import { Random } from './random.js';
import type { Inputs, Numbers, OpCase, Tensors } from './types.js';

/** The tolerance of an op that rounds: 1e-5 of the largest element. */
export const ROUNDED = 1e-5;
/** The tolerance of an op that only moves numbers. */
export const EXACT = 0;
/** What an op that rounds may be off by where everything is 0. */
const ABSOLUTE = 1e-7;
/** The same of gradients: the norm of a single channel has almost none, a difference of numbers near 1. */
export const GRADIENT = { tolerance: 1e-4, absolute: 1e-6 };

/** Puts inputs on an engine. */
export function place<I extends Inputs<I>>(engine: Engine, inputs: I): Tensors<I> {
  const entries = Object.entries<Numbers>(inputs).map(([name, input]) => {
    const placed = tensor(engine, input.data, input.dims);
    const into = 'packed' in input ? pack : 'quantized' in input ? quantize : undefined;
    if (!into) return [name, placed] as const;
    const matrix = into(placed);
    placed.dispose();
    return [name, matrix] as const;
  });
  return Object.fromEntries(entries) as Tensors<I>;
}

/** The case's inputs for a shape: always the same ones. */
export const inputsOf = <Shape extends object, I extends Inputs<I>>(op: OpCase<Shape, I>, shape: Shape): I =>
  op.inputs(shape, new Random([...describeShape(shape)].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 16777619), 2166136261)));

/** Puts inputs on an engine as views: axes in any order, and among others that belong to nobody. Booleans and packed weights stay as they are. */
export function placeAsViews<I extends Inputs<I>>(engine: Engine, inputs: I, random = new Random(1)): Tensors<I> {
  const entries = Object.entries(place(engine, inputs)).map(([name, placed]) => {
    if (!(placed instanceof Tensor) || placed.dtype === 'bool') return [name, placed] as const;
    const { dims, data } = (inputs as Record<string, Numbers>)[name] as Numbers;
    // An axis more than the view has, so that even a vector's elements lie apart.
    const axes = [...dims, 1];
    const order = axes.map((_, axis) => axis).sort(() => random.next() - 0.5);
    const before = axes.map(() => random.below(3));
    const wide = order.map((axis) => (axes[axis] as number) + (before[axis] as number) + random.below(3));
    const around = tensor(engine, new (data.constructor as typeof Float32Array)(sizeOf(wide)).fill(-77), wide);
    const inPlace = permute(
      around,
      axes.map((_, axis) => order.indexOf(axis)),
    );
    const framed = axes.reduce((x, d, axis) => narrow(x, axis, before[axis] as number, d), inPlace);
    const view = framed.view(dims, framed.strides.slice(0, -1));
    copyInto(view, placed);
    placed.dispose();
    return [name, view] as const;
  });
  return Object.fromEntries(entries) as Tensors<I>;
}

/** Element by element, so that it shares nothing with what it helps to test. */
function copyInto(view: Tensor, source: Tensor): void {
  const { heap } = view.engine;
  source.toHost().data.forEach((value, i) => {
    let [rest, offset] = [i, 0];
    for (let axis = view.rank - 1; axis >= 0; axis--) {
      offset += (rest % (view.shape[axis] as number)) * (view.strides[axis] as number);
      rest = Math.floor(rest / (view.shape[axis] as number));
    }
    const at = view.ptr + 4 * offset;
    if (view.dtype === 'int32') heap.ints(at, 1)[0] = value;
    else heap.floats(at, 1)[0] = value;
  });
}

/** Runs a case and takes its result to the host. Nothing of it stays on the engine. */
export function resultOf<Shape extends object, I extends Inputs<I>>(
  engine: Engine,
  op: OpCase<Shape, I>,
  shape: Shape,
  inputs: I = inputsOf(op, shape),
  put: typeof place = place,
): Float32Array {
  return engine.scope(() => contiguous(op.run(engine, put(engine, inputs), shape)).toHost().data as Float32Array);
}

/** Why `actual` is not `expected`, or undefined: no element may be off by more than `bound`; infinities and NaNs must agree. */
export function beyond(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} elements, not ${expected.length}`;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i] as number, expected[i] as number];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= bound) continue;
    return `element ${i} is ${a}, not ${b}: off by ${Math.abs(a - b)}, where ${bound} is allowed`;
  }
  return undefined;
}

/** The same, relative to the largest element: max|a − b| <= tolerance · max|b| + 1e-7, unless `absolute` is another. */
export function difference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  absolute = ABSOLUTE,
): string | undefined {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const b = Math.abs(expected[i] as number);
    if (b < Number.POSITIVE_INFINITY) largest = Math.max(largest, b);
  }
  return beyond(actual, expected, tolerance === EXACT ? 0 : tolerance * largest + absolute);
}

/** Why two results differ in a bit, or undefined. NaNs are all alike. */
export function bitDifference(actual: Float32Array, expected: Float32Array): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} elements, not ${expected.length}`;
  for (let i = 0; i < expected.length; i++)
    if (!Object.is(actual[i], expected[i])) return `element ${i} is ${actual[i]}, not ${expected[i]}`;
  return undefined;
}

/** A shape in words: `B 2, T 7, causal`. */
export function describeShape(shape: object): string {
  const parts = Object.entries(shape).filter(([, value]) => value !== undefined && value !== false);
  return parts.map(([key, value]) => (value === true ? key : `${key} ${Array.isArray(value) ? `[${value}]` : value}`)).join(', ');
}
