/**
 * Drawing a token by its probability. The draws of a row depend on the seed and the row's number alone, and not on the rows beside it; the maths is
 * float32 by src/math.ts and sums in index order, so that a seed gives the same tokens in every runtime.
 */
import { exp } from '../math.js';
import type { Random } from '../random.js';
import type { Plan } from './plan.js';
import { argMax, type Entry, kthLargest, TopK } from './top_k.js';

type Sampling = NonNullable<Plan['sampling']>;

const isLive = (score: number) => score > Number.NEGATIVE_INFINITY;

/**
 * Divides by the temperature; gives −∞ to tokens that are not among the top k, and to those that are not needed for a probability of top_p, but leaves
 * `least` of them. In place.
 */
export function warp(scores: Float32Array, { temperature, top_k, top_p, least }: Sampling): void {
  const divisor = Math.fround(temperature);
  if (divisor !== 1) for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] as number) / divisor;
  if (top_k) {
    const bound = kthLargest(scores, Math.max(top_k, least));
    for (let i = 0; i < scores.length; i++) if ((scores[i] as number) < bound) scores[i] = Number.NEGATIVE_INFINITY;
  }
  if (top_p < 1) keepNucleus(scores, top_p, least);
}

/** Holtzman et al. 2019, eq. 2: the smallest set of the most probable tokens whose probability is at least top_p. */
function keepNucleus(scores: Float32Array, top_p: number, least: number): void {
  const live: number[] = [];
  for (let i = 0; i < scores.length; i++) if (isLive(scores[i] as number)) live.push(i);
  const most = scores[argMax(scores)] as number;
  const weight = (i: number) => exp((scores[i] as number) - most);
  const total = live.reduce((sum, i) => sum + weight(i), 0);
  live.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  let sum = 0;
  for (const [rank, i] of live.entries()) {
    if (rank >= least && sum >= top_p * total) scores[i] = Number.NEGATIVE_INFINITY;
    sum += weight(i);
  }
}

/** Draws an index with the probability softmax(scores); −1 where no score is above −∞. */
export function draw(scores: Float32Array, random: Random): number {
  const best = argMax(scores);
  if (best < 0) return -1;
  const most = scores[best] as number;
  let total = 0;
  const weight = (i: number) => (isLive(scores[i] as number) ? exp((scores[i] as number) - most) : 0);
  for (let i = 0; i < scores.length; i++) total += weight(i);
  let left = random.uniform() * total;
  for (let i = 0; i < scores.length; i++) {
    left -= weight(i);
    if (left < 0) return i;
  }
  return best;
}

/**
 * Draws k scores of several rows, each with the probability softmax(rows) among those that are left, largest first; one number of `random` for each draw. Where
 * fewer have a probability, the largest others follow.
 */
export function drawWithoutReplacement(rows: readonly Float32Array[], base: readonly number[], k: number, random: Random): Entry[] {
  const V = (rows[0] as Float32Array).length;
  const top = new TopK(2 * k);
  for (const [i, row] of rows.entries()) top.add(row, base[i], i * V);
  const best = top.best();
  const most = (best[0] as Entry | undefined)?.value ?? Number.NEGATIVE_INFINITY;
  const left: (Entry & { weight: number })[] = [];
  for (const [i, row] of rows.entries())
    for (let v = 0; v < V; v++) {
      const value = Math.fround((row[v] as number) + (base[i] as number));
      const weight = isLive(value) ? exp(value - most) : 0;
      if (weight > 0) left.push({ value, key: i * V + v, weight });
    }
  const drawn: Entry[] = [];
  while (drawn.length < k && left.length) {
    let rest = random.uniform() * left.reduce((sum, { weight }) => sum + weight, 0);
    const at = left.findIndex(({ weight }) => {
      rest -= weight;
      return rest < 0;
    });
    drawn.push(...left.splice(at, 1));
  }
  const taken = new Set(drawn.map(({ key }) => key));
  const others = best.filter(({ key }) => !taken.has(key)).slice(0, k - drawn.length);
  return [...drawn, ...others].sort((a, b) => (a.value === b.value ? a.key - b.key : b.value - a.value));
}
