/**
 * Random numbers for training: xoshiro128** 1.1 (Blackman & Vigna 2018, arXiv 1805.01407), 128 bits of state, period 2^128 - 1. It uses 32-bit integer operations
 * only, so that a seed gives the same numbers in every JavaScript engine. The state is a hash of any number of keys, a seed and an epoch say: the generator of an
 * epoch does not depend on those of earlier epochs.
 */
import { HeedError } from './errors.js';
import { cos, log, sin } from './math.js';

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  #spare: number | undefined;

  /** Seeds a generator. Keys are whole numbers of up to 53 bits, of either sign, or texts, a parameter's name say. Throws ARGUMENT for other keys. */
  constructor(...keys: readonly (number | string)[]) {
    for (const key of keys)
      if (typeof key !== 'string' && !Number.isSafeInteger(key))
        throw new HeedError('ARGUMENT', `a seed must be a whole number, not ${key}`, {
          culprit: 'seed',
          cure: 'Give one of up to 53 bits',
        });
    const words = keys.flatMap(wordsOf);
    // Four different hashes of the keys. If all were 0, the one state that never changes, the first becomes 1.
    const hash = (lane: number) => words.reduce((value, word) => mix(value ^ word), mix(lane));
    [this.#b, this.#c, this.#d] = [hash(2), hash(3), hash(4)];
    this.#a = hash(1) || Number((this.#b | this.#c | this.#d) === 0);
  }

  /** Returns a whole number from 0 to 2^32 - 1. */
  uint32(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotate(this.#d, 11);
    return result;
  }

  /** Returns a number from the normal distribution with mean 0 and deviation 1, rounded to float32 (Box & Muller 1958). */
  normal(): number {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined) return spare;
    const radius = Math.fround(Math.sqrt(-2 * log(1 - this.uniform())));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = Math.fround(radius * sin(angle));
    return Math.fround(radius * cos(angle));
  }

  /** Returns a whole number from 0 to `n` - 1, all equally likely. Throws ARGUMENT unless `n` is from 1 to 2^32. */
  below(n: number): number {
    if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 32))
      throw new HeedError('ARGUMENT', `there are no ${n} numbers to draw from`, {
        culprit: 'n',
        cure: 'Give a whole number from 1 to 2^32',
      });
    // Numbers beyond the last whole multiple of n are drawn again, since they would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const value = this.uint32();
      if (value < limit) return value % n;
    }
  }

  /** Returns a number from 0 up to, but never, 1: a multiple of 2^-53. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    return (high * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** Shuffles a list in place (Fisher & Yates; Durstenfeld 1964), and returns it. */
  shuffle<T extends ArrayLike<unknown> & { [index: number]: unknown }>(list: T): T {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = list[i];
      list[i] = list[j];
      list[j] = held;
    }
    return list;
  }
}

const rotate = (x: number, by: number) => (x << by) | (x >>> (32 - by));

/** Hashes a word: a step by the golden ratio, then MurmurHash3's finalizer, which makes every bit depend on every other. */
function mix(x: number): number {
  let h = (x + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Words of a key. A text includes its length, so that no two lists of keys have the same words. */
const wordsOf = (key: number | string): number[] =>
  typeof key === 'number'
    ? [key | 0, Math.floor(key / 2 ** 32) | 0]
    : [key.length, ...Array.from({ length: key.length }, (_, i) => key.charCodeAt(i))];
