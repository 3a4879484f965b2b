/**
 * Draws of tokens by their probability. The draws of a row depend on the seed and the row's number alone, not on other rows of the batch; the maths is
 * float32 by src/math.ts and sums in index order, so that a seed gives the same tokens in every runtime.
 */
import { exp } from '../math.js';
import type { Random } from '../random.js';
import { argMax, type Entry, TopK } from './top_k.js';

const isLive = (score: number) => score > Number.NEGATIVE_INFINITY;

/** What each score's probability is in proportion to: e^(score − the largest), 0 for −∞; and the sum of all, in the order of the scores. `undefined` where no score is above −∞. */
export function weightsOf(scores: Float32Array): { weights: Float32Array; total: number; best: number } | undefined {
  const best = argMax(scores);
  if (best < 0) return undefined;
  const most = scores[best] as number;
  const weights = new Float32Array(scores.length);
  let total = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (!isLive(score)) continue;
    const weight = exp(score - most);
    weights[i] = weight;
    total += weight;
  }
  return { weights, total, best };
}

/** Draws an index with the probability softmax(scores); −1 where no score is above −∞. */
export function draw(scores: Float32Array, random: Random): number {
  const all = weightsOf(scores);
  if (!all) return -1;
  const { weights, total, best } = all;
  let left = random.uniform() * total;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i] as number;
    if (left < 0) return i;
  }
  return best;
}

/**
 * Draws k scores of several rows without replacement, each with the probability softmax(rows) among the remaining ones, largest first; each draw takes one number of `random`.
 * Where fewer than k have a probability above 0, the largest of the others follow.
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
