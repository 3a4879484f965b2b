/**
 * Resampling with a proper low-pass (Smith, "Digital Audio Resampling", https://ccrma.stanford.edu/~jos/resample/): each new sample is a sum of old ones, weighed by a sinc under
 * Kaiser's window, which is what the sound was between them without what the new rate cannot hold. Weights are computed for `PHASES` places between two old samples; a
 * place between two of these takes both, in proportion. Errors of what is kept, and what is left of what must go, are below −90 dB.
 */
import { HeedError } from '../errors.js';
import { sinPi } from '../exact.js';

/** Zero crossings of the sinc on each side, the share of the lower rate's band that is kept, and the window's shape. */
const [CROSSINGS, KEPT, BETA] = [72, 0.95, 10.06];
/** Most phases of a whole band; a part of a band changes more slowly, and is as exact with a part of them. Rates whose ratio is simple have few of their own. */
const PHASES = 1024;
/** Products between two turns of the event loop. */
const AT_ONCE = 1 << 23;

/** Most samples of a result, six hours at 48 kHz, and most weights: headers may tell of rates that would take more memory than there is. */
const [MOST_SAMPLES, MOST_WEIGHTS] = [2 ** 30, 2 ** 26];

/** The modified Bessel function I0, by its series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let i = 1; term > sum * 1e-17; i++) {
    term *= (x * x) / (4 * i * i);
    sum += term;
  }
  return sum;
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** What turns a rate into another. */
export interface Filter {
  /** New and old samples after which both meet again. */
  readonly up: number;
  readonly down: number;
  /** Old samples that a new one looks to both sides. */
  readonly reach: number;
  /** Places between two old samples that have weights. */
  readonly phases: number;
  /** [phases + 1, 2 reach] */
  readonly weights: Float64Array;
}

/** Weights [phases + 1, taps] between samples, for a band of `cutoff` cycles a sample. */
function weightsOf(phases: number, cutoff: number, half: number): Float64Array {
  const taps = 2 * half;
  const weights = new Float64Array((phases + 1) * taps);
  const scale = bessel(BETA);
  for (let p = 0; p <= phases; p++) {
    let sum = 0;
    for (let i = 0; i < taps; i++) {
      // From the new sample to the old one, in old samples.
      const x = i - half + 1 - p / phases;
      const inside = 1 - (x * x) / (half * half);
      const sinc = x === 0 ? 1 : sinPi(2 * cutoff * x) / (2 * Math.PI * cutoff * x);
      const weight = inside > 0 ? (sinc * bessel(BETA * Math.sqrt(inside))) / scale : 0;
      weights[p * taps + i] = weight;
      sum += weight;
    }
    // A constant stays what it is.
    for (let i = 0; i < taps; i++) weights[p * taps + i] = (weights[p * taps + i] as number) / sum;
  }
  return weights;
}

/** The filter from one rate to another. Throws ARGUMENT for a rate that is none, MEMORY for rates that are too far apart. */
export function filterOf(from: number, to: number): Filter {
  for (const [name, rate] of Object.entries({ from, to }))
    if (!(Number.isFinite(rate) && rate > 0))
      throw new HeedError('ARGUMENT', `resample: ${name} is ${rate}`, { culprit: name, cure: 'It is a number of samples a second' });
  const common = Number.isInteger(from) && Number.isInteger(to) ? divisor(from, to) : 1;
  const [up, down] = [to / common, from / common];
  const band = Math.min(1, to / from);
  const most = Math.ceil(PHASES * band);
  const phases = Number.isInteger(up) && up <= most ? up : most;
  const cutoff = (KEPT / 2) * band;
  const reach = Math.ceil(CROSSINGS / (2 * cutoff));
  if ((phases + 1) * 2 * reach > MOST_WEIGHTS) throw tooFar(from, to, []);
  return { up, down, reach, phases, weights: weightsOf(phases, cutoff, reach) };
}

const tooFar = (from: number, to: number, shape: readonly number[]): HeedError =>
  new HeedError('MEMORY', `A sound of ${from} samples a second takes too much memory at ${to} a second`, {
    culprit: 'sampling_rate',
    shape,
    cure: 'Is the rate of the sound right? If so, give it in parts',
  });

/** Resamples [n] from `from` to `to` samples a second: ⌈n to / from⌉ of them; what is before and behind is silence. Yields now and then. Throws ARGUMENT for a rate that is none, MEMORY for more than 2³⁰ samples. */
export function* resampleSteps(samples: Float32Array, from: number, to: number): Generator<void, Float32Array> {
  if (from === to || samples.length === 0) return samples;
  const filter = filterOf(from, to);
  const length = Math.ceil((samples.length * filter.up) / filter.down);
  if (length > MOST_SAMPLES) throw tooFar(from, to, [length]);
  return yield* filtered(samples, filter);
}

/** The same with a filter, for sounds that come in pieces. */
export function* filtered(samples: Float32Array, { up, down, reach, phases, weights }: Filter): Generator<void, Float32Array> {
  const taps = 2 * reach;
  const together = Math.ceil(AT_ONCE / taps);
  const out = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let n = 0; n < out.length; n++) {
    // The place in the old sound; a product of whole numbers is exact, so that places do not drift.
    const place = n * down;
    const whole = Math.floor(place / up);
    const phase = ((place - whole * up) / up) * phases;
    const p = phases === up ? Math.round(phase) : Math.floor(phase);
    const share = phases === up ? 0 : phase - p;
    let sum = 0;
    const begin = whole - reach + 1;
    for (let i = Math.max(0, -begin); i < Math.min(taps, samples.length - begin); i++) {
      const at = p * taps + i;
      const weight = share === 0 ? (weights[at] as number) : (1 - share) * (weights[at] as number) + share * (weights[at + taps] as number);
      sum += weight * (samples[begin + i] as number);
    }
    out[n] = sum;
    if (n % together === together - 1) yield;
  }
  return out;
}
