/** Sums and products with every broadcast, scaling, and masks that become biases. */
import { add, maskToBias, mul, scale, type Tensor } from 'heed/ops';
import { EXACT, ROUNDED } from './check.js';
import { at, build, sizeOf } from './f64.js';
import { rowsBench } from './norm.js';
import type { Numbers, OpCase } from './types.js';

export interface BinaryShape {
  a: readonly number[];
  b: readonly number[];
}

const shapes: BinaryShape[] = [
  ...[0, 1, 3, 4, 1023, 1024, 1025, 3001].map((n) => ({ a: [n], b: [n] })),
  { a: [], b: [] },
  { a: [2, 3, 4, 5], b: [2, 3, 4, 5] },
  ...[[4, 5], [5], [1], [], [4, 1], [3, 1, 1], [2, 1, 4, 1], [1, 3, 1, 5], [2, 1, 1, 1]].map((b) => ({ a: [2, 3, 4, 5], b })),
  { a: [700, 3], b: [3] },
  { a: [3, 700], b: [700] },
  { a: [0, 3], b: [3] },
  { a: [2, 0], b: [1] },
];

const binary = (
  name: string,
  op: (a: Tensor, b: Tensor) => Tensor,
  exact: (a: number, b: number) => number,
): OpCase<BinaryShape, { a: Numbers; b: Numbers }> => ({
  name,
  shapes,
  bench: rowsBench.flatMap(({ dims }) => [dims, dims.slice(1)].map((b) => ({ a: dims, b }))),
  inputs: (shape, random) => ({ a: random.floats(shape.a, 2), b: random.floats(shape.b, 2) }),
  run: (_, { a, b }) => op(a, b),
  gradients: ['a', 'b'],
  oracle: ({ a, b }) => build(a.dims, (index) => exact(at(a, index), at(b, index))),
  tolerance: ROUNDED,
  flops: ({ a }) => sizeOf(a),
});

export const addCase = binary('add', add, (a, b) => a + b);
export const mulCase = binary('mul', mul, (a, b) => a * b);

export interface ScaleShape {
  dims: readonly number[];
  factor: number;
}

export const scaleCase: OpCase<ScaleShape, { x: Numbers }> = {
  name: 'scale',
  shapes: [0, 1, 4, 1025, 2050].flatMap((n) => [0, -0.125, 1, Math.PI].map((factor) => ({ dims: [n], factor }))),
  bench: rowsBench.map((shape) => ({ ...shape, factor: 0.125 })),
  inputs: ({ dims }, random) => ({ x: random.floats(dims) }),
  run: (_, { x }, { factor }) => scale(x, factor),
  gradients: ['x'],
  oracle: ({ x }, { factor }) => Float64Array.from(x.data, (v) => v * factor),
  tolerance: ROUNDED,
  flops: ({ dims }) => sizeOf(dims),
};

export interface MaskShape {
  dims: readonly number[];
  /** The boolean that attends. */
  attend: boolean;
}

export const maskToBiasCase: OpCase<MaskShape, { mask: Numbers }> = {
  name: 'maskToBias',
  shapes: [[], [0], [3], [2, 5], [1025]].flatMap((dims) => [true, false].map((attend) => ({ dims, attend }))),
  bench: rowsBench.map((shape) => ({ ...shape, attend: true })),
  inputs: ({ dims }, random) => ({ mask: random.booleans(dims, 0.5) }),
  run: (_, { mask }, { attend }) => maskToBias(mask, attend),
  oracle: ({ mask }, { attend }) => Float64Array.from(mask.data, (m) => (Boolean(m) === attend ? 0 : Number.NEGATIVE_INFINITY)),
  tolerance: EXACT,
  flops: ({ dims }) => sizeOf(dims),
};
