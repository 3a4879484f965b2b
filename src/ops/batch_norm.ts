/** Batch norms whose statistics are fixed, as they are behind training, over the innermost of a tensor's axes. */
import { affine_f32, batch_norm_f32 } from '../engine/kernels.generated.js';
import { Tensor } from '../tensor.js';
import { relu } from './activation.js';
import { expectDtype } from './check.js';
import { add, mul } from './elementwise.js';
import { isTracked, op, operand } from './op.js';
import { contiguous } from './shape.js';

/** What a batch norm has learned of each channel, [C] each, and a constant that is added to the variance. */
export interface BatchStatistics {
  weight: Tensor;
  bias: Tensor;
  mean: Tensor;
  variance: Tensor;
  eps: number;
}

/** What happens in the same pass. */
export interface BatchNormOptions {
  /** Tensor [..., C] that is added to what is normed. */
  residual?: Tensor | undefined;
  /** Whether what is below 0 becomes 0. Default false. */
  relu?: boolean | undefined;
}

/** The factor and the summand of each channel, [C] each. They get no gradient. */
const folded = /* @__PURE__ */ op((weight: Tensor, { bias, mean, variance, eps }: Omit<BatchStatistics, 'weight'>) => {
  const { engine, size: C } = weight;
  const at = (name: string, x: Tensor) => operand('batchNorm', name, x, [C]);
  const [factor, summand] = [Tensor.empty(engine, [C]), Tensor.empty(engine, [C])];
  const learned = { g: at('weight', weight), b: at('bias', bias), mean: at('mean', mean), variance: at('variance', variance), eps };
  engine.launch(batch_norm_f32({ tiles: C, work: 8 * C, factor: factor.ptr, summand: summand.ptr, ...learned }));
  return { factor, summand };
});

/** max(x · factor + summand + residual, least), in one pass. */
const affine = /* @__PURE__ */ op((x: Tensor, factor: Tensor, summand: Tensor, residual: Tensor | undefined, least: number): Tensor => {
  const { engine, shape, size } = x;
  const C = factor.size;
  const y = Tensor.empty(engine, shape);
  const pointers = { y: y.ptr, x: contiguous(x).ptr, factor: operand('batchNorm', 'weight', factor, [x.dim(-1)]), summand: summand.ptr };
  const rest = operand('batchNorm', 'residual', residual, shape);
  engine.launch(affine_f32({ tiles: size / Math.max(1, C), work: 4 * size, ...pointers, residual: rest, C, least }));
  return y;
});

/**
 * (x − mean) / sqrt(variance + eps) · weight + bias + residual (Ioffe & Szegedy, arXiv 1502.03167), x [..., C]: one factor and one summand of each channel, which are made first.
 * Gradients go to x and the residual alone.
 */
export function batchNorm(
  x: Tensor,
  { weight, ...rest }: BatchStatistics,
  { residual, relu: bounds = false }: BatchNormOptions = {},
): Tensor {
  const { engine } = x;
  expectDtype('batchNorm', 'x', x, 'float32');
  return engine.scope(() => {
    const { factor, summand } = folded(weight, rest);
    if (!isTracked(engine, x, residual)) return affine(x, factor, summand, residual, bounds ? 0 : Number.NEGATIVE_INFINITY);
    const normed = add(mul(x, factor), summand);
    const all = residual ? add(normed, residual) : normed;
    return bounds ? relu(all) : all;
  });
}
