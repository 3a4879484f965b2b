/** Layer norm and root-mean-square norm: every length modulo 8, with and without weights, and rows whose mean is far from 0. */
import { layerNorm, rmsNorm } from 'heed/ops';
import { ROUNDED } from './check.js';
import { rowwise, sizeOf } from './f64.js';
import type { Numbers, OpCase } from './types.js';

export interface NormShape {
  dims: readonly number[];
  weight?: boolean;
  bias?: boolean;
  eps?: number;
  centre?: number;
  /** What is added to the weight. */
  offset?: number;
}

export type NormInputs = {
  x: Numbers;
  weight?: Numbers;
  bias?: Numbers;
};

const shapes: NormShape[] = [
  ...[1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 17, 384].map((C) => ({ dims: [3, C], weight: true, bias: true })),
  { dims: [11] },
  { dims: [2, 3, 2, 13], weight: true },
  { dims: [2, 13], bias: true },
  { dims: [0, 13], weight: true, bias: true },
  { dims: [3, 13], eps: 0.5, weight: true },
  { dims: [5, 31], centre: 10 },
];

/** What ops that go over rows of channels are timed at. */
export const rowsBench = [{ dims: [128, 384] }, { dims: [512, 1536] }];

const mean = (x: Float64Array): number => x.reduce((sum, v) => sum + v, 0) / x.length;

const shared = {
  shapes,
  bench: rowsBench.map((shape) => ({ ...shape, weight: true, bias: true })),
  inputs({ dims, weight, bias, centre }: NormShape, random: Parameters<OpCase['inputs']>[1]) {
    const C = dims.at(-1) as number;
    return {
      x: random.floats(dims, 1, centre),
      ...(weight && { weight: random.floats([C], 1, 1) }),
      ...(bias && { bias: random.floats([C]) }),
    };
  },
  tolerance: ROUNDED,
};

export const layerNormCase: OpCase<NormShape, NormInputs> = {
  ...shared,
  name: 'layerNorm',
  gradients: ['x', 'weight', 'bias'],
  run: (_, { x, weight, bias }, { eps }) => layerNorm(x, weight, bias, { eps }),
  oracle: ({ x, weight, bias }, { dims, eps = 1e-5 }) =>
    rowwise(x.data, dims.at(-1) as number, (row) => {
      const m = mean(row);
      const r = 1 / Math.sqrt(mean(row.map((v) => (v - m) ** 2)) + eps);
      return row.map((v, c) => (v - m) * r * (weight?.data[c] ?? 1) + (bias?.data[c] ?? 0));
    }),
  flops: ({ dims }) => 8 * sizeOf(dims),
};

export const rmsNormCase: OpCase<NormShape, NormInputs> = {
  ...shared,
  name: 'rmsNorm',
  gradients: ['x', 'weight'],
  shapes: [...shapes, { dims: [3, 13], weight: true, offset: 1 }, { dims: [2, 8], offset: 1 }].map(({ bias, ...shape }) => shape),
  run: (_, { x, weight }, { eps, offset }) => rmsNorm(x, weight, { eps, offset }),
  oracle: ({ x, weight }, { dims, eps = 1e-6, offset = 0 }) =>
    rowwise(x.data, dims.at(-1) as number, (row) => {
      const r = 1 / Math.sqrt(mean(row.map((v) => v * v)) + eps);
      return row.map((v, c) => v * r * (weight ? (weight.data[c] as number) + offset : 1));
    }),
  flops: ({ dims }) => 4 * sizeOf(dims),
};
