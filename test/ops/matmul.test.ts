/** The shapes of products, as torch.matmul has them. */
import { matmul, tensor } from 'heed/ops';
import { describe, expect, it } from 'vitest';
import { engineFor } from './engines.js';

const ones = (dims: readonly number[]) => new Float32Array(dims.reduce((n, d) => n * d, 1)).fill(1);

describe('matmul', () => {
  it.each([
    [[3], [3], []],
    [[3], [3, 4], [4]],
    [[3], [2, 5, 3, 4], [2, 5, 4]],
    [[2, 3], [3], [2]],
    [[5, 2, 3], [3], [5, 2]],
    [
      [2, 3],
      [3, 4],
      [2, 4],
    ],
    [
      [2, 3],
      [5, 3, 4],
      [5, 2, 4],
    ],
    [
      [6, 1, 2, 3],
      [5, 3, 4],
      [6, 5, 2, 4],
    ],
    [
      [2, 3],
      [1, 1, 3, 4],
      [1, 1, 2, 4],
    ],
  ])('of [%j] and [%j] is [%j]', async (a, b, shape) => {
    const engine = await engineFor({});
    engine.scope(() => {
      const y = matmul(tensor(engine, ones(a), a), tensor(engine, ones(b), b));
      expect(y.shape).toEqual(shape);
      expect([...y.toHost().data].every((x) => x === 3)).toBe(true);
    });
  });
});
