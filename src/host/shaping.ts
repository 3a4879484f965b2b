/** Methods of host tensors for shape and type: indexing, slices, views, axes, element types. No number changes but by a conversion of type. */
import { HeedError } from '../errors.js';
import { isBig, isFloat, made, makerOf, numbersOf, placeOf, product, roomFor, sizesOf, wrongDims, wrongValue } from './check.js';
import { type AnyData, type ArrayOf, type HostDtype, HostTensor } from './tensor.js';

/** Elements between neighbours along each axis. */
export function strideOf(dims: readonly number[]): number[] {
  const steps = dims.map(() => 1);
  for (let i = dims.length - 2; i >= 0; i--) steps[i] = (steps[i + 1] as number) * (dims[i + 1] as number);
  return steps;
}

/** Copies the numbers at `offset` + Σ iₐ stepsₐ, for all indices below `dims`, in order. */
function gathered(x: { data: AnyData }, dims: readonly number[], steps: readonly number[], offset = 0): AnyData {
  const [from, into] = [numbersOf(x), roomFor(x, product(dims))];
  const at = dims.map(() => 0);
  for (let i = 0, place = offset; i < into.length; i++) {
    into[i] = from[place] as number;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      place += steps[axis] as number;
      if (++(at[axis] as number) < (dims[axis] as number)) break;
      place -= (at[axis] as number) * (steps[axis] as number);
      at[axis] = 0;
    }
  }
  return into as unknown as AnyData;
}

const part = <Data extends AnyData>({ type, data }: Shaping<Data>, i: number, dims: number[]): HostTensor<Data> => {
  const size = product(dims);
  return new HostTensor(type, data.subarray(i * size, (i + 1) * size) as Data, dims);
};

export abstract class Shaping<Data extends AnyData> {
  declare readonly type: HostDtype;
  declare readonly data: Data;
  declare dims: number[];
  /**
   * Part at an index of the first axis, `x[0]`, `x[-1]`: a view of the same memory; for a tensor [n] a tensor [] of one number. Throws ARGUMENT where there is no
   * such index.
   */
  readonly [index: number]: HostTensor<Data>;

  /** Location of the numbers: always JavaScript memory. */
  get location(): 'cpu' {
    return 'cpu';
  }

  /** Yields the parts along the first axis, views of the same memory; for a tensor [n] the numbers themselves. */
  *[Symbol.iterator](): Generator<HostTensor<Data> | Data[number]> {
    const [n = 0, ...rest] = this.dims;
    if (rest.length === 0) yield* numbersOf(this) as Iterable<Data[number]>;
    else for (let i = 0; i < n; i++) yield part(this, i, rest);
  }

  /** Returns `x[index]`. */
  _getitem(index: number): HostTensor<Data> {
    const [n = 1, ...rest] = this.dims;
    return part(this, placeOf('tensor[…]', 'index', index, n), rest);
  }

  /** Returns the only number of a tensor; a bigint for int64. Throws SHAPE for more numbers and for none. */
  item(): Data[number] {
    if (this.data.length === 1) return this.data[0] as Data[number];
    throw wrongDims('item', this.dims, `has ${this.data.length} numbers, not one`, 'Take tolist()');
  }

  /** Copies the tensor into memory of its own. */
  clone(): HostTensor<Data> {
    return new HostTensor(this.type, this.data.slice() as Data, [...this.dims]);
  }

  /** Does nothing: the memory is JavaScript's, and need not be freed. */
  dispose(): void {}

  /** Elements between neighbours along each axis. */
  stride(): number[] {
    return strideOf(this.dims);
  }

  /**
   * Copies a part: for each axis an index, which removes the axis, [from, to] with `to` exclusive and null for an open end, or null for all of it. Negative indices
   * count from the end, ranges are cut at the axis's end. Throws ARGUMENT for an index that is not there, and where from > to.
   * @example x.slice(0, null, [1, -1]) // of [2, 3, 4]: [3, 2]
   */
  slice(...slices: readonly (number | readonly [from: number | null, to: number | null] | null | undefined)[]): HostTensor<Data> {
    if (slices.length > this.dims.length) throw wrongDims('slice', this.dims, `has no axis ${slices.length - 1}`, 'Give one for each axis');
    const steps = this.stride();
    let offset = 0;
    const sizes = this.dims.map((length, axis) => {
      const given = slices[axis];
      const [from, to] = rangeOf(given ?? [null, null], length);
      offset += from * (steps[axis] as number);
      return to - from;
    });
    const kept = sizes.filter((_, axis) => typeof slices[axis] !== 'number');
    return new HostTensor(this.type, gathered(this, sizes, steps, offset) as Data, kept);
  }

  /** Views the numbers under another shape, in the same memory; one of `dims` may be -1, for the remaining size. Throws SHAPE where the numbers do not fill it. */
  view(...dims: readonly (number | readonly number[])[]): HostTensor<Data> {
    const shape = sizesOf('view', 'dims', dims, -1);
    const open = shape.indexOf(-1);
    if (open >= 0) shape[open] = this.data.length / product(shape.filter((_, i) => i !== open));
    if (shape.includes(-1) || !shape.every(Number.isInteger) || product(shape) !== this.data.length)
      throw wrongDims('view', this.dims, `does not fill [${dims.flat()}]`, 'Give sizes whose product is its own');
    return new HostTensor(this.type, this.data, shape);
  }

  /** `view`: a host tensor's numbers always lie in order, so that no shape needs a copy. */
  reshape(...dims: readonly (number | readonly number[])[]): HostTensor<Data> {
    return this.view(...dims);
  }

  /** Copies the tensor with its axes reordered: axis i is this tensor's axis `dims[i]`. Throws ARGUMENT or SHAPE unless each axis is named once. */
  permute(...dims: readonly (number | readonly number[])[]): HostTensor<Data> {
    const axes = dims.flat().map((axis) => placeOf('permute', 'dims', axis, this.dims.length));
    if (axes.length !== this.dims.length || new Set(axes).size !== axes.length)
      throw wrongDims('permute', this.dims, `has no order [${dims.flat()}]`, 'Give one for each axis');
    const steps = this.stride();
    const shape = axes.map((axis) => this.dims[axis] as number);
    const moved = axes.map((axis) => steps[axis] as number);
    return new HostTensor(this.type, gathered(this, shape, moved) as Data, shape);
  }

  /** Copies the tensor with two axes exchanged, as in PyTorch; given all axes of a tensor that has more than two, `permute`. */
  transpose(...dims: readonly number[]): HostTensor<Data> {
    if (dims.length !== 2) return this.permute(...dims);
    const axes = [...this.dims.keys()];
    const [a, b] = dims.map((axis) => placeOf('transpose', 'dims', axis, axes.length)) as [number, number];
    [axes[a], axes[b]] = [b, a];
    return this.permute(axes);
  }

  /** Views the tensor without its axes of length 1: all of them, or those that `dim` names; longer axes stay, and axes that do not exist are ignored. */
  squeeze(dim: number | readonly number[] | null = null): HostTensor<Data> {
    const rank = this.dims.length;
    const named = dim === null ? undefined : sizesOf('squeeze', 'dim', [dim], -rank).map((axis) => (axis < 0 ? axis + rank : axis));
    const kept = this.dims.filter((d, axis) => d !== 1 || (named && !named.includes(axis)));
    return new HostTensor(this.type, this.data, kept);
  }

  /** `squeeze` on the tensor itself. */
  squeeze_(dim: number | readonly number[] | null = null): this {
    this.dims = this.squeeze(dim).dims;
    return this;
  }

  /** Views the tensor with a new axis of length 1 before axis `dim`; -1: at the end. */
  unsqueeze(dim: number): HostTensor<Data> {
    const dims = [...this.dims];
    dims.splice(placeOf('unsqueeze', 'dim', dim, dims.length + 1), 0, 1);
    return new HostTensor(this.type, this.data, dims);
  }

  /** `unsqueeze` on the tensor itself. */
  unsqueeze_(dim: number): this {
    this.dims = this.unsqueeze(dim).dims;
    return this;
  }

  /** Copies the tensor with the axes from `start_dim` to `end_dim`, inclusive, merged into one. */
  flatten(start_dim = 0, end_dim = -1): HostTensor<Data> {
    return this.clone().flatten_(start_dim, end_dim);
  }

  /** `flatten` on the tensor itself. */
  flatten_(start_dim = 0, end_dim = -1): this {
    const rank = Math.max(1, this.dims.length);
    const [start, end] = [placeOf('flatten', 'start_dim', start_dim, rank), placeOf('flatten', 'end_dim', end_dim, rank)];
    if (start > end) throw wrongValue('flatten', 'start_dim', start_dim, 'It begins after its end');
    this.dims = [...this.dims.slice(0, start), product(this.dims.slice(start, end + 1)), ...this.dims.slice(end + 1)];
    return this;
  }

  /** Copies the tensor `repeats[i]` times along each axis i; more repeats than axes stand for new axes in front. Throws SHAPE for fewer. */
  repeat(...repeats: readonly (number | readonly number[])[]): HostTensor<Data> {
    const times = sizesOf('repeat', 'repeats', repeats);
    const added = times.length - this.dims.length;
    if (added < 0) throw wrongDims('repeat', this.dims, `has more axes than ${times.length}`, 'Give one for each axis');
    const dims = [...times.slice(0, added).map(() => 1), ...this.dims];
    const steps = strideOf(dims);
    // A repeated axis is gathered as two: the repeats, with steps of 0, and the axis itself.
    const pairs = gathered(
      this,
      dims.flatMap((d, i) => [times[i] as number, d]),
      steps.flatMap((step) => [0, step]),
    );
    return new HostTensor(
      this.type,
      pairs as Data,
      dims.map((d, i) => d * (times[i] as number)),
    );
  }

  /** `repeat`, where fewer numbers than axes apply to the last axes. */
  tile(...dims: readonly (number | readonly number[])[]): HostTensor<Data> {
    const times = dims.flat();
    return this.repeat(...this.dims.slice(times.length).map(() => 1), ...times);
  }

  /**
   * Converts the numbers to another element type, in new memory; returns the tensor itself where it has that type. Fractions are cut off, numbers beyond an integer
   * type wrap around as in its array, bool is true for numbers that are not 0. Throws DTYPE for an unknown type, NUMERIC where a number converts to no integer.
   */
  to<T extends HostDtype>(type: T): HostTensor<ArrayOf[T]> {
    if ((this.type as string) === type) return this as unknown as HostTensor<ArrayOf[T]>;
    makerOf(type);
    const all = Array.from(numbersOf(this) as Iterable<number | bigint>, convert(this, type));
    return made(type, all, this.dims);
  }
}

function convert(x: { type: HostDtype; dims: readonly number[] }, type: HostDtype): (value: number | bigint) => number | bigint {
  if (type === 'bool') return (value) => Number(Boolean(value) || Number.isNaN(value));
  if (!isBig({ type })) return Number;
  if (!isFloat(x)) return BigInt;
  return (value) => {
    if (Number.isFinite(value)) return BigInt(Math.trunc(Number(value)));
    throw new HeedError('NUMERIC', `to: ${value} is no ${type}`, { culprit: 'tensor', shape: x.dims, cure: 'clamp() it first' });
  };
}

/** Range along an axis, from inclusive, to exclusive. */
function rangeOf(given: unknown, length: number): [from: number, to: number] {
  if (typeof given === 'number') {
    const place = placeOf('slice', 'slice', given, length);
    return [place, place + 1];
  }
  const ends: readonly unknown[] = Array.isArray(given) ? given : [];
  if (ends.length !== 2 || !ends.every((end) => end === null || end === undefined || Number.isInteger(end)))
    throw wrongValue('slice', 'slice', given, 'Give a place, [from, to] or null');
  const [from, to] = ends.map((end, i) => {
    const place = (end ?? (i ? length : 0)) as number;
    return Math.min(length, Math.max(0, place < 0 ? place + length : place));
  }) as [number, number];
  if (from > to) throw wrongValue('slice', 'slice', `[${ends}]`, 'It begins after its end');
  return [from, to];
}
