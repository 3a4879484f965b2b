/** Pointwise activations. */
import { record } from '../autograd/tape.js';
import { activation_f32, activation_grad_f32, Activation as numbers, TILE } from '../engine/kernels.generated.js';
import { checkOptions, HeedError } from '../errors.js';
import { Tensor } from '../tensor.js';
import { expectDtype, kindOf, wrongArgument } from './check.js';
import { add, scale } from './elementwise.js';
import type { TensorLike } from './given.js';
import { op } from './op.js';
import { contiguous } from './shape.js';

/**
 * An activation's name in heed, which `linear` takes too:
 *
 * | name | function |
 * | --- | --- |
 * | `relu`, `relu2`, `relu6` | max(x, 0), its square (arXiv 2109.08668), min(max(x, 0), 6) |
 * | `gelu`, `geluTanh`, `gelu10` | x Φ(x) with the error function (arXiv 1606.08415), its tanh approximation, min(gelu(x), 10) (arXiv 2004.09602) |
 * | `silu`, `quickGelu` | x σ(x) (arXiv 1702.03118), x σ(1.702 x) |
 * | `tanh`, `sigmoid`, `identity` | (e^x − e^−x) / (e^x + e^−x), 1 / (1 + e^−x), x |
 * | `hardswish` | x min(max(x + 3, 0), 6) / 6 (arXiv 1905.02244) |
 * | `laplace` | (1 + erf((x − 0.707107) / (0.282095 √2))) / 2 (arXiv 2209.10655) |
 * | `leakyRelu` | x, or 0.01 x below 0 |
 * | `mish` | x tanh(ln(1 + e^x)) (arXiv 1908.08681) |
 * | `sqrtSoftplus` | √(ln(1 + e^x)) |
 */
export type Activation = keyof typeof numbers;

/** Every activation by its name in heed, and its kernel's number. */
export const activations: Readonly<Record<Activation, number>> = numbers;

/** Returns the kernel's number of an activation; 0 for none. Throws UNSUPPORTED for a name that is not in the table. */
export function activationCode(name: Activation | undefined): number {
  if (name === undefined) return 0;
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return activations[name];
  throw new HeedError('UNSUPPORTED', `There is no activation ${kindOf(name)}`, {
    culprit: 'activation',
    cure: `Use ${Object.keys(activations).join(', ')}`,
  });
}

/** Approximate number of operations per element, for the size of a launch. */
const COST = 16;

/** y = activation(x), of any shape. */
export const activate = op((x: Tensor, name: Activation): Tensor => {
  const kind = activationCode(name);
  expectDtype(name, 'x', x, 'float32');
  const source = contiguous(x);
  const y = Tensor.empty(x.engine, x.shape);
  const n = x.size;
  x.engine.launch(activation_f32({ tiles: Math.ceil(n / TILE), work: n * COST, y: y.ptr, x: source.ptr, n, kind }));
  record(y, [x], [source], (dy) => [activateGrad(dy, source, name)]);
  return y;
});

/** dy · activation'(x), of a contiguous x. */
export function activateGrad(dy: Tensor, x: Tensor, name: Activation): Tensor {
  const dx = Tensor.empty(x.engine, x.shape);
  const [n, kind, up] = [x.size, activations[name], contiguous(dy).ptr];
  x.engine.launch(activation_grad_f32({ tiles: Math.ceil(n / TILE), work: n * COST, dx: dx.ptr, dy: up, x: x.ptr, n, kind }));
  return dx;
}

/** max(x, 0) */
export const relu = (x: TensorLike): Tensor => activate(x, 'relu');

/** x Φ(x) with the error function, or its tanh approximation (arXiv 1606.08415). */
export function gelu(
  x: TensorLike,
  options: {
    /** Form of the function: 'tanh' for the approximation. Default 'none'. */
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

/** x, or slope · x below 0, of any slope: what `leakyRelu` is for 0.01. */
export const leaky = (x: Tensor, slope: number): Tensor => x.engine.scope(() => add(scale(x, slope), scale(relu(x), 1 - slope)));
