/**
 * 8-bit weights beyond their cases: the contract of a product, bit by bit and in every binary; numbers at the ends of what the formats can hold; what
 * goes in and comes out of a matrix; gradients.
 */
import type { Engine } from 'heed';
import {
  backward,
  embedding,
  linear,
  matmul,
  type QuantizedMatrix,
  quantize,
  quantizedInts,
  quantizedScales,
  Tape,
  type Tensor,
  tensor,
  unpack,
} from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { bitDifference } from '../cases/check.js';
import { quantized, roundedToWords, upToFloat16 } from '../cases/quantize.js';
import { Random } from '../cases/random.js';
import { engineFor, variants } from './engines.js';

const engines: Engine[] = [];
let engine: Engine;
beforeAll(async () => {
  for (const options of Object.values(variants)) engines.push(await engineFor(options));
  engine = engines[0] as Engine;
});

const { fround } = Math;
const host = (x: Tensor) => x.toHost().data as Float32Array;
const weightOn = (on: Engine, w: Float32Array, N: number, K: number): QuantizedMatrix => on.scope(() => quantize(tensor(on, w, [N, K])));

/** A product by its contract: x rounded by blocks, integer sums, one float32 chain over the blocks. Every rounding of float32 is written out. */
function contract(x: Float32Array, w: Float32Array, M: number, N: number, K: number): Float32Array {
  const { q, scale } = quantized(w, N, K);
  const groups = Math.ceil(K / 32);
  const y = new Float32Array(M * N);
  for (let m = 0; m < M; m++)
    for (let b = 0; b < groups; b++) {
      const ks = Array.from({ length: Math.min(32, K - 32 * b) }, (_, i) => 32 * b + i);
      const { p, s } = roundedToWords(ks.map((k) => x[m * K + k] as number));
      for (let n = 0; n < N; n++) {
        const sum = ks.reduce((total, k, i) => total + (p[i] as number) * (q[n * K + k] as number), 0);
        const step = fround(fround(sum) * fround((scale[n * groups + b] as number) * s));
        y[m * N + n] = fround((y[m * N + n] as number) + step);
      }
    }
  return y;
}

describe('a product', () => {
  it.each([
    [1, 11, 70],
    [2, 8, 32],
    [3, 17, 33],
    [4, 9, 100],
    [7, 24, 129],
    [38, 50, 95],
  ])('of %i × %i × %i has the bits of its contract, plain and relaxed, on one thread and on two', (M, N, K) => {
    const random = new Random(M * N + K);
    const x = random.floats([M, K], 3).data;
    const w = random.floats([N, K], 0.2).data;
    const expected = contract(x, w, M, N, K);
    for (const on of engines) {
      const y = on.scope(() => host(linear(tensor(on, x, [M, K]), weightOn(on, w, N, K))));
      expect(bitDifference(y, expected)).toBeUndefined();
    }
  });

  it('does not overflow at the largest of everything', () => {
    const K = 320;
    const w = new Float32Array(8 * K).fill(1e6);
    const x = new Float32Array(5 * K).fill(-1e30);
    const y = engine.scope(() => host(linear(tensor(engine, x, [5, K]), weightOn(engine, w, 8, K))));
    for (const value of y) expect(value / -(K * 1e36)).toBeCloseTo(1, 3);
  });

  it.each([1e-20, 1e-34, 1e-37, 1e-44])('of activations near %f loses no more than float32 does', (size) => {
    const K = 40;
    const x = new Random(3).floats([1, K], size).data;
    const w = new Float32Array(8 * K).fill(1);
    const y = engine.scope(() => host(linear(tensor(engine, x, [1, K]), weightOn(engine, w, 8, K))));
    const sum = x.reduce((total, value) => total + value, 0);
    expect(Math.abs((y[0] as number) - sum)).toBeLessThan(Math.max(K * size * 2 ** -14, 2 ** -126));
  });

  it('makes a row NaN that holds an infinity or a NaN, and no other', () => {
    const [M, N, K] = [6, 9, 70];
    const x = new Random(1).floats([M, K]).data;
    [x[5], x[2 * K + 69], x[5 * K + 33]] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const w = new Random(2).floats([N, K]).data;
    const y = engine.scope(() => host(linear(tensor(engine, x, [M, K]), weightOn(engine, w, N, K))));
    const spoilt = Array.from({ length: M }, (_, m) => y.slice(m * N, (m + 1) * N).every(Number.isNaN));
    expect(spoilt).toEqual([true, false, true, false, false, true]);
    expect(y.slice(N, 2 * N).every(Number.isFinite)).toBe(true);
  });
});

describe('a quantized matrix', () => {
  it.each([
    [1, 1],
    [8, 32],
    [13, 95],
    [30, 70],
  ])('of %i × %i gives back its integers and scales, exactly', (N, K) => {
    const w = new Random(N).floats([N, K], 4).data;
    const { q, scale } = quantized(w, N, K);
    engine.scope(() => {
      const matrix = weightOn(engine, w, N, K);
      expect(quantizedInts(matrix)).toEqual(q);
      expect(Float64Array.from(quantizedScales(matrix), float16)).toEqual(scale);
    });
  });

  it.each([1e-3, 2e-4, 1e-4, 1e-5, 1e-6, 3e-9, 1e-20, 1e-36, 1e-40])(
    'of numbers near %f rounds them no worse than those near 1, also beside large ones',
    (size) => {
      const ofSize = (size: number) => new Random(7).floats([2, 64], size).data;
      const lost = (w: Float32Array, size: number) =>
        engine.scope(() => {
          const found = host(unpack(quantize(tensor(engine, Float32Array.from([...w, ...ofSize(1)]), [4, 64]))));
          return Math.max(...w.map((value, i) => Math.abs((found[i] as number) - value))) / size;
        });
      // A subnormal float32 has few digits itself.
      expect(lost(ofSize(size), size)).toBeLessThanOrEqual(size < 2 ** -126 ? 0.01 : 1.03 * lost(ofSize(1), 1));
      // The product of both scales must not underflow.
      if (size < 1e-25) return;
      const x = new Random(9).floats([3, 64]).data;
      const product = engine.scope(() => {
        const w = quantize(tensor(engine, ofSize(size), [2, 64]));
        return [linear, (x: Tensor) => linear(x, unpack(w))].map((op) => host(op(tensor(engine, x, [3, 64]), w)));
      });
      product[0]?.forEach(
        (value, i) => void expect(Math.abs(value - (product[1]?.[i] as number))).toBeLessThanOrEqual(64 * size * 2 ** -14),
      );
    },
  );

  it('goes into a checkpoint with the float16 scales above its own, and integers for those; not where all of it loses by that', () => {
    const rows = [0, 1e-12, 1e-7, 7e-6, 1e-3, 1];
    const w = Float32Array.from({ length: rows.length * 32 }, (_, i) => (rows[i >> 5] as number) * Math.sin(i + 1));
    engine.scope(() => {
      const matrix = weightOn(engine, w, rows.length, 32);
      const [q, scales] = [quantizedInts(matrix), Array.from(quantizedScales(matrix), float16)];
      w.forEach((value, i) => {
        const scale = scales[i >> 5] as number;
        expect(Math.abs((q[i] as number) * scale - value)).toBeLessThanOrEqual(scale);
      });
      for (const size of [1e-5, 1e-6, 1e-30]) {
        const tiny = weightOn(
          engine,
          w.map((value) => value * size),
          rows.length,
          32,
        );
        expect(() => quantizedScales(tiny)).toThrow(expect.objectContaining({ code: 'NUMERIC', culprit: 'w' }));
      }
      expect(() => quantizedScales(weightOn(engine, new Float32Array(64), 2, 32))).not.toThrow();
    });
  });

  it('rounds scales up to a float16, subnormal ones too, so that nothing is beyond 127 of them', () => {
    // Largest elements from what no scale can be small enough for to the largest scale, 65504.
    const most = Float32Array.from([0, 2e-43, 1e-9, 3e-7, 7.57e-6, 7.75e-3, 0.1, 1, 127, 128, 12345.678, 127 * 65504]);
    const w = Float32Array.from({ length: most.length * 32 }, (_, i) => fround((most[i >> 5] as number) * (1 - (i % 32) / 31)));
    engine.scope(() => {
      const matrix = weightOn(engine, w, most.length, 32);
      const scales = Array.from(quantizedScales(matrix), float16);
      expect(scales).toEqual(Array.from(most, (x) => upToFloat16(fround(x / 127))));
      scales.forEach((scale, n) => void expect(127 * scale).toBeGreaterThanOrEqual(most[n] as number));
      host(unpack(matrix)).forEach((value, i) => {
        expect(Math.abs(value - (w[i] as number))).toBeLessThanOrEqual((scales[i >> 5] as number) / 2 + 1e-6 * (most[i >> 5] as number));
      });
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1e7])('cannot be made of %d: NUMERIC, and no memory is kept', (value) => {
    const w = new Float32Array(70).fill(1);
    w[69] = value;
    const { storages } = engine.memory();
    const failure = () => engine.scope(() => quantize(tensor(engine, w, [2, 35])));
    expect(failure).toThrow(expect.objectContaining({ code: 'NUMERIC', culprit: 'w' }));
    expect(engine.memory().storages).toBe(storages);
  });

  it('serves look-ups and the product that they are tied to, by one matrix', () => {
    const [V, C] = [37, 40];
    const w = new Random(8).floats([V, C]).data;
    engine.scope(() => {
      const table = weightOn(engine, w, V, C);
      const ids = tensor(engine, Int32Array.of(36, 0, 7, 7), [4]);
      const states = embedding(ids, table);
      expect(host(states)).toEqual(host(embedding(ids, unpack(table))));
      const [tied, plain] = [host(linear(states, table)), host(linear(states, unpack(table)))];
      tied.forEach((value, i) => void expect(Math.abs(value - (plain[i] as number))).toBeLessThan(1e-3));
    });
  });
});

it('the gradient of x flows through 8-bit weights by what they count as', () => {
  const [M, N, K] = [3, 10, 45];
  const [x, w, dy] = [new Random(1).floats([M, K]), new Random(2).floats([N, K]), new Random(3).floats([M, N])];
  engine.scope(() => {
    const weight = weightOn(engine, w.data, N, K);
    const [input, seed] = [tensor(engine, x.data, x.dims), tensor(engine, dy.data, dy.dims)];
    const tape = new Tape(engine);
    let found: Float32Array | undefined;
    tape.watch(input, (gradient) => {
      found = host(gradient);
    });
    backward(
      tape,
      tape.record(() => linear(input, weight)),
      seed,
    );
    expect(found).toEqual(host(matmul(seed, unpack(weight))));
  });
});

/** binary16 by its definition. */
function float16(h: number): number {
  const [e, m] = [(h >>> 10) & 31, h & 1023];
  return (h >>> 15 ? -1 : 1) * (e ? (1 + m / 1024) * 2 ** (e - 15) : m * 2 ** -24);
}
