/** Float32 panels: an exact copy in the order that products read. Rows come in multiples of a panel, except the last of a stack. */
import { PANEL } from '../../engine/kernels.generated.js';
import type { Storage } from '../../engine/memory.js';
import { packInto } from '../../ops/matmul.js';
import { PackedMatrix, packedBytes, Tensor } from '../../tensor.js';
import { type Columns, isFused, PanelForm, stackBytes, type Weights, widthOf } from './format.js';
import { Rows } from './rows.js';
import type { Source } from './sources.js';

export class Packed extends PanelForm {
  static readonly dtype = 'float32';
  static readonly rowStep = PANEL;
  static readonly columnStep = 1;
  readonly storage: Storage;
  protected readonly bytesOf = packedBytes;
  /** Rows that wait for the last one, when parts do not fall on panels of their own. */
  #waiting: Rows | undefined;

  constructor(weights: Weights) {
    super(weights);
    this.storage = weights.engine.heap.allocate(Packed.bytes(weights));
  }

  static bytes(weights: Weights): number {
    return stackBytes(weights, packedBytes);
  }

  protected matrix(rows: number, offset: number): PackedMatrix {
    return new PackedMatrix(this.weights.engine, this.storage, rows, widthOf(this.weights), offset);
  }

  protected take(row: number, rows: number, bytes: Uint8Array, source: Source): void {
    if (isFused(this.weights)) {
      this.widened(rows, bytes, source, (x) => this.#packRows(row, x));
      return;
    }
    this.#waiting ??= new Rows(this.weights);
    this.#waiting.write(row, bytes, source);
    if (!this.#waiting.complete) return;
    this.takeAll(this.#waiting.values());
    this.#waiting.dispose();
    this.#waiting = undefined;
  }

  protected takeColumns(at: Columns, x: Tensor): void {
    this.#pack(at, x, x.dim(0), [1, at.rows]);
  }

  protected takeAll(x: Tensor): void {
    this.#packRows(0, x);
  }

  #packRows(row: number, x: Tensor): void {
    const width = widthOf(this.weights);
    this.#pack({ row, rows: x.dim(0), column: 0 }, x, width, [width, 1]);
  }

  /** Packs columns whose elements lie in `x` by these strides. */
  #pack({ row, rows, column }: Columns, x: Tensor, columns: number, [sn, sk]: readonly [number, number]): void {
    const { engine } = this.weights;
    const width = widthOf(this.weights);
    this.each(row, rows, x.offset, sn, ({ ptr, first, count, from }) => {
      const piece = new Tensor(engine, x.storage, [count, columns], 'float32', from);
      const to = ptr + packedBytes(first, width) + packedBytes(PANEL, column);
      packInto(to, piece, [1, 1, count, columns], [0, 0, sn, sk], packedBytes(PANEL, width));
    });
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
