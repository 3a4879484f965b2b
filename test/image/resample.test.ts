/** Resizing is Pillow's, bit for bit, for every filter, and whatever the engine is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, RawImage } from '../../dist/entry/node.js';
import { resample, resamplingOf, resamplings } from '../../dist/image/resample.js';
import { noise, readFixture, sha256 } from './pictures.js';

type Case = readonly [width: number, height: number, channels: number, w: number, h: number, filter: number, sum: string];
const { cases } = readFixture<{ cases: readonly Case[] }>('resize.json');

describe('resample', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads: 1 });
  });
  afterAll(() => engine.dispose());

  it.each(resamplings.map((name, code) => [name, code] as const))('gives the bytes of Pillow: %s', (name, code) => {
    const wrong = cases
      .map((one, seed) => [seed, one] as const)
      .filter(([, [, , , , , filter]]) => filter === code)
      .filter(([seed, [width, height, channels, w, h, , sum]]) => {
        const picture = { data: noise(seed, width * height * channels), width, height, channels };
        return !sha256(resample(engine, picture, w, h, name)).startsWith(sum);
      });
    expect(wrong).toEqual([]);
    expect(cases.filter(([, , , , , filter]) => filter === code).length).toBeGreaterThan(25);
  });

  it('gives the same bytes on two threads', async () => {
    const two = await createEngine({ threads: 2 });
    const picture = { data: noise(1, 300 * 200 * 3), width: 300, height: 200, channels: 3 };
    for (const name of resamplings) expect(resample(two, picture, 97, 53, name)).toEqual(resample(engine, picture, 97, 53, name));
    await two.dispose();
  });

  it('leaves nothing in the engine', () => {
    const { used } = engine.memory();
    resample(engine, { data: noise(2, 64 * 64 * 4), width: 64, height: 64, channels: 4 }, 10, 10, 'lanczos');
    expect(engine.memory().used).toBe(used);
  });

  it('refuses filters that Pillow has not', () => {
    expect(() => resamplingOf(6)).toThrow(expect.objectContaining({ code: 'ARGUMENT', culprit: 'resample' }));
    expect(() => resamplingOf('sinc')).toThrow(/nearest, lanczos/);
  });

  it('takes an engine by itself where a picture resizes', async () => {
    const image = await new RawImage(noise(3, 12), 2, 2, 3).resize(1, 1, { resample: 'box' });
    const means = [0, 1, 2].map((c) => Math.floor([0, 3, 6, 9].reduce((sum, i) => sum + (noise(3, 12)[i + c] as number), 2) / 4));
    expect([...image.data].map((value, c) => Math.abs(value - (means[c] as number)) <= 1)).toEqual([true, true, true]);
    const misspelt = new RawImage(noise(3, 12), 2, 2, 3).resize(1, 1, { filter: 'box' } as never);
    await expect(misspelt).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'filter' });
  });
});
