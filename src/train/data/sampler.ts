/**
 * The order of a dataset's examples in an epoch, and its division into batches. A plan is a function of
 * its options and a generator alone; the loader makes one for an epoch from the seed and the epoch's number.
 */
import { HeedError } from '../../errors.js';
import type { Random } from '../../random.js';

/** Draws the examples of an epoch. */
export interface Sampler {
  /** Number of examples that `draw` returns. */
  readonly length: number;
  /** Numbers of examples, in order. */
  draw(random: Random): Int32Array;
}

/** Every example once, as they come. */
export const sequentialSampler = (length: number): Sampler => ({ length, draw: () => Int32Array.from({ length }, (_, i) => i) });

/** Every example once, in a random order. */
export const randomSampler = (length: number): Sampler => ({
  length,
  draw: (random) => random.shuffle(sequentialSampler(length).draw(random)),
});

/** Examples with replacement, each with a probability in proportion to its weight: torch.utils.data.WeightedRandomSampler. */
export class WeightedRandomSampler implements Sampler {
  readonly #sums: Float64Array;

  /** `weights` has one number for each example, none negative, at least one positive. Throws ARGUMENT otherwise. */
  constructor(
    weights: ArrayLike<number>,
    readonly length: number = weights.length,
  ) {
    let sum = 0;
    this.#sums = Float64Array.from(weights, (weight, i) => {
      if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) throw wrong('weights', `weight ${i} is ${weight}`, 'They must be 0 or more');
      sum += weight;
      return sum;
    });
    if (!(sum > 0 && sum < Number.POSITIVE_INFINITY)) throw wrong('weights', `the weights add up to ${sum}`, 'Give one that is not 0');
    if (!(Number.isInteger(length) && length >= 0)) throw wrong('length', `${length} examples cannot be drawn`, 'Give a whole number');
  }

  /** Returns a sampler that draws, on average, as many examples of each class. `labels` has a class for each example. */
  static balanced(labels: ArrayLike<number>, length: number = labels.length): WeightedRandomSampler {
    const weights = classWeights(labels);
    return new WeightedRandomSampler(
      Float64Array.from(labels, (label) => weights[label] as number),
      length,
    );
  }

  draw(random: Random): Int32Array {
    const sums = this.#sums;
    const total = sums.at(-1) as number;
    return Int32Array.from({ length: this.length }, () => {
      const target = random.uniform() * total;
      // Binary search for the first example whose sum exceeds the target, which never is an example of weight 0.
      let [low, high] = [0, sums.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((sums[middle] as number) > target) high = middle;
        else low = middle + 1;
      }
      return low;
    });
  }
}

/**
 * Weights with which classes of different size count the same: examples / (classes x examples of the class). As factors of a
 * loss they keep its mean. A class without examples gets 0 and is not counted among the classes.
 * `labels` are whole numbers from 0; throws ARGUMENT for others. Gives [classes] where classes is the largest label + 1, or more where asked for.
 */
export function classWeights(labels: ArrayLike<number>, classes = 0): Float64Array {
  let counts = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    if (!(Number.isInteger(label) && label >= 0 && label < 1 << 24))
      throw wrong('labels', `label ${i} is ${label}`, 'Labels are whole numbers from 0');
    if (label >= counts.length) {
      const larger = new Float64Array(label + 1);
      larger.set(counts);
      counts = larger;
    }
    counts[label] = (counts[label] as number) + 1;
  }
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count ? labels.length / (present * count) : 0));
}

export interface Cut {
  batchSize: number;
  /** Leaves the last batch out where it is not full. */
  dropLast: boolean;
  /** Brings examples of like length together: see `bucketed`. Batches are in a random order then, where `shuffle` says so. */
  bucketing: { lengths: ArrayLike<number>; batches: number; shuffle: boolean } | undefined;
}

/** Cuts an order into batches. Each is a part of what `order` becomes. */
export function batchesOf(order: Int32Array, { batchSize, dropLast, bucketing }: Cut, random: Random): Int32Array[] {
  const sorted = bucketing ? bucketed(order, bucketing.batches * batchSize, bucketing.lengths) : order;
  const batches: Int32Array[] = [];
  for (let at = 0; at < sorted.length; at += batchSize) {
    const batch = sorted.subarray(at, at + batchSize);
    if (batch.length === batchSize || !dropLast) batches.push(batch);
  }
  return bucketing?.shuffle ? random.shuffle(batches) : batches;
}

/** Cuts an order into chunks and sorts each by length; equally long examples stay in their order. */
function bucketed(order: Int32Array, chunk: number, lengths: ArrayLike<number>): Int32Array {
  const sorted = new Int32Array(order.length);
  for (let at = 0; at < order.length; at += chunk)
    sorted.set(
      Array.from(order.subarray(at, at + chunk)).sort((a, b) => (lengths[a] as number) - (lengths[b] as number)),
      at,
    );
  return sorted;
}

const wrong = (culprit: string, what: string, cure: string) => new HeedError('ARGUMENT', what, { culprit, cure });
