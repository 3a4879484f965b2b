/** Functions of host tensors, under transformers.js's names. The tensors that they return have the methods of `Tensor`. */
import { HeedError, kindOf } from '../errors.js';
import { expectHost, type Numbers, numbersOf, placeOf, product, roomFor, sizesOf, wrongDims, wrongValue } from './check.js';
import { Tensor } from './construct.js';
import { type Fractions, fractional } from './elementwise.js';
import { softmaxOf } from './reductions.js';
import { type AnyData, type HostDtype, HostTensor } from './tensor.js';

const tensorOf = <Data extends AnyData>(type: HostDtype, data: unknown, dims: readonly number[]): HostTensor<Data> =>
  new Tensor(type, data as never, dims) as unknown as HostTensor<Data>;

/** Throws for values that are no tensors, or are not of one type and, but for `axis`, of one shape. */
function expectAlike(where: string, tensors: unknown, axis?: number): void {
  if (!Array.isArray(tensors) || tensors.length === 0) throw wrongValue(where, 'tensors', tensors, 'Give a list of tensors');
  for (const x of tensors) expectHost(where, 'tensors', x);
  const [first, ...rest] = tensors as HostTensor[] as [HostTensor, ...HostTensor[]];
  for (const { type, dims } of rest) {
    if (type !== first.type)
      throw new HeedError('DTYPE', `${where}: tensors of ${first.type} and of ${type}`, {
        culprit: 'tensors',
        cure: "Make them one with to('float32')",
      });
    if (dims.length !== first.dims.length || dims.some((d, i) => i !== axis && d !== first.dims[i]))
      throw wrongDims(where, dims, `does not go with one of [${first.dims}]`, 'Give tensors of one shape');
  }
}

/** Concatenates tensors of one type along axis `dim`; their other axes are of the same length. @example cat([a, b], 1) // [2, 3], [2, 5]: [2, 8] */
export function cat<Data extends AnyData>(tensors: readonly HostTensor<Data>[], dim = 0): HostTensor<Data> {
  expectAlike('cat', Array.isArray(tensors) ? tensors.slice(0, 1) : tensors);
  const [first] = tensors as [HostTensor<Data>];
  const axis = placeOf('cat', 'dim', dim, first.dims.length);
  expectAlike('cat', tensors, axis);
  const dims = first.dims.map((d, i) => (i === axis ? tensors.reduce((n, x) => n + (x.dims[axis] as number), 0) : d));
  const row = product(dims.slice(axis));
  const into = roomFor(first, product(dims)) as unknown as Float32Array;
  let column = 0;
  for (const { data, dims: own } of tensors) {
    const width = product(own.slice(axis));
    for (let from = 0, to = column; from < data.length; from += width, to += row)
      into.set((data as Float32Array).subarray(from, from + width), to);
    column += width;
  }
  return tensorOf(first.type, into, dims);
}

/** Stacks tensors of one type and shape along a new axis `dim`. */
export function stack<Data extends AnyData>(tensors: readonly HostTensor<Data>[], dim = 0): HostTensor<Data> {
  expectAlike('stack', tensors);
  return cat(
    tensors.map((x) => x.unsqueeze(dim)),
    dim,
  );
}

/** Copies the tensor with its axes in another order: `x.permute(...axes)`. */
export function permute<Data extends AnyData>(tensor: HostTensor<Data>, axes: readonly number[]): HostTensor<Data> {
  expectHost('permute', 'tensor', tensor);
  return tensor.permute(axes);
}

/** `x.mean(dim, keepdim)`. */
export function mean<Data extends AnyData>(input: HostTensor<Data>, dim: number | null = null, keepdim = false): HostTensor<Data> {
  expectHost('mean', 'input', input);
  return input.mean(dim, keepdim);
}

/** Returns the deviation, √(Σ (x - mean)² / (n - correction)), and the mean, along an axis or over all numbers. */
export function std_mean<Data extends AnyData>(
  input: HostTensor<Data>,
  dim: number | null = null,
  correction = 1,
  keepdim = false,
): [std: HostTensor<Data>, mean: HostTensor<Data>] {
  expectHost('std_mean', 'input', input);
  if (typeof correction !== 'number') throw wrongValue('std_mean', 'correction', correction, 'Give a number');
  const middle = input.mean(dim, keepdim);
  const flat = dim === null ? input.view(-1) : input;
  const axis = dim === null ? 0 : placeOf('std_mean', 'dim', dim, flat.dims.length);
  const n = flat.dims[axis] as number;
  const wide = flat.to('float64');
  const averages = wide.mean(axis, true);
  const rest = wide.map((x, i) => (x - (averages.data[lineOf(flat.dims, axis, i)] as number)) ** 2);
  const spread = rest.sum(axis, true).map((x) => Math.sqrt(x / Math.max(0, n - correction)));
  return [tensorOf(input.type, spread.to(input.type).data, middle.dims), middle];
}

/** Number of the line along `axis` that element i belongs to. */
const lineOf = (dims: readonly number[], axis: number, i: number): number => {
  const inner = product(dims.slice(axis + 1));
  return Math.floor(i / (inner * (dims[axis] as number))) * inner + (i % inner);
};

/** Returns the mean [B, C] of hidden states [B, T, C] over the tokens that the mask [B, T] selects; NaN where it selects none. Throws SHAPE. */
export function mean_pooling<Data extends AnyData>(
  last_hidden_state: HostTensor<Data>,
  attention_mask: HostTensor<AnyData>,
): HostTensor<Data> {
  expectHost('mean_pooling', 'last_hidden_state', last_hidden_state);
  expectHost('mean_pooling', 'attention_mask', attention_mask);
  const [B = 0, T = 0, C = 0] = last_hidden_state.dims;
  const mask = attention_mask.dims;
  if (last_hidden_state.dims.length !== 3)
    throw wrongDims('mean_pooling', last_hidden_state.dims, 'is not [B, T, C]', 'Give hidden states');
  if (mask.length !== 2 || mask[0] !== B || mask[1] !== T)
    throw wrongDims('mean_pooling', mask, `is no mask of [${B}, ${T}] tokens`, 'Give the attention_mask of the same call');
  const [x, m, y] = [numbersOf(last_hidden_state), numbersOf(attention_mask), roomFor(last_hidden_state, B * C)];
  for (let i = 0; i < B * C; i++) {
    const [b, c] = [Math.floor(i / C), i % C];
    let [total, count] = [0, 0];
    for (let t = 0; t < T; t++) {
      const weight = Number(m[b * T + t]);
      count += weight;
      total += (x[(b * T + t) * C + c] as number) * weight;
    }
    y[i] = total / count;
  }
  return tensorOf(last_hidden_state.type, y, [B, C]);
}

type Line = readonly number[] | Extract<AnyData, { [index: number]: number }>;

function softened(where: string, x: unknown, dim: number | undefined, logarithm: boolean): unknown {
  if (x instanceof HostTensor) return logarithm ? x.log_softmax(dim) : x.softmax(dim);
  const isArray = Array.isArray(x);
  if (!isArray && !ArrayBuffer.isView(x)) throw wrongValue(where, 'x', x, 'Give numbers, or a tensor');
  const line = x as unknown as readonly number[];
  if (line.length === 0) throw wrongValue(where, 'x', x, 'It must not be empty');
  const result = softmaxOf(Array.from(line, Number), logarithm);
  if (isArray) return result;
  return x instanceof Float64Array ? Float64Array.from(result) : Float32Array.from(result);
}

/** exp(x) / Σ exp(x): of a list of numbers, or of a tensor along axis `dim`, by default the last. */
export function softmax<Data extends AnyData>(x: HostTensor<Data>, dim?: number): HostTensor<Fractions<Data>>;
export function softmax<Numbers extends Line>(x: Numbers): Numbers extends readonly number[] ? number[] : Float32Array | Float64Array;
export function softmax(x: unknown, dim?: number): unknown {
  return softened('softmax', x, dim, false);
}

/** ln softmax(x): of a list of numbers, or of a tensor along axis `dim`, by default the last. */
export function log_softmax<Data extends AnyData>(x: HostTensor<Data>, dim?: number): HostTensor<Fractions<Data>>;
export function log_softmax<Numbers extends Line>(x: Numbers): Numbers extends readonly number[] ? number[] : Float32Array | Float64Array;
export function log_softmax(x: unknown, dim?: number): unknown {
  return softened('log_softmax', x, dim, true);
}

/** Returns the `k` greatest numbers of each row, all where there are fewer, and their indices, int64. `x.topk` does so synchronously. */
export async function topk<Data extends AnyData>(
  x: HostTensor<Data>,
  k?: number | null,
): Promise<[values: HostTensor<Data>, indices: HostTensor<BigInt64Array>]> {
  expectHost('topk', 'x', x);
  const most = x.dims.at(-1) ?? 0;
  return x.topk(k === undefined || k === null ? most : Math.min(k, most));
}

/** (x - mean) / √(var + eps) over the last axes, of the lengths `normalized_shape` (arXiv 1607.06450). */
export function layer_norm<Data extends AnyData>(
  input: HostTensor<Data>,
  normalized_shape: readonly number[],
  {
    eps = 1e-5,
  }: {
    /** Number that is added to the variance. Default 1e-5. */
    eps?: number;
  } = {},
): HostTensor<Fractions<Data>> {
  expectHost('layer_norm', 'input', input);
  const sizes = sizesOf('layer_norm', 'normalized_shape', [normalized_shape]);
  if (typeof eps !== 'number') throw wrongValue('layer_norm', 'eps', eps, 'Give a number');
  const begin = input.dims.length - sizes.length;
  if (sizes.length === 0 || begin < 0 || sizes.some((d, i) => d !== input.dims[begin + i]))
    throw wrongDims('layer_norm', input.dims, `does not end in [${sizes}]`, 'Give the lengths of its last axes');
  const y = fractional(input);
  const [data, C] = [numbersOf(y), product(sizes)];
  for (let from = 0; from < data.length; from += C) {
    const row = Array.from({ length: C }, (_, i) => data[from + i] as number);
    const middle = row.reduce((a, b) => a + b, 0) / C;
    const spread = Math.sqrt(row.reduce((a, b) => a + (b - middle) ** 2, 0) / C + eps);
    for (let i = 0; i < C; i++) data[from + i] = ((row[i] as number) - middle) / spread;
  }
  return y;
}

const modes = ['bilinear', 'nearest'];

/**
 * Resizes pictures [C, H, W], [H, W] or [N, C, H, W] to [C, height, width] or [N, C, height, width]. `align_corners`: `true` where the outer pixels' centres stay in
 * place. Throws UNSUPPORTED for a mode other than 'bilinear' and 'nearest'.
 */
export function interpolate<Data extends AnyData>(
  input: HostTensor<Data>,
  size: readonly [height: number, width: number],
  mode: 'bilinear' | 'nearest' = 'bilinear',
  align_corners = false,
): HostTensor<Data> {
  expectHost('interpolate', 'input', input);
  const [height = 0, width = 0, ...more] = sizesOf('interpolate', 'size', [size], 1);
  if (more.length || width === 0) throw wrongValue('interpolate', 'size', size, 'Give [height, width]');
  if (!modes.includes(mode))
    throw new HeedError('UNSUPPORTED', `interpolate: there is no mode ${kindOf(mode)}`, {
      culprit: 'mode',
      cure: `Use ${modes.join(', ')}`,
    });
  const dims = input.dims;
  const [H, W] = dims.slice(-2) as [number, number];
  if (dims.length < 2 || dims.length > 4 || H * W === 0) throw wrongDims('interpolate', dims, 'is no picture', 'Give [C, H, W]');
  const [rows, columns] = [samples(H, height, mode, align_corners), samples(W, width, mode, align_corners)];
  const planes = input.data.length / (H * W);
  const [x, y] = [numbersOf(input), roomFor(input, planes * height * width)];
  let at = 0;
  for (let plane = 0; plane < planes; plane++)
    for (const [top, bottom, down] of rows)
      for (const [left, right, across] of columns) {
        const pixel = (row: number, column: number) => x[(plane * H + row) * W + column] as number;
        const upper = (1 - across) * pixel(top, left) + across * pixel(top, right);
        const lower = (1 - across) * pixel(bottom, left) + across * pixel(bottom, right);
        y[at++] = (1 - down) * upper + down * lower;
      }
  return tensorOf(input.type, y, [...(dims.length === 4 ? dims.slice(0, 2) : [planes]), height, width]);
}

/** Samples of an axis: for each of `length` positions, the two of `from` positions that it lies between, and the weight of the second. */
function samples(from: number, length: number, mode: string, align: boolean): [number, number, number][] {
  return Array.from({ length }, (_, i) => {
    if (mode === 'nearest') {
      const place = Math.floor((i * from) / length);
      return [place, place, 0];
    }
    const x = align ? (length > 1 ? (i * (from - 1)) / (length - 1) : 0) : Math.max(0, ((i + 0.5) * from) / length - 0.5);
    const place = Math.min(Math.floor(x), from - 1);
    return [place, Math.min(place + 1, from - 1), x - place];
  });
}

/**
 * Quantizes embeddings [B, C] to bits, 1 where a number is above 0, eight to a byte: [B, C / 8], 'binary' int8 (a byte less 128) or 'ubinary' uint8. Throws SHAPE
 * where C is no multiple of 8.
 */
export function quantize_embeddings<P extends 'binary' | 'ubinary'>(
  tensor: HostTensor<AnyData>,
  precision: P,
): HostTensor<P extends 'binary' ? Int8Array : Uint8Array> {
  expectHost('quantize_embeddings', 'tensor', tensor);
  const [B = 0, C = 0] = tensor.dims;
  if (tensor.dims.length !== 2 || C % 8 !== 0)
    throw wrongDims('quantize_embeddings', tensor.dims, 'does not fill bytes', 'Give [B, C] with C a multiple of 8');
  if (precision !== 'binary' && precision !== 'ubinary')
    throw wrongValue('quantize_embeddings', 'precision', precision, "Use 'binary' or 'ubinary'");
  const bytes = new Uint8Array((B * C) / 8);
  const data: Numbers = numbersOf(tensor);
  for (let i = 0; i < data.length; i++) if ((data[i] as number) > 0) bytes[i >> 3] = (bytes[i >> 3] as number) | (128 >> (i & 7));
  if (precision === 'ubinary') return tensorOf('uint8', bytes, [B, C / 8]);
  return tensorOf(
    'int8',
    Int8Array.from(bytes, (byte) => byte - 128),
    [B, C / 8],
  );
}
