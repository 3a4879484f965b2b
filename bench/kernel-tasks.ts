/**
 * Kernels as tasks: each runs through the operator that a user calls, its inputs already in the engine's memory, its output freed after
 * each call. They are the tests' cases (test/cases) at their bench shapes: what is timed is what is checked. It runs in every runtime.
 */
import type { Engine } from 'heed';
import { describeShape, inputsOf, place } from '../test/cases/check.js';
import { cases } from '../test/cases/index.js';
import type { Task } from './measure.js';

export interface KernelTask {
  /** The case and its shape: `linear M 128, N 384, K 384, bias`. */
  name: string;
  flops: number;
  prepare(engine: Engine): Task;
}

/** Every bench shape of the cases with these names. */
export function kernelTasks(names: readonly string[]): KernelTask[] {
  const unknown = names.find((name) => !cases.some((op) => op.name === name));
  if (unknown) throw new Error(`There is no case ${unknown}; there are ${cases.map((op) => op.name).join(', ')}`);
  return cases
    .filter((op) => names.includes(op.name))
    .flatMap((op) =>
      op.bench.map((shape) => ({
        name: `${op.name} ${describeShape(shape)}`,
        flops: op.flops(shape),
        prepare(engine: Engine) {
          const tensors = place(engine, inputsOf(op, shape));
          return () => engine.scope(() => void op.run(engine, tensors, shape));
        },
      })),
    );
}
