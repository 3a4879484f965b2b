/** Which rows go together: every row once, within the budget, at the least cost. */
import { describe, expect, it } from 'vitest';
import { batchesOf } from '../../dist/text/rows.js';
import { Random } from '../cases/random.js';

const rowsOf = (lengths: readonly number[]) => lengths.map((length, index) => ({ index, ids: new Array<number>(length).fill(1) }));
const lengthsOf = (batches: readonly (readonly { ids: number[] }[])[]) => batches.map((batch) => batch.map(({ ids }) => ids.length));
const costOf = (batches: number[][], cost: number) => batches.reduce((sum, batch) => sum + batch.length * (batch[0] as number) + cost, 0);

/** The least cost of all ways to cut sorted rows. */
function leastCost(sorted: readonly number[], tokens: number, cost: number): number {
  if (sorted.length === 0) return 0;
  const ways = sorted.map((_, i) => i + 1).filter((n) => n === 1 || n * (sorted[0] as number) <= tokens);
  return Math.min(...ways.map((n) => n * (sorted[0] as number) + cost + leastCost(sorted.slice(n), tokens, cost)));
}

describe('batches of rows', () => {
  it('are as few as the budget allows by default, with the least padding', () => {
    expect(lengthsOf(batchesOf(rowsOf([3, 9, 4, 8]), 16))).toEqual([[9], [8], [4, 3]]);
    expect(batchesOf(rowsOf([3, 9, 4, 8]), 40)).toHaveLength(1);
  });

  it('part where padding would cost more than a batch', () => {
    expect(lengthsOf(batchesOf(rowsOf([2, 20, 2, 20]), 100, 8))).toEqual([
      [20, 20],
      [2, 2],
    ]);
    expect(lengthsOf(batchesOf(rowsOf([19, 20, 20, 19]), 100, 8))).toEqual([[20, 20, 19, 19]]);
  });

  it('hold a row that is longer than the budget by itself, and no rows in no batch', () => {
    expect(lengthsOf(batchesOf(rowsOf([50, 3]), 16, 1))).toEqual([[50], [3]]);
    expect(batchesOf([], 16)).toEqual([]);
  });

  it('have every row once, longest first, and cost the least that there is', () => {
    const random = new Random(5);
    for (let round = 0; round < 50; round++) {
      const lengths = Array.from(random.floats([1 + (round % 9)]).data, (x) => 1 + Math.floor(Math.abs(x) * 20));
      const jobs = rowsOf(lengths);
      const batches = batchesOf(jobs, 64, round % 17);
      expect(
        batches
          .flat()
          .map(({ index }) => index)
          .sort((a, b) => a - b),
      ).toEqual(jobs.map(({ index }) => index));
      const sorted = [...lengths].sort((a, b) => b - a);
      expect(lengthsOf(batches).flat()).toEqual(sorted);
      expect(costOf(lengthsOf(batches), round % 17)).toBe(leastCost(sorted, 64, round % 17));
    }
  });
});
