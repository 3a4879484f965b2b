/** The plane of the map: that of the largest variance, whatever the vectors' length, and the same for the same vectors. */
import { expect, it } from 'vitest';
import { cosine, planeOf } from '../../src/page/pca.js';

const distance = ([a, b]: readonly number[], [c, d]: readonly number[]) => Math.hypot((a ?? 0) - (c ?? 0), (b ?? 0) - (d ?? 0));

it('keeps all distances of vectors that lie in a plane', () => {
  // Points of a plane in 50 channels, spanned by two directions at right angles.
  const flat = [
    [0, 0],
    [3, 0],
    [3, 4],
    [-2, 5],
    [7, -1],
  ] as const;
  const vectors = flat.map(([x, y]) => Array.from({ length: 50 }, (_, c) => (c % 2 ? x / 5 : y / 5) + 1));
  const plane = planeOf(vectors);
  expect(plane.shown).toBeCloseTo(1, 9);
  const places = vectors.map((vector) => plane.place(vector));
  for (const [i, a] of flat.entries())
    for (const [j, b] of flat.entries()) expect(distance(places[i] ?? [], places[j] ?? [])).toBeCloseTo(distance(a, b), 4);
});

it('shows the largest variance along the first axis, then the next, and says how much of it', () => {
  const spread = [10, 4, 1];
  const vectors = spread.flatMap((size, axis) => [size, -size].map((value) => spread.map((_, c) => (c === axis ? value : 0))));
  const plane = planeOf(vectors);
  expect(Math.abs(plane.place([10, 0, 0])[0])).toBeCloseTo(10, 6);
  expect(Math.abs(plane.place([0, 4, 0])[1])).toBeCloseTo(4, 6);
  expect(plane.place([0, 0, 1]).map(Math.abs)).toEqual([expect.closeTo(0, 6), expect.closeTo(0, 6)]);
  expect(plane.shown).toBeCloseTo((100 + 16) / (100 + 16 + 1), 9);
});

it('has a place for one vector, and for equal ones', () => {
  for (const vectors of [
    [[1, 2, 3]],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  ]) {
    const plane = planeOf(vectors);
    expect(plane.place([1, 2, 3])).toEqual([0, 0]);
    expect(plane.shown).toBe(1);
  }
  expect(cosine([1, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 9);
  expect(cosine([0, 0], [1, 1])).toBe(0);
});
