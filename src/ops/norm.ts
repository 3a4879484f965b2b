/** Softmax and normalisation, over the last axis. */
import { record } from '../autograd/tape.js';
import { checkOptions } from '../errors.js';
import { Tensor } from '../tensor.js';
import { expectDtype, wrongArgument, wrongShape } from './check.js';
import type { TensorLike } from './given.js';
import { isTracked, op, operand } from './op.js';
import { contiguous } from './shape.js';

/** Rows × channels of a tensor, and an output of the same shape. */
function rows(name: string, x: Tensor): { source: Tensor; y: Tensor; T: number; C: number } {
  expectDtype(name, 'x', x, 'float32');
  const C = x.shape.at(-1);
  if (C === undefined || C === 0) throw wrongShape(name, 'x', x.shape, 'it needs a last axis');
  return { source: contiguous(x), y: Tensor.empty(x.engine, x.shape), T: x.size / C, C };
}

const kernels = { softmax: ['softmax_f32', 'softmax_grad_f32'], logSoftmax: ['log_softmax_f32', 'log_softmax_grad_f32'] } as const;

const softmaxWith = op((x: Tensor, name: keyof typeof kernels): Tensor => {
  const [forward, backward] = kernels[name];
  const { source, y, T, C } = rows(name, x);
  x.engine.launch(forward, T, x.size * 24, [y.ptr, source.ptr, C]);
  record(y, [x], [y], (dy) => {
    const dx = Tensor.empty(x.engine, x.shape);
    x.engine.launch(backward, T, x.size * 24, [dx.ptr, contiguous(dy).ptr, y.ptr, C]);
    return [dx];
  });
  return y;
});

/** exp(x) / Σ exp(x) over the last axis. A row of −inf gives zeros. */
export const softmax = (x: TensorLike): Tensor => softmaxWith(x, 'softmax');

/** ln softmax(x) over the last axis. */
export const logSoftmax = (x: TensorLike): Tensor => softmaxWith(x, 'logSoftmax');

/** Options of layerNorm and rmsNorm. */
export interface NormOptions {
  /** What is added to the variance, or to the mean square. */
  eps?: number | undefined;
}

function epsOf(name: string, options: NormOptions, absent: number): number {
  checkOptions(options, ['eps'], name);
  return checkEps(name, options.eps ?? absent);
}

/** Gives back what can be added to a variance; throws ARGUMENT for what cannot. */
export function checkEps(name: string, eps: number): number {
  if (typeof eps !== 'number' || !(eps >= 0)) throw wrongArgument(name, 'eps', eps, 'It is a number, 0 or above');
  return eps;
}

/** The gradients of a norm over rows of C channels: `stats` holds of each row the mean, which is 0 unless it is `centred`, 1 / deviation, and the mean's rounding error. */
function normGrad(dy: Tensor, x: Tensor, stats: Tensor, weight: Tensor | undefined, centred: boolean, wanted: readonly boolean[]) {
  const [T, C] = [stats.dim(0), x.dim(-1)];
  const make = (wants: boolean | undefined, shape: readonly number[]) => (wants ? Tensor.empty(x.engine, shape) : undefined);
  const [dx, dw, db] = [make(wanted[0], x.shape), make(wanted[1], [C]), make(wanted[2], [C])];
  const [up, g] = [contiguous(dy).ptr, weight ? contiguous(weight).ptr : 0];
  if (dx) x.engine.launch('norm_grad_x_f32', T, x.size * 16, [dx.ptr, up, x.ptr, stats.ptr, g, C, Number(centred)]);
  if (dw || db) {
    const args = [dw?.ptr ?? 0, db?.ptr ?? 0, up, x.ptr, stats.ptr, T, C];
    x.engine.launch('norm_grad_weight_f32', Math.ceil(C / 16), x.size * 6, args);
  }
  return [dx, dw, db];
}

/** (x − mean) / sqrt(var + eps) · weight + bias over the last axis (arXiv 1607.06450). */
export const layerNorm = op((x: Tensor, weight?: Tensor, bias?: Tensor, options: NormOptions = {}): Tensor => {
  const eps = epsOf('layerNorm', options, 1e-5);
  const { source, y, T, C } = rows('layerNorm', x);
  const [g, b] = [operand('layerNorm', 'weight', weight, [C]), operand('layerNorm', 'bias', bias, [C])];
  const stats = isTracked(x.engine, x, weight, bias) ? Tensor.empty(x.engine, [T, 3]) : undefined;
  x.engine.launch('layer_norm_f32', T, x.size * 8, [y.ptr, stats?.ptr ?? 0, source.ptr, g, b, C, eps]);
  if (stats) record(y, [x, weight, bias], [source, stats, weight], (dy, wanted) => normGrad(dy, source, stats, weight, true, wanted));
  return y;
});

/** x / sqrt(mean x² + eps) · weight over the last axis (Zhang & Sennrich 2019, eq. 4). */
export const rmsNorm = op((x: Tensor, weight?: Tensor, options: NormOptions = {}): Tensor => {
  const eps = epsOf('rmsNorm', options, 1e-6);
  const { source, y, T, C } = rows('rmsNorm', x);
  const g = operand('rmsNorm', 'weight', weight, [C]);
  const stats = isTracked(x.engine, x, weight) ? Tensor.empty(x.engine, [T, 3]) : undefined;
  x.engine.launch('rms_norm_f32', T, x.size * 6, [y.ptr, stats?.ptr ?? 0, source.ptr, g, C, eps]);
  if (stats) record(y, [x, weight], [source, stats, weight], (dy, wanted) => normGrad(dy, source, stats, weight, false, wanted));
  return y;
});
