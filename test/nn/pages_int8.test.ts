/** Pages of int8: close to float32, and the same bits whatever the threads and the batch. */
import { KVCache } from 'heed/nn';
import { tensor as place } from 'heed/ops';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import type { PageDtype } from '../../dist/nn/pages.js';
import { cachedAttention } from '../../dist/ops/attention.js';
import { cases, lengths, numbers, rowOf, spoil, together } from './cached_rows.js';

const engines: Engine[] = [];
let engine: Engine;
beforeAll(async () => {
  for (const threads of [1, 2, 4]) engines.push(await createEngine({ threads, deterministic: true, inlineBelow: 0 }));
  engine = engines[1] as Engine;
});
afterAll(() => Promise.all(engines.map((each) => each.dispose())));

describe('pages of int8', () => {
  it.each(cases)('have the same bits for every number of threads, alone and together: %i queries, %o, %o', (T, sizes, options) => {
    const [one, ...more] = engines.map((on) => {
      spoil(on);
      return together(on, lengths, T, sizes, options, 'int8');
    });
    for (const other of more) expect(other).toEqual(one);
    for (const [i, S] of lengths.entries()) {
      // The last of i + 1 rows that hold nothing, but for itself.
      const alone = together(engine, [...Array(i).fill(0), S], T, sizes, options, 'int8')[i];
      expect(alone?.output).toEqual(one?.[i]?.output);
    }
  });

  it.each(cases)('come close to float32: %i queries, %o, %o', (T, sizes, options) => {
    const [wanted, found] = (['float32', 'int8'] as const).map((dtype) => together(engine, lengths, T, sizes, options, dtype)) as [
      ReturnType<typeof together>,
      ReturnType<typeof together>,
    ];
    const errors = found.flatMap(({ output }, i) => output.map((y, c) => y - (wanted[i]?.output[c] as number)));
    const sizesOf = wanted.flatMap(({ output }) => output);
    const norm = (xs: readonly number[]) => Math.sqrt(xs.reduce((sum, x) => sum + x * x, 0));
    expect(errors.some((error) => error !== 0)).toBe(true);
    expect(norm(errors) / norm(sizesOf)).toBeLessThan(0.015);
  });

  it('are within half a step of each number, and keep zeros, extremes, and what is no number', () => {
    engine.scope(() => {
      const rows = [
        [0, 0, 0],
        [127, -127, 1],
        [1e-38, 0, -1e-38],
        [3e38, -3e38, 1],
        [0.3, -0.7, 0.1],
        [Number.NaN, 1, 2],
      ];
      for (const row of rows) {
        const cache = new KVCache(engine, { dtype: 'int8' });
        const [key, value] = [place(engine, new Float32Array(3), [1, 1, 1, 3]), place(engine, Float32Array.from(row), [1, 1, 1, 3])];
        cache.append(key, value);
        // One key has all the weight: its value comes back.
        const found = numbers(cachedAttention(key, cache.panels).output);
        const most = Math.max(...row.map(Math.abs));
        if (Number.isNaN(most)) expect(found).toEqual([Number.NaN, Number.NaN, Number.NaN]);
        else
          for (const [c, x] of row.entries()) expect(Math.abs((found[c] as number) - x)).toBeLessThanOrEqual((most / 254) * 1.0001 + 1e-38);
        if (row[0] === 127) expect(found).toEqual(row);
        cache.dispose();
      }
    });
  });

  it('take 4 D + 4 Dv bytes a key down to D + Dv + 8', () => {
    const taken = (dtype: PageDtype) =>
      engine.scope(() => {
        const sizes = { H: 2, G: 2, D: 64, Dv: 64 };
        const { key, value } = rowOf(engine, 1, sizes, 0, 128);
        const { used } = engine.memory();
        const cache = new KVCache(engine, { dtype });
        cache.append(key, value);
        const bytes = engine.memory().used - used - 64;
        cache.dispose();
        return bytes;
      });
    expect([taken('float32'), taken('int8')]).toEqual([2 * 128 * 512, 2 * 128 * 136]);
  });
});
