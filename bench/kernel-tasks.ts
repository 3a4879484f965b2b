/**
 * Kernels as tasks: each runs through the operator that a user calls, its inputs already in the engine's memory, its output freed after
 * each call. They are the tests' cases (test/cases) at their bench shapes: what is timed is what is checked. It runs in every runtime. `NAME gradient`
 * is a forward on a tape and its backward, which together count three times the operations of a forward.
 */
import type { Engine } from 'heed';
import { tensor } from 'heed/ops';
import { describeShape, inputsOf, place } from '../test/cases/check.js';
import { differentiate } from '../test/cases/gradient.js';
import { cases } from '../test/cases/index.js';
import type { Inputs, OpCase, Tensors } from '../test/cases/types.js';
import type { Task } from './measure.js';

export interface KernelTask {
  /** The case and its shape: `linear M 128, N 384, K 384, bias`. */
  name: string;
  flops: number;
  prepare(engine: Engine): Task;
}

/** What can be timed: every case, and the gradients of those that have some. */
const timed = cases.flatMap((op) => [
  { name: op.name, op, times: 1 },
  ...(op.gradients ? [{ name: `${op.name} gradient`, op, times: 3 }] : []),
]);

/** The op at a shape. One with `copies` takes as many sets of inputs in turn: more than caches hold. */
export function caseTask<Shape extends object, I extends Inputs<I>>(engine: Engine, op: OpCase<Shape, I>, shape: Shape): Task {
  const { copies = 1 } = shape as { copies?: number };
  const inputs = inputsOf(op, shape);
  const sets = Array.from({ length: copies }, () => place(engine, inputs));
  let turn = 0;
  return () => engine.scope(() => void op.run(engine, sets[turn++ % copies] as Tensors<I>, shape));
}

/** Every bench shape of the cases with these names. */
export function kernelTasks(names: readonly string[]): KernelTask[] {
  const unknown = names.find((wanted) => !timed.some(({ name }) => name === wanted));
  if (unknown) throw new Error(`There is no case ${unknown}; there are ${timed.map(({ name }) => name).join(', ')}`);
  return timed
    .filter(({ name }) => names.includes(name))
    .flatMap(({ name, op, times }) =>
      op.bench.map((shape) => ({
        name: `${name} ${describeShape(shape)}`,
        flops: times * op.flops(shape),
        prepare(engine: Engine) {
          if (times === 1) return caseTask(engine, op, shape);
          const tensors = place(engine, inputsOf(op, shape));
          const dy = engine.scope(() => tensor(engine, new Float32Array(op.run(engine, tensors, shape).size).fill(1)));
          return () => engine.scope(() => differentiate(engine, op, shape, tensors, (y) => dy.view(y.shape)));
        },
      })),
    );
}
