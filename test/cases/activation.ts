/** The pointwise activations, over the range in which they bend; their extremes are math.test.ts's. */
import { type Activation, activate } from 'heed/ops';
import { ROUNDED } from './check.js';
import { activations, sizeOf } from './f64.js';
import { rowsBench } from './norm.js';
import type { Numbers, OpCase } from './types.js';

export interface ActivationShape {
  dims: readonly number[];
}

const shapes = [...[0, 1, 2, 3, 4, 5, 1023, 1024, 1025, 2051].map((n) => ({ dims: [n] })), { dims: [] }, { dims: [2, 3, 5, 7] }];

export const activationCases: OpCase<ActivationShape, { x: Numbers }>[] = Object.entries(activations).map(([name, exact]) => ({
  name,
  shapes,
  bench: rowsBench,
  inputs({ dims }, random) {
    const x = random.floats(dims, 6);
    // Not in a tail: an error is measured by the largest element, of which there may be but one.
    // Nor at 3, where hardswish has a kink.
    x.data.fill(3.25, 0, 1);
    return { x };
  },
  run: (_, { x }) => activate(x, name as Activation),
  oracle: ({ x }) => Float64Array.from(x.data, exact),
  gradients: ['x'],
  tolerance: ROUNDED,
  flops: ({ dims }) => 5 * sizeOf(dims),
}));
