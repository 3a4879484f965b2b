/**
 * 8-bit weights: what they count as, by the format's definition, and linear layers and look-ups over them. Products also round their
 * activations, to 16 bits: so their tolerance is that of 2^-16 of a block's largest, as a share of sums that may cancel.
 */
import { embedding, linear, quantize, type Tensor, unpack } from 'heed/ops';
import { EXACT } from './check.js';
import { type EmbeddingShape, embeddingCase, type PackShape, packCase } from './embedding.js';
import { type LinearShape, plainLinearCase } from './linear.js';
import type { Numbers, OpCase, QuantizedNumbers } from './types.js';

const GROUP = 32;

/** The least float16 that is not below x >= 0: a multiple of 2^-10 of its power of two, of 2^-24 at least. */
export function upToFloat16(x: number): number {
  const step = 2 ** Math.max(-24, Math.floor(Math.log2(x)) - 10);
  return x === 0 ? 0 : Math.ceil(x / step) * step;
}

/** To the nearest whole number, from the middle between two to the even one. */
export function roundEven(x: number): number {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + Math.abs(low % 2) : Math.round(x);
}

/** q [N, K] and scale [N, ⌈K/32⌉] of a weight: q = round(w / scale), scale = max |w| / 127 of 32 neighbours, up to a float16. */
export function quantized(w: ArrayLike<number>, N: number, K: number): { q: Int8Array; scale: Float64Array } {
  const groups = Math.ceil(K / GROUP);
  const q = new Int8Array(N * K);
  const scale = new Float64Array(N * groups);
  for (let n = 0; n < N; n++)
    for (let k = 0; k < K; k += GROUP) {
      const columns = Array.from({ length: Math.min(GROUP, K - k) }, (_, i) => n * K + k + i);
      const most = Math.max(...columns.map((i) => Math.abs(w[i] as number)));
      const s = upToFloat16(Math.fround(most / 127));
      scale[n * groups + k / GROUP] = s;
      for (const i of columns) q[i] = s === 0 ? 0 : roundEven(Math.fround((w[i] as number) / s));
    }
  return { q, scale };
}

/** Activations of 32 neighbours, x = p · s, as products with 8-bit weights meet them: 16 bits. Every rounding of float32 is written out. */
export function roundedToWords(x: readonly number[]): { p: number[]; s: number } {
  return roundedBy(x, Math.fround(Math.max(...x.map(Math.abs)) / 32767));
}

/** The same as products with 4-bit weights meet them: the four neighbours that the largest is among have 16 bits, others 8. */
export function roundedToBytes(x: readonly number[]): { p: number[]; s: number } {
  const quads = Array.from({ length: x.length / 4 }, (_, i) => x.slice(4 * i, 4 * i + 4));
  const [most, next] = quads.map((quad) => Math.max(...quad.map(Math.abs))).sort((a, b) => b - a) as [number, number];
  return roundedBy(x, Math.fround(next / 127), Math.fround(most / 32512));
}

function roundedBy(x: readonly number[], ...scales: readonly number[]): { p: number[]; s: number } {
  const { fround } = Math;
  const s = Math.max(...scales, 2 ** -127);
  const inverse = fround(1 / s);
  return { p: x.map((value) => roundEven(fround(value * inverse))), s };
}

/** What a weight counts as: q · scale. */
export function dequantized(w: ArrayLike<number>, N: number, K: number): Float64Array {
  const { q, scale } = quantized(w, N, K);
  return Float64Array.from(
    q,
    (value, i) => value * (scale[Math.floor(i / K) * Math.ceil(K / GROUP) + Math.floor((i % K) / GROUP)] as number),
  );
}

/** The same once for a weight, which derivatives look at often. */
const cache = new WeakMap<object, Float64Array>();
function counted(weight: { readonly data: ArrayLike<number>; readonly dims: readonly number[] }) {
  const { data, dims } = weight;
  const known = cache.get(data) ?? dequantized(data, dims[0] as number, dims[1] as number);
  cache.set(data, known);
  return { data: known, dims };
}

/** Blocks of K that are whole, cut, and alone. */
const more: LinearShape[] = [1, 2, 3, 4, 5, 6, 7, 9, 33].flatMap((M) =>
  [
    [9, 31],
    [24, 64],
    [5, 95],
    [72, 33],
  ].map(([N, K]) => ({ M, N: N as number, K: K as number, bias: true })),
);

type LinearInputs = { x: Numbers; weight: QuantizedNumbers; bias?: Numbers; residual?: Numbers };

export const quantizedLinearCase: OpCase<LinearShape, LinearInputs> = {
  ...plainLinearCase,
  name: 'linear, q8',
  shapes: [...plainLinearCase.shapes, ...more],
  // The last: more weights than caches hold, in matrices that take turns.
  bench: [...plainLinearCase.bench, ...[4, 2, 1].map((M) => ({ M, N: 1536, K: 576, copies: 59 }))],
  gradients: ['x', 'bias', 'residual'],
  inputs: (shape, random) => {
    const { weight, ...others } = plainLinearCase.inputs(shape, random);
    return { ...others, weight: { data: weight.data, dims: weight.dims, quantized: true } };
  },
  run: (_, { x, weight, bias, residual }, { activation }): Tensor => linear(x, weight, bias, { activation, residual }),
  oracle: ({ weight, ...others }, shape) => plainLinearCase.oracle({ ...others, weight: counted(weight) }, shape),
  tolerance: 1e-4,
};

export const quantizedEmbeddingCase: OpCase<EmbeddingShape, { ids: Numbers; weight: QuantizedNumbers }> = {
  ...embeddingCase,
  name: 'embedding, q8',
  shapes: [...embeddingCase.shapes, ...[31, 32, 33, 95].map((C) => ({ V: 19, C, dims: [7] }))],
  gradients: [],
  inputs: (shape, random) => {
    const { ids, weight } = embeddingCase.inputs(shape, random);
    return { ids, weight: { ...weight, quantized: true } };
  },
  run: (_, { ids, weight }) => embedding(ids, weight),
  oracle: ({ ids, weight }, shape) => embeddingCase.oracle({ ids, weight: counted(weight) }, shape),
};

export const quantizeCase: OpCase<PackShape, { w: Numbers }> = {
  ...packCase,
  name: 'quantize and unpack',
  shapes: [...packCase.shapes, ...[8, 9].flatMap((N) => [31, 32, 33, 64, 70].map((K) => ({ N, K })))],
  run: (engine, { w }) => engine.scope(() => unpack(quantize(w))),
  oracle: ({ w }) => counted(w).data,
  tolerance: EXACT,
};
