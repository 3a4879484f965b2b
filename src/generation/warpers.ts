/**
 * Logits warpers: changes of a row's scores before a token is drawn, in place. The table's order is the order of application, that of transformers. The maths is
 * float32 by src/math.ts and sums in a fixed order, so that a seed gives the same tokens in every runtime.
 */
import { log } from '../math.js';
import type { Sampling } from './plan.js';
import { weightsOf } from './sampling.js';
import { descending, kthLargest } from './top_k.js';

type Warper = (scores: Float32Array, sampling: Sampling) => void;

const NEVER = Number.NEGATIVE_INFINITY;

/** All other scores become −∞. */
function keepOnly(scores: Float32Array, tokens: readonly number[]): void {
  const kept = tokens.map((token) => scores[token] as number);
  scores.fill(NEVER);
  for (const [i, token] of tokens.entries()) scores[token] = kept[i] as number;
}

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
    const { weights, total } = weightsOf(scores) ?? {};
    if (!weights || !total) return;
    let sum = 0;
    const kept: number[] = [];
    for (const token of descending(scores)) {
      if (kept.length >= least && sum >= top_p * total) break;
      kept.push(token);
      sum += weights[token] as number;
    }
    keepOnly(scores, kept);
  },
  // Nguyen et al. 2024, eq. 2: tokens with at least min_p of the probability of the most probable one.
  min_p: (scores, { min_p, least }) => {
    if (!min_p) return;
    const { weights } = weightsOf(scores) ?? {};
    if (!weights) return;
    const kept: number[] = [];
    for (const token of descending(scores)) {
      if (kept.length >= least && (weights[token] as number) < min_p) break;
      kept.push(token);
    }
    keepOnly(scores, kept);
  },
  // Meister et al. 2022, eq. 7: tokens whose surprise is nearest to the entropy, until their probability is at least typical_p.
  typical_p: (scores, { typical_p, least }) => {
    if (typical_p >= 1) return;
    const { weights, total, best } = weightsOf(scores) ?? {};
    if (!weights || !total) return;
    const surprise = (i: number) => (scores[best as number] as number) + log(total) - (scores[i] as number);
    const live: number[] = [];
    for (let i = 0; i < scores.length; i++) if ((scores[i] as number) > NEVER) live.push(i);
    const entropy = live.reduce((sum, i) => sum + ((weights[i] as number) / total) * surprise(i), 0);
    const distances = new Map(live.map((i) => [i, Math.abs(surprise(i) - entropy)]));
    const distance = (i: number) => distances.get(i) as number;
    const sorted = live.sort((a, b) => distance(a) - distance(b) || a - b);
    let sum = 0;
    let last = 0;
    while (last < sorted.length - 1) {
      sum += weights[sorted[last] as number] as number;
      if (sum >= typical_p * total) break;
      last++;
    }
    const bound = distance(sorted[last] as number);
    for (const [rank, i] of sorted.entries()) if (rank >= least && distance(i) > bound) scores[i] = NEVER;
  },
};

const all = /* @__PURE__ */ Object.values(warpers);

/** Applies all warpers in order. */
export function warp(scores: Float32Array, sampling: Sampling): void {
  for (const one of all) one(scores, sampling);
}
