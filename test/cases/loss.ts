/** Cross entropy with every combination of what PyTorch's has: ignored targets, label smoothing, class weights. */
import { crossEntropy } from 'heed/ops';
import { ROUNDED } from './check.js';
import { sizeOf } from './f64.js';
import type { Numbers, OpCase } from './types.js';

export interface LossShape {
  dims: readonly number[];
  ignoreIndex?: number;
  labelSmoothing?: number;
  weight?: boolean;
  /** Of the logits. */
  centre?: number;
  spread?: number;
}

const forms: Omit<LossShape, 'dims'>[] = [{}, { ignoreIndex: 1 }, { labelSmoothing: 0.1 }, { weight: true }].flatMap((first) =>
  [{}, { labelSmoothing: 0.3 }, { weight: true, ignoreIndex: 0 }].map((second) => ({ ...first, ...second })),
);

export const crossEntropyCase: OpCase<LossShape, { logits: Numbers; targets: Numbers; weight?: Numbers }> = {
  name: 'crossEntropy',
  shapes: [
    ...[2, 3, 4, 5, 8, 131].flatMap((V) => forms.map((form) => ({ dims: [9, V], ...form }))),
    { dims: [3, 1] },
    { dims: [7] },
    { dims: [2, 3, 6], labelSmoothing: 1 },
    { dims: [1, 7], labelSmoothing: 0.1, weight: true },
    { dims: [5, 33], centre: 1000, labelSmoothing: 0.1 },
    { dims: [5, 33], spread: 60 },
  ],
  bench: [
    { dims: [128, 8000], labelSmoothing: 0.1 },
    { dims: [512, 8000], labelSmoothing: 0.1 },
  ],
  inputs({ dims, weight, ignoreIndex, centre, spread = 3 }, random) {
    const V = dims.at(-1) as number;
    const targets = random.integers(dims.slice(0, -1), V);
    // Somebody counts.
    if (targets.data.every((target) => target === ignoreIndex)) targets.data[0] = V - 1;
    return { logits: random.floats(dims, spread, centre), targets, ...(weight && { weight: random.floats([V], 0.9, 1) }) };
  },
  run: (_, { logits, targets, weight }, { ignoreIndex, labelSmoothing }) =>
    crossEntropy(logits, targets, { ignoreIndex, labelSmoothing, weight }),
  oracle({ logits, targets, weight }, { dims, ignoreIndex, labelSmoothing = 0 }) {
    const V = dims.at(-1) as number;
    const weightOf = (c: number) => weight?.data[c] ?? 1;
    let [loss, count] = [0, 0];
    for (let t = 0; t < targets.data.length; t++) {
      const target = targets.data[t] as number;
      if (target === ignoreIndex) continue;
      const row = Float64Array.from({ length: V }, (_, c) => logits.data[t * V + c] as number);
      const most = row.reduce((a, b) => Math.max(a, b));
      const log = Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0));
      const cost = (c: number) => -weightOf(c) * ((row[c] as number) - most - log);
      const shared = row.reduce((sum, _, c) => sum + cost(c), 0) / V;
      loss += (1 - labelSmoothing) * cost(target) + labelSmoothing * shared;
      count += weightOf(target);
    }
    return Float64Array.of(loss / count);
  },
  gradients: ['logits'],
  tolerance: ROUNDED,
  flops: ({ dims }) => 10 * sizeOf(dims),
};
