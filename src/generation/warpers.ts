/**
 * Logits warpers: what is done to a row's scores before a token is drawn, in place. The table's order is the order in which they are applied, transformers'. The maths is
 * float32 by src/math.ts and sums in a fixed order, so that a seed gives the same tokens in every runtime.
 */
import { exp, log } from '../math.js';
import type { Sampling } from './plan.js';
import { argMax, kthLargest } from './top_k.js';

type Warper = (scores: Float32Array, sampling: Sampling) => void;

const NEVER = Number.NEGATIVE_INFINITY;

/** Tokens that have a probability, and each one's share of the most probable token's, which all add up to `total`. */
function distributionOf(scores: Float32Array) {
  const live: number[] = [];
  for (let i = 0; i < scores.length; i++) if ((scores[i] as number) > NEVER) live.push(i);
  const most = scores[argMax(scores)] as number;
  const weight = (i: number) => exp((scores[i] as number) - most);
  return { live, most, weight, total: live.reduce((sum, i) => sum + weight(i), 0) };
}

/** The tokens by what `key` says of them, the least first; of equals, the lower one. */
const sortedBy = (tokens: readonly number[], key: (token: number) => number): number[] =>
  [...tokens].sort((a, b) => key(a) - key(b) || a - b);

const warpers: Readonly<Record<string, Warper>> = {
  temperature: (scores, { temperature }) => {
    const divisor = Math.fround(temperature);
    if (divisor !== 1) for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] as number) / divisor;
  },
  top_k: (scores, { top_k, least }) => {
    if (!top_k) return;
    const bound = kthLargest(scores, Math.max(top_k, least));
    for (let i = 0; i < scores.length; i++) if ((scores[i] as number) < bound) scores[i] = NEVER;
  },
  // Holtzman et al. 2019, eq. 2: the smallest set of the most probable tokens whose probability is at least top_p.
  top_p: (scores, { top_p, least }) => {
    if (top_p >= 1) return;
    const { live, weight, total } = distributionOf(scores);
    let sum = 0;
    for (const [rank, i] of sortedBy(live, (i) => -(scores[i] as number)).entries()) {
      const own = weight(i);
      if (rank >= least && sum >= top_p * total) scores[i] = NEVER;
      sum += own;
    }
  },
  // Nguyen et al. 2024, eq. 2: tokens with at least min_p of the probability of the most probable one.
  min_p: (scores, { min_p, least }) => {
    if (!min_p) return;
    const { live, weight } = distributionOf(scores);
    const rare = live.filter((i) => weight(i) < min_p);
    const kept = live.length - rare.length;
    for (const i of sortedBy(rare, (i) => -(scores[i] as number)).slice(Math.max(0, least - kept))) scores[i] = NEVER;
  },
  // Meister et al. 2022, eq. 7: tokens whose surprise is nearest to the entropy, until their probability is at least typical_p.
  typical_p: (scores, { typical_p, least }) => {
    if (typical_p >= 1) return;
    const { live, most, weight, total } = distributionOf(scores);
    const surprise = (i: number) => most + log(total) - (scores[i] as number);
    const entropy = live.reduce((sum, i) => sum + (weight(i) / total) * surprise(i), 0);
    const distances = new Map(live.map((i) => [i, Math.abs(surprise(i) - entropy)]));
    const distance = (i: number) => distances.get(i) as number;
    const sorted = sortedBy(live, distance);
    let sum = 0;
    let last = 0;
    while (last < sorted.length - 1) {
      sum += weight(sorted[last] as number);
      if (sum >= typical_p * total) break;
      last++;
    }
    const bound = distance(sorted[last] as number);
    for (const [rank, i] of sorted.entries()) if (rank >= least && distance(i) > bound) scores[i] = NEVER;
  },
};

const all = /* @__PURE__ */ Object.values(warpers);

/** All that a draw asks for, in order. */
export function warp(scores: Float32Array, sampling: Sampling): void {
  for (const one of all) one(scores, sampling);
}
