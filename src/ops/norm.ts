/** Softmax and normalisation, over the last axis. */
import type { Kernel } from '../engine/kernels.js';
import { checkOptions } from '../errors.js';
import { Tensor } from '../tensor.js';
import { expectDtype, wrongArgument, wrongShape } from './check.js';
import { op, operand } from './op.js';
import { contiguous } from './shape.js';

/** Rows × channels of a tensor, and an output of the same shape. */
function rows(name: string, x: Tensor): { source: Tensor; y: Tensor; T: number; C: number } {
  expectDtype(name, 'x', x, 'float32');
  const C = x.shape.at(-1);
  if (C === undefined || C === 0) throw wrongShape(name, 'x', x.shape, 'it needs a last axis');
  return { source: contiguous(x), y: Tensor.empty(x.engine, x.shape), T: x.size / C, C };
}

const softmaxWith = op((x: Tensor, name: string, kernel: Kernel): Tensor => {
  const { source, y, T, C } = rows(name, x);
  x.engine.launch(kernel, T, x.size * 24, [y.ptr, source.ptr, C]);
  return y;
});

/** exp(x) / Σ exp(x) over the last axis. A row of −inf gives zeros. */
export const softmax = (x: Tensor): Tensor => softmaxWith(x, 'softmax', 'softmax_f32');

/** ln softmax(x) over the last axis. */
export const logSoftmax = (x: Tensor): Tensor => softmaxWith(x, 'logSoftmax', 'log_softmax_f32');

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

/** (x − mean) / sqrt(var + eps) · weight + bias over the last axis (arXiv 1607.06450). */
export const layerNorm = op((x: Tensor, weight?: Tensor, bias?: Tensor, options: NormOptions = {}): Tensor => {
  const eps = epsOf('layerNorm', options, 1e-5);
  const { source, y, T, C } = rows('layerNorm', x);
  const [g, b] = [operand('layerNorm', 'weight', weight, [C]), operand('layerNorm', 'bias', bias, [C])];
  x.engine.launch('layer_norm_f32', T, x.size * 8, [y.ptr, source.ptr, g, b, C, eps]);
  return y;
});

/** x / sqrt(mean x² + eps) · weight over the last axis (Zhang & Sennrich 2019, eq. 4). */
export const rmsNorm = op((x: Tensor, weight?: Tensor, options: NormOptions = {}): Tensor => {
  const eps = epsOf('rmsNorm', options, 1e-6);
  const { source, y, T, C } = rows('rmsNorm', x);
  x.engine.launch('rms_norm_f32', T, x.size * 6, [y.ptr, source.ptr, operand('rmsNorm', 'weight', weight, [C]), C, eps]);
  return y;
});
