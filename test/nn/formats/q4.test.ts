/** Rounding to 4 bits: each number takes the nearest of 16 levels, and the levels are chosen well, compared with the rules that others have. */

import type { Engine } from 'heed/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypeFor, weightEntries } from '../../../dist/nn/entries.js';
import { Parameter } from '../../../dist/nn/parameter.js';
import { Random } from '../../cases/random.js';
import { engineFor, variants } from '../../ops/engines.js';
import { read } from './blocks.js';

let engines: readonly Engine[];
let engine: Engine;
beforeAll(async () => {
  engines = await Promise.all(Object.values(variants).map(engineFor));
  engine = engines[0] as Engine;
});
afterAll(() => Promise.all(engines.map((each) => each.dispose())));

const { fround } = Math;

/** A weight [N, K] in 4 bits, in parts of those heights. */
function rounded(on: Engine, w: Float32Array, N: number, K: number, parts: number | number[] = 1): Parameter {
  const made = new Parameter(on, 'w', [N, K], { packed: true, parts });
  made.to('q4');
  made.write(0, new Uint8Array(w.buffer, w.byteOffset, w.byteLength));
  return made;
}

const blocksOf = (w: Parameter) => (weightEntries(w, 'w')[0] as { bytes: Uint8Array }).bytes;
const errorOf = (w: Float32Array, values: ArrayLike<number>) => w.reduce((sum, x, i) => sum + (x - (values[i] as number)) ** 2, 0);

/** The sum of squared errors that each block of 32 has by a rule. */
const byRule = (w: Float32Array, rule: (x: number[]) => number[]) =>
  Array.from({ length: w.length / 32 }, (_, b) => {
    const x = Array.from(w.subarray(32 * b, 32 * b + 32));
    return errorOf(Float32Array.from(x), rule(x));
  });
const half = (x: number): number =>
  Number(
    new Float32Array(
      new Uint32Array([(new Uint32Array(Float32Array.of(x).buffer)[0] as number) + 0x1000]).map((b) => b & 0xffffe000).buffer,
    )[0],
  );
/** llama.cpp's Q4_0: the number of largest magnitude is level −8 of 16 that have 0 among them. */
const q4_0 = (x: number[]) => {
  const most = x.reduce((one, other) => (Math.abs(other) > Math.abs(one) ? other : one));
  const d = most / -8;
  return x.map((value) => (d ? half(d) * (Math.min(15, Math.trunc(fround(value / d + 8.5))) - 8) : 0));
};
/** llama.cpp's Q4_1: the least and the largest are levels 0 and 15. */
const q4_1 = (x: number[]) => {
  const [least, most] = [Math.min(...x), Math.max(...x)];
  const d = (most - least) / 15;
  return x.map((value) => (d ? half(d) * Math.min(15, Math.trunc(fround((value - least) / d + 0.5))) : 0) + half(least));
};

/** Numbers as those of weights are spread: sums of uniform ones. */
const normal = (random: Random, n: number, size = 0.05) => {
  const draws = Array.from({ length: 6 }, () => random.floats([n], size).data);
  return Float32Array.from({ length: n }, (_, i) => draws.reduce((sum, draw) => sum + (draw[i] as number), 0));
};

describe('float32 in 4 bits', () => {
  it('takes the nearest of 16 levels, in every engine the same, and is as a checkpoint has it', () => {
    const [N, K] = [13, 96];
    const w = normal(new Random(1), N * K);
    const expected = blocksOf(rounded(engine, w, N, K));
    const { d, m, values } = read('Q4_1', expected, K);
    expect(rounded(engine, w, N, K).toHost().data).toEqual(values);
    for (const [i, x] of w.entries()) {
      const [scale, least] = [d[i >> 5] as number, m[i >> 5] as number];
      const nearest = Math.min(...Array.from({ length: 16 }, (_, q) => Math.abs(x - (q * scale + least))));
      expect(Math.abs(x - (values[i] as number))).toBeLessThan(nearest + scale * 1e-4);
    }
    for (const on of engines) expect(blocksOf(rounded(on, w, N, K))).toEqual(expected);
  });

  it('loses less than the ranges of Q4_0 and Q4_1 do: no block more than Q4_1, and a tenth less of the root mean square', () => {
    const [N, K] = [64, 256];
    const w = normal(new Random(2), N * K);
    const { values } = read('Q4_1', blocksOf(rounded(engine, w, N, K)), K);
    const own = byRule(w, () => []).map((_, b) => errorOf(w.subarray(32 * b, 32 * b + 32), values.subarray(32 * b, 32 * b + 32)));
    const total = (errors: number[]) => Math.sqrt(errors.reduce((sum, error) => sum + error, 0));
    const [zero, one] = [byRule(w, q4_0), byRule(w, q4_1)];
    own.forEach((error, b) => void expect(error).toBeLessThan((one[b] as number) * 1.001 + 1e-9));
    expect(total(own) / total(one)).toBeLessThan(0.95);
    expect(total(own) / total(zero)).toBeLessThan(0.87);
  });

  it('has what is all the same, or of two levels, to the digits of float16', () => {
    const w = new Float32Array(96).map((_, i) => (i < 32 ? 0.25 : i < 64 ? 0 : i % 3 ? -1.5 : 2.25));
    expect(rounded(engine, w, 1, 96).toHost().data).toEqual(w);
  });

  it('takes rows in any portions, parts of any height, and columns', () => {
    const [N, K] = [21, 64];
    const w = normal(new Random(3), N * K);
    const expected = rounded(engine, w, N, K).toHost().data;
    expect(rounded(engine, w, N, K, [5, 16]).toHost().data).toEqual(expected);
    const pieces = new Parameter(engine, 'w', [N, K], { packed: true });
    pieces.to('q4');
    for (let row = 0; row < N; row += 4) pieces.write(row, new Uint8Array(w.slice(row * K, (row + 4) * K).buffer));
    expect(pieces.toHost().data).toEqual(expected);
    const columns = new Parameter(engine, 'w', [N, K], { packed: true });
    columns.to('q4');
    expect(columns.columnStep).toBe(32);
    for (const column of [0, 32]) {
      const turned = Float32Array.from({ length: 32 * N }, (_, i) => w[(i % N) * K + column + Math.floor(i / N)] as number);
      columns.writeColumns({ row: 0, rows: N, column }, new Uint8Array(turned.buffer));
    }
    expect(columns.toHost().data).toEqual(expected);
    const floats = new Parameter(engine, 'w', [N, K], { packed: true });
    floats.write(0, new Uint8Array(w.buffer));
    floats.to('q4');
    expect(floats.toHost().data).toEqual(expected);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e5])('is refused for %f, and nothing has changed', (value) => {
    const w = new Float32Array(8 * 64).fill(1);
    w[70] = value;
    expect(() => rounded(engine, w, 8, 64)).toThrow(expect.objectContaining({ code: 'NUMERIC', culprit: 'w' }));
    if (!Number.isFinite(value)) return;
    const made = new Parameter(engine, 'w', [8, 64], { packed: true });
    made.write(0, new Uint8Array(w.buffer));
    expect(() => made.to('q4')).toThrow(expect.objectContaining({ code: 'NUMERIC' }));
    expect([made.dtype, made.toHost().data]).toEqual(['float32', w]);
  });

  it('is refused where rows are no whole blocks of 32; a model has 8 bits there, as for its tables', () => {
    const made = new Parameter(engine, 'w', [4, 40], { packed: true });
    expect(() => made.to('q4')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', culprit: 'w', shape: [4, 40] }));
    expect([dtypeFor(made, 'q4'), dtypeFor(made, 'q8'), dtypeFor(made, 'float32')]).toEqual(['q8', 'q8', 'float32']);
    const table = new Parameter(engine, 'w', [4, 64], { quantizable: true });
    expect(dtypeFor(table, 'q4')).toBe('q8');
    expect(dtypeFor(new Parameter(engine, 'w', [4, 64], { packed: true }), 'q4')).toBe('q4');
    expect(dtypeFor(new Parameter(engine, 'w', [64]), 'q4')).toBe('float32');
  });
});
