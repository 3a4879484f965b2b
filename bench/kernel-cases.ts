/**
 * The table that `bench kernels` walks: shapes that real models have, the operations that count, and what to call. Sizes of a matmul are
 * M rows, N outputs, K inputs; of attention B x H heads, T queries and keys, D the size of a head.
 */
import type { createEngine } from 'heed';
import { LayerNorm, Linear } from 'heed/nn';
import { gelu, scaledDotProductAttention, softmax, tensor } from 'heed/ops';
import type { Task } from './measure.js';
import { uniform } from './weights.js';

type Engine = Awaited<ReturnType<typeof createEngine>>;

export interface KernelCase {
  name: string;
  flops: number;
  /** Puts the inputs into the engine's memory and returns the call to time. */
  prepare(engine: Engine): Task;
}

const input = (engine: Engine, ...shape: number[]) =>
  tensor(
    engine,
    uniform(
      shape.reduce((a, b) => a * b, 1),
      3,
    ),
    shape,
  );

const matmul = (M: number, N: number, K: number): KernelCase => ({
  name: `matmul ${M}x${N}x${K}`,
  flops: 2 * M * N * K,
  prepare(engine) {
    const linear = new Linear(engine, K, N);
    linear.loadStateDict({
      weight: { data: uniform(N * K, 1, Math.sqrt(3 / K)), dims: [N, K] },
      bias: { data: uniform(N, 2), dims: [N] },
    });
    const x = input(engine, M, K);
    return () => engine.scope(() => void linear.forward(x));
  },
});

const attention = (H: number, T: number, D: number): KernelCase => ({
  name: `attention ${H}x${T}x${D}`,
  flops: 4 * H * T * T * D,
  prepare(engine) {
    const [q, k, v] = [input(engine, 1, H, T, D), input(engine, 1, H, T, D), input(engine, 1, H, T, D)];
    return () => engine.scope(() => void scaledDotProductAttention(q, k, v));
  },
});

/** Five operations an element each, by convention: these are bound by memory and by exp, and their share of the peak only shows a change. */
const elementwise = (T: number, C: number): KernelCase[] => {
  const flops = 5 * T * C;
  return [
    {
      name: `softmax ${T}x${C}`,
      flops,
      prepare: (e) =>
        (
          (x) => () =>
            e.scope(() => void softmax(x))
        )(input(e, T, C)),
    },
    {
      name: `gelu ${T}x${C}`,
      flops,
      prepare: (e) =>
        (
          (x) => () =>
            e.scope(() => void gelu(x))
        )(input(e, T, C)),
    },
    {
      name: `layer norm ${T}x${C}`,
      flops,
      prepare(engine) {
        const [norm, x] = [new LayerNorm(engine, C), input(engine, T, C)];
        norm.loadStateDict({ weight: { data: uniform(C, 1), dims: [C] }, bias: { data: uniform(C, 2), dims: [C] } });
        return () => engine.scope(() => void norm.forward(x));
      },
    },
  ];
};

export const kernelCases: readonly KernelCase[] = [
  ...[1, 4, 16, 128, 512].map((M) => matmul(M, 384, 384)),
  ...[1, 16, 128, 512].map((M) => matmul(M, 1536, 384)),
  ...[128, 512].map((M) => matmul(M, 384, 1536)),
  ...[128, 512].map((T) => attention(12, T, 32)),
  ...[512, 4096].map((T) => attention(1, T, 64)),
  ...elementwise(512, 384),
];
