/** The mathematics that oracles are made of, in float64 and as the textbooks write it: slow, plain, and sharing nothing with the kernels. */
import type { Activation } from 'heed/ops';

export type Row = ArrayLike<number>;

export const sizeOf = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

/** Float64 numbers by their index in a contiguous array of `dims`. */
export function build(dims: readonly number[], element: (index: number[]) => number): Float64Array {
  const y = new Float64Array(sizeOf(dims));
  const index = dims.map(() => 0);
  for (let i = 0; i < y.length; i++) {
    y[i] = element(index);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (dims[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return y;
}

/** The element of `x` at an index that may have more axes in front, and repeats axes of 1: NumPy's broadcasting. */
export function at(x: { readonly data: Row; readonly dims: readonly number[] }, index: readonly number[]): number {
  const front = index.length - x.dims.length;
  let offset = 0;
  x.dims.forEach((d, axis) => {
    offset = offset * d + (d === 1 ? 0 : (index[axis + front] as number));
  });
  return x.data[offset] as number;
}

/** Σ_k a[i + k] · b[j + k · step] */
export function dot(a: Row, i: number, b: Row, j: number, K: number, step = 1): number {
  let sum = 0;
  for (let k = 0; k < K; k++) sum += (a[i + k] as number) * (b[j + k * step] as number);
  return sum;
}

/** erf x: 2/√π e^(−x²) Σ (2x²)^n x / (1 · 3 · … (2n + 1)), whose terms are all of one sign; 1 − 1e-17 from 6 on. */
export function erf(x: number): number {
  if (!(Math.abs(x) < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export const activations: Readonly<Record<Activation, (x: number) => number>> = {
  relu: (x) => (x < 0 ? 0 : x),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  geluTanh: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  quickGelu: (x) => x * sigmoid(1.702 * x),
  silu: (x) => x * sigmoid(x),
  tanh: Math.tanh,
  sigmoid,
  identity: (x) => x,
  gelu10: (x) => Math.min(10, (x / 2) * (1 + erf(x / Math.SQRT2))),
  hardswish: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  laplace: (x) => (1 + erf((x - 707_107e-6) / (0.282095 * Math.SQRT2))) / 2,
  leakyRelu: (x) => (x < 0 ? 0.01 * x : x),
  mish: (x) => x * Math.tanh(softplus(x)),
  relu2: (x) => (x < 0 ? 0 : x * x),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  sqrtSoftplus: (x) => Math.sqrt(softplus(x)),
};

/** Softmax of a row in place; a row of −inf becomes zeros. */
export function softmax(row: Float64Array): Float64Array {
  const m = row.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY);
  if (m === Number.NEGATIVE_INFINITY) return row.fill(0);
  const sum = row.reduce((s, x) => s + Math.exp(x - m), 0);
  return row.map((x) => Math.exp(x - m) / sum);
}

/** Each row of `C` numbers by a function. */
export function rowwise(x: Row, C: number, row: (x: Float64Array) => Float64Array): Float64Array {
  const y = Float64Array.from(x);
  for (let i = 0; i < y.length; i += C) y.set(row(y.slice(i, i + C)), i);
  return y;
}
