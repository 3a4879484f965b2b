/** Panels of fewer bits, to which float32 is rounded: from rows, all of them, or from columns that begin on a block. */
import { BLOCK } from '../../engine/kernels.generated.js';
import { notFinite, type PanelRows } from '../../ops/quantize.js';
import type { Tensor } from '../../tensor.js';
import { type Columns, type Form, PanelForm, rowsOf, type Source, turned, type Weights, widthOf } from './format.js';

export abstract class RoundedForm extends PanelForm {
  /** Bytes of a block of a panel. */
  protected abstract readonly block: number;

  /** Rounds rows of K float32; `blocks` are those of a whole row. Returns false for values that are not finite or too large. */
  protected abstract round(rows: PanelRows, K: number, blocks: number): boolean;

  protected take(row: number, rows: number, bytes: Uint8Array, source: Source): void {
    this.widened(rows, bytes, source, ({ ptr }) => this.#round(row, rows, ptr));
  }

  protected takeAll({ ptr }: Tensor): void {
    this.#round(0, rowsOf(this.weights), ptr);
  }

  protected takeColumns({ row, rows, column }: Columns, x: Tensor): void {
    this.#round(row, rows, turned(x).ptr, column, x.dim(0));
  }

  /** Rounds rows `row` … of float32, or some of their columns. */
  #round(row: number, rows: number, from: number, column = 0, columns = widthOf(this.weights)): void {
    const blocks = Math.ceil(widthOf(this.weights) / BLOCK);
    this.each(row, rows, from, 4 * columns, (piece) => {
      const ptr = piece.ptr + (column / BLOCK) * this.block;
      if (!this.round({ ...piece, ptr }, columns, blocks)) throw notFinite(this.weights.name);
    });
  }
}

/** Result of `read` for a weight in a format: from its own form, or from one that is rounded to the format on the way. */
export function inFormat<F extends Form>(
  format: new (weights: Weights) => F,
  weights: Weights,
  form: Form,
  read: (form: F) => Uint8Array,
): Uint8Array {
  const isOwn = (one: Form): one is F => one instanceof format;
  if (isOwn(form)) return read(form);
  const rounded: F & Form = new format(weights);
  try {
    weights.engine.scope(() => rounded.put(form.values()));
    return read(rounded);
  } finally {
    rounded.dispose();
  }
}
