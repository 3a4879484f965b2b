/**
 * What is done with the gradients of a case: heed's come from a tape; what they should be, from central differences of the float64 oracle.
 * The scalar whose gradient is taken is Σ dy · y, with a random dy.
 */
import type { Engine } from 'heed';
import { backward, contiguous, Tape, Tensor } from 'heed/ops';
import { GRADIENT, inputsOf, place } from './check.js';
import { Random } from './random.js';
import type { Inputs, Numbers, OpCase, Tensors } from './types.js';

/** Float operations that may be spent on the differences of one input. */
const BUDGET = 1e6;
const STEP = 2 ** -16;

export type Gradients = Readonly<Record<string, Float32Array>>;

/** The inputs of a shape that gradients flow to. */
export const wantedOf = <Shape extends object, I extends Inputs<I>>(op: OpCase<Shape, I>, inputs: I): (keyof I & string)[] =>
  (op.gradients ?? []).filter((name) => inputs[name]?.data instanceof Float32Array);

/** The output's gradient: random, and 0 where the output is infinite. */
export function seedOf<Shape extends object, I extends Inputs<I>>(op: OpCase<Shape, I>, shape: Shape, inputs: I): Float32Array {
  const y = op.oracle(inputs, shape);
  const random = new Random(y.length + 1);
  return Float32Array.from(y, (value) => {
    const dy = 2 * random.next() - 1;
    return Number.isFinite(value) ? dy : 0;
  });
}

/** Runs a case on a tape and backwards, from the gradient of its output, and hands the inputs' gradients over. */
export function differentiate<Shape extends object, I extends Inputs<I>>(
  engine: Engine,
  op: OpCase<Shape, I>,
  shape: Shape,
  tensors: Tensors<I>,
  seed: (y: Tensor) => Tensor,
  found: (name: keyof I & string, gradient: Tensor) => void = () => {},
): void {
  const tape = new Tape(engine);
  for (const name of op.gradients ?? []) {
    const x: unknown = tensors[name];
    if (x instanceof Tensor && x.dtype === 'float32') tape.watch(x, (gradient) => found(name, gradient));
  }
  const y = tape.record(() => op.run(engine, tensors, shape));
  backward(tape, y, seed(y));
}

/** heed's gradients by the names of the inputs. Nothing of them stays on the engine. */
export function gradientsOf<Shape extends object, I extends Inputs<I>>(
  engine: Engine,
  op: OpCase<Shape, I>,
  shape: Shape,
  inputs: I = inputsOf(op, shape),
  put: typeof place = place,
): Gradients {
  const dataOf = (name: string) => (inputs as Readonly<Record<string, Numbers>>)[name] as Numbers;
  // An input that the output does not depend on gets no gradient.
  const found = Object.fromEntries(wantedOf(op, inputs).map((name) => [name, new Float32Array(dataOf(name).data.length)]));
  engine.scope(() => {
    // A copy of a view of more than four axes is not supported.
    const seed = (y: Tensor) => (y.rank > 4 ? place : put)(engine, { dy: { data: seedOf(op, shape, inputs), dims: y.shape } }).dy;
    differentiate(engine, op, shape, put(engine, inputs), seed, (name, gradient) => {
      if (gradient.shape.join() !== dataOf(name).dims.join()) throw new Error(`the gradient of ${name} is [${gradient.shape}]`);
      found[name] = contiguous(gradient).toHost().data as Float32Array<ArrayBuffer>;
    });
  });
  return found;
}

/** One derivative: by an element, or by all of them at once, each with a sign. */
interface Derivative {
  index: number | undefined;
  sign: (i: number) => number;
  value: number;
}

/** Derivatives of Σ dy · oracle by an input: in a random direction, and by elements, as many as the budget allows. */
export function derivatives<Shape extends object, I extends Inputs<I>>(
  op: OpCase<Shape, I>,
  shape: Shape,
  inputs: I,
  name: keyof I & string,
  budget = BUDGET,
): Derivative[] {
  const dy = seedOf(op, shape, inputs);
  const { data, dims } = inputs[name] as Numbers;
  const random = new Random(data.length + 2);
  const signs = Int8Array.from(data, () => (random.next() < 0.5 ? 1 : -1));
  const at = (moved: Float64Array) => {
    const y = op.oracle({ ...inputs, [name]: { data: moved, dims } }, shape);
    return y.reduce((sum, value, i) => sum + (dy[i] === 0 ? 0 : value * (dy[i] as number)), 0);
  };
  const derive = (index: number | undefined, sign: (i: number) => number, h: number): Derivative => {
    const [up, down] = [h, -h].map((by) =>
      at(Float64Array.from(data, (x, i) => (index === undefined || index === i ? x + by * sign(i) : x))),
    ) as [number, number];
    return { index, sign, value: (up - down) / (2 * h) };
  };
  const most = Math.max(budget > 0 ? 8 : 2, Math.floor(budget / (op.flops(shape) + dy.length + data.length + 1)));
  const indices = data.length <= most ? Array.from(data, (_, i) => i) : Array.from({ length: most }, () => random.below(data.length));
  const all = data.length === 0 ? [] : [derive(undefined, (i) => signs[i] as number, STEP / Math.sqrt(data.length))];
  return [...all, ...indices.map((index) => derive(index, () => 1, STEP))];
}

/** Why a gradient is not what the derivatives say, or undefined. */
export function gradientDifference(gradient: Float32Array, expected: readonly Derivative[]): string | undefined {
  if (gradient.some((g) => !Number.isFinite(g))) return 'not every element is finite';
  const ofElements = expected.flatMap(({ index, value }) => (index === undefined ? [] : [Math.abs(value)]));
  const largest = Math.max(0, ...gradient.map(Math.abs), ...ofElements);
  for (const { index, sign, value } of expected) {
    const found = index === undefined ? gradient.reduce((sum, g, i) => sum + g * sign(i), 0) : (gradient[index] as number);
    const allowed = (GRADIENT.tolerance * largest + GRADIENT.absolute) * (index === undefined ? Math.sqrt(gradient.length) : 1);
    if (Math.abs(found - value) <= allowed) continue;
    const what = index === undefined ? 'the derivative in a random direction' : `element ${index}`;
    return `${what} is ${found}, not ${value}: off by ${Math.abs(found - value)}, where ${allowed} is allowed`;
  }
  return undefined;
}
