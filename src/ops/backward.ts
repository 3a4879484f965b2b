/** Running a tape backwards, and the shortest way to do it. */
import { Tape } from '../autograd/tape.js';
import type { Engine } from '../engine/engine.js';
import type { Tensor } from '../tensor.js';
import { add } from './elementwise.js';

/** Computes the gradients of everything that a tape recorded: from `loss`, one number, or, for any tensor, from its own gradient `seed` of the same shape. */
export const backward = (tape: Tape, loss: Tensor, seed?: Tensor): void => tape.backward(loss, add, seed);

/**
 * Runs one forward and one backward: `body` returns the loss, whose gradients are added to the parameters that train. Returns the loss.
 * @example const loss = valueAndGrad(engine, () => crossEntropy(model.forward(x), targets));
 */
export function valueAndGrad(engine: Engine, body: () => Tensor): number {
  const tape = new Tape(engine);
  return engine.scope(() => {
    const loss = tape.record(body);
    backward(tape, loss);
    return loss.toHost().data[0] as number;
  });
}
