/**
 * A module's weights: named by the module, filled from a checkpoint's bytes, kept in the one format that is read.
 * For inference matrices exist only in panels, or in fewer bits, as tables may; vectors and tables of rows are unchanged. In training all are
 * float32 rows, which the optimizer writes to, with a gradient beside them. The formats themselves are in formats/.
 */
import { tapeOf } from '../autograd/tape.js';
import type { Engine } from '../engine/engine.js';
import { narrow } from '../ops/shape.js';
import type { Random } from '../random.js';
import { type HostTensor, type Matrix, type Shape, sizeOf, type Tensor, type WeightDtype } from '../tensor.js';
import type { Addition } from './additions.js';
import { type Columns, type Form, type Format, isFused, type Operand, partOf, rowsOf, type Weights, widthOf } from './formats/format.js';
import { fitsQ4, Q4 } from './formats/q4.js';
import { Quantized } from './formats/q8.js';
import { Rows } from './formats/rows.js';
import { floats, type Source } from './formats/sources.js';
import { GradientSum } from './gradient.js';
import type { ParameterDtype, ParameterOptions } from './held.js';
import * as held from './held.js';
import { type Init, zeros } from './init.js';

export type { Operand } from './formats/format.js';
export type { ParameterDtype, ParameterOptions } from './held.js';

/** A weight of a module. In training it is rows of float32 that take gradients; for inference it may lie in panels, or in fewer bits. */
export class Parameter {
  /** `true` where training computes gradients; false freezes the parameter. */
  requiresGrad = true;
  /** `true` where the parameter may be held in 8 bits, or 4. */
  readonly quantizable: boolean;
  /** The fewest bits that it is held in where a whole model is asked for 4. */
  leastBits: 4 | 8;
  /** What is added to products with it now, which adapters say: undefined where its products do not ask. */
  additions: readonly Addition[] | undefined;
  readonly #packs: boolean;
  readonly #init: Init;
  readonly #weights: Weights;
  #training = false;
  /** Chosen format; undefined: float32, in the layout that training and the reader need. */
  #held: Format | undefined;
  /** The one tensor of all reads in training, which receives a tape's gradients. */
  #leaf: Tensor | undefined;
  readonly #gradient: GradientSum;
  #form: Form | undefined;

  constructor(
    /** Engine whose memory holds the parameter. */
    readonly engine: Engine,
    /** Class of the module and name of the parameter, for errors. */
    readonly name: string,
    /** Length of each axis. */
    readonly shape: Shape,
    { packed = false, parts = 1, quantizable = packed, leastBits = packed ? 4 : 8, adapts = false, init = zeros }: ParameterOptions = {},
  ) {
    this.#packs = packed;
    this.quantizable = quantizable;
    this.leastBits = leastBits;
    this.additions = adapts ? [] : undefined;
    this.#weights = { engine, name, shape, heights: held.heightsOf(shape, parts) };
    this.#init = init;
    this.#gradient = new GradientSum(engine, shape);
  }

  /** Dtype in which the parameter is held. */
  get dtype(): WeightDtype {
    return this.#format().dtype;
  }

  /** `true` where the parameter now lies in panels. */
  get packed(): boolean {
    return this.#format() !== Rows;
  }

  #format(): Format {
    return held.formatIn(this.#packs, this.#training, this.#held);
  }

  /** Number of rows: the product of all axes but the last. */
  get rows(): number {
    return rowsOf(this.#weights);
  }

  /** Rows of each of the matrices that are stacked in it. */
  get heights(): readonly number[] {
    return this.#weights.heights;
  }

  /** Elements of a row. */
  get width(): number {
    return widthOf(this.#weights);
  }

  /** Bytes in the engine. */
  get bytes(): number {
    return this.#format().bytes(this.#weights);
  }

  /** `true` once every row has been written. */
  get complete(): boolean {
    return this.#form?.complete ?? false;
  }

  /** Form that holds the values, once all are loaded: another object after each change of format, and of its memory. */
  get form(): Form | undefined {
    return this.complete ? this.#form : undefined;
  }

  /** Rows that should come together, so that they fill panels. */
  get rowStep(): number {
    return this.#format().rowStep;
  }

  /** Columns of a transposed tensor that should come together, so that they fill blocks. */
  get columnStep(): number {
    return this.#format().columnStep;
  }

  /**
   * Row-major values. Throws MODEL_MISMATCH where none were loaded. In training, a tape that records will bring the gradient. Of 8-bit weights it is a
   * copy, which the scope frees; use `operand` where possible.
   */
  get tensor(): Tensor {
    if (!this.#training) return this.#loaded().values();
    this.#leaf ??= this.#loaded().values();
    if (this.requiresGrad) tapeOf(this.engine)?.watch(this.#leaf, (gradient) => this.#gradient.add(gradient));
    return this.#leaf;
  }

  /** The rows that an optimizer writes to, without a tape's noticing. */
  get value(): Tensor {
    return this.#loaded().values();
  }

  /** Operand of a product or a look-up: panels, or rows of a table and in training. */
  get operand(): Operand {
    return this.packed ? this.matrix : this.tensor;
  }

  /** Operand of one of the stacked matrices. */
  partOperand(index: number): Operand {
    if (this.packed) return this.#loaded().part(index);
    const { row, height } = partOf(this.#weights, index, () => 0);
    return narrow(this.tensor, 0, row, height);
  }

  /** The whole packed matrix; parts that do not fill whole panels have gaps between them, and no whole. */
  get matrix(): Matrix {
    return this.#loaded().whole() as Matrix;
  }

  /** `true` where the parts lie in memory as one matrix. */
  get fused(): boolean {
    return isFused(this.#weights);
  }

  #loaded(): Form {
    if (this.#form?.complete) return this.#form;
    throw held.empty(this);
  }

  /** Fills the parameter with the initial values of a new model. */
  init(random: Random, how: Init = this.#init): void {
    // The engine's memory first: where that has no room, JavaScript's would only be an array of an impossible length.
    this.#made();
    this.reset();
    const values = new Float32Array(sizeOf(this.shape));
    how(values, this.shape, random);
    this.write(0, new Uint8Array(values.buffer));
  }

  #made(): Form {
    this.#form ??= new (this.#format())(this.#weights);
    return this.#form;
  }

  /** Into the format for training: float32 rows. Copies; the panels are freed. Throws UNSUPPORTED for weights in 8 bits or 4. */
  train(): void {
    this.checkTrainable();
    this.#reshape(true, undefined);
  }

  /** Throws UNSUPPORTED for weights in 8 bits or 4. */
  checkTrainable(): void {
    if (this.#held) throw held.untrainable(this, this.#held);
  }

  /** Into the format for inference: panels, where it has them. The gradient is let go. */
  eval(): void {
    if (!this.#training) return;
    this.freeGrad();
    this.#leaf = undefined;
    this.#reshape(false, undefined);
  }

  /**
   * Converts to 8 bits or 4, or back to float32. Loaded values are rounded; rounded ones stay rounded. Throws UNSUPPORTED in training, for parameters that are
   * not `quantizable`, and for 4 bits where rows are no whole blocks of 32; NUMERIC for values that are not finite.
   */
  to(dtype: ParameterDtype): void {
    this.hold(held.formatOf(dtype));
  }

  /** Into a format, undefined: float32 as its reader wants it. Throws as `to` does. */
  hold(format: Format | undefined): void {
    if (format === this.#held) return;
    if (this.#training || !this.quantizable || (format === Q4 && !fitsQ4(this.width)))
      throw held.unholdable(this, format ?? this.#format(), this.#training);
    this.#reshape(false, format);
  }

  /** Converts the values to another format. If it throws, nothing has changed. */
  #reshape(training: boolean, chosen: Format | undefined): void {
    const format = held.formatIn(this.#packs, training, chosen);
    if (this.#form && format !== this.#format()) {
      const old = this.#loaded();
      const made = new format(this.#weights);
      try {
        this.engine.scope(() => made.put(old.values()));
      } catch (error) {
        made.dispose();
        throw error;
      }
      this.#form = made;
      old.dispose();
    }
    this.#training = training;
    this.#held = chosen;
  }

  /** Sum of the gradients of `backward` since `zeroGrad`; undefined where there were none. */
  get grad(): Tensor | undefined {
    return this.#gradient.value;
  }

  /** Forgets the gradient; its memory stays for the next. */
  zeroGrad(): void {
    this.#gradient.zero();
  }

  /** Memory for the gradient, so that a first step takes as much as all others. */
  reserveGrad(): void {
    this.#gradient.reserve();
  }

  /** Forgets the gradient and frees its memory. */
  freeGrad(): void {
    this.#gradient.free();
  }

  /** `true` where another parameter holds the same values, in the same form. */
  equals(other: Parameter): boolean {
    return this.#loaded().equals(other.#loaded(), this.bytes);
  }

  /** Starts over: memory is kept, values are awaited. */
  reset(): void {
    this.#form?.reset();
  }

  /**
   * Takes rows `row` … of the checkpoint's tensor. They come in order, and in multiples of `rowStep` but for the last of
   * a stack of rows that begins on a panel. Throws NUMERIC for values that are not finite, or, for the dtype q8, too large to be rounded.
   */
  write(row: number, bytes: Uint8Array, source: Source = floats.F32): void {
    this.#made().write(row, bytes, source);
  }

  /** Takes columns of it: rows of a tensor that the checkpoint has transposed, in multiples of `columnStep` but for the last. Throws as `write` does. */
  writeColumns(at: Columns, bytes: Uint8Array, source: Source = floats.F32): void {
    this.#made().writeColumns(at, bytes, source);
  }

  /** Allocates memory and takes its content for the values: for a rehearsal, in which nothing is computed. */
  assume(): void {
    this.#made().assume();
  }

  /** Form that takes the int8 numbers and scales of a q8 checkpoint. */
  get quantized(): Quantized {
    const form = this.#made();
    if (form instanceof Quantized) return form;
    throw held.unrounded(this);
  }

  /** A copy of the values, exactly as they were loaded (widened to float32), or as 8 bits have rounded them. */
  toHost(): HostTensor {
    return this.engine.scope(() => this.#loaded().values().toHost());
  }

  /** Frees it, and its gradient. */
  dispose(): void {
    this.#form?.dispose();
    this.freeGrad();
    this.#form = this.#leaf = undefined;
  }
}
