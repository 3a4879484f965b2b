/** Float32 rows, as a checkpoint has them: vectors, tables, and all weights in training. */
import { copy_rows } from '../../engine/kernels.generated.js';
import type { Storage } from '../../engine/memory.js';
import { narrow } from '../../ops/shape.js';
import { sizeOf, Tensor } from '../../tensor.js';
import { type Columns, Form, partOf, turned, type Weights, widthOf } from './format.js';
import type { Source } from './sources.js';

export class Rows extends Form {
  static readonly dtype = 'float32';
  static readonly rowStep = 1;
  static readonly columnStep = 1;
  readonly storage: Storage;

  constructor(weights: Weights) {
    super(weights);
    this.storage = weights.engine.heap.allocate(Rows.bytes(weights));
  }

  static bytes({ shape }: Weights): number {
    return sizeOf(shape) * 4;
  }

  protected take(row: number, rows: number, bytes: Uint8Array, source: Source): void {
    const width = widthOf(this.weights);
    source.widen(this.weights, bytes, new Tensor(this.weights.engine, this.storage, [rows, width], 'float32', row * width));
  }

  protected takeColumns({ row, rows, column }: Columns, x: Tensor): void {
    const { ptr, size } = turned(x);
    const [bytes, to] = [x.dim(0) * 4, widthOf(this.weights) * 4];
    const y = this.storage.ptr + row * to + column * 4;
    this.weights.engine.launch(copy_rows({ tiles: rows, work: size, y, x: ptr, bytes, to, from: bytes }));
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
    const { row, height } = partOf(this.weights, index, () => 0);
    return narrow(this.values(), 0, row, height);
  }
}
