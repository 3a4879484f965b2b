/**
 * Formats: layouts of a parameter's values in the engine. A format is a class, in a file of its own, and the only code that knows its bytes; an instance is a form,
 * which holds one parameter. Forms are filled by rows of a checkpoint, or by columns where a checkpoint has the matrix transposed, which pass through bounded staging memory; or
 * at once by float32 rows. Forms give the operands of products and look-ups, and all values as float32.
 */
import type { Engine } from '../../engine/engine.js';
import { PANEL } from '../../engine/kernels.generated.js';
import type { Storage } from '../../engine/memory.js';
import { unpack } from '../../ops/matmul.js';
import type { PanelRows } from '../../ops/quantize.js';
import { contiguous, transpose } from '../../ops/shape.js';
import { type Matrix, type Shape, sizeOf, Tensor, type WeightDtype } from '../../tensor.js';

/** A matrix as `linear` takes it, a table as `embedding` does. */
export type Operand = Matrix | Tensor;

/** Values to hold: their shape, as a stack of matrices of these heights. */
export interface Weights {
  engine: Engine;
  name: string;
  shape: Shape;
  heights: readonly number[];
}

export const rowsOf = ({ shape }: Weights): number => shape[0] as number;
/** Elements of a row. */
export const widthOf = ({ shape }: Weights): number => sizeOf(shape.slice(1));
/** `true` where the parts lie in panels as one matrix, since their heights are multiples of a panel. */
export const isFused = ({ heights }: Weights): boolean => heights.length === 1 || heights.every((height) => height % PANEL === 0);

/** Bytes of a matrix in a format's panels. */
export type PanelBytes = (rows: number, width: number) => number;

/** Place of a matrix in a stack: its first row, its height, and its bytes from the stack's start. */
export interface Part {
  row: number;
  height: number;
  offset: number;
}

/** Place of one of a stack's matrices, which lie one behind the other, in panels of `bytesOf` bytes. */
export function partOf(weights: Weights, index: number, bytesOf: PanelBytes): Part {
  const [before, width] = [weights.heights.slice(0, index), widthOf(weights)];
  const row = before.reduce((rows, height) => rows + height, 0);
  return { row, height: weights.heights[index] as number, offset: before.reduce((bytes, height) => bytes + bytesOf(height, width), 0) };
}

/** Bytes of all of them. */
export const stackBytes = (weights: Weights, bytesOf: PanelBytes): number =>
  weights.heights.reduce((bytes, height) => bytes + bytesOf(height, widthOf(weights)), 0);

/** Place of columns of a checkpoint's tensor: from `column` on, in rows `row` …, which are all rows of the tensor. */
export interface Columns {
  row: number;
  rows: number;
  column: number;
}

/** The parameter that is filled, for messages. */
export interface Filled {
  engine: Engine;
  name: string;
  shape: readonly number[];
}

export interface Source {
  /** Elements that share bytes, and how many. */
  readonly block: readonly [elements: number, bytes: number];
  /** The format that it is held in unless others are asked for; that of floats is the parameter's choice. */
  readonly format?: Format;
  /** Copies rows `row` … into a form without widening; without this function they are widened, and rounded. Throws NUMERIC for a scale that is not finite. */
  copy?(form: PanelForm, row: number, bytes: Uint8Array): void;
  /** Bytes per element that `copy` takes in the engine, beside those of its blocks. Default 0. */
  readonly recoded?: number;
  /** `true` where the format holds other values than the file has. */
  readonly rounded?: true;
  /** `true` where widening needs the bytes in the engine first. */
  readonly staged: boolean;
  /** Writes whole rows, given as bytes, to `to`: float32 [rows, width]. Throws NUMERIC for values that are not finite. */
  widen(filled: Filled, bytes: Uint8Array, to: Tensor): void;
}

/** Sources by the dtypes that a file names. */
export type Sources = Readonly<Record<string, Source>>;

/** Bytes of a row of so many elements. */
export const rowBytes = ({ block: [elements, bytes] }: Source, width: number): number => (width / elements) * bytes;

/** A class of forms. */
export interface Format {
  new (weights: Weights): Form;
  /** Dtype that a parameter reports. */
  readonly dtype: WeightDtype;
  /** Bytes in the engine. */
  bytes(weights: Weights): number;
  /** Number of rows that should come together, and of columns of a transposed tensor: those of a panel, or of a block. */
  readonly rowStep: number;
  readonly columnStep: number;
}

export abstract class Form {
  abstract readonly storage: Storage;
  /** Elements that have not been written yet. */
  #missing: number;

  constructor(readonly weights: Weights) {
    this.#missing = sizeOf(weights.shape);
  }

  get complete(): boolean {
    return this.#missing === 0;
  }

  /** `true` where another form of this format, and of as many bytes, holds the same bits: the unused rest of panels is zeros. */
  equals(other: Form, bytes: number): boolean {
    const { engine, shape } = this.weights;
    if (this.constructor !== other.constructor || shape.join() !== other.weights.shape.join()) return false;
    const [mine, theirs] = [this, other].map(({ storage }) => engine.heap.ints(storage.ptr, bytes / 4)) as [Int32Array, Int32Array];
    return mine.every((bits, i) => bits === theirs[i]);
  }

  /** Starts over: memory is kept, values are awaited. */
  reset(): void {
    this.#missing = sizeOf(this.weights.shape);
  }

  /** Takes what its memory holds for its values. */
  assume(): void {
    this.#missing = 0;
  }

  /** Takes rows `row` … of a checkpoint. Throws NUMERIC for values that are not finite. */
  write(row: number, bytes: Uint8Array, source: Source): void {
    const width = widthOf(this.weights);
    const rows = bytes.length / Math.max(1, rowBytes(source, width));
    if (source.copy && source.format === this.constructor) source.copy(this as Form as PanelForm, row, bytes);
    else this.take(row, rows, bytes, source);
    this.#missing -= rows * width;
  }

  /** Takes rows that are not of its own format. */
  protected abstract take(row: number, rows: number, bytes: Uint8Array, source: Source): void;

  /** Takes columns: rows of a tensor that a checkpoint has transposed. Throws NUMERIC for values that are not finite. */
  writeColumns(at: Columns, bytes: Uint8Array, source: Source): void {
    const { engine } = this.weights;
    const columns = bytes.length / rowBytes(source, at.rows);
    engine.scope(() => {
      const x = Tensor.empty(engine, [columns, at.rows]);
      source.widen(this.weights, bytes, x);
      this.takeColumns(at, x);
    });
    this.#missing -= columns * at.rows;
  }

  /** Takes columns that lie as rows: float32 [columns, rows]. */
  protected abstract takeColumns(at: Columns, x: Tensor): void;

  /** Takes all rows, float32 and contiguous. */
  put(rows: Tensor): void {
    this.takeAll(rows);
    this.assume();
  }

  protected abstract takeAll(rows: Tensor): void;

  /** All rows as float32: the stored ones, or a copy for the open scope. */
  abstract values(): Tensor;

  /** Operand of products and look-ups; panels that are not fused have no whole. */
  abstract whole(): Operand;

  abstract part(index: number): Operand;

  /** Float32 rows for as long as `body` runs, of a checkpoint's bytes. */
  protected widened(rows: number, bytes: Uint8Array, source: Source, body: (rows: Tensor) => void): void {
    const { engine } = this.weights;
    engine.scope(() => {
      const x = Tensor.empty(engine, [rows, widthOf(this.weights)]);
      source.widen(this.weights, bytes, x);
      body(x);
    });
  }

  /** A checkpoint's bytes in the engine's memory, for as long as `body` runs. */
  raw(bytes: Uint8Array, body: (from: number) => void): void {
    const { engine } = this.weights;
    engine.scope(() => {
      const { ptr } = engine.allocate(bytes.length);
      engine.heap.bytes.set(bytes, ptr);
      body(ptr);
    });
  }

  dispose(): void {
    this.storage.free();
  }
}

/** A stack of matrices in panels, one behind the other. */
export abstract class PanelForm extends Form {
  protected abstract readonly bytesOf: PanelBytes;
  protected abstract matrix(rows: number, offset: number): Matrix;

  /** Rows `row` … that lie `step` bytes apart from `from` on, part by part. */
  each(row: number, rows: number, from: number, step: number, write: (rows: PanelRows) => void): void {
    for (const i of this.weights.heights.keys()) {
      const { row: start, height, offset } = partOf(this.weights, i, this.bytesOf);
      const [begin, end] = [Math.max(row, start), Math.min(row + rows, start + height)];
      if (begin >= end) continue;
      write({ ptr: this.storage.ptr + offset, first: begin - start, count: end - begin, from: from + (begin - row) * step });
    }
  }

  values(): Tensor {
    const { engine, shape, heights } = this.weights;
    return engine.scope(() => {
      if (heights.length === 1) return unpack(this.part(0)).view(shape);
      const rows = Tensor.empty(engine, shape);
      let to = rows.ptr;
      for (const i of heights.keys()) {
        const { ptr, size } = unpack(this.part(i));
        engine.heap.bytes.copyWithin(to, ptr, ptr + size * 4);
        to += size * 4;
      }
      return rows;
    });
  }

  whole(): Matrix {
    return this.matrix(rowsOf(this.weights), 0);
  }

  part(index: number): Matrix {
    const { height, offset } = partOf(this.weights, index, this.bytesOf);
    return this.matrix(height, offset);
  }
}

/** [rows, columns] of what lies [columns, rows]. */
export const turned = (x: Tensor): Tensor => contiguous(transpose(x, 0, 1));
