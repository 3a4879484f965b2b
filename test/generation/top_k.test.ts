/** The largest of many numbers equal those of a sort of all. */

import { describe, expect, it } from 'vitest';
import { descending, kthLargest } from '../../dist/generation/top_k.js';
import fc from '../draws.js';

const numbers = fc.array(fc.oneof(fc.constantFrom(Number.NEGATIVE_INFINITY, 0, 1), fc.float({ noNaN: true, max: 100 })), {
  maxLength: 1500,
  size: 'max',
});

describe('the largest numbers', () => {
  it('come in the order of a sort: of equals the lower key, and no −∞', () => {
    fc.assert(
      fc.property(numbers, (list) => {
        const sorted = [...list.keys()]
          .filter((i) => list[i] !== Number.NEGATIVE_INFINITY)
          .sort((a, b) => (list[a] === list[b] ? a - b : Number(list[b]) - Number(list[a])));
        expect([...descending(Float32Array.from(list))]).toEqual(sorted);
      }),
    );
  });

  it('have a k-th one, −∞ where there are fewer', () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 40 }), (list, k) => {
        const sorted = [...list].sort((a, b) => b - a);
        expect(kthLargest(Float32Array.from(list), k)).toBe(k >= list.length ? Number.NEGATIVE_INFINITY : sorted[k - 1]);
      }),
    );
  });
});
