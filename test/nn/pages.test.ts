/** Pages of keys and values: rows of any lengths have in one batch the bits that they have alone, share what they have in common, and give it back. */
import { KVCache } from 'heed/nn';
import { attentionWithWeights, narrow, tensor as place } from 'heed/ops';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type EngineTensor as Tensor } from '../../dist/entry/node.js';
import type { PageDtype } from '../../dist/nn/pages.js';
import { cachedAttention } from '../../dist/ops/attention.js';
import { contiguous } from '../../dist/ops/index.js';
import { Random } from '../cases/random.js';
import { failureOf } from '../io/memory.js';

const engines: Engine[] = [];
let engine: Engine;
beforeAll(async () => {
  for (const threads of [1, 2, 4]) engines.push(await createEngine({ threads, deterministic: true, inlineBelow: 0 }));
  engine = engines[1] as Engine;
});
afterAll(() => Promise.all(engines.map((each) => each.dispose())));

interface Sizes {
  H: number;
  G: number;
  D: number;
  Dv: number;
}

type Options = NonNullable<Parameters<typeof cachedAttention>[2]>;

const numbers = (x: Tensor) => Array.from(contiguous(x).toHost().data);

/** Keys and values of a row [1, G, T, D] and [1, G, T, Dv], and its queries, which have them all before them: numbers of their own for each seed. */
function rowOf(on: Engine, seed: number, { H, G, D, Dv }: Sizes, S: number, T: number) {
  const random = new Random(seed);
  const floats = (...dims: number[]) => place(on, random.floats(dims, 2).data, dims);
  return { key: floats(1, G, S + T, D), value: floats(1, G, S + T, Dv), query: floats(1, H, T, D) };
}

const part = (x: Tensor, from: number, count: number) => narrow(x, 2, from, count);
const stacked = (on: Engine, rows: readonly Tensor[]) =>
  place(on, Float32Array.from(rows.flatMap(numbers)), [rows.length, ...(rows[0] as Tensor).shape.slice(1)]);

/** What lies in fresh memory from now on is NaN. */
function spoil(on: Engine): void {
  on.scope(() => void place(on, new Float32Array(1 << 20).fill(Number.NaN), [1 << 20]));
}

/** Rows that hold S keys each and then read T more, in one batch: outputs and weights of each. */
function together(on: Engine, lengths: readonly number[], T: number, sizes: Sizes, options: Options, dtype: PageDtype = 'float32') {
  return on.scope(() => {
    const cache = new KVCache(on, { dtype });
    const rows = lengths.map((S, i) => rowOf(on, i + 1, sizes, S, T));
    for (const [i, { key, value }] of rows.entries()) {
      const alone = new KVCache(on, { dtype });
      const S = lengths[i] as number;
      // In two pieces, the second of which may cross into another page.
      for (const [from, count] of [
        [0, Math.ceil(S / 2)],
        [Math.ceil(S / 2), Math.floor(S / 2)],
      ] as const)
        alone.append(part(key, from, count), part(value, from, count));
      cache.join(alone);
      alone.dispose();
    }
    const last = (x: Tensor, i: number) => part(x, lengths[i] as number, T);
    const [k, v] = [rows.map(({ key }, i) => last(key, i)), rows.map(({ value }, i) => last(value, i))];
    cache.append(stacked(on, k), stacked(on, v));
    expect(cache.lengths).toEqual(lengths.map((S) => S + T));
    const query = stacked(
      on,
      rows.map((row) => row.query),
    );
    const { output, weights } = cachedAttention(query, cache.panels, { ...options, enableGqa: true }, true);
    const found = rows.map((_, i) => ({ output: numbers(narrow(output, 0, i, 1)), weights: numbers(narrow(weights as Tensor, 0, i, 1)) }));
    cache.dispose();
    return found;
  });
}

/** What a row gives when it is computed at once, without a cache. */
function atOnce(on: Engine, seed: number, S: number, T: number, longest: number, sizes: Sizes, options: Options) {
  return on.scope(() => {
    const { query, key, value } = rowOf(on, seed, sizes, S, T);
    const { output, weights } = attentionWithWeights(query, key, value, { ...options, queryOffset: S, enableGqa: true });
    const wide = Array.from({ length: sizes.H * T }, (_, r) => [
      ...numbers(weights).slice(r * (S + T), (r + 1) * (S + T)),
      ...Array(longest - S).fill(0),
    ]);
    return { output: numbers(output), weights: wide.flat() };
  });
}

const lengths = [1, 300, 127, 0, 128, 131, 40];
const longest = Math.max(...lengths);
const square: Sizes = { H: 2, G: 2, D: 8, Dv: 8 };
const cases: readonly (readonly [T: number, sizes: Sizes, options: Options])[] = [
  [1, square, { isCausal: true }],
  [3, { H: 4, G: 1, D: 5, Dv: 5 }, { isCausal: true }],
  [33, { H: 6, G: 2, D: 13, Dv: 20 }, { isCausal: true, scale: 0.3 }],
  [7, { H: 3, G: 3, D: 1, Dv: 9 }, { window: [130, 1] }],
  [2, square, { isCausal: true, window: 5, softCap: 1 }],
  [1, { H: 1, G: 1, D: 16, Dv: 16 }, {}],
];

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
