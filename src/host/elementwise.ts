/** Elementwise methods of host tensors. Each method returns a tensor of the same shape; its variant with `_` writes into the tensor itself. */
import { isBig, isFloat, made, numbersOf, operandFor, wrongType, wrongValue } from './check.js';
import { Shaping } from './shaping.js';
import { type AnyData, HostTensor } from './tensor.js';

/** Number of a tensor's own kind: a bigint for int64. */
export type Scalar<Data extends AnyData> = Data[number];

/** Array of a tensor's numbers after an operation with fractional results: float32, or the float type that the tensor has. */
export type Fractions<Data extends AnyData> = Data extends Float32Array | Float64Array ? Data : Float32Array;

/** Copies a tensor so that it can hold fractions: integers become float32, as in PyTorch. */
export const fractional = <Data extends AnyData>(x: Shaping<Data>): HostTensor<Fractions<Data>> =>
  (isFloat(x) ? x.clone() : made('float32', Float32Array.from(numbersOf(x), Number), x.dims)) as HostTensor<Fractions<Data>>;

function write<X extends Shaping<AnyData>>(x: X, compute: (value: number) => number): X {
  const data = numbersOf(x);
  for (let i = 0; i < data.length; i++) data[i] = compute(data[i] as number);
  return x;
}

function floats<X extends Shaping<AnyData>>(where: string, x: X): X {
  if (isFloat(x)) return x;
  throw wrongType(where, x, `Take ${where.slice(0, -1)}(), or to('float32') first`);
}

const compared = (x: Shaping<AnyData>, where: string, val: number | bigint, holds: (a: number, b: number) => boolean) => {
  if (typeof val !== 'number' && typeof val !== 'bigint') throw wrongValue(where, 'val', val, 'Give a number');
  const bits = Uint8Array.from({ length: x.data.length }, (_, i) => Number(holds(x.data[i] as number, val as number)));
  return new HostTensor<Uint8Array>('bool', bits, [...x.dims]);
};

export abstract class Elementwise<Data extends AnyData> extends Shaping<Data> {
  /** Maps each number to `callback(value, index, data)`, in the element type. */
  map(callback: (value: Scalar<Data>, index: number, data: Data) => Scalar<Data>): HostTensor<Data> {
    return this.clone().map_(callback);
  }
  /** `map` into the tensor itself. */
  map_(callback: (value: Scalar<Data>, index: number, data: Data) => Scalar<Data>): this {
    if (typeof callback !== 'function') throw wrongValue('map', 'callback', callback, 'It must be a function');
    let i = 0;
    return write(this, (value) => callback(value as Scalar<Data>, i++, this.data) as number);
  }

  /** x · val, for each number x. `val` is a number, a bigint for int64. Integers stay integers: fractions are cut off. */
  mul(val: Scalar<Data>): HostTensor<Data> {
    return this.clone().mul_(val);
  }
  /** `mul` into the tensor itself. */
  mul_(val: Scalar<Data>): this {
    const by = operandFor('mul', this, val);
    return write(this, (x) => x * by);
  }

  /** x / val. Throws ARGUMENT where an int64 is divided by 0n. */
  div(val: Scalar<Data>): HostTensor<Data> {
    return this.clone().div_(val);
  }
  /** `div` into the tensor itself. */
  div_(val: Scalar<Data>): this {
    const by = operandFor('div', this, val);
    if ((val as unknown) === 0n) throw wrongValue('div', 'val', val, 'An integer cannot be divided by 0');
    return write(this, (x) => x / by);
  }

  /** x + val */
  add(val: Scalar<Data>): HostTensor<Data> {
    return this.clone().add_(val);
  }
  /** `add` into the tensor itself. */
  add_(val: Scalar<Data>): this {
    const by = operandFor('add', this, val);
    return write(this, (x) => x + by);
  }

  /** x - val */
  sub(val: Scalar<Data>): HostTensor<Data> {
    return this.clone().sub_(val);
  }
  /** `sub` into the tensor itself. */
  sub_(val: Scalar<Data>): this {
    const by = operandFor('sub', this, val);
    return write(this, (x) => x - by);
  }

  /** Remainder of x / val, with the sign of `val`, as in Python. Throws ARGUMENT for 0 with integers, and for a `val` below 0 with unsigned types. */
  remainder(val: number | bigint): HostTensor<Data> {
    return this.clone().remainder_(val);
  }
  /** `remainder` into the tensor itself. */
  remainder_(val: number | bigint): this {
    if (typeof val !== 'bigint' && (typeof val !== 'number' || (isBig(this) && !Number.isInteger(val))))
      throw wrongValue('remainder', 'val', val, 'Give a number');
    const by = (isBig(this) ? BigInt(val) : Number(val)) as number;
    // Zero of either kind: Number(0n) is 0.
    if (Number(by) === 0 && !isFloat(this)) throw wrongValue('remainder', 'val', val, 'An integer cannot be divided by 0');
    if (by < 0 && /^[ub]/.test(this.type)) throw wrongValue('remainder', 'val', val, `A tensor of ${this.type} has no numbers below 0`);
    return write(this, (x) => {
      const rest = x % by;
      return (rest < 0 && by > 0) || (rest > 0 && by < 0) ? rest + by : rest;
    });
  }

  /** -x */
  neg(): HostTensor<Data> {
    return this.clone().neg_();
  }
  /** `neg` into the tensor itself. */
  neg_(): this {
    return write(this, (x) => -x);
  }

  /** 1 / (1 + exp(-x)). Integers stay integers: take `to('float32')` first. Throws DTYPE for int64. */
  sigmoid(): HostTensor<Data> {
    return this.clone().sigmoid_();
  }
  /** `sigmoid` into the tensor itself. */
  sigmoid_(): this {
    if (isBig(this)) throw wrongType('sigmoid', this, "Take to('float32') first");
    return write(this, (x) => 1 / (1 + Math.exp(-x)));
  }

  /** exp(x); float32 for integers. */
  exp(): HostTensor<Fractions<Data>> {
    return write(fractional(this), Math.exp);
  }
  /** `exp` into the tensor itself. Throws DTYPE for integers. */
  exp_(): this {
    return write(floats('exp_', this), Math.exp);
  }

  /** ln x; float32 for integers. */
  log(): HostTensor<Fractions<Data>> {
    return write(fractional(this), Math.log);
  }
  /** `log` into the tensor itself. Throws DTYPE for integers. */
  log_(): this {
    return write(floats('log_', this), Math.log);
  }

  /** Nearest integer, halves up: Math.round. */
  round(): HostTensor<Data> {
    return this.clone().round_();
  }
  /** `round` into the tensor itself. */
  round_(): this {
    return isFloat(this) ? write(this, Math.round) : this;
  }

  /** x, but no less than `min` and no more than `max`; undefined or null for no limit. */
  clamp(min?: Scalar<Data> | null, max?: Scalar<Data> | null): HostTensor<Data> {
    return this.clone().clamp_(min, max);
  }
  /** `clamp` into the tensor itself. */
  clamp_(min?: Scalar<Data> | null, max?: Scalar<Data> | null): this {
    const [low, high] = [min, max].map((end) => (end === undefined || end === null ? undefined : operandFor('clamp', this, end)));
    if (low === undefined && high === undefined) throw wrongValue('clamp', 'min', min, 'Give min, max or both');
    return write(this, (x) => {
      const raised = low !== undefined && x < low ? low : x;
      return high !== undefined && raised > high ? high : raised;
    });
  }

  /** x > val: a tensor of bool, 1 and 0. */
  gt(val: number | bigint): HostTensor<Uint8Array> {
    return compared(this, 'gt', val, (a, b) => a > b);
  }
  /** x < val: a tensor of bool, 1 and 0. */
  lt(val: number | bigint): HostTensor<Uint8Array> {
    return compared(this, 'lt', val, (a, b) => a < b);
  }
}
