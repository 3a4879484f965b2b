/** Convolutions over a sequence, as products with windows of it: every format of weights that a product reads does for them. */
import { record } from '../autograd/tape.js';
import { fold_f32, unfold_f32 } from '../engine/kernels.generated.js';
import { checkOptions } from '../errors.js';
import { type Matrix, Tensor } from '../tensor.js';
import type { Activation } from './activation.js';
import { expectDtype, wrongArgument, wrongShape } from './check.js';
import { latestEngine, type TensorLike, withEntered } from './given.js';
import { linear } from './matmul.js';
import { op } from './op.js';
import { cat, contiguous, narrow, reshape, transpose } from './shape.js';

/** Which windows of a sequence a convolution reads. */
export interface WindowOptions {
  /** Steps from window to window. Default 1. */
  stride?: number | undefined;
  /** Zeros before the sequence, and behind it. Default 0. */
  padding?: number | undefined;
}

/** Options of a convolution. */
export interface ConvolutionOptions extends WindowOptions {
  /** Into how many parts channels fall, each of which makes its part of the output. Default 1. */
  groups?: number | undefined;
  /** Activation after the bias, in the same pass. */
  activation?: Activation | undefined;
}

/** Windows that fit into L steps. Throws ARGUMENT for options that cannot be, SHAPE where no window fits. */
function windowsOf(where: string, x: Tensor, kernel: number, { stride = 1, padding = 0 }: WindowOptions) {
  for (const [name, value, least] of [['kernel', kernel, 1] as const, ['stride', stride, 1] as const, ['padding', padding, 0] as const])
    if (!(Number.isSafeInteger(value) && value >= least && value <= 1 << 24))
      throw wrongArgument(where, name, value, `It is a whole number from ${least} on`);
  if (x.rank !== 3) throw wrongShape(where, 'x', x.shape, 'it must be [B, C, L]');
  const S = Math.floor((x.dim(2) + 2 * padding - kernel) / stride) + 1;
  if (S < 1) throw wrongShape(where, 'x', x.shape, `it has no window of ${kernel}`);
  return { stride, padding, S };
}

/**
 * Windows of a sequence side by side: x [B, C, L] → [B, S, C K] of S = ⌊(L + 2 padding − K) / stride⌋ + 1 windows, each with the K steps of the first channel, then those of
 * the second. It is the transpose of what torch.nn.functional.unfold gives. Views, of any strides, are read as they are.
 */
export const unfold = op((x: Tensor, kernel: number, options: WindowOptions = {}): Tensor => {
  checkOptions(options, ['stride', 'padding'], 'unfold');
  expectDtype('unfold', 'x', x, 'float32');
  const { stride, padding, S } = windowsOf('unfold', x, kernel, options);
  const [B, C, L] = x.shape as [number, number, number];
  const [xb, xc, xl] = x.strides as [number, number, number];
  const y = Tensor.empty(x.engine, [B, S, C * kernel]);
  const sizes = { S, C, L, K: kernel, stride, padding };
  x.engine.launch(unfold_f32({ tiles: B * S, work: y.size, y: y.ptr, x: x.ptr, ...sizes, xb, xc, xl }));
  record(y, [x], [], (dy) => {
    const dx = Tensor.empty(x.engine, [B, L, C]);
    x.engine.launch(fold_f32({ tiles: B * L, work: y.size, dx: dx.ptr, dy: contiguous(dy).ptr, ...sizes }));
    return [transpose(dx, 1, 2)];
  });
  return y;
});

/** A convolution by weights that a module holds, one [N / groups, C / groups · K] for each group: `convolve` says what it makes. */
export interface Filters {
  /** K. */
  kernel: number;
  groups: number;
  /** N. */
  outputs: number;
  /** Those of a group: rows [N / groups, …], or what a product reads of them. */
  weight(group: number): Tensor | Matrix;
  bias: Tensor | undefined;
}

/** x [B, C, L] → [B, N, S], a view of [B, S, N], which the next convolution reads as it is. */
export function convolve(x: Tensor, { kernel, groups, outputs, weight, bias }: Filters, options: ConvolutionOptions): Tensor {
  const { activation, stride, padding } = options;
  return x.engine.scope(() => {
    const [columns, rows] = [x.dim(1) / groups, outputs / groups];
    // Windows of one group at a time: those of all are K times x.
    const parts = Array.from({ length: groups }, (_, g) =>
      x.engine.scope(() => {
        const windows = unfold(groups === 1 ? x : narrow(x, 1, g * columns, columns), kernel, { stride, padding });
        return linear(windows, weight(g), groups === 1 || !bias ? bias : narrow(bias, 0, g * rows, rows), { activation });
      }),
    );
    return transpose(groups === 1 ? (parts[0] as Tensor) : cat(parts, 2), 1, 2);
  });
}

/** Throws ARGUMENT where channels, or outputs, do not fall into so many groups. */
export function checkGroups(where: string, groups: number, channels: number, outputs: number): void {
  if (Number.isSafeInteger(groups) && groups >= 1 && channels % groups === 0 && outputs % groups === 0) return;
  throw wrongArgument(where, 'groups', groups, `It divides ${channels} channels and ${outputs} outputs`);
}

/** A convolution over a sequence, as torch.nn.functional.conv1d has it: x [B, C, L], weight [N, C / groups, K], bias [N] → [B, N, S], as `unfold` counts S. */
export function conv1d(x: TensorLike, weight: TensorLike, bias?: TensorLike, options: ConvolutionOptions = {}): Tensor {
  checkOptions(options, ['stride', 'padding', 'groups', 'activation'], 'conv1d');
  const engine = [x, weight, bias].find((given) => given instanceof Tensor)?.engine ?? latestEngine();
  return withEntered<[Tensor, Tensor, Tensor | undefined], Tensor>(engine, [x, weight, bias], (x, weight, bias) => {
    expectDtype('conv1d', 'x', x, 'float32');
    expectDtype('conv1d', 'weight', weight, 'float32');
    const { groups = 1 } = options;
    if (x.rank !== 3) throw wrongShape('conv1d', 'x', x.shape, 'it must be [B, C, L]');
    if (weight.rank !== 3) throw wrongShape('conv1d', 'weight', weight.shape, 'it must be [N, C / groups, K]');
    const [outputs, own, kernel] = weight.shape as [number, number, number];
    checkGroups('conv1d', groups, x.dim(1), outputs);
    if (own * groups !== x.dim(1)) throw wrongShape('conv1d', 'weight', weight.shape, `it must be [N, ${x.dim(1) / groups}, K]`);
    return x.engine.scope(() => {
      const rows = reshape(weight, [outputs, own * kernel]);
      const part = (g: number) => (groups === 1 ? rows : narrow(rows, 0, (g * outputs) / groups, outputs / groups));
      return convolve(x, { kernel, groups, outputs, weight: part, bias }, options);
    });
  });
}
