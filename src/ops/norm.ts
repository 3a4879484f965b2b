/** Softmax and normalisation, over the last axis. */
import { record } from '../autograd/tape.js';
import * as kernels from '../engine/kernels.generated.js';
import { STRIP } from '../engine/kernels.generated.js';
import { checkOptions } from '../errors.js';
import { Tensor } from '../tensor.js';
import { expectDtype, wrongArgument, wrongShape } from './check.js';
import type { TensorLike } from './given.js';
import { isTracked, op, operand } from './op.js';
import { contiguous } from './shape.js';

/** Contiguous rows × channels of a tensor, T × C, and an output of the same shape. */
function rows(name: string, x: Tensor): { source: Tensor; y: Tensor; T: number; C: number } {
  expectDtype(name, 'x', x, 'float32');
  const C = x.shape.at(-1);
  if (C === undefined || C === 0) throw wrongShape(name, 'x', x.shape, 'it needs a last axis');
  return { source: contiguous(x), y: Tensor.empty(x.engine, x.shape), T: x.size / C, C };
}

const ofSoftmax = {
  softmax: [kernels.softmax_f32, kernels.softmax_grad_f32],
  logSoftmax: [kernels.log_softmax_f32, kernels.log_softmax_grad_f32],
} as const;

const softmaxWith = op((x: Tensor, name: keyof typeof ofSoftmax): Tensor => {
  const [forward, backward] = ofSoftmax[name];
  const { source, y, T, C } = rows(name, x);
  x.engine.launch(forward({ tiles: T, work: x.size * 24, y: y.ptr, x: source.ptr, C }));
  record(y, [x], [y], (dy) => {
    const dx = Tensor.empty(x.engine, x.shape);
    x.engine.launch(backward({ tiles: T, work: x.size * 24, dx: dx.ptr, dy: contiguous(dy).ptr, y: y.ptr, C }));
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
  /** Number that is added to the variance, or to the mean square. */
  eps?: number | undefined;
}

/** Options of rmsNorm. */
export interface RmsNormOptions extends NormOptions {
  /** Number that is added to the weight. Default 0; 1 in Gemma's norms. */
  offset?: number | undefined;
}

function epsOf(name: string, options: NormOptions, absent: number, known: readonly string[] = ['eps']): number {
  checkOptions(options, known, name);
  return checkEps(name, options.eps ?? absent);
}

/** Returns `eps`. Throws ARGUMENT unless it is a number from 0 on. */
export function checkEps(name: string, eps: number): number {
  if (typeof eps !== 'number' || !(eps >= 0)) throw wrongArgument(name, 'eps', eps, 'It is a number, 0 or above');
  return eps;
}

/**
 * Computes the gradients of a norm over rows of C channels: `stats` holds of each row the mean, which is 0 unless the norm is `centred`, 1 / deviation, and the
 * mean's rounding error.
 */
function normGrad(
  dy: Tensor,
  x: Tensor,
  stats: Tensor,
  weight: Tensor | undefined,
  { centred = false, offset = 0 },
  wanted: readonly boolean[],
) {
  const [T, C] = [stats.dim(0), x.dim(-1)];
  const make = (wants: boolean | undefined, shape: readonly number[]) => (wants ? Tensor.empty(x.engine, shape) : undefined);
  const [dx, dw, db] = [make(wanted[0], x.shape), make(wanted[1], [C]), make(wanted[2], [C])];
  const { engine, ptr, size } = x;
  const [up, at, g] = [contiguous(dy).ptr, stats.ptr, weight ? contiguous(weight).ptr : 0];
  if (dx)
    engine.launch(
      kernels.norm_grad_x_f32({ tiles: T, work: size * 16, dx: dx.ptr, dy: up, x: ptr, stats: at, g, C, centred: Number(centred), offset }),
    );
  if (dw || db) {
    const [tiles, dg, ofBias] = [Math.ceil(C / STRIP), dw?.ptr ?? 0, db?.ptr ?? 0];
    engine.launch(kernels.norm_grad_weight_f32({ tiles, work: size * 6, dg, db: ofBias, dy: up, x: ptr, stats: at, T, C }));
  }
  return [dx, dw, db];
}

/** (x − mean) / sqrt(var + eps) · weight + bias over the last axis (arXiv 1607.06450). */
export const layerNorm = op((x: Tensor, weight?: Tensor, bias?: Tensor, options: NormOptions = {}): Tensor => {
  const eps = epsOf('layerNorm', options, 1e-5);
  const { source, y, T, C } = rows('layerNorm', x);
  const [g, b] = [operand('layerNorm', 'weight', weight, [C]), operand('layerNorm', 'bias', bias, [C])];
  const stats = isTracked(x.engine, x, weight, bias) ? Tensor.empty(x.engine, [T, 3]) : undefined;
  x.engine.launch(kernels.layer_norm_f32({ tiles: T, work: x.size * 8, y: y.ptr, stats: stats?.ptr ?? 0, x: source.ptr, g, b, C, eps }));
  if (stats)
    record(y, [x, weight, bias], [source, stats, weight], (dy, wanted) => normGrad(dy, source, stats, weight, { centred: true }, wanted));
  return y;
});

/** x / sqrt(mean x² + eps) · (weight + offset) over the last axis (Zhang & Sennrich 2019, eq. 4). */
export const rmsNorm = op((x: Tensor, weight?: Tensor, options: RmsNormOptions = {}): Tensor => {
  const eps = epsOf('rmsNorm', options, 1e-6, ['eps', 'offset']);
  const { offset = 0 } = options;
  if (!Number.isFinite(offset)) throw wrongArgument('rmsNorm', 'offset', offset, 'It is a finite number');
  const { source, y, T, C } = rows('rmsNorm', x);
  const g = operand('rmsNorm', 'weight', weight, [C]);
  const stats = isTracked(x.engine, x, weight) ? Tensor.empty(x.engine, [T, 3]) : undefined;
  x.engine.launch(kernels.rms_norm_f32({ tiles: T, work: x.size * 6, y: y.ptr, stats: stats?.ptr ?? 0, x: source.ptr, g, C, eps, offset }));
  if (stats) record(y, [x, weight], [source, stats, weight], (dy, wanted) => normGrad(dy, source, stats, weight, { offset }, wanted));
  return y;
});
