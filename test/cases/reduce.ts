/** Sums and means over an axis or all, longer than what one tree covers, with every number of columns modulo 4 and 16. */
import { mean, sum, type Tensor } from 'heed/ops';
import { ROUNDED } from './check.js';
import { build, sizeOf } from './f64.js';
import type { Numbers, OpCase } from './types.js';

export interface ReduceShape {
  dims: readonly number[];
  axis?: number;
}

const shapes: ReduceShape[] = [
  ...[1, 3, 4, 9, 1023, 1025, 2500].map((n) => ({ dims: [n] })),
  { dims: [] },
  { dims: [2, 3, 5] },
  ...[1, 2, 4, 7, 15, 16, 17, 35].map((I) => ({ dims: [5, I], axis: 0 })),
  ...[1, 2, 4, 7, 13].map((C) => ({ dims: [3, C], axis: -1 })),
  { dims: [130, 19], axis: 0 },
  { dims: [2, 65, 3], axis: 1 },
  { dims: [2, 3, 4, 5], axis: 1 },
  { dims: [0, 3], axis: 1 },
];

const reduction = (name: string, op: (x: Tensor, axis?: number) => Tensor): OpCase<ReduceShape, { x: Numbers }> => ({
  name,
  // The mean of nothing is no number.
  shapes: name === 'mean' ? shapes : [...shapes, { dims: [0] }, { dims: [0, 3], axis: 0 }],
  bench: [
    { dims: [128, 384], axis: 0 },
    { dims: [512, 1536], axis: -1 },
  ],
  inputs: ({ dims }, random) => ({ x: random.floats(dims, 1, 0.5) }),
  run: (_, { x }, { axis }) => op(x, axis),
  oracle({ x }, { dims, axis }) {
    const a = axis === undefined ? undefined : axis < 0 ? axis + dims.length : axis;
    const [A, R, I] = a === undefined ? [1, sizeOf(dims), 1] : [sizeOf(dims.slice(0, a)), dims[a] as number, sizeOf(dims.slice(a + 1))];
    return build([A, I], ([outer, inner]) => {
      let total = 0;
      for (let r = 0; r < R; r++) total += x.data[((outer as number) * R + r) * I + (inner as number)] as number;
      return name === 'mean' ? total / R : total;
    });
  },
  gradients: ['x'],
  tolerance: ROUNDED,
  flops: ({ dims }) => sizeOf(dims),
});

export const sumCase = reduction('sum', sum);
export const meanCase = reduction('mean', mean);
