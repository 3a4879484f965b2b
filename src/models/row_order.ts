/**
 * Tensors that are not simply rows of heed's. Rows in another order: a file has [x, y, run] where heed has [y, x, run], block after block.
 *
 *   GGUF's Llama  [D / 2, 2, 1] of each head: the two channels that rotary positions turn together are neighbours (`permute` of llama.cpp's convert_hf_to_gguf.py)
 *   BLOOM         [H, 3, D] of the whole tensor: each head's query, key and value stand together
 *
 * Blocks of quantized numbers run along a row, so that their rows move as others do.
 */

export interface RowOrder {
  readonly x: number;
  readonly y: number;
  /** Neighbours that stay together. */
  readonly run: number;
}

/** Rows of a block. */
export const blockOf = ({ x, y, run }: RowOrder): number => x * y * run;

/** Whole blocks, of rows of `rowBytes` bytes, from a file's order into heed's, or back: a copy. */
export function reordered(bytes: Uint8Array, rowBytes: number, order: RowOrder, to: 'heed' | 'file'): Uint8Array {
  const moved = new Uint8Array(bytes.length);
  const length = order.run * rowBytes;
  const [x, y] = to === 'heed' ? [order.x, order.y] : [order.y, order.x];
  for (let run = 0; run < bytes.length / length; run++) {
    const [first, at] = [run - (run % (x * y)), run % (x * y)];
    moved.set(bytes.subarray(run * length, (run + 1) * length), (first + (at % y) * x + Math.floor(at / y)) * length);
  }
  return moved;
}

/** How many rows of a file come at once, so that heed's come in multiples of `step`: whole blocks where they are small, else a share of one. */
export function rowsAtOnce(order: RowOrder, step: number): number {
  const { x, y, run } = order;
  const times = (n: number) => (n % step ? n * step : n);
  return y <= x && run > 1 ? y * times(run) : times(blockOf(order));
}

/** A file's rows from row `at` on in heed's order: where each piece begins, and its bytes. */
export function* pieces(
  at: number,
  bytes: Uint8Array,
  rowBytes: number,
  order: RowOrder,
): Generator<[row: number, bytes: Uint8Array], void> {
  const { x, y, run } = order;
  const [block, rows] = [blockOf(order), bytes.length / rowBytes];
  if (rows % block === 0) return yield [at, reordered(bytes, rowBytes, order, 'heed')];
  // A share of a block becomes y pieces, each a share of what heed has x of.
  const here = rows / (y * run);
  const moved = reordered(bytes, rowBytes, { x: here, y, run }, 'heed');
  const [first, before] = [at - (at % block), (at % block) / y];
  for (let j = 0; j < y; j++)
    yield [first + j * x * run + before, moved.subarray(j * here * run * rowBytes, (j + 1) * here * run * rowBytes)];
}

/** Float32 [rows, columns] as [columns, rows]: a copy. */
export function transposed(bytes: Uint8Array, [rows, columns]: readonly [number, number]): Uint8Array {
  const [x, y] = [new Uint32Array(bytes.slice().buffer), new Uint32Array(rows * columns)];
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j * rows + i] = x[i * columns + j] as number;
  return new Uint8Array(y.buffer);
}

/** Float32 numbers and so much more each: a copy. */
export const shifted = (bytes: Uint8Array, more: number): Uint8Array =>
  new Uint8Array(new Float32Array(bytes.slice().buffer).map((x) => x + more).buffer);
