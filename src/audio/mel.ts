/**
 * Log-mel spectrograms, as Whisper hears (Radford et al., arXiv 2212.04356, §2.2), equal to transformers' WhisperFeatureExtractor:
 *
 *   X = |FFT(hann · frame)|²        frames of `n_fft` samples every `hop`, the sound mirrored at both ends
 *   M = log10(max(filters · X, 1e-10))
 *   y = (max(M, max(M) − 8) + 4) / 4
 *
 * Filters are triangles on Slaney's mel scale, of equal area.
 */
import { exp, log, turn } from '../exact.js';
import { FFT } from './fft.js';

/** Smallest power that counts, and how far below the loudest, in powers of ten. */
const [FLOOR, RANGE] = [1e-10, 8];

/** Below 1000 Hz the scale is linear, 15 mels at 1000; above, 27 mels are a factor of 6.4. */
const [LINEAR, BREAK_HZ, STEP] = [200 / 3, 1000, log(6.4) / 27];
const BREAK = BREAK_HZ / LINEAR;
const hzOf = (mel: number): number => (mel < BREAK ? mel * LINEAR : BREAK_HZ * exp(STEP * (mel - BREAK)));
const melOf = (hz: number): number => (hz < BREAK_HZ ? hz / LINEAR : BREAK + log(hz / BREAK_HZ) / STEP);

/** A triangle: the first bin that it weighs, and weights from there. */
interface Filter {
  first: number;
  weights: Float64Array;
}

/** `count` filters over `bins` frequencies from 0 to half of `rate`. */
function filtersOf(count: number, bins: number, rate: number): Filter[] {
  const top = melOf(rate / 2);
  const edges = Array.from({ length: count + 2 }, (_, i) => hzOf((top * i) / (count + 1)));
  return Array.from({ length: count }, (_, i) => {
    const [left, middle, right] = edges.slice(i, i + 3) as [number, number, number];
    const weights = Array.from({ length: bins }, (_, k) => {
      const hz = ((rate / 2) * k) / (bins - 1);
      const height = Math.min((hz - left) / (middle - left), (right - hz) / (right - middle));
      return (Math.max(0, height) * 2) / (right - left);
    });
    const first = weights.findIndex((weight) => weight > 0);
    const last = weights.findLastIndex((weight) => weight > 0);
    // A narrow triangle may lie between two bins.
    return first < 0 ? { first: 0, weights: new Float64Array(0) } : { first, weights: Float64Array.from(weights.slice(first, last + 1)) };
  });
}

/** Sizes of a spectrogram. */
export interface MelSpec {
  /** Filters. */
  mels: number;
  /** Samples of a frame, and from one frame to the next. */
  fft: number;
  hop: number;
  /** Samples a second. */
  rate: number;
}

/** Frames of a spectrogram that are computed between two turns of the event loop. */
const FRAMES_AT_ONCE = 1000;

/** Makes spectrograms of these sizes. */
export class MelSpectrogram {
  readonly #fft: FFT;
  readonly #window: Float64Array;
  readonly #filters: readonly Filter[];

  constructor(readonly spec: MelSpec) {
    const { mels, fft, rate } = spec;
    this.#fft = new FFT(fft);
    this.#window = Float64Array.from({ length: fft }, (_, i) => (1 - turn(i, fft)[0]) / 2);
    this.#filters = filtersOf(mels, (fft >> 1) + 1, rate);
  }

  /** Samples [n] → [mels, ⌊n / hop⌋], channel by channel. Yields now and then. */
  *steps(samples: Float32Array): Generator<void, Float32Array> {
    const { mels, fft, hop } = this.spec;
    const n = samples.length;
    const frames = Math.floor(n / hop);
    const logs = new Float32Array(mels * frames);
    const half = fft >> 1;
    const pair = [0, 1].map(() => ({ frame: new Float64Array(fft), power: new Float64Array(half + 1) })) as [Pair, Pair];
    let loudest = Number.NEGATIVE_INFINITY;
    for (let t = 0; t < frames; t += 2) {
      const sounds = pair.map(({ frame }, i) => this.#cut(samples, (t + i) * hop - half, frame));
      if (sounds[0] || sounds[1]) this.#fft.power(pair[0].frame, pair[1].frame, pair[0].power, pair[1].power);
      for (let i = 0; i < Math.min(2, frames - t); i++) {
        for (const [m, { first, weights }] of this.#filters.entries()) {
          let sum = 0;
          if (sounds[i])
            for (let k = 0; k < weights.length; k++) sum += (weights[k] as number) * ((pair[i] as Pair).power[first + k] as number);
          const power = Math.fround(log(Math.max(sum, FLOOR)) * Math.LOG10E);
          if (power > loudest) loudest = power;
          logs[m * frames + t + i] = power;
        }
      }
      if (t % FRAMES_AT_ONCE === FRAMES_AT_ONCE - 2) yield;
    }
    const least = Math.fround(loudest - RANGE);
    for (let i = 0; i < logs.length; i++) logs[i] = (Math.max(logs[i] as number, least) + 4) / 4;
    return logs;
  }

  /** Writes a frame from sample `from` on, mirrored at the ends and windowed; false where all is silence. */
  #cut(samples: Float32Array, from: number, frame: Float64Array): boolean {
    const last = samples.length - 1;
    let sounds = false;
    for (let i = 0; i < frame.length; i++) {
      let at = Math.abs(from + i);
      if (at > last) at = Math.max(0, 2 * last - at);
      const sample = samples[at] ?? 0;
      sounds ||= sample !== 0;
      frame[i] = sample * (this.#window[i] as number);
    }
    return sounds;
  }
}

interface Pair {
  frame: Float64Array;
  power: Float64Array;
}
