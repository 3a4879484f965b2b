/** Layouts: what a file has otherwise than heed comes in shares as it comes at once, and goes back to the same bytes. */
import { describe, expect, it } from 'vitest';
import { byHead, pairs, plus } from '../../dist/models/layouts.js';

const WIDTH = 3;
/** Rows that say their number. */
const rowsOf = (numbers: readonly number[]) => new Uint8Array(numbers.flatMap((n) => Array<number>(WIDTH).fill(n)));

/** Heed's rows, of a file's that come `shares` steps at once. */
function read(layout: NonNullable<ReturnType<ReturnType<typeof byHead>>>, rows: number, step: number, shares: number): number[] {
  const all = new Uint8Array(rows * WIDTH).fill(255);
  const at = layout.rowsAtOnce(step) * shares;
  for (let from = 0; from < rows; from += at) {
    const chunk = rowsOf(Array.from({ length: Math.min(at, rows - from) }, (_, i) => from + i));
    for (const [to, piece] of layout.read(from, chunk, WIDTH)) {
      // Panels are filled from their first row on.
      expect(to % step).toBe(0);
      all.set(piece, to * WIDTH);
    }
  }
  return Array.from({ length: rows }, (_, row) => all[row * WIDTH] as number);
}

describe.each([
  ['a head is a panel', 6, 8, 8],
  ['a head is no whole panel', 8, 5, 8],
  ['two heads are a panel', 4, 4, 8],
  ['there are no panels', 3, 5, 1],
])('rows by heads, where %s', (_, H, D, step) => {
  const layout = byHead(H)('qkv', H * 3 * D, 0) as NonNullable<ReturnType<ReturnType<typeof byHead>>>;
  const want = Array.from({ length: 3 * H * D }, (_, row) => {
    const [part, h, d] = [Math.floor(row / (H * D)), Math.floor(row / D) % H, row % D];
    return (h * 3 + part) * D + d;
  });

  it.each([1, 2, 100])('come %i shares at once', (shares) => {
    expect(read(layout, 3 * H * D, step, shares)).toEqual(want);
  });

  it('go back', () => {
    expect(layout.written(rowsOf(want), WIDTH)).toEqual(rowsOf(want.map((_, i) => i)));
  });
});

it('pairs become halves of heads, but for parts that have none', () => {
  const layout = pairs(2, 1)('q', 12, 0);
  expect(read(layout as never, 12, 1, 1)).toEqual([0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
  expect(pairs(2, 1)('v', 12, 2)).toBeUndefined();
});

it('numbers that are more by 1 are read as what they are more than, and written as they came', () => {
  const layout = plus(1)('norm', 2, 0);
  const bytes = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer);
  expect(layout?.read(4, bytes(1.5, -2), 4)).toEqual([[4, bytes(0.5, -3)]]);
  expect(layout?.written(bytes(0.5, -3), 4)).toEqual(bytes(1.5, -2));
});

it.each([
  ['pairs', () => pairs(5)('q', 12, 0)],
  ['heads', () => byHead(5)('qkv', 12, 0)],
])('rows that do not make %s are refused', (_, make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'MODEL_MISMATCH', culprit: expect.stringMatching(/^q/) }));
});
