/** Grids of vectors are resampled as torch.nn.functional.interpolate does it; test/fixtures/vision/resampling.json has what PyTorch 2.13 gives for sin(1.7 i). */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createEngine } from '../../dist/entry/node.js';
import { type Resampling, resampleGrid, resamplingWeights } from '../../dist/nn/resampling.js';
import { tensor } from '../../dist/tensor.js';

interface Case extends Resampling {
  from: [number, number];
  to: [number, number];
  values: number[];
}
const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/vision/resampling.json', import.meta.url), 'utf8'));

it.each(cases)('$from to $to, $mode, antialias: $antialias', async ({ from, to, values, ...how }) => {
  const engine = await createEngine({ threads: 1 });
  const count = from[0] * from[1] * 2;
  const grid = tensor(
    engine,
    Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i)),
    [count / 2, 2],
  );
  const { data, dims } = resampleGrid(grid, from, to, how).toHost();
  expect(dims).toEqual([to[0] * to[1], 2]);
  for (const [i, value] of values.entries()) expect(data[i] as number).toBeCloseTo(value, 4);
  await engine.dispose();
});

it('weights of each sample add up to 1', () => {
  for (const { from, to, ...how } of cases) {
    const weights = resamplingWeights(from[0], to[0], how);
    for (let i = 0; i < to[0]; i++)
      expect(weights.subarray(i * from[0], (i + 1) * from[0]).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
  }
});

it('a grid of its own size stays as it is', async () => {
  const engine = await createEngine({ threads: 1 });
  const grid = tensor(engine, new Float32Array(8), [4, 2]);
  expect(resampleGrid(grid, [2, 2], [2, 2], { mode: 'bicubic' })).toBe(grid);
  await engine.dispose();
});
