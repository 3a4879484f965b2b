/** What ops are made of: a scope of their own, and operands that a kernel can read. */
import type { Engine } from '../engine/engine.js';
import type { Shape, Tensor } from '../tensor.js';
import { expectDtype, expectShape } from './check.js';
import { contiguous } from './shape.js';

/** Makes an op of a function: what it makes on its way is freed when it ends or throws, also where no scope is open. */
export function op<X extends { readonly engine: Engine }, Rest extends unknown[], Y>(body: (x: X, ...rest: Rest) => Y) {
  return (x: X, ...rest: Rest): Y => x.engine.scope(() => body(x, ...rest));
}

/** The address of a float32 operand of exactly this shape, side by side in memory; 0, which kernels take for none, where there is none. */
export function operand(where: string, name: string, x: Tensor | undefined, shape: Shape): number {
  if (!x) return 0;
  expectDtype(where, name, x, 'float32');
  expectShape(where, name, x, shape);
  return contiguous(x).ptr;
}
