/**
 * The discrete Fourier transform of two real signals at once, by a mixed-radix FFT (Cooley & Tukey 1965): one signal is the real part, the other the imaginary part, and
 * symmetry tells the spectra apart. float64, with tables of exact.ts, so that spectra have the same bits in every runtime.
 */
import { turn } from '../exact.js';

/** Prime factors of a length, 4 for two 2s. */
function factorsOf(n: number): number[] {
  const factors: number[] = [];
  let rest = n;
  for (const f of [4, 2, 3, 5]) for (; rest % f === 0; rest /= f) factors.push(f);
  for (let f = 7; rest > 1; f += 2) for (; rest % f === 0; rest /= f) factors.push(f);
  return factors;
}

export class FFT {
  readonly #factors: readonly number[];
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  #re: Float64Array;
  #im: Float64Array;
  #otherRe: Float64Array;
  #otherIm: Float64Array;

  constructor(
    /** N, samples of a signal. */
    readonly size: number,
  ) {
    this.#factors = factorsOf(size);
    const turns = Array.from({ length: size }, (_, k) => turn(-k, size));
    this.#cos = Float64Array.from(turns, ([cos]) => cos);
    this.#sin = Float64Array.from(turns, ([, sin]) => sin);
    [this.#re, this.#im, this.#otherRe, this.#otherIm] = [0, 1, 2, 3].map(() => new Float64Array(size)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
  }

  /** Writes |X[k]|² of two signals, [N], for k from 0 to N/2. */
  power(a: Float64Array, b: Float64Array, powerOfA: Float64Array, powerOfB: Float64Array): void {
    const N = this.size;
    this.#re.set(a);
    this.#im.set(b);
    this.#transform();
    const [re, im] = [this.#re, this.#im];
    for (let k = 0; k <= N >> 1; k++) {
      const l = k === 0 ? 0 : N - k;
      // A = (Z[k] + conj Z[N − k]) / 2, B = (Z[k] − conj Z[N − k]) / 2i.
      const ar = ((re[k] as number) + (re[l] as number)) / 2;
      const ai = ((im[k] as number) - (im[l] as number)) / 2;
      const br = ((im[k] as number) + (im[l] as number)) / 2;
      const bi = ((re[l] as number) - (re[k] as number)) / 2;
      powerOfA[k] = ar * ar + ai * ai;
      powerOfB[k] = br * br + bi * bi;
    }
  }

  /** Stockham's order: each stage reads one pair of arrays and writes the other, and the result is in order. */
  #transform(): void {
    const N = this.size;
    let done = 1;
    for (const radix of this.#factors) {
      this.#stage(radix, done, N / (done * radix));
      [this.#re, this.#otherRe] = [this.#otherRe, this.#re];
      [this.#im, this.#otherIm] = [this.#otherIm, this.#im];
      done *= radix;
    }
  }

  /**
   * One stage of `radix`, with s = `done` points of each part transformed and m = `left` parts to come:
   *
   *   y[q + s (radix p + t)] = w^(t p s) · Σ_u x[q + s (p + m u)] · w^(u t s m),   w = e^(−2πi/N)
   */
  #stage(radix: number, done: number, left: number): void {
    const [cos, sin, re, im, toRe, toIm] = [this.#cos, this.#sin, this.#re, this.#im, this.#otherRe, this.#otherIm];
    const N = this.size;
    const step = done * left;
    for (let p = 0; p < left; p++) {
      for (let t = 0; t < radix; t++) {
        const turned = (t * p * done) % N;
        const [c, s] = [cos[turned] as number, sin[turned] as number];
        const to = done * (radix * p + t);
        for (let q = 0; q < done; q++) {
          let sumRe = 0;
          let sumIm = 0;
          let k = 0;
          for (let u = 0, at = q + done * p; u < radix; u++, at += step) {
            const x = re[at] as number;
            const y = im[at] as number;
            sumRe += x * (cos[k] as number) - y * (sin[k] as number);
            sumIm += x * (sin[k] as number) + y * (cos[k] as number);
            k += t * step;
            if (k >= N) k -= N;
          }
          toRe[to + q] = sumRe * c - sumIm * s;
          toIm[to + q] = sumRe * s + sumIm * c;
        }
      }
    }
  }
}
