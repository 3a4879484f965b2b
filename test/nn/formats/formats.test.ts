/**
 * Weights that a file holds in blocks, as the engine holds them: each value exactly, products by their contract, bit by bit in every binary, and close to those of float64;
 * whatever comes in portions, in parts, by columns. What cannot be is refused.
 */

import { readFileSync } from 'node:fs';
import type { Engine } from 'heed';
import { backward, embedding, linear, type Matrix, matmul, Tape, type Tensor, tensor, unpack } from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { openGguf } from '../../../dist/io/gguf.js';
import { weightEntries } from '../../../dist/nn/entries.js';
import { ggufSources } from '../../../dist/nn/formats/gguf.js';
import type { Source } from '../../../dist/nn/formats/sources.js';
import { Parameter } from '../../../dist/nn/parameter.js';
import { bitDifference } from '../../cases/check.js';
import { roundedToBytes, roundedToWords } from '../../cases/quantize.js';
import { Random } from '../../cases/random.js';
import { streamOf } from '../../io/memory.js';
import { engineFor, variants } from '../../ops/engines.js';
import { type Blocks, drawn, type Kind, kinds } from './blocks.js';

const engines: Engine[] = [];
let engine: Engine;
beforeAll(async () => {
  for (const options of Object.values(variants)) engines.push(await engineFor(options));
  engine = engines[0] as Engine;
});

const { fround } = Math;
const host = (x: Tensor) => x.toHost().data as Float32Array;
const sourceOf = (kind: string) => ggufSources[kind] as Source;
const all = Object.keys(kinds) as Kind[];

/** A parameter on an engine, which holds blocks as they are. */
function held(on: Engine, kind: Kind, { bytes }: Pick<Blocks, 'bytes'>, N: number, K: number, parts?: readonly number[]): Parameter {
  const made = new Parameter(on, 'w', [N, K], { packed: true, ...(parts && { parts }) });
  made.hold(sourceOf(kind).format);
  made.write(0, bytes, sourceOf(kind));
  return made;
}

const product = (on: Engine, x: Float32Array, w: Parameter, M: number) =>
  on.scope(() => host(linear(tensor(on, x, [M, w.width]), w.operand)));

/** A product by its contract, every rounding of float32 written out: activations in integers, exact sums of integers, one chain over the blocks. */
function contract(x: Float32Array, kind: Kind, { q, d, m }: Blocks, M: number, N: number, K: number): Float32Array {
  const groups = K / 32;
  const y = new Float32Array(M * N);
  for (let row = 0; row < M; row++)
    for (let b = 0; b < groups; b++) {
      const ks = Array.from({ length: 32 }, (_, i) => 32 * b + i);
      const { p, s } = (kind === 'Q8_0' ? roundedToWords : roundedToBytes)(ks.map((k) => x[row * K + k] as number));
      const total = p.reduce((sum, value) => sum + value, 0);
      for (let n = 0; n < N; n++) {
        const at = n * groups + b;
        const sum = p.reduce((sum, value, i) => sum + value * (q[n * K + 32 * b + i] as number), 0);
        const [scale, least] = [d[at] as number, m[at] as number];
        const step =
          kind === 'Q8_0' ? fround(fround(sum) * fround(scale * s)) : fround(fround(fround(sum * scale) + fround(least * total)) * s);
        y[row * N + n] = fround((y[row * N + n] as number) + step);
      }
    }
  return y;
}

describe.each(all)('%s', (kind) => {
  it('of a file is what gguf-py says', async () => {
    const at = (name: string) => new URL(`../../fixtures/gguf/${name}`, import.meta.url);
    const file = await openGguf(streamOf(new Uint8Array(readFileSync(at('tiny.gguf')))));
    const expected: number[] = JSON.parse(readFileSync(at('tiny.json'), 'utf8'))[kind.toLowerCase()];
    const bytes = await file.bytes(file.header.get(kind.toLowerCase()) as never);
    const w = held(engine, kind, { bytes }, 3, 64);
    const values = Array.from(w.toHost().data);
    // A zero has no sign that counts.
    expect(values.map((value) => value + 0)).toEqual(expected.map((value) => value + 0));
    const rows = engine.scope(() => host(embedding(tensor(engine, Int32Array.of(2, 0, 2), [3]), w.operand)));
    expect(Array.from(rows, (value) => value + 0)).toEqual(
      [2, 0, 2].flatMap((row) => expected.slice(64 * row, 64 * row + 64)).map((v) => v + 0),
    );
    await file.close();
  });

  it.each([
    [1, 11, 64],
    [2, 8, 32],
    [3, 17, 96],
    [4, 9, 32],
    [7, 24, 128],
    [38, 50, 96],
  ])('has products of %i × %i × %i with the bits of their contract, plain and relaxed, on one thread and on two', (M, N, K) => {
    const random = new Random(M * N + K);
    const blocks = drawn(kind, N, K, random);
    const x = random.floats([M, K], 3).data;
    const expected = contract(x, kind, blocks, M, N, K);
    for (const on of engines) {
      const w = held(on, kind, blocks, N, K);
      expect(bitDifference(product(on, x, w, M), expected)).toBeUndefined();
      w.dispose();
    }
  });

  it('has products as near to float64 as its activations are: 2^-15 of the sum of magnitudes with 16 bits, 1/250 with 8', () => {
    const [M, N, K] = [5, 40, 256];
    const random = new Random(11);
    const blocks = drawn(kind, N, K, random);
    const x = random.floats([M, K], 2).data;
    const y = product(engine, x, held(engine, kind, blocks, N, K), M);
    const share = kind === 'Q8_0' ? 2 ** -15 : 1 / 250;
    for (let row = 0; row < M; row++)
      for (let n = 0; n < N; n++) {
        const largest = Math.max(...x.subarray(row * K, (row + 1) * K).map(Math.abs));
        let [sum, bound] = [0, 0];
        for (let k = 0; k < K; k++) {
          const w = blocks.values[n * K + k] as number;
          sum += w * (x[row * K + k] as number);
          bound += largest * (Math.abs(w) + Math.abs(blocks.m[(n * K + k) >> 5] as number)) * share;
        }
        expect(Math.abs((y[row * N + n] as number) - sum)).toBeLessThanOrEqual(bound);
      }
  });

  it('gives a row the bits that it has alone, in any batch, and neighbours of a NaN theirs', () => {
    const [M, N, K] = [9, 21, 64];
    const random = new Random(5);
    const w = held(engine, kind, drawn(kind, N, K, random), N, K);
    const x = random.floats([M, K]).data;
    const whole = product(engine, x, w, M);
    for (let m = 0; m < M; m++) expect(product(engine, x.slice(m * K, (m + 1) * K), w, 1)).toEqual(whole.slice(m * N, (m + 1) * N));
    x[3 * K + 40] = Number.POSITIVE_INFINITY;
    const spoilt = product(engine, x, w, M);
    expect(Array.from({ length: M }, (_, m) => spoilt.slice(m * N, (m + 1) * N).every(Number.isNaN)).indexOf(true)).toBe(3);
    expect(spoilt.slice(4 * N)).toEqual(whole.slice(4 * N));
  });

  it('is the same in any portions of rows, and in parts of unequal heights', () => {
    const [N, K, heights] = [33, 64, [19, 7, 7]];
    const blocks = drawn(kind, N, K, new Random(2));
    const rowBytes = (K / 32) * kinds[kind].bytes;
    const w = new Parameter(engine, 'w', [N, K], { packed: true, parts: heights });
    w.hold(sourceOf(kind).format);
    let row = 0;
    for (const rows of [1, 4, 20, 8]) {
      w.write(row, blocks.bytes.subarray(row * rowBytes, (row + rows) * rowBytes), sourceOf(kind));
      row += rows;
    }
    expect(w.heights).toEqual(heights);
    expect(Array.from(w.toHost().data, (v) => v + 0)).toEqual(Array.from(blocks.values, (v) => v + 0));
    const x = new Random(3).floats([2, K]).data;
    const apart = engine.scope(() => heights.map((_, i) => host(linear(tensor(engine, x, [2, K]), w.partOperand(i)))));
    const whole = product(engine, x, held(engine, kind, blocks, N, K), 2);
    expect(apart.flatMap((part) => [...part.subarray(0, part.length / 2)])).toEqual([...whole.subarray(0, N)]);
  });

  it('is widened exactly where a parameter is float32, in training too, and back again rounds to 8 bits', () => {
    const [N, K] = [17, 96];
    const blocks = drawn(kind, N, K, new Random(6));
    const expected = Array.from(blocks.values, (v) => v + 0);
    for (const trains of [false, true]) {
      const w = new Parameter(engine, 'w', [N, K], { packed: true });
      if (trains) w.train();
      w.write(0, blocks.bytes, sourceOf(kind));
      expect([w.dtype, Array.from(w.toHost().data, (v) => v + 0)]).toEqual(['float32', expected]);
      w.dispose();
    }
    const w = held(engine, kind, blocks, N, K);
    expect(() => w.train()).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', cure: expect.stringContaining('fp32') }));
    w.to('float32');
    expect(Array.from(w.toHost().data, (v) => v + 0)).toEqual(expected);
    w.to('q8');
    expect(w.dtype).toBe('q8');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('with a scale of %d is NUMERIC, whatever it is to become', (scale) => {
    const blocks = drawn(kind, 4, 64, new Random(1));
    const bits = Number.isNaN(scale) ? 0x7e00 : 0x7c00;
    for (const at of kinds[kind].head === 4 ? [0, 2] : [0]) {
      const bytes = blocks.bytes.slice();
      new DataView(bytes.buffer).setUint16(7 * kinds[kind].bytes + at, bits, true);
      const { storages } = engine.memory();
      for (const format of [undefined, sourceOf(kind).format]) {
        const w = new Parameter(engine, 'w', [4, 64], { packed: true });
        w.hold(format);
        expect(() => w.write(0, bytes, sourceOf(kind))).toThrow(expect.objectContaining({ code: 'NUMERIC', culprit: 'w' }));
        expect(w.complete).toBe(false);
        w.dispose();
      }
      expect(engine.memory().storages).toBe(storages);
    }
  });

  it('lets gradients of activations through', () => {
    const [M, N, K] = [3, 10, 64];
    const w = held(engine, kind, drawn(kind, N, K, new Random(4)), N, K);
    const [x, dy] = [new Random(1).floats([M, K]), new Random(3).floats([M, N])];
    engine.scope(() => {
      const [input, seed] = [tensor(engine, x.data, x.dims), tensor(engine, dy.data, dy.dims)];
      const tape = new Tape(engine);
      let found: Float32Array | undefined;
      tape.watch(input, (gradient) => {
        found = host(gradient);
      });
      backward(
        tape,
        tape.record(() => linear(input, w.operand)),
        seed,
      );
      expect(found).toEqual(host(matmul(seed, unpack(w.operand as Matrix))));
    });
  });
});

describe('4 bits', () => {
  it('take 0.625 bytes a weight, and 8 take 1.125', () => {
    const bytes = (kind: Kind) => {
      const w = new Parameter(engine, 'w', [64, 96], { packed: true });
      w.hold(sourceOf(kind).format);
      return w.bytes / (64 * 96);
    };
    expect(all.map(bytes)).toEqual([1.125, 0.625, 0.625]);
  });

  it('are saved as blocks of Q4_1, bit by bit', () => {
    const blocks = drawn('Q4_1', 11, 64, new Random(8));
    const [entry, ...others] = weightEntries(held(engine, 'Q4_1', blocks, 11, 64), 'w');
    expect([entry?.dtype, entry?.shape, others]).toEqual(['U8', [11, 40], []]);
    expect(entry?.bytes).toEqual(blocks.bytes);
  });

  it('of Q4_0 have scales up to 8188, since −8 of them is a float16 too', () => {
    const bytes = new Uint8Array(18);
    for (const [bits, fits] of [
      [0x6fff, true],
      [0xefff, true],
      [0x7000, false],
    ] as const) {
      new DataView(bytes.buffer).setUint16(0, bits, true);
      const put = () => held(engine, 'Q4_0', { bytes }, 1, 32);
      if (fits) expect(put().toHost().data[0]).toBe(-8 * (bits === 0x6fff ? 8188 : -8188));
      else expect(put).toThrow(expect.objectContaining({ code: 'NUMERIC' }));
    }
  });
});

describe('columns of a tensor that a file has transposed', () => {
  it.each([
    ['rows', {}, false],
    ['panels', { packed: true }, false],
    ['rows that train', { packed: true }, true],
    ['8 bits', { packed: true }, 'q8'],
  ] as const)('fill %s with the bits that its rows do, in any portions', (_, options, how) => {
    for (const [N, K, parts] of [
      [11, 70, 1],
      [24, 96, 3],
      [18, 33, [8, 5, 5]],
    ] as const) {
      const made = () => {
        const w = new Parameter(engine, 'w', [N, K], { ...options, parts });
        if (how === true) w.train();
        if (how === 'q8') w.to('q8');
        return w;
      };
      const [plain, turned] = [made(), made()];
      const x = new Random(N).floats([N, K]).data;
      plain.write(0, new Uint8Array(x.slice().buffer));
      const columns = Float32Array.from({ length: N * K }, (_, i) => x[(i % N) * K + Math.floor(i / N)] as number);
      for (let column = 0, step = turned.columnStep; column < K; column += step) {
        const bytes = new Uint8Array(columns.slice(column * N, Math.min(K, column + step) * N).buffer);
        expect(turned.complete).toBe(false);
        turned.writeColumns({ row: 0, rows: N, column }, bytes);
      }
      expect(turned.complete).toBe(true);
      expect(turned.equals(plain)).toBe(true);
    }
  });
});
