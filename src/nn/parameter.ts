/**
 * A module's weights: named by the module, filled from a checkpoint's bytes, kept in the one form that is read.
 * For inference matrices exist only packed; vectors and tables of rows as they come. In training all are rows, which the optimizer
 * writes to, with a gradient beside them. Bytes arrive in chunks of whole rows, pass through a
 * bounded staging block, and are converted and packed by kernels.
 */
import { tapeOf } from '../autograd/tape.js';
import type { Engine } from '../engine/engine.js';
import type { Storage } from '../engine/memory.js';
import { HeedError } from '../errors.js';
import { packInto, unpack } from '../ops/matmul.js';
import { contiguous, narrow } from '../ops/shape.js';
import type { Random } from '../random.js';
import { type HostTensor, PANEL, PackedMatrix, packedBytes, type Shape, sizeOf, Tensor } from '../tensor.js';
import { type Init, zeros } from './init.js';

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
  /** How it begins where nothing is loaded. Default zeros. */
  init?: Init;
}

/** A matrix as `linear` takes it. */
export type Operand = PackedMatrix | Tensor;

export class Parameter {
  /** Whether gradients are asked for in training: false freezes it. */
  requiresGrad = true;
  readonly #packs: boolean;
  readonly #init: Init;
  readonly #parts: number;
  #training = false;
  /** The one tensor of all reads in training, to which a tape's gradients come. */
  #leaf: Tensor | undefined;
  #grad: Tensor | undefined;
  /** Whether `#grad` holds a gradient, or what is to be overwritten. */
  #hasGrad = false;
  #storage: Storage | undefined;
  /** Row-major rows that wait for the last one, when parts do not fall on panels of their own. */
  #rows: Storage | undefined;
  #filled = 0;

  constructor(
    readonly engine: Engine,
    readonly name: string,
    readonly shape: Shape,
    { packed = false, parts = 1, init = zeros }: ParameterOptions = {},
  ) {
    this.#packs = packed;
    this.#parts = parts;
    this.#init = init;
  }

  /** Whether it lies in panels now. */
  get packed(): boolean {
    return this.#packs && !this.#training;
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

  /** Row-major values. Throws MODEL_MISMATCH where none were loaded. In training, a tape that records will bring the gradient. */
  get tensor(): Tensor {
    if (!this.#training) return new Tensor(this.engine, this.#loaded(), this.shape);
    this.#leaf ??= new Tensor(this.engine, this.#loaded(), this.shape);
    if (this.requiresGrad) tapeOf(this.engine)?.watch(this.#leaf, (gradient) => this.#accumulate(gradient));
    return this.#leaf;
  }

  /** The rows that an optimizer writes to, without a tape's noticing. */
  get value(): Tensor {
    return new Tensor(this.engine, this.#loaded(), this.shape);
  }

  /** What a product reads: panels, or rows in training. */
  get operand(): Operand {
    return this.packed ? this.matrix : this.tensor;
  }

  /** One of the stacked matrices. */
  partOperand(index: number): Operand {
    const rows = this.rows / this.#parts;
    return this.packed ? this.part(index) : narrow(this.tensor, 0, index * rows, rows);
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
      cure: 'Call loadStateDict or init first',
    });
  }

  /** Fills it with what a new model begins with. */
  init(random: Random, how: Init = this.#init): void {
    const values = new Float32Array(sizeOf(this.shape));
    how(values, this.shape, random);
    this.reset();
    this.write(0, new Uint8Array(values.buffer), 'F32');
  }

  /** Into the form for training: rows. Copies; the panels are freed. */
  train(): void {
    if (this.#training) return;
    this.#relay(true);
  }

  /** Into the form for inference: panels, where it has them. The gradient is let go. */
  eval(): void {
    if (!this.#training) return;
    this.freeGrad();
    this.#leaf = undefined;
    this.#relay(false);
  }

  #relay(training: boolean): void {
    if (!this.#packs || !this.#storage) {
      this.#training = training;
      return;
    }
    this.#loaded();
    const old = this.#storage;
    this.engine.scope(() => {
      const rows = this.packed ? this.#unpacked() : new Tensor(this.engine, old, this.shape);
      this.#training = training;
      this.#storage = this.engine.heap.allocate(this.bytes);
      if (training) this.engine.heap.bytes.copyWithin(this.#storage.ptr, rows.ptr, rows.ptr + this.bytes);
      else if (this.fused) this.#pack(rows.storage, 0, this.#storage.ptr, this.rows);
      else this.#packParts(rows.storage);
    });
    old.free();
  }

  /** All rows, as they were before they were packed. */
  #unpacked(): Tensor {
    const rows = Tensor.empty(this.engine, this.shape);
    const bytes = rows.size * 4;
    const height = bytes / this.#parts;
    for (let i = 0; i < this.#parts; i++) {
      const part = unpack(this.part(i));
      this.engine.heap.bytes.copyWithin(rows.ptr + i * height, part.ptr, part.ptr + height);
    }
    return rows;
  }

  /** What `backward` has added up since `zeroGrad`; undefined where nothing has come. */
  get grad(): Tensor | undefined {
    return this.#hasGrad ? this.#grad : undefined;
  }

  /** Forgets the gradient; its memory stays for the next. */
  zeroGrad(): void {
    this.#hasGrad = false;
  }

  /** Memory for the gradient, so that a first step takes as much as all others. */
  reserveGrad(): void {
    // Not a scope's: it lives as long as the parameter trains.
    this.#grad ??= new Tensor(this.engine, this.engine.heap.allocate(4 * sizeOf(this.shape)), this.shape);
  }

  /** Forgets the gradient and frees its memory. */
  freeGrad(): void {
    this.#grad?.dispose();
    this.#grad = undefined;
    this.#hasGrad = false;
  }

  #accumulate(gradient: Tensor): void {
    const { engine } = this;
    const given = contiguous(gradient);
    this.reserveGrad();
    const { ptr } = this.#grad as Tensor;
    if (this.#hasGrad)
      engine.launch('add_f32', Math.ceil(given.size / 1024), given.size * 2, [ptr, ptr, given.ptr, given.size, given.size]);
    else engine.heap.bytes.copyWithin(ptr, given.ptr, given.ptr + given.size * 4);
    this.#hasGrad = true;
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
    if (this.#rows && this.complete) {
      this.#packParts(this.#rows);
      this.#rows.free();
      this.#rows = undefined;
    }
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
  }

  /** A copy of the values, exactly as they were loaded (widened to float32). */
  toHost(): HostTensor {
    return this.engine.scope(() => {
      if (!this.packed) return this.tensor.toHost();
      return this.#unpacked().toHost();
    });
  }

  dispose(): void {
    this.#storage?.free();
    this.#rows?.free();
    this.freeGrad();
    this.#storage = this.#rows = this.#leaf = undefined;
    this.#filled = 0;
  }
}
