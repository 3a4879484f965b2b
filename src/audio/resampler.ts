/** Resampling of a sound that comes in pieces. */
import { drained } from '../steps.js';
import { type Filter, filtered, filterOf } from './resample.js';

/** Puts out what `resampleSteps` makes of the whole sound, bit for bit, as soon as the samples behind a new one are there. Rates are whole numbers. */
export class Resampler {
  /** Undefined where the rates are the same. */
  readonly #filter: Filter | undefined;
  /** Units, of `down` old samples and `up` new ones each, that a new sample looks to both sides. */
  readonly #margin: number;
  /** Old samples from a unit on. */
  #kept = new Float32Array(0);
  #from = 0;
  /** Units that were put out. */
  #done = 0;

  /** Rates in samples a second. */
  constructor(from: number, to: number) {
    this.#filter = from === to ? undefined : filterOf(from, to);
    const { reach, down } = this.#filter ?? { reach: 0, down: 1 };
    this.#margin = Math.ceil(reach / down);
  }

  /** The next new samples that these make known. */
  push(samples: Float32Array): Float32Array {
    if (!this.#filter) return samples;
    const { up, down } = this.#filter;
    const kept = new Float32Array(this.#kept.length + samples.length);
    kept.set(this.#kept);
    kept.set(samples, this.#kept.length);
    this.#kept = kept;
    const ready = this.#from + Math.floor(kept.length / down) - this.#margin;
    if (ready <= this.#done) return new Float32Array(0);
    const next = this.#resampled(this.#filter, (ready + this.#margin - this.#from) * down).slice(0, (ready - this.#done) * up);
    this.#done = ready;
    const from = Math.max(0, ready - this.#margin);
    this.#kept = kept.slice((from - this.#from) * down);
    this.#from = from;
    return next;
  }

  /** The last ones. */
  end(): Float32Array {
    return this.#filter ? this.#resampled(this.#filter, this.#kept.length) : new Float32Array(0);
  }

  /** New samples of so many old ones that are kept, from the first that was not put out on. */
  #resampled(filter: Filter, length: number): Float32Array {
    const all = drained(filtered(this.#kept.subarray(0, length), filter));
    return all.subarray((this.#done - this.#from) * filter.up);
  }
}
