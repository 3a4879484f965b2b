/** Building blocks of ops: a scope of their own, and operands that a kernel can read. */
import { asOp, tapeOf } from '../autograd/tape.js';
import { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { isMatrix, type Matrix, type Shape, Tensor } from '../tensor.js';
import { expectDtype, expectShape, kindOf } from './check.js';
import { entered, type Given, type GivenAll, holdsHost, latestEngine } from './given.js';
import { contiguous } from './shape.js';

/**
 * Makes an op of a function: tensors that the function makes on its way are freed when it ends or throws, also where no scope is open. Host tensors among the
 * arguments are copied into the engine of the others.
 */
export function op<X extends { readonly engine: Engine }, Rest extends unknown[], Y>(body: (x: X, ...rest: Rest) => Y) {
  return (x: Given<X>, ...rest: GivenAll<Rest>): Y => {
    const isHost = holdsHost(x);
    if (!isHost && !isOperand(x))
      throw new HeedError('ARGUMENT', `An op needs a tensor, not ${kindOf(x)}`, {
        culprit: 'x',
        cure: 'Make one with tensor(engine, data)',
      });
    const engine = isHost ? engineOf(rest) : (x as X).engine;
    if (!engine.disposed) Engine.latest = engine;
    for (const value of rest) expectEngine(engine, value);
    const run = () => {
      if (!isHost && !rest.some(holdsHost)) return body(x as X, ...(rest as unknown as Rest));
      return body(entered<X>(x, engine), ...(rest.map((value) => entered(value, engine)) as Rest));
    };
    return engine.scope(() => asOp(engine, run));
  };
}

const isOperand = (value: unknown): value is Tensor | Matrix => value instanceof Tensor || isMatrix(value);

/** Engine of the first operand that has one, else the engine that was made or used last. */
const engineOf = (values: readonly unknown[]): Engine =>
  values.flatMap((value) => (isOperand(value) ? [value] : Object.values(Object(value)))).find(isOperand)?.engine ?? latestEngine();

/** Throws ARGUMENT for a tensor of another engine, also inside options: its address is meaningless here. */
function expectEngine(engine: Engine, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (!isOperand(value)) {
    for (const item of Object.values(value)) if (isOperand(item)) expectEngine(engine, item);
  } else if (value.engine !== engine)
    throw new HeedError('ARGUMENT', `A tensor [${value.shape}] belongs to another engine`, {
      culprit: 'engine',
      shape: value.shape,
      cure: 'Take it over with toHost() and tensor()',
    });
}

/** `true` where a tape wants the gradient of an operand: then an op keeps the tensors that its gradient reads. */
export const isTracked = (engine: Engine, ...operands: readonly (Tensor | Matrix | undefined)[]): boolean => {
  const tape = tapeOf(engine);
  return tape !== undefined && operands.some((x) => x instanceof Tensor && tape.tracks(x));
};

/** Address of a float32 operand of exactly this shape, made contiguous; 0, which kernels take for none, where it is absent. */
export function operand(where: string, name: string, x: Tensor | undefined, shape: Shape): number {
  if (x === undefined || x === null) return 0;
  expectDtype(where, name, x, 'float32');
  expectShape(where, name, x, shape);
  return contiguous(x).ptr;
}
