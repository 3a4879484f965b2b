/**
 * Tensors: names for numbers in an engine's memory. A tensor is a storage, an offset, a shape and strides; views share
 * the storage. There is no maths here. Users get to keep host tensors (src/host), copies in JavaScript memory.
 */
import type { Engine } from './engine/engine.js';
import { matmul_f32, PANEL, type quantize_i16, unpack_f32 } from './engine/kernels.generated.js';
import type { Storage } from './engine/memory.js';
import { HeedError, kindOf } from './errors.js';
import { type AnyData, type HostData, type HostDtype, HostTensor } from './host/tensor.js';

export { type AnyData, type HostData, type HostDtype, HostTensor, type Nested } from './host/tensor.js';

/** Element types, with the bytes of one. */
export const dtypes = { float32: 4, int32: 4, bool: 1 } as const;
/** The type of an engine tensor's elements: float32, int32 (4 bytes), bool (1 byte). */
export type Dtype = keyof typeof dtypes;
export type Shape = readonly number[];

/** Tokens that a batch may hold: 1 GiB in each of its tensors. */
export const MOST_TOKENS = 1 << 28;

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

export const sizeOf = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let i = shape.length - 1, step = 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i] as number;
  }
  return strides;
}

/**
 * A tensor in an engine's memory: a view of a storage, with a shape and strides. `tensor(engine, data)` makes one, ops give new ones,
 * `toHost` copies it into JavaScript. It lives until it is disposed of, or the scope that made it ends.
 * @example
 * ```js
 * const x = tensor(engine, [[1, 2], [3, 4]]); // [2, 2]
 * console.log(softmax(x).toHost().tolist());
 * x.dispose();
 * ```
 */
export class Tensor {
  constructor(
    /** Whose memory it is in. */
    readonly engine: Engine,
    /** The block of memory, which views share. */
    readonly storage: Storage,
    /** The length of each axis. */
    readonly shape: Shape,
    /** The type of its elements. Default float32. */
    readonly dtype: Dtype = 'float32',
    /** Elements from the storage's start. */
    readonly offset = 0,
    /** Elements between neighbours along each axis. */
    readonly strides: readonly number[] = contiguousStrides(shape),
  ) {}

  /** A new tensor whose elements are whatever the memory held. */
  static empty(engine: Engine, shape: Shape, dtype: Dtype = 'float32'): Tensor {
    return new Tensor(engine, engine.allocate(sizeOf(shape) * dtypes[dtype]), shape, dtype);
  }

  /** The address of the first element. Throws ARGUMENT when the tensor was freed. */
  get ptr(): number {
    if (this.storage.freed) {
      throw new HeedError('ARGUMENT', `A tensor [${this.shape}] is used after it was freed`, {
        culprit: 'tensor',
        shape: this.shape,
        cure: 'Return it from the scope that made it, or dispose of it later',
      });
    }
    return this.storage.ptr + this.offset * dtypes[this.dtype];
  }

  /** How many elements it has. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** How many axes it has. */
  get rank(): number {
    return this.shape.length;
  }

  /** The length of an axis; negative ones count from the last. */
  dim(axis: number): number {
    return this.shape.at(axis) as number;
  }

  /** Whether its elements lie in order without gaps, as `toHost` and most kernels need them. */
  get isContiguous(): boolean {
    let step = 1;
    for (let i = this.shape.length - 1; i >= 0; i--) {
      if (this.shape[i] !== 1 && this.strides[i] !== step) return false;
      step *= this.shape[i] as number;
    }
    return true;
  }

  /** The same numbers under another shape, strides, offset: no copy. */
  view(shape: Shape, strides: readonly number[] = contiguousStrides(shape), offset = this.offset): Tensor {
    return new Tensor(this.engine, this.storage, shape, this.dtype, offset, strides);
  }

  /** A copy in JavaScript memory. The tensor must be contiguous (`contiguous(x)`). */
  toHost(): HostTensor {
    if (!this.isContiguous)
      throw new HeedError('SHAPE', `A view [${this.shape}] is not contiguous`, {
        culprit: 'tensor',
        shape: this.shape,
        cure: 'Copy contiguous(x)',
      });
    const view = new arrays[this.dtype](this.engine.heap.wasm.buffer as ArrayBuffer, this.ptr, this.size);
    return new HostTensor(this.dtype, view.slice(), [...this.shape]);
  }

  /** Frees the storage, and with it every view of it. */
  dispose(): void {
    this.storage.free();
  }
}

const MOST_AXES = 32;

/** The nesting of an array of numbers or booleans: its shape and its elements in order. */
function flatten(data: unknown, shape: number[] = [], flat: number[] = [], depth = 0): { shape: number[]; flat: number[] } {
  if (!Array.isArray(data)) {
    if (depth !== shape.length) throw ragged();
    if (typeof data !== 'number' && typeof data !== 'boolean')
      throw new HeedError('ARGUMENT', `A tensor cannot hold ${kindOf(data)}`, { culprit: 'data', cure: 'Give numbers or booleans' });
    flat.push(Number(data));
    return { shape, flat };
  }
  if (depth === MOST_AXES) throw new HeedError('SHAPE', `Arrays are nested more than ${MOST_AXES} times`, { culprit: 'data' });
  if (shape.length === depth && flat.length === 0) shape.push(data.length);
  else if (shape[depth] !== data.length) throw ragged();
  for (const item of data) flatten(item, shape, flat, depth + 1);
  return { shape, flat };
}

/** The first element of nested arrays. */
const leaf = (data: unknown): unknown => (Array.isArray(data) ? leaf(data[0]) : data);

const ragged = () => new HeedError('SHAPE', 'Nested arrays must all be of the same length', { culprit: 'data' });

export type TensorData = AnyData | HostTensor<AnyData> | boolean | number | readonly TensorData[];

/** What a host tensor's numbers become in an engine: float32 of fractions, int32 of integers. */
const entering = (type: HostDtype): Dtype => (type === 'bool' ? 'bool' : type.startsWith('float') ? 'float32' : 'int32');

/** Integers of 64 bits, or of 32 without a sign, as int32. Throws ARGUMENT for one beyond. */
function narrowed(values: ArrayLike<number | bigint>): Int32Array {
  return Int32Array.from(values, (value) => {
    const n = Number(value);
    if (n === (n | 0)) return n;
    throw new HeedError('ARGUMENT', `A tensor of int32 cannot hold ${n}`, { culprit: 'data', cure: 'Its numbers are below 2^31' });
  });
}

/**
 * Copies numbers into the engine.
 * The shape is that of the nesting unless given; the dtype float32 for numbers, int32 for an Int32Array and a BigInt64Array, bool for booleans and a Uint8Array.
 * Of a host tensor, both are its own: float32 of what has fractions, int32 of integers. Throws ARGUMENT for an integer beyond int32.
 * @example tensor(engine, [[1, 2], [3, 4]])
 */
export function tensor(engine: Engine, data: TensorData, shape?: Shape, dtype?: Dtype): Tensor {
  if (typeof (engine as Engine | undefined)?.allocate !== 'function')
    throw new HeedError('ARGUMENT', `tensor: engine is ${kindOf(engine)}`, { culprit: 'engine', cure: 'Make one with createEngine()' });
  if (data instanceof HostTensor) return ofHost(engine, data, shape, dtype);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return tensor(engine, narrowed(data), shape, dtype);
  const typed = ArrayBuffer.isView(data) ? (data as HostData) : undefined;
  if (typed && typeof typed[0] !== 'number' && typed.length !== 0)
    throw new HeedError('ARGUMENT', 'A tensor cannot be made of a DataView', { culprit: 'data', cure: 'Give numbers' });
  const nested = typed ? undefined : flatten(data);
  const values = typed ?? nested?.flat ?? [];
  const dims = shape ?? nested?.shape ?? [values.length];
  const kind =
    dtype ?? (typed instanceof Int32Array ? 'int32' : typed instanceof Uint8Array || typeof leaf(data) === 'boolean' ? 'bool' : 'float32');
  if (typeof kind !== 'string' || !Object.hasOwn(dtypes, kind))
    throw new HeedError('DTYPE', `There is no dtype ${kindOf(kind)}`, { culprit: 'dtype', cure: `Use ${Object.keys(dtypes).join(', ')}` });
  if (!Array.isArray(dims) || !Array.from(dims).every((d) => Number.isSafeInteger(d) && d >= 0) || sizeOf(dims) !== values.length) {
    const listed: readonly unknown[] = Array.isArray(dims) ? dims : [dims];
    throw new HeedError('SHAPE', `${values.length} elements do not fill [${listed.map(kindOf)}]`, { culprit: 'shape', shape: dims });
  }
  const made = new Tensor(engine, engine.allocate(values.length * dtypes[kind], true), dims, kind);
  overwrite(made, values);
  return made;
}

/** Writes numbers over the elements of a contiguous tensor, as many as it has. */
export function overwrite({ engine, ptr, dtype }: Tensor, values: HostData | readonly number[]): void {
  engine.write(values, (own) => new arrays[dtype](engine.heap.wasm.buffer as ArrayBuffer, ptr, own.length).set(own));
}

function ofHost(engine: Engine, { type, data, dims }: HostTensor<AnyData>, shape: Shape = dims, dtype = entering(type)): Tensor {
  const isWide = dtype === 'int32' && !(data instanceof Int32Array);
  return tensor(engine, isWide ? narrowed(data) : (data as HostData), shape, dtype);
}

export const packedBytes = (rows: number, columns: number): number => Math.ceil(rows / PANEL) * PANEL * columns * 4;

/** What the matrices of a format are to products and look-ups. */
export interface MatrixKernels {
  /** Bytes of panels. */
  bytes(rows: number, columns: number): number;
  product: typeof matmul_f32;
  /** All rows, or some of them. */
  unpack: typeof unpack_f32;
  /** How activations are rounded for products, with a scale for 32 neighbours, and the most bytes that 32 of them take; undefined where products read float32. */
  rounds?: { kernel: typeof quantize_i16; bytes: number };
}

/** How a weight is held: float32; int8 with a float16 for every 32 neighbours in a row; or 4 bits with two. */
export type WeightDtype = 'float32' | 'q8' | 'q4';

/** A matrix [N, K] in the panels that a product reads: what `pack` and `quantize` give, and `linear` and `embedding` take. `unpack` gives its rows back. */
export abstract class Matrix {
  constructor(
    /** Whose memory it is in. */
    readonly engine: Engine,
    /** The block of memory. */
    readonly storage: Storage,
    /** N, the features that come out of a product. */
    readonly rows: number,
    /** K, the features that go in. */
    readonly columns: number,
    /** Bytes from the storage's start. */
    readonly offset = 0,
  ) {}

  /** What the panels hold. */
  abstract readonly dtype: WeightDtype;

  /** How it is multiplied and unpacked. */
  abstract get kernels(): MatrixKernels;

  /** [rows, columns], as the matrix before it was packed. */
  get shape(): Shape {
    return [this.rows, this.columns];
  }

  /** The address of the first panel. Throws ARGUMENT when the matrix was freed. */
  get ptr(): number {
    if (this.storage.freed)
      throw new HeedError('ARGUMENT', `A packed matrix [${this.shape}] is used after it was freed`, {
        culprit: 'matrix',
        shape: this.shape,
      });
    return this.storage.ptr + this.offset;
  }

  /** Frees the storage. */
  dispose(): void {
    this.storage.free();
  }
}
export const isMatrix = (value: unknown): value is Matrix => value instanceof Matrix;

/** Float32 in panels (assembly/pack.ts): an exact copy in another order. Weights for inference exist in this form, or in fewer bits, only. */
export class PackedMatrix extends Matrix {
  /** Panels hold float32. */
  readonly dtype = 'float32';

  get kernels(): MatrixKernels {
    return packedKernels;
  }

  /** A matrix whose elements are whatever the memory held. */
  static empty(engine: Engine, rows: number, columns: number): PackedMatrix {
    return new PackedMatrix(engine, engine.allocate(packedBytes(rows, columns)), rows, columns);
  }
}
export const packedKernels: MatrixKernels = { bytes: packedBytes, product: matmul_f32, unpack: unpack_f32 };
