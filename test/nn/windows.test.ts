/** Windows over planes: every place is in one of them, and places that a shift brings together are told apart. */
import { describe, expect, it } from 'vitest';
import { scoresApart, windowsOf } from '../../dist/nn/windows.js';

describe('windows', () => {
  it('hold the places of a plane, line by line, and a shift turns the plane', () => {
    const plain = windowsOf([1, 4, 4], 2, 0);
    expect([...plain.into]).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
    expect(plain.runs).toEqual([{ apart: { down: false, across: false }, count: 4 }]);
    const shifted = windowsOf([1, 4, 4], 2, 1);
    expect([...shifted.into]).toEqual([5, 6, 9, 10, 7, 4, 11, 8, 13, 14, 1, 2, 15, 12, 3, 0]);
    expect(shifted.runs.map(({ count }) => count)).toEqual([1, 1, 1, 1]);
  });

  it.each([
    [[1, 4, 8], 4, 2],
    [[2, 12, 8], 4, 2],
    [[3, 6, 6], 3, 1],
    [[2, 8, 4], 4, 0],
  ] as const)('of planes %j, %i wide and shifted by %i, know the way back, and where each stands', ([B, H, W], side, shift) => {
    const { into, from, order, runs } = windowsOf([B, H, W], side, shift);
    expect([...into].sort((a, b) => a - b)).toEqual(Array.from({ length: B * H * W }, (_, i) => i));
    for (const [row, place] of from.entries()) expect(into[place]).toBe(row);
    const T = side * side;
    expect(runs.reduce((sum, { count }) => sum + count, 0)).toBe(order.length);
    // The first place of each window, by planes and lines.
    for (const [n, at] of order.entries()) {
      const [h, w] = [H / side, W / side];
      const [b, y, x] = [Math.floor(n / (h * w)), Math.floor(n / w) % h, n % w];
      expect(into[at * T]).toBe((b * H + ((y * side + shift) % H)) * W + ((x * side + shift) % W));
    }
    // Places are apart that were not neighbours before the plane was turned; in a plane of one window they cannot be told by where they stand.
    if (shift === 0 || W === side || H === side) return;
    const kinds = runs.flatMap(({ apart, count }) => Array.from({ length: count }, () => scoresApart(apart, side, shift, -7)));
    for (const [at, scores] of kinds.entries()) {
      const rows = [...into.subarray(at * T, (at + 1) * T)].map((row) => [Math.floor(row / W) % H, row % W] as const);
      const wanted = rows.flatMap(([y, x]) => rows.map(([v, u]) => (Math.abs(y - v) >= side || Math.abs(x - u) >= side ? -7 : 0)));
      expect([...scores]).toEqual(wanted);
    }
  });
});
