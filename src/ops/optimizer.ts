/** Steps of optimizers on tensors, in place, and the norm by which gradients are clipped. src/train/optimizer.ts builds optimizers from them. */
import type { Engine } from '../engine/engine.js';
import { adam_f32, sgd_f32, square_sum_f32, TILE } from '../engine/kernels.generated.js';
import { type Shape, sizeOf, Tensor } from '../tensor.js';

export interface AdamStep {
  /** Factor of the gradient. */
  scale: number;
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** `true` where the decay acts on the parameter (AdamW); false where it joins the gradient (Adam). */
  decoupled: boolean;
  /** Number of the step, from 1 on. */
  step: number;
}

/** Takes one step of Adam or AdamW, in place. Parameter, first moment `m`, second moment `v` and gradient are of one size. */
export function adamStep(parameter: Tensor, m: Tensor, v: Tensor, gradient: Tensor, options: AdamStep): void {
  const { scale, lr, beta1, beta2, eps, weightDecay, decoupled, step } = options;
  // Powers by multiplication: engines differ in the last bits of pow.
  const [power1, power2] = [power(beta1, step), power(beta2, step)];
  const keep = decoupled ? 1 - lr * weightDecay : 1;
  const rate = lr / (1 - power1);
  const correction = 1 / Math.sqrt(1 - power2);
  const decay = decoupled ? 0 : weightDecay;
  const { ptr: p, size: n } = parameter;
  const [tiles, work, first, second, g] = [Math.ceil(n / TILE), n * 24, m.ptr, v.ptr, gradient.ptr];
  const how = { tiles, work, p, m: first, v: second, g, n, scale, keep, decay, beta1, beta2, rate, correction, eps };
  parameter.engine.launch(adam_f32(how));
}

export interface SgdStep {
  scale: number;
  lr: number;
  momentum: number;
  dampening: number;
  nesterov: boolean;
  weightDecay: number;
  /** Number of the step, from 1 on. */
  step: number;
}

/** Takes one step of SGD, in place. Parameter, momentum buffer `m` (where there is momentum) and gradient are of one size. */
export function sgdStep(parameter: Tensor, m: Tensor | undefined, gradient: Tensor, options: SgdStep): void {
  const { scale, lr, momentum, dampening, nesterov, weightDecay, step } = options;
  const { ptr: p, size: n } = parameter;
  const [kept, blend, ahead] = [step === 1 ? 0 : momentum, step === 1 ? 1 : 1 - dampening, nesterov ? momentum : 0];
  const [tiles, work, buffer, g] = [Math.ceil(n / TILE), n * 24, m?.ptr ?? 0, gradient.ptr];
  const how = { tiles, work, p, m: buffer, g, n, scale, decay: weightDecay, momentum: kept, blend, nesterov: ahead, lr };
  parameter.engine.launch(sgd_f32(how));
}

/** Σ x², in float64 and in one order for every number of threads. */
export function squareSum(x: Tensor): number {
  const { engine } = x;
  const tiles = Math.ceil(x.size / TILE);
  if (tiles === 0) return 0;
  return engine.scope(() => {
    const sums = engine.allocate(tiles * 8);
    engine.launch(square_sum_f32({ tiles, work: x.size * 4, sums: sums.ptr, x: x.ptr, n: x.size }));
    return new Float64Array(engine.heap.wasm.buffer, sums.ptr, tiles).reduce((sum, part) => sum + part, 0);
  });
}

/** b to the power n by squaring, which has the same bits everywhere. */
function power(b: number, n: number): number {
  let [result, square] = [1, b];
  for (let k = n; k > 0; k = Math.floor(k / 2)) {
    if (k % 2) result *= square;
    square *= square;
  }
  return result;
}

/** A tensor of zeros that no scope owns, for an optimizer's state. */
export function zerosOf(engine: Engine, shape: Shape): Tensor {
  const bytes = 4 * sizeOf(shape);
  const storage = engine.heap.allocate(bytes);
  engine.heap.bytes.fill(0, storage.ptr, storage.ptr + bytes);
  return new Tensor(engine, storage, shape);
}
