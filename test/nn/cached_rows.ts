/** Rows of keys and values for tests of caches: many in one batch, and each at once, without a cache. */
import { KVCache } from 'heed/nn';
import { attentionWithWeights, narrow, tensor as place } from 'heed/ops';
import { expect } from 'vitest';
import type { Engine, EngineTensor as Tensor } from '../../dist/entry/node.js';
import type { PageDtype } from '../../dist/nn/pages.js';
import { cachedAttention } from '../../dist/ops/attention.js';
import { contiguous } from '../../dist/ops/index.js';
import { Random } from '../cases/random.js';

export interface Sizes {
  H: number;
  G: number;
  D: number;
  Dv: number;
}

export type Options = NonNullable<Parameters<typeof cachedAttention>[2]>;

export const numbers = (x: Tensor) => Array.from(contiguous(x).toHost().data);

/** Keys and values of a row [1, G, T, D] and [1, G, T, Dv], and its queries, which have them all before them: numbers of their own for each seed. */
export function rowOf(on: Engine, seed: number, { H, G, D, Dv }: Sizes, S: number, T: number) {
  const random = new Random(seed);
  const floats = (...dims: number[]) => place(on, random.floats(dims, 2).data, dims);
  return { key: floats(1, G, S + T, D), value: floats(1, G, S + T, Dv), query: floats(1, H, T, D) };
}

export const part = (x: Tensor, from: number, count: number) => narrow(x, 2, from, count);
export const stacked = (on: Engine, rows: readonly Tensor[]) =>
  place(on, Float32Array.from(rows.flatMap(numbers)), [rows.length, ...(rows[0] as Tensor).shape.slice(1)]);

/** What lies in fresh memory from now on is NaN. */
export function spoil(on: Engine): void {
  on.scope(() => void place(on, new Float32Array(1 << 20).fill(Number.NaN), [1 << 20]));
}

/** Rows that hold S keys each and then read T more, in one batch: outputs and weights of each. */
export function together(on: Engine, lengths: readonly number[], T: number, sizes: Sizes, options: Options, dtype: PageDtype = 'float32') {
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
export function atOnce(on: Engine, seed: number, S: number, T: number, longest: number, sizes: Sizes, options: Options) {
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

export const lengths = [1, 300, 127, 0, 128, 131, 40];
export const longest = Math.max(...lengths);
export const square: Sizes = { H: 2, G: 2, D: 8, Dv: 8 };
export const cases: readonly (readonly [T: number, sizes: Sizes, options: Options])[] = [
  [1, square, { isCausal: true }],
  [3, { H: 4, G: 1, D: 5, Dv: 5 }, { isCausal: true }],
  [33, { H: 6, G: 2, D: 13, Dv: 20 }, { isCausal: true, scale: 0.3 }],
  [7, { H: 3, G: 3, D: 1, Dv: 9 }, { window: [130, 1] }],
  [2, square, { isCausal: true, window: 5, softCap: 1 }],
  [1, { H: 1, G: 1, D: 16, Dv: 16 }, {}],
];
