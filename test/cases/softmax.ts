/** Softmax and its logarithm: rows of every length modulo 4, rows with masked elements, and numbers far from 0. */
import { logSoftmax, softmax, type Tensor } from 'heed/ops';
import { ROUNDED } from './check.js';
import * as f64 from './f64.js';
import { rowsBench } from './norm.js';
import type { Numbers, OpCase } from './types.js';

export interface SoftmaxShape {
  dims: readonly number[];
  /** Elements at random are −inf. */
  masked?: boolean;
  centre?: number;
  spread?: number;
}

const shapes: SoftmaxShape[] = [
  ...[1, 2, 3, 4, 5, 7, 8, 13, 129].map((C) => ({ dims: [3, C] })),
  { dims: [5] },
  { dims: [2, 3, 4, 6] },
  { dims: [0, 4] },
  { dims: [4, 9], masked: true },
  { dims: [9, 2], masked: true },
  { dims: [4, 33], spread: 60 },
  { dims: [4, 33], centre: 1000 },
  { dims: [4, 33], centre: -1000 },
];

function softmaxOf(name: string, op: (x: Tensor) => Tensor, row: (x: Float64Array) => Float64Array): OpCase<SoftmaxShape, { x: Numbers }> {
  return {
    name,
    shapes,
    bench: rowsBench,
    inputs({ dims, masked, centre, spread = 3 }, random) {
      const x = random.floats(dims, spread, centre);
      return masked ? { x: { ...x, data: x.data.map((v) => (random.next() < 0.5 ? v : Number.NEGATIVE_INFINITY)) } } : { x };
    },
    run: (_, { x }) => op(x),
    oracle: ({ x }) => f64.rowwise(x.data, x.dims.at(-1) as number, row),
    gradients: ['x'],
    tolerance: ROUNDED,
    flops: ({ dims }) => 5 * f64.sizeOf(dims),
  };
}

/** A row of −inf is a division of 0 by 0 for softmax, which answers with zeros, and −inf − (−inf) = NaN for its logarithm. */
function logSoftmax64(row: Float64Array): Float64Array {
  const m = row.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY);
  const log = Math.log(row.reduce((sum, x) => sum + Math.exp(x - m), 0));
  return row.map((x) => x - m - log);
}

export const softmaxCase = softmaxOf('softmax', softmax, f64.softmax);
export const logSoftmaxCase: OpCase<SoftmaxShape, { x: Numbers }> = {
  ...softmaxOf('logSoftmax', logSoftmax, logSoftmax64),
  // Without rows that are masked as a whole: their gradient is NaN, as they are.
  shapes: shapes.filter(({ dims, masked }) => !masked || dims[1] !== 2),
};
