/** Convolutions over planes whose channels are innermost, [B, H, W, C]: products with windows, so that every format of weights that a product reads does for them, or each channel for itself. */
import { record } from '../autograd/tape.js';
import { depthwise2d_f32, depthwise2d_grad_weight_f32, fold2d_f32, max_pool2d_f32, unfold2d_f32 } from '../engine/kernels.generated.js';
import { HeedError } from '../errors.js';
import { type Matrix, Tensor, tensor } from '../tensor.js';
import { expectShape, wrongShape } from './check.js';
import type { ConvolutionOptions, WindowOptions } from './convolution.js';
import { add } from './elementwise.js';
import { linear } from './matmul.js';
import { isTracked, op, operand } from './op.js';
import { sum } from './reduce.js';
import { cat, contiguous, expand, narrow, reshape, transpose } from './shape.js';

/** Numbers of windows that are laid out at once, 16 MB: windows of a whole large picture would take many times its memory. */
const BAND = 1 << 22;

/** Which windows of a plane are read. */
export interface PlaneOptions extends WindowOptions {
  /** Places from tap to tap of a window. Default 1. */
  dilation?: number | undefined;
}

/** Sizes of a plane, of its windows, and how many of those there are in lines and columns. Throws SHAPE where no window fits. */
function windowsIn(where: string, x: Tensor, K: number, { stride = 1, padding = 0, dilation = 1 }: PlaneOptions) {
  if (x.rank !== 4) throw wrongShape(where, 'x', x.shape, 'it must be [B, H, W, C]');
  const [B, H, W, C] = x.shape as [number, number, number, number];
  const [S, R] = [H, W].map((side) => Math.floor((side + 2 * padding - dilation * (K - 1) - 1) / stride) + 1) as [number, number];
  if (S < 1 || R < 1) throw wrongShape(where, 'x', x.shape, `it has no window of ${K} x ${K}`);
  return { B, S, R, plane: { H, W, C, K, stride, padding } };
}

/**
 * Windows side by side, `lines` lines of them from `from` on: x [B, H, W, C] → [B, lines, R, C K K], each with the lines of the first channel's window, then those of the second: the
 * order in which PyTorch has a filter's weights.
 */
const unfold2d = /* @__PURE__ */ op((x: Tensor, K: number, options: PlaneOptions, from: number, lines: number): Tensor => {
  const { B, R, plane } = windowsIn('unfold2d', x, K, options);
  const { H, W, C } = plane;
  const { engine } = x;
  const y = Tensor.empty(engine, [B, lines, R, C * K * K]);
  const at = { ...plane, from, S: lines, R, dilation: options.dilation ?? 1 };
  const zeros = tensor(engine, new Float32Array(C), [C]);
  engine.launch(unfold2d_f32({ tiles: B * lines, work: 2 * y.size, y: y.ptr, x: contiguous(x).ptr, zeros: zeros.ptr, ...at }));
  record(y, [x], [], (dy) => {
    const dx = Tensor.empty(engine, [B, H, W, C]);
    engine.launch(fold2d_f32({ tiles: B * H, work: 2 * y.size, dx: dx.ptr, dy: contiguous(dy).ptr, ...at }));
    return [dx];
  });
  return y;
});

/**
 * A convolution by filters [N, C K K]: x [B, H, W, C] → [B, S, R, N], S = ⌊(H + 2 padding − dilation (K − 1) − 1) / stride⌋ + 1, and R of W likewise. Throws SHAPE where no window
 * fits. The windows of some lines at a time are laid out.
 */
export function convolve2d(
  x: Tensor,
  filters: { kernel: number; weight: Tensor | Matrix; bias: Tensor | undefined },
  { activation, ...options }: Omit<ConvolutionOptions, 'groups'> & PlaneOptions = {},
): Tensor {
  const { kernel, weight, bias } = filters;
  const { engine } = x;
  const { B, S, R, plane } = windowsIn('convolve2d', x, kernel, options);
  if (kernel === 1 && plane.stride === 1 && plane.padding === 0) return linear(x, weight, bias, { activation });
  return engine.scope(() => {
    const source = contiguous(x);
    const most = Math.max(1, Math.floor(BAND / (B * R * plane.C * kernel * kernel)));
    const bands: Tensor[] = [];
    for (let from = 0; from < S; from += most) {
      const lines = Math.min(most, S - from);
      bands.push(engine.scope(() => linear(unfold2d(source, kernel, options, from, lines), weight, bias, { activation })));
    }
    return bands.length > 1 ? cat(bands, 1) : (bands[0] as Tensor);
  });
}

/** Channels become squares of K × K places (Shi et al., arXiv 1609.05158): x [B, H, W, N K K], of which the K K of an output channel are neighbours, → [B, H K, W K, N]. */
export function pixelShuffle(x: Tensor, K: number): Tensor {
  const [B, H, W, all] = x.shape as [number, number, number, number];
  const N = all / (K * K);
  return x.engine.scope(() => {
    // The K lines of a square come under each other in the second step: copies have four axes at most.
    const squares = transpose(reshape(x, [B * H * W, N, K * K]), 1, 2);
    const lines = transpose(reshape(squares, [B * H, W, K, K * N]), 1, 2);
    return reshape(lines, [B, H * K, W * K, N]);
  });
}

/** Each place becomes a square of K × K: x [B, H, W, C] → [B, H K, W K, C]. */
export function repeated2d(x: Tensor, K: number): Tensor {
  const [B, H, W, C] = x.shape as [number, number, number, number];
  return x.engine.scope(() => {
    const across = reshape(expand(reshape(x, [B * H * W, 1, C]), [B * H * W, K, C]), [B * H, 1, W * K * C]);
    return reshape(expand(across, [B * H, K, W * K * C]), [B, H * K, W * K, C]);
  });
}

/** A convolution of each channel for itself: x [B, H, W, C], weight [C, K, K], bias [C] → [B, S, R, C]. Its gradient is known for windows that stand beside each other, stride 1. */
export const depthwise2d = /* @__PURE__ */ op(
  (x: Tensor, weight: Tensor, bias: Tensor | undefined, options: WindowOptions = {}): Tensor => {
    const [, K = 1] = weight.shape;
    const { B, S, R, plane } = windowsIn('depthwise2d', x, K, options);
    const { H, W, C, stride, padding } = plane;
    expectShape('depthwise2d', 'weight', weight, [C, K, K]);
    const { engine } = x;
    const source = contiguous(x);
    const taps = (w: Tensor) => contiguous(transpose(reshape(w, [C, K * K]), 0, 1));
    const y = Tensor.empty(engine, [B, S, R, C]);
    const work = 2 * y.size * K * K;
    const b = operand('depthwise2d', 'bias', bias, [C]);
    engine.launch(depthwise2d_f32({ tiles: B * S, work, y: y.ptr, x: source.ptr, w: taps(weight).ptr, bias: b, S, R, ...plane }));
    if (isTracked(engine, x, weight, bias) && stride !== 1) throw untrained(`depthwise2d with windows that stand ${stride} apart`);
    record(y, [x, weight, bias], [source, weight], (given, [wantsX, wantsWeight, wantsBias]) => {
      const dy = contiguous(given);
      const dx = wantsX ? Tensor.empty(engine, [B, H, W, C]) : undefined;
      // Every place of x has the windows around it, whose taps are turned round.
      const back = { w: turned(taps(weight)).ptr, bias: 0, S: H, R: W, H: S, W: R, C, K, stride: 1, padding: K - 1 - padding };
      if (dx) engine.launch(depthwise2d_f32({ tiles: B * H, work, y: dx.ptr, x: dy.ptr, ...back }));
      const dw = wantsWeight ? Tensor.empty(engine, [K * K, C]) : undefined;
      if (dw) engine.launch(depthwise2d_grad_weight_f32({ tiles: K * K, work, dw: dw.ptr, dy: dy.ptr, x: source.ptr, B, S, R, ...plane }));
      return [dx, dw && reshape(contiguous(transpose(dw, 0, 1)), [C, K, K]), wantsBias ? sum(reshape(dy, [B * S * R, C]), 0) : undefined];
    });
    return y;
  },
);

/** Rows of a matrix from the last to the first. */
const turned = (w: Tensor): Tensor =>
  cat(
    Array.from({ length: w.dim(0) }, (_, i) => narrow(w, 0, w.dim(0) - 1 - i, 1)),
    0,
  );

/** The largest number of each window and channel: x [B, H, W, C] → [B, S, R, C]. It has no gradient. */
export const maxPool2d = /* @__PURE__ */ op((x: Tensor, kernel: number, options: WindowOptions = {}): Tensor => {
  if (isTracked(x.engine, x)) throw untrained('maxPool2d');
  const { B, S, R, plane } = windowsIn('maxPool2d', x, kernel, options);
  const y = Tensor.empty(x.engine, [B, S, R, plane.C]);
  const work = y.size * kernel * kernel;
  x.engine.launch(max_pool2d_f32({ tiles: B * S, work, y: y.ptr, x: contiguous(x).ptr, S, R, ...plane }));
  return y;
});

const untrained = (what: string): HeedError =>
  new HeedError('UNSUPPORTED', `${what} has no gradient`, { culprit: what, cure: 'Load the model without trainable' });

/**
 * A transposed convolution whose windows do not overlap, K = stride: x [B, H, W, C], weight [C, N, K, K], bias [N] → [B, H K, W K, N]. Each place of x becomes a square: a product,
 * and another order of what it makes.
 */
export function convolveTransposed2d(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const [C, N, K] = weight.shape as [number, number, number, number];
  return x.engine.scope(() => add(pixelShuffle(linear(x, transpose(reshape(weight, [C, N * K * K]), 0, 1)), K), bias));
}
