/** A sound that comes in pieces is resampled to the bits of the whole. */
import { expect, it } from 'vitest';
import { resampleSteps } from '../../dist/audio/resample.js';
import { Resampler } from '../../dist/audio/resampler.js';
import { drained } from '../../dist/steps.js';

const sound = Float32Array.from({ length: 9001 }, (_, i) => Math.sin(i * i * 1e-5) + ((i * 37) % 11) / 40);

it.each([
  [48_000, 16_000, 80],
  [44_100, 16_000, 320],
  [8000, 16_000, 160],
  [16_000, 16_000, 80],
  [11_025, 16_000, 1280],
])('from %d to %d, at most %d behind', (from, to, most) => {
  const whole = drained(resampleSteps(sound, from, to)) as Float32Array;
  for (const size of [97, 2048, 20_000]) {
    const resampler = new Resampler(from, to);
    const found: number[] = [];
    // What is known is put out: no more is held back than a new sample looks ahead.
    let late = 0;
    for (let at = 0; at < sound.length; at += size) {
      const piece = sound.subarray(at, at + size);
      found.push(...resampler.push(piece));
      late = Math.max(late, Math.floor(((at + piece.length) * to) / from) - found.length);
    }
    found.push(...resampler.end());
    expect(Float32Array.from(found)).toEqual(whole);
    expect(late).toBeLessThanOrEqual(most);
  }
});
