/** Initial values of parameters, with torch.nn.init's names and formulas: each initializer fills a tensor's elements in order. */
import type { Random } from '../random.js';
import { type Shape, sizeOf } from '../tensor.js';
import type { Parameter } from './parameter.js';

/** Fills `values`, the elements of a tensor of this shape. */
export type Init = (values: Float32Array, shape: Shape, random: Random) => void;

const fill =
  (draw: (random: Random, bound: number) => number, boundOf: (shape: Shape) => number): Init =>
  (values, shape, random) => {
    const bound = boundOf(shape);
    for (let i = 0; i < values.length; i++) values[i] = draw(random, bound);
  };

/** Numbers that go into a row and come out of a column: a matrix is [out, in]. */
const fans = (shape: Shape): [fanIn: number, fanOut: number] => {
  const inner = sizeOf(shape.slice(2));
  return [(shape[1] ?? 1) * inner, (shape[0] ?? 1) * inner];
};

const symmetric = (random: Random, bound: number): number => (2 * random.uniform() - 1) * bound;

/** U(−bound, bound) */
export const uniform = (bound: number): Init => fill(symmetric, () => bound);
/** N(0, std²) */
export const normal = (std = 1): Init =>
  fill(
    (random) => random.normal() * std,
    () => 0,
  );
export const constant =
  (value: number): Init =>
  (values) =>
    void values.fill(value);
export const zeros = constant(0);
export const ones = constant(1);
/** U(±sqrt(6 / (fanIn + fanOut))) (Glorot & Bengio 2010, eq. 16). */
export const xavierUniform: Init = fill(symmetric, (shape) => Math.sqrt(6 / (fans(shape)[0] + fans(shape)[1])));
/** N(0, 2 / (fanIn + fanOut)) */
export const xavierNormal: Init = fill(
  (random, std) => random.normal() * std,
  (shape) => Math.sqrt(2 / (fans(shape)[0] + fans(shape)[1])),
);
/** Initial weights of nn.Linear: U(±1 / sqrt(fanIn)), kaiming_uniform_ with a = sqrt(5) (He et al., arXiv 1502.01852). */
export const linearInit: Init = fill(symmetric, (shape) => 1 / Math.sqrt(fans(shape)[0]));

/** Initializes a parameter of a stack: matrices with Xavier's uniform values, vectors with their own initializer. */
export function initStack(parameter: Parameter, random: Random): void {
  parameter.init(random, parameter.shape.length > 1 ? xavierUniform : undefined);
}
