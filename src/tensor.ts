/**
 * Tensors: views of numbers in an engine's memory. A tensor is a storage, an offset, a shape and strides; views share the storage. There is no maths here. Users get
 * to keep host tensors (src/host), copies in JavaScript memory.
 */
import type { Engine } from './engine/engine.js';
import { matmul_f32, PANEL, type quantize_i16, unpack_f32 } from './engine/kernels.generated.js';
import type { Storage } from './engine/memory.js';
import { HeedError, kindOf } from './errors.js';
import { type AnyData, type HostData, type HostDtype, HostTensor } from './host/tensor.js';

export { type AnyData, type HostData, type HostDtype, HostTensor, type Nested } from './host/tensor.js';

/** Bytes of an element, by element type. */
export const dtypes = { float32: 4, int32: 4, bool: 1 } as const;
/** Element type of an engine tensor: float32, int32 (4 bytes), bool (1 byte). */
export type Dtype = keyof typeof dtypes;
export type Shape = readonly number[];

/** Most tokens that a batch may hold: 1 GiB in each of its tensors. */
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
 * A tensor in an engine's memory: a view of a storage, with a shape and strides. `tensor(engine, data)` makes one, ops return new ones, `toHost` copies the numbers
 * into JavaScript. A tensor lives until it is disposed of, or the scope that made it ends.
 * @example
 * ```js
 * const x = tensor(engine, [[1, 2], [3, 4]]); // [2, 2]
 * console.log(softmax(x).toHost().tolist());
 * x.dispose();
 * ```
 */
export class Tensor {
  constructor(
    /** Engine whose memory holds the numbers. */
    readonly engine: Engine,
    /** Block of memory, which views share. */
    readonly storage: Storage,
    /** Length of each axis. */
    readonly shape: Shape,
    /** Element type. Default float32. */
    readonly dtype: Dtype = 'float32',
    /** Elements from the storage's start. */
    readonly offset = 0,
    /** Elements between neighbours along each axis. */
    readonly strides: readonly number[] = contiguousStrides(shape),
  ) {}

  /** Creates a tensor with arbitrary elements: those that the memory held before. */
  static empty(engine: Engine, shape: Shape, dtype: Dtype = 'float32'): Tensor {
    return new Tensor(engine, engine.allocate(sizeOf(shape) * dtypes[dtype]), shape, dtype);
  }

  /** Address of the first element. Throws ARGUMENT when the tensor was freed. */
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

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Length of an axis; negative axes count from the last. */
  dim(axis: number): number {
    return this.shape.at(axis) as number;
  }

  /** `true` where the elements lie in order without gaps, as `toHost` and most kernels need them. */
  get isContiguous(): boolean {
    let step = 1;
    for (let i = this.shape.length - 1; i >= 0; i--) {
      if (this.shape[i] !== 1 && this.strides[i] !== step) return false;
      step *= this.shape[i] as number;
    }
    return true;
  }

  /** Views the storage under another shape, strides and offset: no copy. */
  view(shape: Shape, strides: readonly number[] = contiguousStrides(shape), offset = this.offset): Tensor {
    return new Tensor(this.engine, this.storage, shape, this.dtype, offset, strides);
  }

  /** Copies the tensor into JavaScript memory. The tensor must be contiguous (`contiguous(x)`). */
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

  /** Frees the storage, and with it every view of the storage. */
  dispose(): void {
    this.storage.free();
  }
}

const MOST_AXES = 32;

/** Flattens nested arrays of numbers or booleans: their shape, and their elements in order. */
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

/** First element of nested arrays. */
const leaf = (data: unknown): unknown => (Array.isArray(data) ? leaf(data[0]) : data);

const ragged = () => new HeedError('SHAPE', 'Nested arrays must all be of the same length', { culprit: 'data' });

export type TensorData = AnyData | HostTensor<AnyData> | boolean | number | readonly TensorData[];

/** Element type in an engine for that of a host tensor: float32 for fractions, int32 for integers, bool for bool. */
const entering = (type: HostDtype): Dtype => (type === 'bool' ? 'bool' : type.startsWith('float') ? 'float32' : 'int32');

/** Converts integers of 64 bits, or unsigned ones of 32, to int32. Throws ARGUMENT for an integer beyond int32. */
function narrowed(values: ArrayLike<number | bigint>): Int32Array {
  return Int32Array.from(values, (value) => {
    const n = Number(value);
    if (n === (n | 0)) return n;
    throw new HeedError('ARGUMENT', `A tensor of int32 cannot hold ${n}`, { culprit: 'data', cure: 'Its numbers are below 2^31' });
  });
}

/**
 * Copies numbers into the engine. Default shape: that of the nesting. Default dtype: float32 for numbers, int32 for an Int32Array and a BigInt64Array, bool for
 * booleans and a Uint8Array. A host tensor has a shape and a type of its own: float32 for fractions, int32 for integers. Throws ARGUMENT for an integer beyond
 * int32.
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

/** Overwrites all elements of a contiguous tensor with as many numbers. */
export function overwrite({ engine, ptr, dtype }: Tensor, values: HostData | readonly number[]): void {
  engine.write(values, (own) => new arrays[dtype](engine.heap.wasm.buffer as ArrayBuffer, ptr, own.length).set(own));
}

function ofHost(engine: Engine, { type, data, dims }: HostTensor<AnyData>, shape: Shape = dims, dtype = entering(type)): Tensor {
  const isWide = dtype === 'int32' && !(data instanceof Int32Array);
  return tensor(engine, isWide ? narrowed(data) : (data as HostData), shape, dtype);
}

export const packedBytes = (rows: number, columns: number): number => Math.ceil(rows / PANEL) * PANEL * columns * 4;

/** Kernels and properties of a matrix format, for products and look-ups. */
export interface MatrixKernels {
  /** Number of bytes of the panels of a matrix. */
  bytes(rows: number, columns: number): number;
  product: typeof matmul_f32;
  /** Kernel that unpacks all rows, or some of them. */
  unpack: typeof unpack_f32;
  /** Rounding of activations for products, with a scale for 32 neighbours, and the most bytes that 32 of them take; undefined where products read float32. */
  rounds?: { kernel: typeof quantize_i16; bytes: number };
}

/** Format of a weight: float32; int8 with a float16 for every 32 neighbours in a row; or 4 bits with two float16. */
export type WeightDtype = 'float32' | 'q8' | 'q4';

/** A matrix [N, K] in panels, as products read it: `pack` and `quantize` make one, `linear` and `embedding` take one, `unpack` returns its rows. */
export abstract class Matrix {
  constructor(
    /** Engine whose memory holds the numbers. */
    readonly engine: Engine,
    /** Block of memory. */
    readonly storage: Storage,
    /** N, the number of output features of a product. */
    readonly rows: number,
    /** K, the number of input features. */
    readonly columns: number,
    /** Bytes from the storage's start. */
    readonly offset = 0,
  ) {}

  /** Format of the panels. */
  abstract readonly dtype: WeightDtype;

  /** Kernels for products with the matrix and for unpacking it. */
  abstract get kernels(): MatrixKernels;

  /** Shape [rows, columns] of the matrix before it was packed. */
  get shape(): Shape {
    return [this.rows, this.columns];
  }

  /** Address of the first panel. Throws ARGUMENT when the matrix was freed. */
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

/** A float32 matrix in panels (assembly/pack.ts): an exact copy in another order. Weights for inference exist only in this form, or in fewer bits. */
export class PackedMatrix extends Matrix {
  /** Panels hold float32. */
  readonly dtype = 'float32';

  get kernels(): MatrixKernels {
    return packedKernels;
  }

  /** Creates a matrix with arbitrary elements: those that the memory held before. */
  static empty(engine: Engine, rows: number, columns: number): PackedMatrix {
    return new PackedMatrix(engine, engine.allocate(packedBytes(rows, columns)), rows, columns);
  }
}
export const packedKernels: MatrixKernels = { bytes: packedBytes, product: matmul_f32, unpack: unpack_f32 };
