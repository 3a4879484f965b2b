/** Products of two activations: matrices, batches of them that repeat up to each other, vectors, and b in either direction. */
import { matmul } from 'heed/ops';
import { ROUNDED } from './check.js';
import { at, build, sizeOf } from './f64.js';
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
  /** Those of b. Default: as a's. */
  outerB?: readonly number[];
  /** Operands that are vectors, without the axis M, or N. */
  vectors?: readonly ('a' | 'b')[];
}

/** NumPy's broadcasting of leading axes. */
const broadcast = (a: readonly number[], b: readonly number[]): number[] => {
  const rank = Math.max(a.length, b.length);
  const padded = [a, b].map((dims) => [...Array.from({ length: rank - dims.length }, () => 1), ...dims]);
  return Array.from({ length: rank }, (_, i) => (padded[0]?.[i] === 1 ? (padded[1]?.[i] as number) : (padded[0]?.[i] as number)));
};

const sizes = [
  { M: 1, N: 1, K: 1 },
  { M: 5, N: 9, K: 3 },
  { M: 4, N: 16, K: 8 },
  { M: 2, N: 7, K: 13 },
  { M: 3, N: 4, K: 0 },
  { M: 0, N: 4, K: 2 },
];

const forms = [
  {},
  { outer: [3] },
  { outer: [2, 3] },
  { outer: [3], outerB: [] },
  { outer: [2, 0] },
  { outer: [], outerB: [3] },
  { outer: [2, 1], outerB: [3] },
  { outer: [1, 3], outerB: [2, 1, 1] },
  { outer: [2, 3], outerB: [1, 3] },
  { outer: [2], outerB: [1, 1] },
  { outer: [0], outerB: [1] },
];

/** M or N is 1 for a vector. */
const ofVectors: MatmulShape[] = [
  { M: 1, N: 1, K: 5, vectors: ['a', 'b'] },
  { M: 1, N: 1, K: 0, vectors: ['a', 'b'] },
  { M: 1, N: 9, K: 5, vectors: ['a'] },
  { M: 1, N: 9, K: 5, vectors: ['a'], outer: [], outerB: [2, 3] },
  { M: 4, N: 1, K: 5, vectors: ['b'] },
  { M: 4, N: 1, K: 5, vectors: ['b'], outer: [2, 3], outerB: [] },
];

export const matmulCase: OpCase<MatmulShape, { a: Numbers; b: Numbers }> = {
  name: 'matmul',
  shapes: [...sizes.flatMap((size) => forms.map((form) => ({ ...size, ...form }))), ...ofVectors].flatMap((shape) =>
    [false, true].map((transposeB) => ({ ...shape, transposeB })),
  ),
  bench: benchSizes,
  inputs({ outer = [], outerB = outer, M, N, K, transposeB, vectors = [] }, random) {
    const matrix = transposeB ? [N, K] : [K, N];
    return {
      a: random.floats(vectors.includes('a') ? [K] : [...outer, M, K]),
      b: random.floats(vectors.includes('b') ? [K] : [...outerB, ...matrix]),
    };
  },
  run: (_, { a, b }, { transposeB }) => matmul(a, b, { transposeB }),
  oracle({ a, b }, { outer = [], outerB = outer, M, N, K, transposeB }) {
    const all = broadcast(outer, outerB);
    const [left, right] = [
      { data: a.data, dims: [...outer, M, K] },
      { data: b.data, dims: [...outerB, ...(transposeB ? [N, K] : [K, N])] },
    ];
    return build([...all, M, N], (index) => {
      const [m, n] = index.slice(-2) as [number, number];
      const batch = index.slice(0, -2);
      let sum = 0;
      for (let k = 0; k < K; k++) sum += at(left, [...batch, m, k]) * at(right, [...batch, ...(transposeB ? [n, k] : [k, n])]);
      return sum;
    });
  },
  gradients: ['a', 'b'],
  tolerance: ROUNDED,
  flops: ({ outer = [], outerB = outer, M, N, K }) => 2 * sizeOf(broadcast(outer, outerB)) * M * N * K,
};
