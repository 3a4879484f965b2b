/** Methods of host tensors along an axis, or over all numbers: sums, means, norms, extremes, softmax. Each is a function of the numbers in one line. */
import { isBig, made, makerOf, type Numbers, numbersOf, placeOf, product, roomFor, wrongDims, wrongType, wrongValue } from './check.js';
import { Elementwise, type Fractions, fractional } from './elementwise.js';
import { type AnyData, HostTensor } from './tensor.js';

/** Applies `compute` to a copy of each line along an axis, and writes `length` results in its place. */
function alongAxis(
  x: HostTensor<AnyData>,
  axis: number,
  into: Numbers,
  length: number,
  compute: (line: Numbers) => ArrayLike<number>,
): void {
  const [outer, R, inner] = [product(x.dims.slice(0, axis)), x.dims[axis] as number, product(x.dims.slice(axis + 1))];
  const [data, line] = [numbersOf(x), roomFor(x, R)];
  for (let a = 0; a < outer; a++)
    for (let i = 0; i < inner; i++) {
      for (let r = 0; r < R; r++) line[r] = data[(a * R + r) * inner + i] as number;
      const result = compute(line);
      for (let r = 0; r < length; r++) into[(a * length + r) * inner + i] = result[r] as number;
    }
}

/** Reduces each line along `dim` to one number, or all numbers where `dim` is null. Default of `type`: the tensor's. */
function reduced<Data extends AnyData>(
  x: Elementwise<Data>,
  where: string,
  dim: number | null | undefined,
  keepdim: boolean,
  compute: (line: Numbers) => number,
  type = x.type,
): HostTensor<Data> {
  if (dim === null || dim === undefined) return made(type, [compute(numbersOf(x))], []) as unknown as HostTensor<Data>;
  const axis = placeOf(where, 'dim', dim, x.dims.length);
  const dims = x.dims.map((d, i) => (i === axis ? 1 : d));
  const into = new (makerOf(type))(product(dims)) as unknown as Numbers;
  alongAxis(x as unknown as HostTensor<AnyData>, axis, into, 1, (line) => [compute(line)]);
  return new HostTensor(
    type,
    into as unknown as Data,
    dims.filter((_, i) => keepdim || i !== axis),
  );
}

const sumOf = (x: { type: HostTensor['type'] }, line: Numbers, term = (value: number) => value): number => {
  let total = (isBig(x) ? 0n : 0) as number;
  for (let i = 0; i < line.length; i++) total += term(line[i] as number);
  return total;
};

const absolute = (x: number): number => (x < 0 ? -x : x);

/** Index of the least or the greatest number, the first one; that of a NaN where there is one. */
function extremeOf(line: Numbers, isBetter: (a: number, b: number) => boolean): number {
  let best = 0;
  for (let i = 0; i < line.length; i++) {
    const value = line[i] as number;
    if (Number.isNaN(value)) return i;
    if (isBetter(value, line[best] as number)) best = i;
  }
  return best;
}

const less = (a: number, b: number): boolean => a < b;
const greater = (a: number, b: number): boolean => a > b;

/** (Σ |x|^p)^(1/p), and its limits. */
function normOf(x: { type: HostTensor['type'] }, line: Numbers, p: number): number {
  if (p === 1) return sumOf(x, line, absolute);
  if (p === 0) return sumOf(x, line, (value) => Number(value !== 0));
  const best = p > 0 ? Math.max : Math.min;
  if (!Number.isFinite(p)) return Array.from(line, absolute).reduce((a, b) => best(a, b), p > 0 ? 0 : Number.POSITIVE_INFINITY);
  return sumOf(x, line, (value) => absolute(value) ** p) ** (1 / p);
}

function orderOf(x: { type: HostTensor['type']; dims: readonly number[] }, p: unknown): number {
  const order = p === 'fro' ? 2 : p;
  if (typeof order !== 'number' || Number.isNaN(order)) throw wrongValue('norm', 'p', p, "Give a number, or 'fro'");
  if (isBig(x) && order !== 1) throw wrongType('norm', x, "Take to('float32') first");
  return order;
}

/** exp(x) / Σ exp(x), or ln of it. */
export function softmaxOf(line: ArrayLike<number>, logarithm: boolean): number[] {
  const most = Array.from(line).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const terms = Array.from(line, (x) => Math.exp(x - most));
  const total = terms.reduce((a, b) => a + b, 0);
  return logarithm ? Array.from(line, (x) => x - most - Math.log(total)) : terms.map((term) => term / total);
}

/** Indices of a line's numbers from the greatest on, NaN first; equal numbers in their order. */
const ranked = (line: Numbers): number[] => {
  const above = (a: number, b: number) => Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || Number(a > b) - Number(a < b);
  return Array.from({ length: line.length }, (_, i) => i).sort((i, j) => above(line[j] as number, line[i] as number) || i - j);
};

function extreme<Data extends AnyData>(
  x: Elementwise<Data>,
  where: string,
  dim: number | null,
  keepdim: boolean,
  isBetter: (a: number, b: number) => boolean,
  place = false,
): HostTensor<Data> {
  const compute = (line: Numbers): number => {
    if (line.length === 0) throw wrongDims(where, x.dims, 'has no numbers there', 'Give some');
    const best = extremeOf(line, isBetter);
    return place ? (BigInt(best) as unknown as number) : (line[best] as number);
  };
  return reduced(x, where, dim, keepdim, compute, place ? 'int64' : x.type);
}

function soft<Data extends AnyData>(x: Elementwise<Data>, where: string, dim: number, logarithm: boolean): HostTensor<Fractions<Data>> {
  const axis = placeOf(where, 'dim', dim, x.dims.length);
  const y = fractional(x);
  alongAxis(y as unknown as HostTensor<AnyData>, axis, numbersOf(y), x.dims[axis] as number, (line) => softmaxOf(line, logarithm));
  return y;
}

export abstract class Reductions<Data extends AnyData> extends Elementwise<Data> {
  /**
   * Σ x along axis `dim`, which is removed, or has length 1 with `keepdim`; over all numbers, a tensor [], where it is null. The result has the tensor's type: int8
   * wraps around.
   */
  sum(dim: number | null = null, keepdim = false): HostTensor<Data> {
    return reduced(this, 'sum', dim, keepdim, (line) => sumOf(this, line));
  }

  /** Σ x / n, with axes as in `sum`; NaN for no numbers. Integers stay integers: fractions are cut off. Throws DTYPE for int64. */
  mean(dim: number | null = null, keepdim = false): HostTensor<Data> {
    if (isBig(this)) throw wrongType('mean', this, "Take to('float32') first");
    return reduced(this, 'mean', dim, keepdim, (line) => sumOf(this, line) / line.length);
  }

  /**
   * (Σ |x|^p)^(1/p), with axes as in `sum`; 'fro' is 2, 0 counts the numbers that are not 0, ±Infinity take the greatest or the least |x|. Throws DTYPE for int64
   * unless p is 1.
   */
  norm(p: number | 'fro' = 'fro', dim: number | null = null, keepdim = false): HostTensor<Data> {
    const order = orderOf(this, p);
    return reduced(this, 'norm', dim, keepdim, (line) => normOf(this, line, order));
  }

  /** x / norm along an axis, so that every line along it has norm 1; a line of zeros stays zero. */
  normalize(p = 2, dim = 1): HostTensor<Data> {
    return this.clone().normalize_(p, dim);
  }
  /** `normalize` into the tensor itself. */
  normalize_(p = 2, dim = 1): this {
    const [order, axis] = [orderOf(this, p), placeOf('normalize', 'dim', dim, this.dims.length)];
    const one = roomFor(this, 1);
    alongAxis(this as unknown as HostTensor<AnyData>, axis, numbersOf(this), this.dims[axis] as number, (line) => {
      one[0] = normOf(this, line, order);
      const norm = isBig(this) ? one[0] || (1n as unknown as number) : Math.max(one[0], 1e-12);
      return Array.from(line, (x) => x / norm);
    });
    return this;
  }

  /** Least number along an axis, with axes as in `sum`; NaN where there is one. Throws SHAPE for no numbers. */
  min(dim: number | null = null, keepdim = false): HostTensor<Data> {
    return extreme(this, 'min', dim, keepdim, less);
  }
  /** Greatest number along an axis, with axes as in `sum`; NaN where there is one. Throws SHAPE for no numbers. */
  max(dim: number | null = null, keepdim = false): HostTensor<Data> {
    return extreme(this, 'max', dim, keepdim, greater);
  }
  /** Index of the least number along an axis, or in `data`: int64. */
  argmin(dim: number | null = null, keepdim = false): HostTensor<BigInt64Array> {
    return extreme(this, 'argmin', dim, keepdim, less, true) as unknown as HostTensor<BigInt64Array>;
  }
  /** Index of the greatest number along an axis, or in `data`: int64. @example logits.argmax(-1) */
  argmax(dim: number | null = null, keepdim = false): HostTensor<BigInt64Array> {
    return extreme(this, 'argmax', dim, keepdim, greater, true) as unknown as HostTensor<BigInt64Array>;
  }

  /** exp(x) / Σ exp(x) along an axis; float32 for integers. */
  softmax(dim = -1): HostTensor<Fractions<Data>> {
    return soft(this, 'softmax', dim, false);
  }
  /** ln softmax(x) along an axis; float32 for integers. */
  log_softmax(dim = -1): HostTensor<Fractions<Data>> {
    return soft(this, 'log_softmax', dim, true);
  }

  /**
   * Returns the `k` greatest numbers along an axis in descending order, the first of equal ones, and their indices, int64. Throws ARGUMENT where there are not as
   * many.
   * @example const [scores, ids] = logits.softmax().topk(5);
   */
  topk(k: number, dim = -1): [values: HostTensor<Data>, indices: HostTensor<BigInt64Array>] {
    const axis = placeOf('topk', 'dim', dim, this.dims.length);
    const most = this.dims[axis] as number;
    if (!(Number.isInteger(k) && k >= 0 && k <= most)) throw wrongValue('topk', 'k', k, `It is a whole number up to ${most}`);
    const dims = this.dims.map((d, i) => (i === axis ? k : d));
    const [values, places] = [roomFor(this, product(dims)), new BigInt64Array(product(dims))];
    const along = (into: Numbers, read: (line: Numbers, i: number) => unknown) =>
      alongAxis(this as unknown as HostTensor<AnyData>, axis, into, k, (line) => ranked(line).map((i) => read(line, i) as number));
    along(values, (line, i) => line[i]);
    along(places as unknown as Numbers, (_, i) => BigInt(i));
    return [new HostTensor(this.type, values as unknown as Data, dims), new HostTensor('int64', places, [...dims])];
  }
}
