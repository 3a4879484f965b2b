/** Pointwise activations. Their numbers are assembly/activation.ts's. */
import { record } from '../autograd/tape.js';
import { checkOptions, HeedError } from '../errors.js';
import { Tensor } from '../tensor.js';
import { expectDtype, kindOf, wrongArgument } from './check.js';
import type { TensorLike } from './given.js';
import { op } from './op.js';
import { contiguous } from './shape.js';

/** Every activation by its name in heed; `linear` takes these names too. */
export const activations = {
  /** max(x, 0) */
  relu: 1,
  /** x Φ(x), with the error function (arXiv 1606.08415) */
  gelu: 2,
  /** Its tanh approximation */
  geluTanh: 3,
  /** x σ(1.702 x) */
  quickGelu: 4,
  /** x σ(x) (arXiv 1702.03118) */
  silu: 5,
  /** (e^x − e^−x) / (e^x + e^−x) */
  tanh: 6,
  /** 1 / (1 + e^−x) */
  sigmoid: 7,
  /** x */
  identity: 8,
  /** min(gelu(x), 10) (arXiv 2004.09602) */
  gelu10: 9,
  /** x min(max(x + 3, 0), 6) / 6 (arXiv 1905.02244) */
  hardswish: 10,
  /** (1 + erf((x − 0.707107) / (0.282095 √2))) / 2 (arXiv 2209.10655) */
  laplace: 11,
  /** x, or 0.01 x below 0 */
  leakyRelu: 12,
  /** x tanh(ln(1 + e^x)) (arXiv 1908.08681) */
  mish: 13,
  /** max(x, 0)² (arXiv 2109.08668) */
  relu2: 14,
  /** min(max(x, 0), 6) */
  relu6: 15,
  /** √(ln(1 + e^x)) */
  sqrtSoftplus: 16,
} as const;
/** An activation's name in heed: a key of `activations`. */
export type Activation = keyof typeof activations;

/** A kernel's number for an activation; 0 for none. Throws UNSUPPORTED for a name that is not in the table. */
export function activationCode(name: Activation | undefined): number {
  if (name === undefined) return 0;
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return activations[name];
  throw new HeedError('UNSUPPORTED', `There is no activation ${kindOf(name)}`, {
    culprit: 'activation',
    cure: `Use ${Object.keys(activations).join(', ')}`,
  });
}

/** Operations per element, about: what a launch is worth. */
const COST = 16;

/** y = activation(x), of any shape. */
export const activate = op((x: Tensor, name: Activation): Tensor => {
  const code = activationCode(name);
  expectDtype(name, 'x', x, 'float32');
  const source = contiguous(x);
  const y = Tensor.empty(x.engine, x.shape);
  x.engine.launch('activation_f32', Math.ceil(x.size / 1024), x.size * COST, [y.ptr, source.ptr, x.size, code]);
  record(y, [x], [source], (dy) => [activateGrad(dy, source, name)]);
  return y;
});

/** dy · activation'(x), of a contiguous x. */
export function activateGrad(dy: Tensor, x: Tensor, name: Activation): Tensor {
  const dx = Tensor.empty(x.engine, x.shape);
  const args = [dx.ptr, contiguous(dy).ptr, x.ptr, x.size, activations[name]];
  x.engine.launch('activation_grad_f32', Math.ceil(x.size / 1024), x.size * COST, args);
  return dx;
}

/** max(x, 0) */
export const relu = (x: TensorLike): Tensor => activate(x, 'relu');

/** x Φ(x) with the error function, or its tanh approximation (arXiv 1606.08415). */
export function gelu(
  x: TensorLike,
  options: {
    /** 'tanh' for the approximation. Default 'none'. */
    approximate?: 'none' | 'tanh';
  } = {},
): Tensor {
  checkOptions(options, ['approximate'], 'gelu');
  const { approximate = 'none' } = options;
  if (approximate !== 'none' && approximate !== 'tanh') {
    throw wrongArgument('gelu', 'approximate', approximate, "It is 'none' or 'tanh'");
  }
  return activate(x, approximate === 'tanh' ? 'geluTanh' : 'gelu');
}

/** x σ(1.702 x) */
export const quickGelu = (x: TensorLike): Tensor => activate(x, 'quickGelu');

/** x σ(x) (arXiv 1702.03118) */
export const silu = (x: TensorLike): Tensor => activate(x, 'silu');

/** (e^x − e^−x) / (e^x + e^−x) */
export const tanh = (x: TensorLike): Tensor => activate(x, 'tanh');

/** 1 / (1 + e^−x) */
export const sigmoid = (x: TensorLike): Tensor => activate(x, 'sigmoid');

/** x min(max(x + 3, 0), 6) / 6 (arXiv 1905.02244) */
export const hardswish = (x: TensorLike): Tensor => activate(x, 'hardswish');

/** x, or 0.01 x below 0 */
export const leakyRelu = (x: TensorLike): Tensor => activate(x, 'leakyRelu');

/** x tanh(ln(1 + e^x)) (arXiv 1908.08681) */
export const mish = (x: TensorLike): Tensor => activate(x, 'mish');

/** min(max(x, 0), 6) */
export const relu6 = (x: TensorLike): Tensor => activate(x, 'relu6');
