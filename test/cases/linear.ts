/** Linear layers: every row path and tail of matmul, and all that its epilogue fuses. */
import { type Activation, activations as activationCodes, linear, type Tensor } from 'heed/ops';
import { ROUNDED } from './check.js';
import { activations, build, dot } from './f64.js';
import type { Inputs, Numbers, OpCase, PackedNumbers, Values } from './types.js';

export interface LinearShape {
  M: number;
  N: number;
  K: number;
  bias?: boolean;
  activation?: Activation | undefined;
  residual?: boolean;
  /** When timed: this many weights take turns. */
  copies?: number;
}

type LinearInputs<Weight extends Numbers> = {
  x: Numbers;
  weight: Weight;
  bias?: Numbers;
  residual?: Numbers;
};

/** One row goes another way than 2, 3 and 4; 33 fills a tile and begins the next. Columns end on a panel, before and behind it. */
const rows = [1, 2, 3, 4, 5, 7, 33];
const widths = [
  [1, 1],
  [8, 3],
  [13, 17],
  [40, 5],
  [67, 32],
] as const;

const shapes: LinearShape[] = [
  ...rows.flatMap((M) => widths.map(([N, K]) => ({ M, N, K, bias: N > 8 }))),
  ...Object.keys(activationCodes).map((name) => ({ M: 5, N: 21, K: 7, bias: true, activation: name as Activation, residual: true })),
  { M: 3, N: 9, K: 4, residual: true },
  { M: 70, N: 200, K: 130, bias: true, activation: 'gelu', residual: true },
  { M: 2, N: 5, K: 0, bias: true, residual: true },
  { M: 2, N: 16, K: 0 },
  { M: 0, N: 5, K: 3 },
  { M: 3, N: 0, K: 2 },
];

/** (M, N, K) of MiniLM's layers, for a text, a batch of texts, and a word. */
export const benchSizes: { M: number; N: number; K: number }[] = [
  { M: 128, N: 384, K: 384 },
  { M: 128, N: 1536, K: 384 },
  { M: 512, N: 384, K: 1536 },
  { M: 16, N: 384, K: 384 },
  { M: 16, N: 1536, K: 384 },
  { M: 1, N: 384, K: 384 },
];

function oracle({ x, weight, bias, residual }: Values<Inputs<LinearInputs<Numbers>>>, { M, N, K, activation }: LinearShape): Float64Array {
  const activate = activation ? activations[activation] : (value: number) => value;
  return build([M, N], ([m, n]) => {
    const [i, j] = [m as number, n as number];
    const sum = dot(x.data, i * K, weight.data, j * K, K) + (bias?.data[j] ?? 0);
    return activate(sum) + (residual?.data[i * N + j] ?? 0);
  });
}

const shared = {
  shapes,
  bench: benchSizes.map((size) => ({ ...size, bias: true })),
  oracle,
  tolerance: ROUNDED,
  flops: ({ M, N, K }: LinearShape) => 2 * M * N * K,
};

export const linearCase: OpCase<LinearShape, LinearInputs<PackedNumbers>> = {
  ...shared,
  name: 'linear',
  gradients: ['x', 'bias', 'residual'],
  inputs: ({ M, N, K, bias, residual }, random) => ({
    x: random.floats([M, K]),
    weight: random.packed([N, K]),
    ...(bias && { bias: random.floats([N]) }),
    ...(residual && { residual: random.floats([M, N]) }),
  }),
  run: (_, { x, weight, bias, residual }, { activation }): Tensor => linear(x, weight, bias, { activation, residual }),
};

export const plainLinearCase: OpCase<LinearShape, LinearInputs<Numbers>> = {
  ...shared,
  name: 'linear, plain weight',
  gradients: ['x', 'weight', 'bias', 'residual'],
  inputs: (shape, random) => {
    const { weight, ...others } = linearCase.inputs(shape, random);
    return { ...others, weight: { data: weight.data, dims: weight.dims } };
  },
  run: (_, { x, weight, bias, residual }, { activation }): Tensor => linear(x, weight, bias, { activation, residual }),
};
