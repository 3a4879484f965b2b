import { describe, expect, it } from 'vitest';
import { Random } from '../../../dist/train/data/random.js';
import { classWeights, WeightedRandomSampler } from '../../../dist/train/data/sampler.js';
import { failureOf } from '../../io/memory.js';

const countsOf = (drawn: Int32Array, of: number) => Array.from({ length: of }, (_, i) => drawn.filter((other) => other === i).length);

describe('a weighted sampler', () => {
  it('draws in proportion to weights, and what has none never', () => {
    const sampler = new WeightedRandomSampler([0, 1, 0, 3, 6, 0], 50_000);
    const counts = countsOf(sampler.draw(new Random(1)), 6);
    expect([counts[0], counts[2], counts[5]]).toEqual([0, 0, 0]);
    for (const [i, share] of [
      [1, 0.1],
      [3, 0.3],
      [4, 0.6],
    ] as const)
      expect((counts[i] as number) / 50_000).toBeCloseTo(share, 1.9);
  });

  it('draws as many examples as there are unless told otherwise', () => {
    expect(new WeightedRandomSampler([1, 1, 1]).draw(new Random(1))).toHaveLength(3);
    expect(new WeightedRandomSampler([1], 0).draw(new Random(1))).toHaveLength(0);
  });

  it('gives every class the same share', () => {
    const labels = [0, 0, 0, 0, 0, 0, 0, 2, 2, 3];
    const drawn = WeightedRandomSampler.balanced(labels, 30_000).draw(new Random(2));
    const counts = countsOf(
      drawn.map((i) => labels[i] as number),
      4,
    );
    expect(counts[1]).toBe(0);
    for (const i of [0, 2, 3]) expect(Math.abs((counts[i] as number) - 10_000)).toBeLessThan(400);
  });

  it.each([
    ['no weights', [], undefined],
    ['only zeros', [0, 0], undefined],
    ['a negative weight', [1, -1], undefined],
    ['a weight that is no number', [1, Number.NaN], undefined],
    ['an endless weight', [1, Number.POSITIVE_INFINITY], undefined],
    ['weights whose sum is endless', [1e308, 1e308], undefined],
    ['half an example', [1], 0.5],
  ])('refuses %s', async (_, weights, length) => {
    expect(await failureOf(() => new WeightedRandomSampler(weights, length))).toMatchObject({ code: 'ARGUMENT' });
  });
});

describe('class weights', () => {
  it('are examples / (classes x examples of the class)', () => {
    expect([...classWeights([0, 0, 0, 1])]).toEqual([4 / 6, 2]);
    expect([...classWeights([2, 0, 2, 2])]).toEqual([2, 0, 4 / 6]);
    expect([...classWeights([1], 3)]).toEqual([0, 1, 0]);
    expect([...classWeights([])]).toEqual([]);
  });

  it('keep the mean weight of an example at 1', () => {
    const labels = [4, 1, 1, 1, 0, 0, 1, 4, 1];
    const weights = classWeights(labels);
    expect(labels.reduce((sum, label) => sum + (weights[label] as number), 0) / labels.length).toBeCloseTo(1, 12);
  });

  it.each([[[-1]], [[0.5]], [[2 ** 30]]])('refuse %j', async (labels) => {
    expect(await failureOf(() => classWeights(labels))).toMatchObject({ code: 'ARGUMENT', culprit: 'labels' });
  });
});
