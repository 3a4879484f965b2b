/** Convolutions over a sequence: windows that begin and end outside of it, steps that leave some out, groups. */
import { conv1d, type Tensor, transpose } from 'heed/ops';
import { ROUNDED } from './check.js';
import { build } from './f64.js';
import type { Numbers, OpCase } from './types.js';

export interface ConvolutionShape {
  B: number;
  C: number;
  L: number;
  N: number;
  K: number;
  stride?: number;
  padding?: number;
  groups?: number;
  bias?: boolean;
  /** Whether x is a view of [B, L, C]. */
  turned?: boolean;
}

type ConvolutionInputs = { x: Numbers; weight: Numbers; bias?: Numbers };

const stepsOf = ({ L, K, stride = 1, padding = 0 }: ConvolutionShape) => Math.floor((L + 2 * padding - K) / stride) + 1;

export const convolutionCase: OpCase<ConvolutionShape, ConvolutionInputs> = {
  name: 'conv1d',
  shapes: [
    { B: 1, C: 1, L: 1, N: 1, K: 1 },
    { B: 2, C: 5, L: 12, N: 7, K: 3, padding: 1, bias: true },
    { B: 2, C: 8, L: 13, N: 16, K: 3, stride: 2, padding: 1, bias: true, turned: true },
    { B: 1, C: 3, L: 2, N: 4, K: 7, padding: 4 },
    { B: 1, C: 1, L: 40, N: 9, K: 10, stride: 5 },
    { B: 2, C: 6, L: 9, N: 12, K: 4, padding: 2, groups: 3, bias: true },
    { B: 1, C: 4, L: 11, N: 4, K: 2, stride: 3, groups: 4, turned: true },
  ],
  bench: [{ B: 1, C: 384, L: 3000, N: 384, K: 3, stride: 2, padding: 1, bias: true, turned: true }],
  gradients: ['x', 'weight', 'bias'],
  inputs: ({ B, C, L, N, K, groups = 1, bias, turned }, random) => ({
    x: random.floats(turned ? [B, L, C] : [B, C, L]),
    weight: random.floats([N, C / groups, K]),
    ...(bias && { bias: random.floats([N]) }),
  }),
  run: (_, { x, weight, bias }, { stride, padding, groups, turned }): Tensor =>
    conv1d(turned ? transpose(x, 1, 2) : x, weight, bias, { stride, padding, groups }),
  oracle({ x, weight, bias }, shape) {
    const { B, C, L, N, K, stride = 1, padding = 0, groups = 1, turned } = shape;
    const own = C / groups;
    return build([B, N, stepsOf(shape)], ([b, n, s]) => {
      let sum = bias?.data[n as number] ?? 0;
      for (let c = 0; c < own; c++)
        for (let k = 0; k < K; k++) {
          const [channel, at] = [Math.floor(((n as number) * groups) / N) * own + c, (s as number) * stride + k - padding];
          if (at < 0 || at >= L) continue;
          const i = turned ? ((b as number) * L + at) * C + channel : ((b as number) * C + channel) * L + at;
          sum += (x.data[i] as number) * (weight.data[((n as number) * own + c) * K + k] as number);
        }
      return sum;
    });
  },
  tolerance: ROUNDED,
  flops: (shape) => 2 * shape.B * stepsOf(shape) * shape.N * (shape.C / (shape.groups ?? 1)) * shape.K,
};
