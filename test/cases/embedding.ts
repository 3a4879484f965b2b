/** Look-ups in a plain table and in one that is packed for the projection it is tied to; packing and unpacking. All exact. */
import { embedding, pack, unpack } from 'heed/ops';
import { EXACT } from './check.js';
import { build, sizeOf } from './f64.js';
import type { Inputs, Numbers, OpCase, PackedNumbers, Values } from './types.js';

export interface EmbeddingShape {
  V: number;
  C: number;
  dims: readonly number[];
}

const shapes: EmbeddingShape[] = [
  ...[1, 3, 4, 7, 8, 9, 64].map((C) => ({ V: 11, C, dims: [2, 5] })),
  { V: 1, C: 5, dims: [3] },
  { V: 8, C: 5, dims: [] },
  { V: 17, C: 2, dims: [2, 1, 3] },
  { V: 17, C: 2, dims: [0] },
];

const shared = {
  shapes,
  bench: [
    { V: 30522, C: 384, dims: [128] },
    { V: 30522, C: 1536, dims: [512] },
  ],
  oracle: ({ ids, weight }: Values<Inputs<{ ids: Numbers; weight: Numbers }>>, { C, dims }: EmbeddingShape) =>
    build([sizeOf(dims), C], ([i, c]) => weight.data[(ids.data[i as number] as number) * C + (c as number)] as number),
  tolerance: EXACT,
  flops: ({ C, dims }: EmbeddingShape) => sizeOf(dims) * C,
};

export const embeddingCase: OpCase<EmbeddingShape, { ids: Numbers; weight: Numbers }> = {
  ...shared,
  name: 'embedding',
  gradients: ['weight'],
  inputs: ({ V, C, dims }, random) => ({ ids: random.integers(dims, V), weight: random.floats([V, C]) }),
  run: (_, { ids, weight }) => embedding(ids, weight),
};

export const packedEmbeddingCase: OpCase<EmbeddingShape, { ids: Numbers; weight: PackedNumbers }> = {
  ...shared,
  name: 'embedding, packed table',
  inputs: ({ V, C, dims }, random) => ({ ids: random.integers(dims, V), weight: random.packed([V, C]) }),
  run: (_, { ids, weight }) => embedding(ids, weight),
};

export interface PackShape {
  N: number;
  K: number;
}

export const packCase: OpCase<PackShape, { w: Numbers }> = {
  name: 'pack and unpack',
  shapes: [0, 1, 7, 8, 9, 16, 29].flatMap((N) => [0, 1, 3, 4, 5, 12].map((K) => ({ N, K }))),
  bench: [
    { N: 128, K: 384 },
    { N: 512, K: 1536 },
  ],
  inputs: ({ N, K }, random) => ({ w: random.floats([N, K]) }),
  run: (engine, { w }) => engine.scope(() => unpack(pack(w))),
  oracle: ({ w }) => Float64Array.from(w.data),
  tolerance: EXACT,
  flops: ({ N, K }) => 2 * N * K,
};
