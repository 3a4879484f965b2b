/** Functions with the same bits everywhere: against Math's within a few units in the last place, and transforms against their definition. */
import { describe, expect, it } from 'vitest';
import { FFT } from '../dist/audio/fft.js';
import { exp, log, sinPi, turn } from '../dist/exact.js';

it('turn, sinPi, exp and log are Math’s within 1e-14', () => {
  for (const n of [1, 2, 3, 8, 12, 100, 400, 401])
    for (let k = -n; k < 2 * n; k++) {
      const [cos, sin] = turn(k, n);
      expect(Math.abs(cos - Math.cos((2 * Math.PI * k) / n))).toBeLessThan(1e-14);
      expect(Math.abs(sin - Math.sin((2 * Math.PI * k) / n))).toBeLessThan(1e-14);
    }
  expect([turn(0, 400), turn(100, 400), turn(200, 400), turn(300, 400)]).toEqual([
    [1, 0],
    [-0, 1],
    [-1, -0],
    [0, -1],
  ]);
  for (let x = -20; x < 20; x += 0.37) {
    expect(Math.abs(sinPi(x) - Math.sin(Math.PI * x))).toBeLessThan(2e-14);
    expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(1e-14);
    expect(Math.abs(log(exp(x)) - x)).toBeLessThan(1e-14);
  }
  for (const x of [1e-10, 0.7, 1, Math.SQRT2, 1.5, 2, 1e300])
    expect(Math.abs(log(x) - Math.log(x))).toBeLessThanOrEqual(Math.abs(Math.log(x)) * 1e-15 + 1e-16);
});

describe('the power of two signals', () => {
  it.each([1, 2, 3, 4, 6, 7, 20, 49, 121, 400, 512])('of %d samples is that of the definition', (N) => {
    const signal = (seed: number) => Float64Array.from({ length: N }, (_, i) => ((i * seed * 7919) % 1009) / 1009 - 0.5);
    const [a, b] = [signal(3), signal(5)];
    const bins = (N >> 1) + 1;
    const [pa, pb] = [new Float64Array(bins), new Float64Array(bins)];
    new FFT(N).power(a, b, pa, pb);
    for (const [x, power] of [
      [a, pa],
      [b, pb],
    ] as const)
      for (let k = 0; k < bins; k++) {
        let [re, im] = [0, 0];
        for (let n = 0; n < N; n++) {
          re += (x[n] as number) * Math.cos((2 * Math.PI * k * n) / N);
          im -= (x[n] as number) * Math.sin((2 * Math.PI * k * n) / N);
        }
        expect(Math.abs((power[k] as number) - re * re - im * im)).toBeLessThan(1e-9);
      }
  });
});
