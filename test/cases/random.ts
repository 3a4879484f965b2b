/**
 * Random inputs, the same in every runtime and every run: a seeded generator (mulberry32) and the kinds of numbers that
 * cases are made of.
 */
import type { Numbers, PackedNumbers } from './types.js';

const product = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number below n. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** Uniform floats in [centre − spread, centre + spread). */
  floats(dims: readonly number[], spread = 1, centre = 0): Numbers & { readonly data: Float32Array } {
    return { data: Float32Array.from({ length: product(dims) }, () => centre + spread * (2 * this.next() - 1)), dims };
  }

  /** A weight in panels. */
  packed(dims: readonly [N: number, K: number]): PackedNumbers {
    return { ...this.floats(dims), packed: true };
  }

  /** Whole numbers below n. */
  integers(dims: readonly number[], n: number): Numbers {
    return { data: Int32Array.from({ length: product(dims) }, () => this.below(n)), dims };
  }

  /** Booleans, true with this probability. */
  booleans(dims: readonly number[], probability = 0.7): Numbers {
    return { data: Uint8Array.from({ length: product(dims) }, () => Number(this.next() < probability)), dims };
  }
}
