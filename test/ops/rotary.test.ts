/** Rotary tables and what rotation promises: angles as Hugging Face computes them, lengths kept, scores that depend on distance alone. */
import type { Engine } from 'heed';
import { expand, matmul, rotary, rotaryTable, tensor } from 'heed/ops';
import { beforeAll, expect, it } from 'vitest';
import { difference } from '../cases/check.js';
import { Random } from '../cases/random.js';
import { engineFor } from './engines.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineFor({ threads: 1 });
});

it.each([10_000, 500_000])('a table holds cos and sin of t · base^(−2i/R), whose angles are rounded to float32 (base %i)', (base) => {
  const [positions, R] = [4096, 64];
  const { cos, sin } = rotaryTable(engine, positions, R, base);
  const angle = (i: number) => Math.floor(i / (R / 2)) * base ** ((-2 * (i % (R / 2))) / R);
  // An angle of 4096 is known to 1.2e-4, its frequency to 6e-8 of itself: as far as float32 goes, and as PyTorch's goes.
  for (const [table, exact] of [
    [cos, Math.cos],
    [sin, Math.sin],
  ] as const) {
    const data = table.toHost().data as Float32Array;
    const excess = data.reduce((most, value, i) => Math.max(most, Math.abs(value - exact(angle(i))) - 1.3e-7 * angle(i)), 0);
    expect(excess).toBeLessThanOrEqual(1e-7);
  }
});

it.each([false, true])('scores depend on the distance of query and key alone (interleaved: %s)', (interleaved) => {
  const [T, D] = [60, 16];
  const row = tensor(engine, new Random(3).floats([D]).data);
  const turned = rotary(expand(row, [1, 1, T, D]), rotaryTable(engine, T, D), { interleaved });
  const scores = matmul(turned, turned, { transposeB: true }).toHost().data;
  const byDistance = Float64Array.from(scores, (_, i) => scores[Math.abs(Math.floor(i / T) - (i % T))] as number);
  expect(difference(scores, byDistance, 1e-5)).toBeUndefined();
});
