/**
 * Rows in another order than heed's. GGUF files of Llama and its like have the rows of queries and keys such that the two channels that rotary positions turn together are
 * neighbours; heed's, and Hugging Face's, are half a head apart: row 2 i + j of a head there is row j D / 2 + i here (`permute` of llama.cpp's convert_hf_to_gguf.py).
 * Blocks run along a row, so that quantized rows move as others do.
 */

/** Whole heads of D rows, of `rowBytes` bytes each, from a file's order into heed's, or back: a copy. */
export function reordered(bytes: Uint8Array, rowBytes: number, D: number, to: 'heed' | 'file'): Uint8Array {
  const moved = new Uint8Array(bytes.length);
  const rows = bytes.length / rowBytes;
  for (let row = 0; row < rows; row++) {
    const [first, at] = [row - (row % D), row % D];
    const other = first + (at % 2) * (D / 2) + (at >> 1);
    const [from, into] = to === 'heed' ? [row, other] : [other, row];
    moved.set(bytes.subarray(from * rowBytes, (from + 1) * rowBytes), into * rowBytes);
  }
  return moved;
}

/** Float32 [rows, columns] as [columns, rows]: a copy. */
export function transposed(bytes: Uint8Array, [rows, columns]: readonly [number, number]): Uint8Array {
  const [x, y] = [new Uint32Array(bytes.slice().buffer), new Uint32Array(rows * columns)];
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j * rows + i] = x[i * columns + j] as number;
  return new Uint8Array(y.buffer);
}
