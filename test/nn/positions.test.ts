/** Positions: sinusoids in both layouts, tables with rows in front, and T5's buckets, which are transformers' own. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LearnedPositions, RelativeBias, RotaryPositions, SinusoidalPositions, sinusoids } from 'heed/nn';
import { rotary, rotaryTable } from 'heed/ops';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, tensor } from '../../dist/entry/node.js';
import { bucketOf, countingAllBut } from '../../dist/nn/positions.js';
import { failureOf } from '../io/memory.js';
import { fill } from './state.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

const failure = (run: () => unknown) => failureOf(async () => engine.scope(() => void run()));

describe('sinusoids', () => {
  it('stand in pairs, or all sines before all cosines', () => {
    engine.scope(() => {
      const [T, C] = [9, 6];
      const want = (t: number, i: number, wave: (x: number) => number) => wave(t / 10_000 ** ((2 * i) / C));
      for (const [layout, at] of [
        ['interleaved', (i: number) => [2 * i, 2 * i + 1]],
        ['halves', (i: number) => [i, C / 2 + i]],
      ] as const) {
        const rows = sinusoids(engine, T, C, 5, layout).toHost().data;
        for (let t = 0; t < T; t++)
          for (let i = 0; i < C / 2; i++) {
            const [sine, cosine] = at(i) as [number, number];
            expect(rows[t * C + sine]).toBeCloseTo(want(t + 5, i, Math.sin), 5);
            expect(rows[t * C + cosine]).toBeCloseTo(want(t + 5, i, Math.cos), 5);
          }
      }
    });
  });

  it('are the same as a module, wherever it was asked to begin before', () => {
    engine.scope(() => {
      const positions = new SinusoidalPositions(engine, 8);
      for (const [T, from] of [
        [2, 1],
        [1, 40],
        [3, 0],
        [60, 7],
      ] as const)
        expect(positions.forward(T, from).toHost()).toEqual(sinusoids(engine, T, 8, from).toHost());
    });
  });

  it('need channels', async () => {
    for (const C of [0, -2, 2.5]) {
      expect(await failure(() => sinusoids(engine, 2, C))).toMatchObject({ code: 'ARGUMENT' });
      expect(await failure(() => new SinusoidalPositions(engine, C))).toMatchObject({ code: 'ARGUMENT' });
    }
  });

  it("of tensor2tensor's layout turn at rates from 1 to 1 / 10000, behind an offset; −1 is no position", () => {
    engine.scope(() => {
      for (const C of [8, 7, 2]) {
        const half = Math.floor(C / 2);
        const rate = (i: number) => 10_000 ** (-i / Math.max(1, half - 1));
        const rows = new SinusoidalPositions(engine, C, 'tensor2tensor', 2);
        const at = (t: number) => {
          const angles = Array.from({ length: half }, (_, i) => (t + 2) * rate(i));
          return [...angles.map(Math.sin), ...angles.map(Math.cos), ...(C % 2 ? [0] : [])];
        };
        const near = (got: ArrayLike<number>, want: readonly number[]) => {
          expect(got).toHaveLength(want.length);
          for (const [i, x] of want.entries()) expect(Math.abs(x - (got[i] as number))).toBeLessThan(1e-6);
        };
        near(rows.forward(2, 3).toHost().data, [...at(3), ...at(4)]);
        near(rows.at(tensor(engine, Int32Array.from([0, 5, -1]), [1, 3])).toHost().data, [...at(0), ...at(5), ...new Array(C).fill(0)]);
      }
    });
  });

  it('of odd channels end with a sine', () => {
    engine.scope(() => {
      for (const layout of ['interleaved', 'halves'] as const) {
        const row = Array.from(sinusoids(engine, 1, 5, 3, layout).toHost().data);
        const angles = [0, 1, 2].map((i) => 3 / 10_000 ** ((2 * i) / 5));
        const [sines, cosines] = [angles.map(Math.sin), angles.slice(0, 2).map(Math.cos)];
        const want = layout === 'halves' ? [...sines, ...cosines] : [0, 1, 2, 3, 4].map((i) => (i % 2 ? cosines : sines)[i >> 1] as number);
        for (const [i, x] of want.entries()) expect(Math.abs(x - (row[i] as number))).toBeLessThan(1e-6);
      }
    });
  });
});

describe('learned positions', () => {
  it('begin behind their offset, and end', async () => {
    const positions = new LearnedPositions(engine, 5, 4, 2);
    const { weight } = fill(positions);
    expect(weight?.dims).toEqual([7, 4]);
    engine.scope(() => {
      expect(Array.from(positions.forward(2, 3).toHost().data)).toEqual(Array.from(weight?.data ?? []).slice(20, 28));
    });
    expect(await failure(() => positions.forward(3, 3))).toMatchObject({ code: 'ARGUMENT', culprit: 'positions' });
    positions.dispose();
  });
});

describe('relative positions', () => {
  interface Buckets {
    bidirectional: boolean;
    buckets: number;
    maxDistance: number;
    first: number;
    rows: number[];
  }
  const cases: Buckets[] = JSON.parse(
    readFileSync(fileURLToPath(new URL('../fixtures/hf/relative_buckets.json', import.meta.url)), 'utf8'),
  );

  it.each(cases.map(({ rows, first, ...options }) => [options, first, rows] as const))(
    "fall into transformers' buckets: %o",
    (options, first, rows) => {
      expect(rows.map((_, i) => bucketOf(first + i, options))).toEqual(rows);
    },
  );

  it('are numbers of the head and the bucket, for queries that stand anywhere', () => {
    const options = { buckets: 8, maxDistance: 16, bidirectional: true };
    const bias = new RelativeBias(engine, 3, options);
    const table = Array.from(fill(bias).weight?.data ?? []);
    engine.scope(() => {
      const [T, S, from] = [2, 9, 4];
      const got = bias.forward(T, S, from).toHost();
      expect(got.dims).toEqual([1, 3, T, S]);
      const want = [0, 1, 2].flatMap((h) =>
        [4, 5].flatMap((query) => Array.from({ length: S }, (_, key) => table[bucketOf(key - query, options) * 3 + h])),
      );
      expect(Array.from(got.data)).toEqual(want);
    });
    bias.dispose();
  });

  it('of more tokens than memory holds are an error that says so', async () => {
    const bias = new RelativeBias(engine, 2);
    fill(bias);
    expect(await failure(() => engine.scope(() => bias.forward(50_000, 50_000)))).toMatchObject({ code: 'MEMORY' });
    bias.dispose();
  });

  it('need buckets for near and far', async () => {
    for (const options of [
      { buckets: 3 },
      { buckets: 7.5 },
      { buckets: 32, maxDistance: 8 },
      { buckets: 32, maxDistance: 16, bidirectional: false },
      { maxDistance: Number.NaN },
    ])
      expect(await failure(() => new RelativeBias(engine, 2, options))).toMatchObject({ code: 'ARGUMENT' });
  });
});

describe('rotary ones', () => {
  it('turn heads by the table, and compute a row once', () => {
    const positions = new RotaryPositions(engine, 6, 500);
    engine.scope(() => {
      for (const T of [3, 9, 2]) {
        const x = tensor(
          engine,
          Float32Array.from({ length: 2 * T * 6 }, (_, i) => Math.sin(i)),
          [1, 2, T, 6],
        );
        const turn = positions.forward(T);
        expect(turn(x).toHost()).toEqual(rotary(x, rotaryTable(engine, T, 6, 500)).toHost());
        turn.dispose();
        expect(() => turn(x)).toThrow();
      }
    });
    expect(() => new RotaryPositions(engine, 5)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }));
  });
});

describe('counted ones', () => {
  it('are those of tokens, row by row; padding stands before the first', () => {
    const count = countingAllBut(1);
    expect(count(Int32Array.of(5, 6, 7, 8), 2)).toBeUndefined();
    expect(Array.from(count(Int32Array.of(1, 1, 5, 6, 5, 1, 6, 1, 7, 8, 9, 4), 4) ?? [])).toEqual([-1, -1, 0, 1, 0, -1, 1, -1, 0, 1, 2, 3]);
  });
});
