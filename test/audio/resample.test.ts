/** Resampling against mathematics: sines stay what they are within −80 dB, and what the new rate cannot hold goes. */
import { describe, expect, it } from 'vitest';
import { resampleSteps } from '../../dist/audio/resample.js';
import { drained } from '../../dist/steps.js';
import { failureOf } from '../io/memory.js';

const resample = (x: Float32Array, from: number, to: number) => drained(resampleSteps(x, from, to)) as Float32Array;
const sine = (hz: number, rate: number, n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));
/** Decibels of what is left of `y − x`, or of y, apart from the ends, where silence begins. */
function decibels(y: Float32Array, x?: Float32Array): number {
  const edge = Math.floor(y.length / 4);
  let sum = 0;
  for (let i = edge; i < y.length - edge; i++) sum += ((y[i] as number) - (x?.[i] ?? 0)) ** 2;
  return 10 * Math.log10(sum / (y.length - 2 * edge) / 0.5 + 1e-20);
}

const rates: [number, number][] = [
  [44_100, 16_000],
  [48_000, 16_000],
  [8000, 16_000],
  [22_050, 16_000],
  [16_000, 44_100],
  [44_099, 16_000],
  [11_025.5, 16_000],
  [191_999, 16_000],
  [767_999, 16_000],
];

/** Samples of which the middle is far from both ends at the lower rate, too. */
const lengthAt = (rate: number): number => 12_000 * Math.max(1, Math.ceil(rate / 48_000));

describe.each(rates)('from %d to %d', (from, to) => {
  const n = lengthAt(from);
  const band = Math.min(from, to) / 2;
  it.each([0.01, 0.3, 0.7, 0.9])('a sine at %f of the band is the same within -80 dB', (share) => {
    const hz = share * band;
    const y = resample(sine(hz, from, n), from, to);
    expect(y).toHaveLength(Math.ceil((n * to) / from));
    expect(decibels(y, sine(hz, to, y.length))).toBeLessThan(-80);
  });
});

it.each(rates.filter(([from, to]) => from > 1.2 * to))('from %d to %d, what is above the band is below -80 dB', (from, to) => {
  for (const hz of [0.505 * to, 0.6 * to].filter((hz) => hz < from / 2))
    expect(decibels(resample(sine(hz, from, lengthAt(from)), from, to))).toBeLessThan(-80);
});

it('of the same rate, or of nothing, is what it was', () => {
  const x = sine(440, 16_000, 100);
  expect(resample(x, 16_000, 16_000)).toBe(x);
  expect(resample(new Float32Array(0), 8000, 16_000)).toHaveLength(0);
});

it('keeps a constant, also where rates are no whole numbers', () => {
  const y = resample(new Float32Array(4000).fill(0.5), 44_100, 16_000);
  for (const sample of y.subarray(300, y.length - 300)) expect(sample).toBeCloseTo(0.5, 6);
});

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a rate of %d', async (rate) => {
  expect(await failureOf(async () => resample(new Float32Array(9), rate, 16_000))).toMatchObject({ code: 'ARGUMENT', culprit: 'from' });
});

it.each([
  ['a slow sound', 1e-9, 16_000],
  ['a fast sound', 1e15, 16_000],
  ['a fast result', 8000, 1e12],
])('refuses memory without end for %s', async (_, from, to) => {
  expect(await failureOf(async () => resample(new Float32Array(1000), from, to))).toMatchObject({
    code: 'MEMORY',
    culprit: 'sampling_rate',
  });
});
