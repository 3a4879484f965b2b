/** Losses of single numbers: binary cross entropy from logits, and the squared error. */
import { binaryCrossEntropyWithLogits, mseLoss } from 'heed/ops';
import { ROUNDED } from './check.js';
import { sizeOf } from './f64.js';
import type { Numbers, OpCase } from './types.js';

export interface ElementLossShape {
  dims: readonly number[];
  /** Of what is predicted. */
  spread?: number;
  centre?: number;
  /** Targets between 0 and 1, not one of them. */
  soft?: boolean;
}

/** ln(1 + exp(−|x|)) keeps its digits where the exponential is tiny. */
const exact = {
  binaryCrossEntropyWithLogits: (x: number, y: number) => Math.max(x, 0) - x * y + Math.log1p(Math.exp(-Math.abs(x))),
  mseLoss: (x: number, y: number) => (x - y) ** 2,
};
const ops = { binaryCrossEntropyWithLogits, mseLoss };

export const elementLossCases: OpCase<ElementLossShape, { x: Numbers; targets: Numbers }>[] = (
  Object.keys(ops) as (keyof typeof ops)[]
).map((name) => ({
  name,
  shapes: [
    ...[1, 2, 3, 4, 5, 1023, 1024, 1025, 2051].map((n) => ({ dims: [n] })),
    ...[{ dims: [] }, { dims: [3, 5] }, { dims: [2, 3, 7], soft: true }, { dims: [9], spread: 60 }, { dims: [9], centre: 500 }],
  ],
  bench: [{ dims: [128, 1000] }],
  inputs: ({ dims, spread = 4, centre = 0, soft }, random) => {
    const targets = random.floats(dims, 0.5, 0.5);
    return {
      x: random.floats(dims, spread, centre),
      targets: soft ? targets : { ...targets, data: targets.data.map((value) => Math.round(value)) },
    };
  },
  run: (_, { x, targets }) => ops[name](x, targets),
  oracle: ({ x, targets }) => {
    const sum = Array.from(x.data, (value, i) => exact[name](value, targets.data[i] as number)).reduce((a, b) => a + b, 0);
    return Float64Array.of(sum / x.data.length);
  },
  gradients: ['x'],
  tolerance: ROUNDED,
  flops: ({ dims }) => 12 * sizeOf(dims),
}));
