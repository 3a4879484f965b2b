/**
 * Random weights and inputs at MiniLM's size (C 384, H 12, F 1536), the same in every process: speed does not depend on the values, but a
 * comparison of results does on both sides getting the same ones. Weights spread as in a trained layer, so that nothing overflows.
 */
import type { Encoder, LayerWeights } from './peers/types.js';

export const size = { C: 384, heads: 12, F: 1536 } as const;

/** Uniform in -1 to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

export function uniform(length: number, seed: number, scale = 1, offset = 0): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length }, () => next() * scale + offset);
}

function layer(seed: number): LayerWeights {
  const { C, F } = size;
  let count = seed * 100;
  const linear = (name: string, N: number, K: number, separator = '.') => ({
    [`${name}${separator}weight`]: { data: uniform(N * K, count++, Math.sqrt(3 / K)), dims: [N, K] },
    [`${name}${separator}bias`]: { data: uniform(N, count++, 0.1), dims: [N] },
  });
  const norm = (name: string) => ({
    [`${name}.weight`]: { data: uniform(C, count++, 0.1, 1), dims: [C] },
    [`${name}.bias`]: { data: uniform(C, count++, 0.1), dims: [C] },
  });
  return {
    ...linear('self_attn.in_proj', 3 * C, C, '_'),
    ...linear('self_attn.out_proj', C, C),
    ...linear('linear1', F, C),
    ...linear('linear2', C, F),
    ...norm('norm1'),
    ...norm('norm2'),
  };
}

export const randomEncoder = (layers: number): Encoder => ({
  heads: size.heads,
  layers: Array.from({ length: layers }, (_, l) => layer(l + 1)),
});

/** [1, T, C] */
export const randomInput = (T: number): Float32Array => uniform(T * size.C, 7, Math.sqrt(3));

/** Floating-point operations of the matmuls and of attention; the rest is below 1 % of them. */
export const encoderFlops = (layers: number, T: number): number => {
  const { C, F } = size;
  return layers * T * (2 * (4 * C * C + 2 * C * F) + 4 * T * C);
};
