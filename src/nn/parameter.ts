/**
 * A module's weights: named by the module, filled from a checkpoint's bytes, kept in the one form that inference reads.
 * Matrices exist only packed; vectors and tables of rows as they come. Bytes arrive in chunks of whole rows, pass through a
 * bounded staging block, and are converted and packed by kernels.
 */
import type { Engine } from '../engine/engine.js';
import type { Storage } from '../engine/memory.js';
import { HeedError } from '../errors.js';
import { packInto, unpack } from '../ops/matmul.js';
import { HostTensor, PANEL, PackedMatrix, packedBytes, type Shape, sizeOf, Tensor } from '../tensor.js';

/** Checkpoint element types that become float32, with the kernel that does it and the bytes of one. */
export const sources = {
  F32: { bytes: 4, kernel: undefined },
  F16: { bytes: 2, kernel: 'convert_f16_f32' },
  BF16: { bytes: 2, kernel: 'convert_bf16_f32' },
} as const;
export type SourceDtype = keyof typeof sources;

export interface ParameterOptions {
  /** Read by matmul: [N, K] in panels. Otherwise row-major. */
  packed?: boolean;
  /** A matrix of several stacked ones of equal height, each of which can be used alone: in_proj_weight is 3. */
  parts?: number;
}

export class Parameter {
  readonly packed: boolean;
  readonly #parts: number;
  #storage: Storage | undefined;
  /** Row-major rows that wait for the last one, when parts do not fall on panels of their own. */
  #rows: Storage | undefined;
  #filled = 0;

  constructor(
    readonly engine: Engine,
    readonly name: string,
    readonly shape: Shape,
    { packed = false, parts = 1 }: ParameterOptions = {},
  ) {
    this.packed = packed;
    this.#parts = parts;
  }

  get rows(): number {
    return this.shape[0] as number;
  }

  /** Elements of a row. */
  get width(): number {
    return sizeOf(this.shape.slice(1));
  }

  /** Bytes in the engine. */
  get bytes(): number {
    return this.packed ? this.#parts * packedBytes(this.rows / this.#parts, this.width) : sizeOf(this.shape) * 4;
  }

  /** Whether every row has been written. */
  get complete(): boolean {
    return this.#filled === this.rows;
  }

  /** Rows that should come together, so that they fill panels. */
  get rowStep(): number {
    return this.packed ? PANEL : 1;
  }

  /** Row-major values. Throws MODEL_MISMATCH where none were loaded. */
  get tensor(): Tensor {
    return new Tensor(this.engine, this.#loaded(), this.shape);
  }

  /** The whole packed matrix; parts that do not fill whole panels have gaps between them, and no whole. */
  get matrix(): PackedMatrix {
    return new PackedMatrix(this.engine, this.#loaded(), this.rows, this.width);
  }

  /** Whether the parts lie in memory as one matrix. */
  get fused(): boolean {
    return this.#parts === 1 || (this.rows / this.#parts) % PANEL === 0;
  }

  part(index: number): PackedMatrix {
    const rows = this.rows / this.#parts;
    return new PackedMatrix(this.engine, this.#loaded(), rows, this.width, index * packedBytes(rows, this.width));
  }

  #loaded(): Storage {
    if (this.#storage && this.complete) return this.#storage;
    throw new HeedError('MODEL_MISMATCH', `${this.name} has no values yet`, {
      culprit: this.name,
      shape: this.shape,
      cure: 'Call loadStateDict first',
    });
  }

  /** Starts over: memory is kept, values are awaited. */
  reset(): void {
    this.#filled = 0;
  }

  /**
   * Takes rows `row` … of the checkpoint's tensor. They come in order, and in multiples of `rowStep` but for the last of
   * a stack of rows that begins on a panel.
   */
  write(row: number, bytes: Uint8Array, dtype: SourceDtype): void {
    const { heap } = this.engine;
    const source = sources[dtype];
    const n = bytes.length / source.bytes;
    const rows = n / Math.max(1, this.width);
    this.#storage ??= heap.allocate(this.bytes);
    const straight = !this.packed || this.fused;
    if (!straight) this.#rows ??= heap.allocate(sizeOf(this.shape) * 4);
    const place = (this.#rows ?? this.#storage).ptr + row * this.width * 4;
    const panels = this.#storage.ptr + (row / PANEL) * PANEL * this.width * 4;
    this.engine.scope(() => {
      // Row-major values go to their place at once; rows to be packed are staged.
      const staged = this.packed && straight ? this.engine.allocate(n * 4) : undefined;
      const to = staged?.ptr ?? place;
      if (source.kernel) {
        const raw = this.engine.allocate(bytes.length);
        heap.bytes.set(bytes, raw.ptr);
        this.engine.launch(source.kernel, Math.ceil(n / 1024), n, [to, raw.ptr, n]);
      } else heap.bytes.set(bytes, to);
      if (staged) this.#pack(staged, 0, panels, rows);
    });
    this.#filled += rows;
    if (this.#rows && this.complete) this.#packParts(this.#rows);
  }

  #pack(from: Storage, offset: number, to: number, rows: number): void {
    const x = new Tensor(this.engine, from, [rows, this.width], 'float32', offset);
    packInto(to, x, [1, 1, rows, this.width], [0, 0, this.width, 1]);
  }

  #packParts(rows: Storage): void {
    const height = this.rows / this.#parts;
    for (let i = 0; i < this.#parts; i++) {
      this.#pack(rows, i * height * this.width, (this.#storage as Storage).ptr + i * packedBytes(height, this.width), height);
    }
    rows.free();
    this.#rows = undefined;
  }

  /** A copy of the values, exactly as they were loaded (widened to float32). */
  toHost(): HostTensor {
    return this.engine.scope(() => {
      if (!this.packed) return this.tensor.toHost();
      const data = new Float32Array(sizeOf(this.shape));
      const height = this.rows / this.#parts;
      for (let i = 0; i < this.#parts; i++) data.set(unpack(this.part(i)).toHost().data, i * height * this.width);
      return new HostTensor('float32', data, [...this.shape]);
    });
  }

  dispose(): void {
    this.#storage?.free();
    this.#rows?.free();
    this.#storage = this.#rows = undefined;
    this.#filled = 0;
  }
}
