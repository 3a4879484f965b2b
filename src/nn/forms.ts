/**
 * The forms in which a parameter's values lie in the engine: float32 rows, or panels, in the order that products read. Forms are filled by rows of a
 * checkpoint, which pass through a bounded staging block, or at once by float32 rows, and give all of them back. The third form, 8-bit panels, is in
 * quantized.ts; which one a parameter has is its own decision.
 */
import type { Engine } from '../engine/engine.js';
import { PANEL } from '../engine/kernels.generated.js';
import type { Storage } from '../engine/memory.js';
import { packInto, unpack } from '../ops/matmul.js';
import { narrow } from '../ops/shape.js';
import { type Matrix, PackedMatrix, packedBytes, type Shape, sizeOf, Tensor } from '../tensor.js';
import { type SourceDtype, sources, widen } from './sources.js';

/** A matrix as `linear` takes it, a table as `embedding` does. */
export type Operand = Matrix | Tensor;

/** What is to be held: values of this shape, a stack of matrices of these heights. */
export interface Weights {
  engine: Engine;
  name: string;
  shape: Shape;
  heights: readonly number[];
}

export const rowsOf = ({ shape }: Weights): number => shape[0] as number;
/** Elements of a row. */
export const widthOf = ({ shape }: Weights): number => sizeOf(shape.slice(1));
/** Whether the parts lie in panels as one matrix: they are multiples of a panel. */
export const isFused = ({ heights }: Weights): boolean => heights.length === 1 || heights.every((height) => height % PANEL === 0);

/** Bytes of a matrix in a form's panels. */
export type PanelBytes = (rows: number, width: number) => number;

/** Where a matrix of a stack lies: the row at which it begins, its height, and its bytes from the stack's start. */
export interface Part {
  row: number;
  height: number;
  offset: number;
}

/** One of a stack's matrices, which lie one behind the other, in panels of so many bytes. */
export function partOf(weights: Weights, index: number, bytesOf: PanelBytes): Part {
  const [before, width] = [weights.heights.slice(0, index), widthOf(weights)];
  const row = before.reduce((rows, height) => rows + height, 0);
  return { row, height: weights.heights[index] as number, offset: before.reduce((bytes, height) => bytes + bytesOf(height, width), 0) };
}

/** Bytes of all of them. */
export const stackBytes = (weights: Weights, bytesOf: PanelBytes): number =>
  weights.heights.reduce((bytes, height) => bytes + bytesOf(height, widthOf(weights)), 0);

export abstract class Form {
  abstract readonly storage: Storage;
  /** Rows that have been written. */
  protected filled = 0;

  constructor(readonly weights: Weights) {}

  get complete(): boolean {
    return this.filled === rowsOf(this.weights);
  }

  /** Whether another form of this kind, and of as many bytes, holds the same bits: what rows do not reach of panels is zeros. */
  equals(other: Form, bytes: number): boolean {
    const { engine, shape } = this.weights;
    if (this.constructor !== other.constructor || shape.join() !== other.weights.shape.join()) return false;
    const [mine, theirs] = [this, other].map(({ storage }) => engine.heap.ints(storage.ptr, bytes / 4)) as [Int32Array, Int32Array];
    return mine.every((bits, i) => bits === theirs[i]);
  }

  /** Starts over: memory is kept, values are awaited. */
  reset(): void {
    this.filled = 0;
  }

  /** Takes what its memory holds for its values. */
  assume(): void {
    this.filled = rowsOf(this.weights);
  }

  /** Takes rows `row` … of a checkpoint. Throws NUMERIC for what is not finite. */
  write(row: number, bytes: Uint8Array, dtype: SourceDtype): void {
    const rows = bytes.length / (sources[dtype].bytes * Math.max(1, widthOf(this.weights)));
    this.take(row, rows, bytes, dtype);
    this.filled += rows;
  }

  protected abstract take(row: number, rows: number, bytes: Uint8Array, dtype: SourceDtype): void;

  /** Takes all rows, float32 and contiguous. */
  put(rows: Tensor): void {
    this.takeAll(rows);
    this.filled = rowsOf(this.weights);
  }

  protected abstract takeAll(rows: Tensor): void;

  /** All rows as float32: those that are there, or a copy for the scope that is open. */
  abstract values(): Tensor;

  /** What products and look-ups read; of panels that are not fused there is no whole. */
  abstract whole(): Operand;

  abstract part(index: number): Operand;

  /** Float32 at `from` for as long as `body` runs, of a checkpoint's bytes. */
  protected staged(bytes: Uint8Array, dtype: SourceDtype, body: (from: Storage) => void): void {
    const { engine } = this.weights;
    engine.scope(() => {
      const storage = engine.allocate((bytes.length / sources[dtype].bytes) * 4);
      widen(this.weights, bytes, dtype, storage.ptr);
      body(storage);
    });
  }

  dispose(): void {
    this.storage.free();
  }
}

/** Row-major float32, as a checkpoint has it. */
export class Rows extends Form {
  readonly storage: Storage;

  constructor(weights: Weights) {
    super(weights);
    this.storage = weights.engine.heap.allocate(Rows.bytes(weights));
  }

  static bytes({ shape }: Weights): number {
    return sizeOf(shape) * 4;
  }

  protected take(row: number, _rows: number, bytes: Uint8Array, dtype: SourceDtype): void {
    widen(this.weights, bytes, dtype, this.storage.ptr + row * widthOf(this.weights) * 4);
  }

  protected takeAll(rows: Tensor): void {
    this.weights.engine.heap.bytes.copyWithin(this.storage.ptr, rows.ptr, rows.ptr + rows.size * 4);
  }

  values(): Tensor {
    return new Tensor(this.weights.engine, this.storage, this.weights.shape);
  }

  whole(): Tensor {
    return this.values();
  }

  part(index: number): Tensor {
    const { row, height } = partOf(this.weights, index, packedBytes);
    return narrow(this.values(), 0, row, height);
  }
}

/** Float32 panels. Rows come in multiples of a panel, but for the last of a stack. */
export class Packed extends Form {
  readonly storage: Storage;
  /** Rows that wait for the last one, when parts do not fall on panels of their own. */
  #waiting: Rows | undefined;

  constructor(weights: Weights) {
    super(weights);
    this.storage = weights.engine.heap.allocate(Packed.bytes(weights));
  }

  static bytes(weights: Weights): number {
    return stackBytes(weights, packedBytes);
  }

  protected take(row: number, rows: number, bytes: Uint8Array, dtype: SourceDtype): void {
    const { weights } = this;
    if (isFused(weights)) {
      const panels = this.storage.ptr + packedBytes(row, widthOf(weights));
      this.staged(bytes, dtype, (from) => this.#pack(from, 0, panels, rows));
      return;
    }
    this.#waiting ??= new Rows(weights);
    this.#waiting.write(row, bytes, dtype);
    if (!this.#waiting.complete) return;
    this.takeAll(this.#waiting.values());
    this.#waiting.dispose();
    this.#waiting = undefined;
  }

  protected takeAll(rows: Tensor): void {
    const width = widthOf(this.weights);
    for (const i of this.weights.heights.keys()) {
      const { row, height, offset } = partOf(this.weights, i, packedBytes);
      this.#pack(rows.storage, rows.offset + row * width, this.storage.ptr + offset, height);
    }
  }

  #pack(from: Storage, offset: number, to: number, rows: number): void {
    const width = widthOf(this.weights);
    packInto(to, new Tensor(this.weights.engine, from, [rows, width], 'float32', offset), [1, 1, rows, width], [0, 0, width, 1]);
  }

  values(): Tensor {
    return unpackStack(this.weights, (i) => this.part(i));
  }

  whole(): PackedMatrix {
    return new PackedMatrix(this.weights.engine, this.storage, rowsOf(this.weights), widthOf(this.weights));
  }

  part(index: number): PackedMatrix {
    const { height, offset } = partOf(this.weights, index, packedBytes);
    return new PackedMatrix(this.weights.engine, this.storage, height, widthOf(this.weights), offset);
  }

  override reset(): void {
    super.reset();
    this.#waiting?.reset();
  }

  override dispose(): void {
    super.dispose();
    this.#waiting?.dispose();
  }
}

/** All rows of a stack of matrices in panels, one part behind the other. */
export function unpackStack(weights: Weights, part: (index: number) => Matrix): Tensor {
  const { engine } = weights;
  return engine.scope(() => {
    if (weights.heights.length === 1) return unpack(part(0)).view(weights.shape);
    const rows = Tensor.empty(engine, weights.shape);
    let to = rows.ptr;
    for (const [i, height] of weights.heights.entries()) {
      const { ptr } = unpack(part(i));
      const bytes = height * widthOf(weights) * 4;
      engine.heap.bytes.copyWithin(to, ptr, ptr + bytes);
      to += bytes;
    }
    return rows;
  });
}
