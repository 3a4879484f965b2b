/** Products of two activations: one matrix each, a batch of both, a batch against one, and b in either direction. */
import { matmul } from 'heed/ops';
import { ROUNDED } from './check.js';
import { build, dot, sizeOf } from './f64.js';
import { benchSizes } from './linear.js';
import type { Numbers, OpCase } from './types.js';

export interface MatmulShape {
  /** Leading axes of a. */
  outer?: readonly number[];
  M: number;
  N: number;
  K: number;
  /** b is [N, K]. */
  transposeB?: boolean;
  /** b has no leading axes. */
  single?: boolean;
}

const sizes = [
  { M: 1, N: 1, K: 1 },
  { M: 5, N: 9, K: 3 },
  { M: 4, N: 16, K: 8 },
  { M: 2, N: 7, K: 13 },
  { M: 3, N: 4, K: 0 },
  { M: 0, N: 4, K: 2 },
];

const forms = [{}, { outer: [3] }, { outer: [2, 3] }, { outer: [3], single: true }, { outer: [2, 0] }];

export const matmulCase: OpCase<MatmulShape, { a: Numbers; b: Numbers }> = {
  name: 'matmul',
  shapes: sizes.flatMap((size) => forms.flatMap((form) => [false, true].map((transposeB) => ({ ...size, ...form, transposeB })))),
  bench: benchSizes,
  inputs({ outer = [], M, N, K, transposeB, single }, random) {
    const front = single ? [] : outer;
    return { a: random.floats([...outer, M, K]), b: random.floats([...front, ...(transposeB ? [N, K] : [K, N])]) };
  },
  run: (_, { a, b }, { transposeB }) => matmul(a, b, { transposeB }),
  oracle({ a, b }, { outer = [], M, N, K, transposeB, single }) {
    const step = transposeB ? 1 : N;
    return build([sizeOf(outer), M, N], ([batch, m, n]) => {
      const [i, j] = [((batch as number) * M + (m as number)) * K, (single ? 0 : (batch as number)) * N * K];
      return dot(a.data, i, b.data, j + (n as number) * (transposeB ? K : 1), K, step);
    });
  },
  gradients: ['a', 'b'],
  tolerance: ROUNDED,
  flops: ({ outer = [], M, N, K }) => 2 * sizeOf(outer) * M * N * K,
};
