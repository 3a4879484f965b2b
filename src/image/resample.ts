/**
 * Resizing of 8-bit pictures, equal to Pillow's to the last bit: its filters, whose support grows with the scale of a reduction, its weights of 22 bits behind the point, its
 * two passes and their order. The host computes the weights, in float64; kernels do the rest, in whole numbers.
 */
import type { Engine } from '../engine/engine.js';
import { PIXEL_SLACK, resample_x_u8, resample_y_u8, WEIGHT_BITS } from '../engine/kernels.generated.js';
import type { Launch } from '../engine/launch.js';
import { HeedError, kindOf } from '../errors.js';
import { sinPi } from '../exact.js';
import { Tensor, tensor } from '../tensor.js';

/** Pixels in rows from the top, channels side by side. */
export interface Pixels {
  /** Bytes, [height, width, channels]. */
  readonly data: Uint8ClampedArray | Uint8Array;
  /** Number of columns. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** Number of channels. */
  readonly channels: number;
}

const sinc = (x: number): number => (x === 0 ? 1 : sinPi(x) / (Math.PI * x));

/** A filter: half of its width, and its value at x. */
interface Filter {
  readonly support: number;
  at(x: number): number;
}

const filters = {
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    at: (x) => (x === 0 ? 1 : Math.abs(x) >= 1 ? 0 : sinc(Math.abs(x)) * (0.54 + 0.46 * sinPi(0.5 - Math.abs(x)))),
  },
  bicubic: { support: 2, at: (x) => cubic(Math.abs(x), -0.5) },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} satisfies Readonly<Record<string, Filter>>;

/** Keys's cubic convolution (1981). */
function cubic(x: number, a: number): number {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** Names of filters, at Pillow's numbers for them. */
export const resamplings = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'] as const;
/** Name of a filter for resizing. */
export type Resampling = (typeof resamplings)[number];

/** Returns a filter's name, given that or Pillow's number. Throws ARGUMENT. */
export function resamplingOf(given: unknown): Resampling {
  const name = typeof given === 'number' ? resamplings[given] : resamplings.find((one) => one === given);
  if (name) return name;
  throw new HeedError('ARGUMENT', `There is no resampling ${kindOf(given)}`, {
    culprit: 'resample',
    cure: `Use ${resamplings.join(', ')}, or Pillow's numbers 0 to ${resamplings.length - 1}`,
  });
}

/** Where each of N outputs begins to read M inputs, and its `taps` weights, [N, taps]. */
export interface Weights {
  readonly starts: Int32Array;
  readonly weights: Int32Array;
  readonly taps: number;
}

/** Weights of an axis of M pixels that becomes one of N. */
export function weightsOf(M: number, N: number, filter: Exclude<Resampling, 'nearest'>): Weights {
  const { support, at }: Filter = filters[filter];
  const scale = M / N;
  const stretch = Math.max(1, scale);
  const reach = support * stretch;
  const taps = Math.min(M, Math.ceil(reach) * 2 + 1);
  const starts = new Int32Array(N);
  const weights = new Int32Array(N * taps);
  const row = new Float64Array(taps);
  for (let i = 0; i < N; i++) {
    const center = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - reach + 0.5));
    const count = Math.min(M, Math.trunc(center + reach + 0.5)) - from;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      row[k] = at((k + from - center + 0.5) * (1 / stretch));
      sum += row[k] as number;
    }
    // All rows have as many taps, within the picture; those that the filter does not reach weigh nothing.
    const start = Math.min(from, M - taps);
    starts[i] = start;
    for (let k = 0; k < count; k++) {
      const exact = ((row[k] as number) / (sum || 1)) * 2 ** WEIGHT_BITS;
      weights[i * taps + from - start + k] = Math.trunc(exact + (exact < 0 ? -0.5 : 0.5));
    }
  }
  return { starts, weights, taps };
}

/** Copies bytes into an engine, with the room behind them that kernels of pictures ask for. */
export function pixelsIn(engine: Engine, bytes: Uint8ClampedArray | Uint8Array): Tensor {
  const made = Tensor.empty(engine, [bytes.length + PIXEL_SLACK], 'bool');
  engine.heap.bytes.set(bytes, made.ptr);
  return made;
}

/** Returns the nearest of M pixels for each of N. Sums up steps, as Pillow does, whose rounding errors choose among neighbours. */
function nearest(M: number, N: number): Int32Array {
  const step = M / N;
  let at = step * 0.5;
  return Int32Array.from({ length: N }, () => {
    const chosen = Math.min(M - 1, Math.trunc(at));
    at += step;
    return chosen;
  });
}

function resizeNearest({ data, width, height, channels }: Pixels, w: number, h: number): Uint8ClampedArray {
  const [columns, rows] = [nearest(width, w), nearest(height, h)];
  const out = new Uint8ClampedArray(w * h * channels);
  let at = 0;
  for (const row of rows)
    for (const column of columns)
      for (let c = 0, from = (row * width + column) * channels; c < channels; c++) out[at++] = data[from + c] as number;
  return out;
}

/** Colours times their opacity, or back: transparent pixels do not bleed into their neighbours. */
function premultiplied(data: Uint8ClampedArray | Uint8Array, back: boolean): Uint8ClampedArray {
  const out = new Uint8ClampedArray(data);
  for (let i = 0; i < out.length; i += 4) {
    const alpha = out[i + 3] as number;
    if (alpha === 255 || (back && alpha === 0)) continue;
    for (let c = i; c < i + 3; c++) {
      const value = out[c] as number;
      const product = value * alpha + 128;
      out[c] = back ? Math.min(255, Math.trunc((255 * value) / alpha)) : ((product >> 8) + product) >> 8;
    }
  }
  return out;
}

/** Resizes a picture of 1, 3 or 4 channels, the fourth its opacity, on an engine. */
export function resample(engine: Engine, picture: Pixels, w: number, h: number, filter: Resampling): Uint8ClampedArray {
  const { data, width, height, channels } = picture;
  if (width === w && height === h) return new Uint8ClampedArray(data);
  if (filter === 'nearest') return resizeNearest(picture, w, h);
  if (channels === 4) return premultiplied(resampled(engine, { ...picture, data: premultiplied(data, false) }, w, h, filter), true);
  return resampled(engine, picture, w, h, filter);
}

function resampled(
  engine: Engine,
  { data, width: M, height: rows, channels: C }: Pixels,
  w: number,
  h: number,
  filter: Exclude<Resampling, 'nearest'>,
): Uint8ClampedArray {
  return engine.scope(() => {
    let [x, width, height] = [pixelsIn(engine, data), M, rows];
    const pass = (columns: number, lines: number, from: number, to: number, launch: (axis: Axis) => Launch) => {
      if (from === to) return;
      const y = Tensor.empty(engine, [lines * columns * C + PIXEL_SLACK], 'bool');
      const { starts, weights, taps } = weightsOf(from, to, filter);
      const axis = { y: y.ptr, x: x.ptr, starts: tensor(engine, starts).ptr, w: tensor(engine, weights).ptr, taps };
      engine.launch(launch({ ...axis, work: lines * columns * C * taps }));
      [x, width, height] = [y, columns, lines];
    };
    const across = () => pass(w, height, width, w, (axis) => resample_x_u8({ tiles: height, ...axis, M: width, N: w, C }));
    const down = () => pass(width, h, height, h, (axis) => resample_y_u8({ tiles: h, ...axis, B: width * C }));
    // Each pass rounds, so that their order shows. This is Pillow's since version 13; earlier ones never went down first.
    const tall = h < height && height - h > 2 * (width - w);
    for (const each of tall ? [down, across] : [across, down]) each();
    return new Uint8ClampedArray(engine.heap.bytes.slice(x.ptr, x.ptr + w * h * C).buffer);
  });
}

/** What kernels of both axes read. */
type Axis = Record<'work' | 'y' | 'x' | 'starts' | 'w' | 'taps', number>;
