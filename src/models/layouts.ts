/**
 * Layouts: orders of numbers in files that differ from heed's rows. An entry of a name table refers to one; a bundle that needs none does not contain this file.
 *
 *   pairs    [D / 2, 2] rows of each head: the two channels that rotary positions rotate together are neighbours, as in GGUF files of Llama (`permute` of llama.cpp's
 *            convert_hf_to_gguf.py); in heed's, and Hugging Face's, order they are half a head apart
 *   byHead   [H, 3, D] rows: each head's query, key and value stand together, as in BLOOM
 *   plus     each number plus a constant, as GGUF has Gemma's norms
 *
 * Blocks of quantized numbers run along a row, so that their rows are reordered like any others.
 */
import { HeedError } from '../errors.js';
import type { Layout, LayoutMaker } from './architecture.js';

/** Order of a file's rows: [x, y, run] where heed's are [y, x, run], block after block; the rows of a run stay together. */
interface Order {
  readonly x: number;
  readonly y: number;
  readonly run: number;
}

/** Whole blocks with x and y exchanged: a copy. */
function exchanged(bytes: Uint8Array, rowBytes: number, { x, y, run }: Order): Uint8Array {
  const moved = new Uint8Array(bytes.length);
  const length = run * rowBytes;
  for (let at = 0; at < bytes.length / length; at++) {
    const [first, i] = [at - (at % (x * y)), at % (x * y)];
    moved.set(bytes.subarray(at * length, (at + 1) * length), (first + (i % y) * x + Math.floor(i / y)) * length);
  }
  return moved;
}

const back = ({ x, y, run }: Order): Order => ({ x: y, y: x, run });

/** The least multiple of n that is one of `step`. */
const multiple = (n: number, step: number): number => (n % step ? n * step : n);

/** Layout of small blocks, which are read as wholes. */
const inBlocks = (order: Order): Layout => ({
  rowsAtOnce: (step) => multiple(order.x * order.y * order.run, step),
  read: (at, bytes, rowBytes) => [[at, exchanged(bytes, rowBytes, order)]],
  written: (bytes, rowBytes) => exchanged(bytes, rowBytes, back(order)),
});

/** Layout of one block that is the whole tensor: a part of it becomes y pieces, each a part of heed's x rows or runs. */
const inOneBlock = (order: Order): Layout => ({
  rowsAtOnce: (step) => order.y * multiple(order.run, step),
  read(at, bytes, rowBytes) {
    const { x, y, run } = order;
    const rows = bytes.length / rowBytes / y;
    const moved = exchanged(bytes, rowBytes, { x: rows / run, y, run });
    const length = rows * rowBytes;
    return Array.from({ length: y }, (_, j) => [j * x * run + at / y, moved.subarray(j * length, (j + 1) * length)]);
  },
  written: (bytes, rowBytes) => exchanged(bytes, rowBytes, back(order)),
});

const whole = (rows: number, file: { name: string; rows: number }, what: string): number => {
  if (Number.isInteger(rows)) return rows;
  throw new HeedError('MODEL_MISMATCH', `${file.name} has ${file.rows} rows, which are no ${what}`, { culprit: file.name });
};

/** Heads whose rows are interleaved, of each of several stacked parts; 0 for a part whose rows are not. */
export const pairs =
  (...heads: readonly number[]): LayoutMaker =>
  (name, rows, part) => {
    const of = heads[part] ?? 0;
    return of === 0 ? undefined : inBlocks({ x: whole(rows / of / 2, { name, rows }, `${of} heads of pairs`), y: 2, run: 1 });
  };

/** So many heads, one behind the other. */
export const byHead =
  (heads: number): LayoutMaker =>
  (name, rows) =>
    inOneBlock({ x: heads, y: 3, run: whole(rows / heads / 3, { name, rows }, `queries, keys and values of ${heads} heads`) });

const shifted = (bytes: Uint8Array, more: number) => new Uint8Array(new Float32Array(bytes.slice().buffer).map((x) => x + more).buffer);

/** Float32 numbers that are larger than heed's by `more`. */
export const plus =
  (more: number): LayoutMaker =>
  () => ({
    rowsAtOnce: (step) => step,
    read: (at, bytes) => [[at, shifted(bytes, -more)]],
    written: (bytes) => shifted(bytes, more),
    dtypes: ['F32'],
  });
