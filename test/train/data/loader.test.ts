import { describe, expect, it } from 'vitest';
import { DataLoader, type DataLoaderOptions } from '../../../dist/train/data/loader.js';
import { WeightedRandomSampler } from '../../../dist/train/data/sampler.js';
import fc from '../../draws.js';
import { failureOf } from '../../io/memory.js';

type Options = DataLoaderOptions<number, readonly number[]>;

const numbers = (length: number) => ({ length, get: (i: number) => i });
async function* stream(length: number) {
  for (let i = 0; i < length; i++) yield i;
}
const all = async <T>(batches: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
};
const sorted = (batches: readonly (readonly number[])[]) => batches.flat().sort((a, b) => a - b);
const range = (length: number) => Array.from({ length }, (_, i) => i);
/** Lengths that have nothing to do with the order. */
const lengthOf = (i: number) => (i * 7919) % 97;

const anyOptions: fc.Arbitrary<Options> = fc.record({
  batchSize: fc.integer({ min: 1, max: 7 }),
  shuffle: fc.boolean(),
  seed: fc.maxSafeInteger(),
  dropLast: fc.boolean(),
  bucketing: fc.option(fc.record({ length: fc.constant(lengthOf), batches: fc.integer({ min: 1, max: 4 }) }), { nil: undefined }),
});

describe('an epoch', () => {
  it('has every example exactly once, but for what dropLast leaves out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(60), anyOptions, fc.nat(1000), async (length, options, epoch) => {
        const loader = new DataLoader(numbers(length), options);
        const batches = await all(loader.epoch(epoch));
        expect(batches).toHaveLength(loader.length as number);
        const { batchSize = 1, dropLast } = options;
        const partial = batches.filter((batch) => batch.length !== batchSize);
        expect(partial.map((batch) => batch.length)).toEqual(dropLast || length % batchSize === 0 ? [] : [length % batchSize]);
        const kept = sorted(batches);
        if (dropLast) expect(new Set(kept).size).toBe(length - (length % batchSize));
        else expect(kept).toEqual(range(length));
      }),
    );
  });

  it('goes on at any batch as if it had not been interrupted', async () => {
    const any = fc.tuple(fc.nat(60), fc.nat(40), fc.nat(1000), fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }));
    await fc.assert(
      fc.asyncProperty(any, anyOptions, async ([length, at, epoch, shuffleBuffer], { bucketing, ...options }) => {
        const make = (): DataLoader<number>[] => [
          new DataLoader(numbers(length), { ...options, bucketing }),
          new DataLoader(() => stream(length), { ...options, shuffle: options.shuffle && !!shuffleBuffer, shuffleBuffer }),
        ];
        for (const [i, loader] of make().entries()) {
          const whole = await all(loader.epoch(epoch));
          const from = Math.min(at, whole.length);
          expect(await all((make()[i] as DataLoader<number>).epoch(epoch, { from }))).toEqual(whole.slice(from));
        }
      }),
    );
  });

  it('of a dataset asks for no example that is not needed', async () => {
    const asked: number[] = [];
    const loader = new DataLoader({ length: 10, get: (i: number) => asked.push(i) }, { batchSize: 2 });
    for await (const _ of loader.epoch(0, { from: 3 })) break;
    expect(asked).toEqual([6, 7]);
  });

  it('keeps the order unless shuffled, and is shuffled another way each time', async () => {
    const plain = new DataLoader(range(5), { batchSize: 2 });
    expect([await all(plain), await all(plain)]).toEqual([
      [[0, 1], [2, 3], [4]],
      [[0, 1], [2, 3], [4]],
    ]);
    const shuffled = new DataLoader(range(20), { shuffle: true, seed: 4 });
    const [first, second] = [await all(shuffled), await all(shuffled)];
    expect(first).not.toEqual(second);
    expect([first, second]).toEqual([await all(shuffled.epoch(0)), await all(shuffled.epoch(1))]);
    expect(first).not.toEqual(await all(new DataLoader(range(20), { shuffle: true, seed: 5 }).epoch(0)));
  });

  it('is the same in every release and runtime', () => {
    const loader = new DataLoader(range(12), { batchSize: 3, shuffle: true, seed: 1, bucketing: { length: lengthOf, batches: 2 } });
    expect(loader.plan(3).map((batch) => [...batch])).toMatchInlineSnapshot(`
      [
        [
          4,
          9,
          6,
        ],
        [
          2,
          1,
          3,
        ],
        [
          11,
          8,
          5,
        ],
        [
          0,
          10,
          7,
        ],
      ]
    `);
  });
});

describe('bucketing', () => {
  it('sorts chunks of batches by length', async () => {
    const options = { batchSize: 2, bucketing: { length: (i: number) => -i, batches: 2 } };
    expect(await all(new DataLoader(range(7), options))).toEqual([[3, 2], [1, 0], [6, 5], [4]]);
  });

  it('leaves batches of neighbours in length, in a random order', () => {
    const bucketing = { length: lengthOf, batches: 10 };
    const loader = new DataLoader(range(1000), { batchSize: 10, shuffle: true, bucketing });
    const spread = (batches: readonly Int32Array[]) =>
      batches.reduce((sum, batch) => sum + Math.max(...batch.map(lengthOf)) - Math.min(...batch.map(lengthOf)), 0) / batches.length;
    const plan = loader.plan(0);
    expect(spread(plan)).toBeLessThan(15);
    expect(spread(new DataLoader(range(1000), { batchSize: 10, shuffle: true }).plan(0))).toBeGreaterThan(60);
    const firsts = plan.map((batch) => lengthOf(batch[0] as number));
    const rises = firsts.slice(1).filter((length, i) => length > (firsts[i] as number)).length;
    expect(rises).toBeLessThan(70);
  });

  it('asks for each length once', async () => {
    let asked = 0;
    const loader = new DataLoader(range(9), { shuffle: true, bucketing: { length: () => asked++ } });
    await all(loader);
    await all(loader);
    expect(asked).toBe(9);
  });
});

describe('a sampler', () => {
  it('decides which examples an epoch has', async () => {
    const loader = new DataLoader(['a', 'b'], { batchSize: 5, sampler: new WeightedRandomSampler([0, 1], 12) });
    expect(loader.length).toBe(3);
    expect((await all(loader)).map((batch) => batch.join(''))).toEqual(['bbbbb', 'bbbbb', 'bb']);
  });

  it('of another dataset is found out', async () => {
    const loader = new DataLoader(['a'], { sampler: new WeightedRandomSampler([0, 1]) });
    expect(await failureOf(() => all(loader))).toMatchObject({ code: 'ARGUMENT', culprit: 'sampler' });
  });
});

describe('a stream', () => {
  it('is cut into batches as it comes', async () => {
    const loader = new DataLoader(() => stream(5), { batchSize: 2 });
    expect(loader.length).toBeUndefined();
    expect(await all(loader)).toEqual([[0, 1], [2, 3], [4]]);
    expect(await all(new DataLoader(() => stream(5), { batchSize: 2, dropLast: true }))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(await all(new DataLoader(() => stream(0)))).toEqual([]);
  });

  it('is shuffled within its buffer, each example once', async () => {
    const loader = new DataLoader(() => stream(50), { shuffle: true, shuffleBuffer: 8 });
    const [first, second] = [(await all(loader)).flat(), (await all(loader)).flat()];
    expect(first).not.toEqual(range(50));
    expect(first).not.toEqual(second);
    expect(sorted([first])).toEqual(range(50));
    // Nothing comes before it can have been read.
    first.forEach((example, i) => {
      expect(example).toBeLessThanOrEqual(i + 8);
    });
  });

  it('that is a generator can be read once', async () => {
    const loader = new DataLoader(stream(3));
    expect(await all(loader)).toHaveLength(3);
    expect(await failureOf(() => all(loader))).toMatchObject({
      code: 'ARGUMENT',
      culprit: 'data',
      cure: expect.stringContaining('function'),
    });
  });

  it('is closed where the loop ends early', async () => {
    let closed = 0;
    async function* source() {
      try {
        yield* stream(100);
      } finally {
        closed++;
      }
    }
    for (const options of [{}, { shuffle: true, shuffleBuffer: 3 }]) for await (const _ of new DataLoader(source, options)) break;
    expect(closed).toBe(2);
  });
});

it('collates', async () => {
  const loader = new DataLoader([3, 4, 5], { batchSize: 2, collate: (examples) => examples.reduce((a, b) => a + b, 0) });
  expect(await all(loader)).toEqual([7, 5]);
});

describe('a loader refuses', () => {
  it.each([
    ['a batch of none', () => new DataLoader([1], { batchSize: 0 }), 'ARGUMENT', 'batchSize'],
    ['half a batch', () => new DataLoader([1], { batchSize: 1.5 }), 'ARGUMENT', 'batchSize'],
    ['a seed that is none', () => new DataLoader([1], { seed: 0.5 }), 'ARGUMENT', 'seed'],
    ['chunks of none', () => new DataLoader([1], { bucketing: { length: () => 1, batches: 0 } }), 'ARGUMENT', 'bucketing.batches'],
    ['an unknown option', () => new DataLoader([1], { numWorkers: 2 } as never), 'UNSUPPORTED', 'numWorkers'],
    ['two orders', () => new DataLoader([1], { shuffle: true, sampler: new WeightedRandomSampler([1]) }), 'ARGUMENT', 'sampler'],
    ['data that is none', () => new DataLoader({ length: 3 } as never), 'ARGUMENT', 'data'],
    ['nothing for data', () => new DataLoader(undefined as never), 'ARGUMENT', 'data'],
    ['to shuffle a stream as a whole', () => new DataLoader(() => stream(1), { shuffle: true }), 'ARGUMENT', 'shuffleBuffer'],
    ['to bucket a stream', () => new DataLoader(() => stream(1), { bucketing: { length: () => 1 } }), 'UNSUPPORTED', 'bucketing'],
    ['to sample a stream', () => new DataLoader(() => stream(1), { sampler: new WeightedRandomSampler([1]) }), 'UNSUPPORTED', 'sampler'],
    ['to plan a stream', () => new DataLoader(() => stream(1)).plan(0), 'UNSUPPORTED', 'data'],
    ['an epoch before the first', () => new DataLoader([1]).epoch(-1), 'ARGUMENT', 'epoch'],
    ['a batch after the last', () => new DataLoader([1]).epoch(0, { from: 2 }), 'ARGUMENT', 'from'],
  ] as [string, () => unknown, string, string][])('%s', async (_, run, code, culprit) => {
    expect(await failureOf(run)).toMatchObject({ code, culprit });
  });
});
