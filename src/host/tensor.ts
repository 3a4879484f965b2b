/**
 * Host tensors: numbers in JavaScript memory, which users get to keep. Results are of this class, which has only the members that every program uses; its methods
 * (shaping.ts, elementwise.ts, reductions.ts) join its prototype where `Tensor` (construct.ts) is used, so that other bundles do not carry them.
 */
import type { Reductions } from './reductions.js';

/** Arrays that tensors hold their numbers in, by element type. */
export interface ArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Float16Data;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
}

/** Float16Array, where a runtime has it: older declarations do not know it. */
export type Float16Data = Omit<Float32Array, 'BYTES_PER_ELEMENT' | typeof Symbol.toStringTag>;

/** Element types of host tensors. */
export type HostDtype = keyof ArrayOf;
/** Array of the kind that tensors of some type hold: a Float32Array for float32, a BigInt64Array for int64. */
export type AnyData = ArrayOf[HostDtype];
/** Array of most results. */
export type HostData = Float32Array | Int32Array | Uint8Array;
/** Numbers in nested lists, one level for each dimension. */
export type Nested<Element = number> = Element | Nested<Element>[];

/** A tensor in JavaScript memory, in transformers.js's form. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are on the prototype as soon as somebody names `Tensor`
export class HostTensor<Data extends AnyData = HostData> {
  constructor(
    /** Element type. */
    readonly type: HostDtype,
    /** Numbers, row after row. bool: 0 and 1; int64 and uint64: bigints. */
    readonly data: Data,
    /** Length of each axis; [] for a single number. */
    public dims: number[],
  ) {}

  /** Number of elements. */
  get size(): number {
    return this.data.length;
  }

  /** Converts the tensor to nested arrays, one level per dimension; to the number itself where there is no dimension. */
  tolist(): Nested<Data[number]> {
    const list = (axis: number, from: number): Nested<Data[number]> => {
      if (axis === this.dims.length) return this.data[from] as Data[number];
      const step = this.dims.slice(axis + 1).reduce((n, d) => n * d, 1);
      return Array.from({ length: this.dims[axis] as number }, (_, i) => list(axis + 1, from + i * step));
    };
    return list(0, 0);
  }
}

export interface HostTensor<Data extends AnyData = HostData> extends Reductions<Data> {}
