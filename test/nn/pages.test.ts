/** Pages of keys and values: rows of any lengths have in one batch the bits that they have alone, share what they have in common, and give it back. */
import { KVCache } from 'heed/nn';
import { narrow, tensor as place } from 'heed/ops';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type EngineTensor as Tensor } from '../../dist/entry/node.js';
import type { PageDtype } from '../../dist/nn/pages.js';
import { cachedAttention } from '../../dist/ops/attention.js';
import { Random } from '../cases/random.js';
import { failureOf } from '../io/memory.js';
import {
  atOnce,
  cases,
  lengths,
  longest,
  numbers,
  type Options,
  part,
  rowOf,
  type Sizes,
  spoil,
  square,
  stacked,
  together,
} from './cached_rows.js';

const engines: Engine[] = [];
let engine: Engine;
beforeAll(async () => {
  for (const threads of [1, 2, 4]) engines.push(await createEngine({ threads, deterministic: true, inlineBelow: 0 }));
  engine = engines[1] as Engine;
});
afterAll(() => Promise.all(engines.map((each) => each.dispose())));

describe('rows of different lengths', () => {
  it.each(cases)('have the bits that each has alone, at once: %i queries, %o, %o', (T, sizes, options) => {
    spoil(engine);
    const found = together(engine, lengths, T, sizes, options);
    for (const [i, S] of lengths.entries()) expect(found[i]).toEqual(atOnce(engine, i + 1, S, T, longest, sizes, options));
  });

  it('take slopes and masks, whose keys are those of the longest row', () => {
    const [T, S] = [2, longest + 2];
    const random = new Random(9);
    const [slopes, mask] = [random.floats([2]), random.floats([1, 2, T, S], 3)];
    const options = (own: number): Options => ({
      isCausal: true,
      alibiSlopes: place(engine, slopes.data, slopes.dims),
      attnMask: narrow(place(engine, mask.data, mask.dims), 3, 0, own),
    });
    engine.scope(() => {
      const found = together(engine, lengths, T, square, options(S));
      for (const [i, own] of lengths.entries()) expect(found[i]).toEqual(atOnce(engine, i + 1, own, T, longest, square, options(own + T)));
    });
  });

  it('take as many keys as each is given', () => {
    engine.scope(() => {
      const counts = [5, 0, 3];
      const rows = [1, 2, 3].map((seed) => rowOf(engine, seed, square, 0, 5));
      const cache = new KVCache(engine);
      const [k, v, q] = (['key', 'value', 'query'] as const).map((name) =>
        stacked(
          engine,
          rows.map((row) => row[name]),
        ),
      ) as [Tensor, Tensor, Tensor];
      cache.append(k, v, counts);
      cache.append(k, v, [1, 2, 0]);
      expect(cache).toMatchObject({ length: 6, lengths: [6, 2, 3] });
      const { output } = cachedAttention(q, cache.panels);
      for (const [i, pieces] of [[5, 1], [0, 2], [3]].entries()) {
        const alone = new KVCache(engine);
        const { key, value, query } = rows[i] as (typeof rows)[number];
        for (const count of pieces) alone.append(part(key, 0, count), part(value, 0, count));
        expect(numbers(narrow(output, 0, i, 1))).toEqual(numbers(cachedAttention(query, alone.panels).output));
        alone.dispose();
      }
      cache.dispose();
    });
  });

  it('give zeros where a row holds no key', () => {
    engine.scope(() => {
      const { key, value, query } = rowOf(engine, 1, square, 0, 1);
      const cache = new KVCache(engine);
      cache.append(key, value, [0]);
      expect(cache.lengths).toEqual([0]);
      expect(numbers(cachedAttention(query, cache.panels).output)).toEqual(Array(16).fill(0));
      cache.dispose();
    });
  });
});

describe('pages', () => {
  const bytes = 128 * 2 * (8 + 8) * 4;

  it('are shared by rows with a common beginning until these go on, and given back with the last of them', () => {
    const before = engine.memory();
    engine.scope(() => {
      const { key, value, query } = rowOf(engine, 1, square, 200, 1);
      const [cache, prompt] = [new KVCache(engine), new KVCache(engine)];
      prompt.append(part(key, 0, 200), part(value, 0, 200));
      const look = () => numbers(cachedAttention(query, prompt.panels).output);
      const [told, { used }] = [look(), engine.memory()];
      for (let i = 0; i < 3; i++) cache.join(prompt);
      expect(engine.memory().used).toBe(used);
      const next = [2, 3, 4].map((seed) => rowOf(engine, seed, square, 0, 1));
      const [k, v] = [
        stacked(
          engine,
          next.map((row) => row.key),
        ),
        stacked(
          engine,
          next.map((row) => row.value),
        ),
      ];
      const started = engine.memory().used;
      cache.append(k, v);
      // Each has a page of its own behind the first, and there is a table.
      expect(engine.memory().used - started).toBe(3 * bytes + 128);
      expect(look()).toEqual(told);
      prompt.dispose();
      for (const [i, { key: own, value: ownValue }] of next.entries()) {
        const alone = new KVCache(engine);
        alone.append(part(key, 0, 200), part(value, 0, 200));
        alone.append(own, ownValue);
        const [one, all] = [cachedAttention(query, alone.panels), cachedAttention(stacked(engine, [query, query, query]), cache.panels)];
        expect(numbers(narrow(all.output, 0, i, 1))).toEqual(numbers(one.output));
        alone.dispose();
      }
      cache.dispose();
    });
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });

  it('are not copied by growing, beyond a small first one', () => {
    engine.scope(() => {
      const { key, value } = rowOf(engine, 1, square, 0, 1);
      const cache = new KVCache(engine);
      const [sizes, { used, storages }] = [[] as number[], engine.memory()];
      for (let n = 1; n <= 257; n++) {
        cache.append(key, value);
        sizes.push((engine.memory().used - used - 64) / (bytes / 128));
      }
      expect([1, 8, 9, 32, 33, 64, 65, 128, 129, 256, 257].map((n) => sizes[n - 1])).toEqual([
        8, 8, 32, 32, 64, 64, 128, 128, 256, 256, 384,
      ]);
      expect(engine.memory().storages - storages).toBe(4);
      cache.truncate(128);
      expect(engine.memory().storages - storages).toBe(2);
      cache.dispose();
      expect(engine.memory()).toMatchObject({ used, storages });
    });
  });

  it('leave a cache as it was when there is no room for more', async () => {
    const small = await createEngine({ threads: 1, deterministic: true, memory: { maximum: 4 << 20 } });
    const sizes: Sizes = { H: 4, G: 4, D: 64, Dv: 64 };
    small.scope(() => {
      const cache = new KVCache(small);
      const { key, value, query } = rowOf(small, 1, sizes, 90, 10);
      cache.append(part(key, 0, 90), part(value, 0, 90));
      cache.reorder([0, 0]);
      const [k, v, q] = [key, value, query].map((x) => stacked(small, [x, x])) as [Tensor, Tensor, Tensor];
      const [more, moreValues] = [part(k, 0, 40), part(v, 0, 40)];
      const look = () => small.scope(() => numbers(cachedAttention(q, cache.panels).output));
      const told = look();
      // Memory has room for one page more, and two rows need one each.
      const page = 128 * 4 * (64 + 64) * 4;
      const fillers = [];
      try {
        for (;;) fillers.push(small.heap.allocate(page));
      } catch (error) {
        expect(error).toMatchObject({ code: 'MEMORY' });
      }
      fillers.pop()?.free();
      expect(() => cache.append(more, moreValues)).toThrow(/The engine needs/);
      expect(cache.lengths).toEqual([90, 90]);
      for (const filler of fillers) filler.free();
      expect(look()).toEqual(told);
      cache.append(more, moreValues);
      expect(cache.lengths).toEqual([130, 130]);
      cache.dispose();
    });
    await small.dispose();
  });

  it('are refused where they do not fit', async () => {
    const failure = (run: () => unknown) => failureOf(async () => engine.scope(() => void run()));
    const made = (sizes: Sizes, dtype: PageDtype = 'float32', on = engine) => {
      const cache = new KVCache(on, { dtype });
      on.scope(() => {
        const { key, value } = rowOf(on, 1, sizes, 0, 2);
        cache.append(key, value);
      });
      return cache;
    };
    const [cache, other, bits] = [made(square), made({ ...square, D: 4 }), made(square, 'int8')];
    const far = made(square, 'float32', engines[0]);
    expect(await failure(() => cache.join(other))).toMatchObject({ code: 'SHAPE', culprit: 'other' });
    expect(await failure(() => cache.join(bits))).toMatchObject({ code: 'DTYPE', culprit: 'other' });
    expect(await failure(() => new KVCache(engine).join(bits))).toMatchObject({ code: 'DTYPE', culprit: 'other' });
    expect(await failure(() => cache.join(far))).toMatchObject({ code: 'ARGUMENT', culprit: 'other' });
    expect(await failure(() => cache.join(cache, [1]))).toMatchObject({ code: 'ARGUMENT', culprit: 'rows' });
    expect(await failure(() => new KVCache(engine, { dtype: 'int4' as PageDtype }))).toMatchObject({ code: 'ARGUMENT', culprit: 'dtype' });
    const { key, value } = rowOf(engine, 1, square, 0, 2);
    for (const counts of [[3], [-1], [1, 1], [0.5]])
      expect(await failure(() => cache.append(key, value, counts))).toMatchObject({ code: 'ARGUMENT', culprit: 'counts' });
    for (const wrong of [[1, 1], [3], [-1], 'all' as unknown as number])
      expect(await failure(() => cache.truncate(wrong))).toMatchObject({ code: 'ARGUMENT', culprit: 'length' });
    expect(cache.lengths).toEqual([2]);
    for (const each of [cache, other, bits, far, key, value]) each.dispose();
  });
});
