/**
 * 8-bit weights: float32 into int8 with one float16 scale for 32 neighbours in a row, and what products with them need. A product rounds its
 * activations to int16 first, once per product, with scales of their own; one with 4-bit weights to bytes.
 */
import type { Engine } from '../engine/engine.js';
import * as kernels from '../engine/kernels.generated.js';
import { BLOCK, PANEL, PANEL_BLOCK, ROW_BLOCK, TILE } from '../engine/kernels.generated.js';
import type { Launch } from '../engine/launch.js';
import { HeedError } from '../errors.js';
import { Matrix, type MatrixKernels, Tensor } from '../tensor.js';
import { expectDtype, wrongArgument, wrongShape } from './check.js';
import { op } from './op.js';
import { contiguous } from './shape.js';

/** Number of blocks in a row of 8-bit weights; neighbours in a block share a scale. */
export const groups = (columns: number): number => Math.ceil(columns / BLOCK);
export const quantizedBytes = (rows: number, columns: number): number => Math.ceil(rows / PANEL) * groups(columns) * PANEL_BLOCK;

/** 8-bit weights in panels (assembly/quantize.ts): int8, and a float16 scale for every 32 neighbours in a row. */
export class QuantizedMatrix extends Matrix {
  /** Panels hold 8-bit weights. */
  readonly dtype = 'q8';

  get kernels(): MatrixKernels {
    return q8;
  }

  /** Creates a matrix of zeros. */
  static zeros(engine: Engine, rows: number, columns: number): QuantizedMatrix {
    const made = new QuantizedMatrix(engine, engine.allocate(quantizedBytes(rows, columns)), rows, columns);
    engine.heap.bytes.fill(0, made.ptr, made.ptr + quantizedBytes(rows, columns));
    return made;
  }
}
const q8: MatrixKernels = {
  bytes: quantizedBytes,
  product: kernels.matmul_q8,
  unpack: kernels.unpack_q8,
  rounds: { kernel: kernels.quantize_i16, bytes: ROW_BLOCK },
};

/** Rows `first` to `first + count` of a matrix in panels at the address `ptr`; their numbers are read from the address `from`. */
export interface PanelRows {
  ptr: number;
  first: number;
  count: number;
  from: number;
}

/** Runs a kernel that sets a flag for invalid numbers. Returns `true` where none was invalid. */
export function launchChecked(engine: Tensor['engine'], launch: (refused: number) => Launch): boolean {
  return engine.scope(() => {
    const refused = Tensor.empty(engine, [1], 'int32');
    engine.heap.ints(refused.ptr, 1)[0] = 0;
    engine.launch(launch(refused.ptr));
    return engine.heap.ints(refused.ptr, 1)[0] === 0;
  });
}

/** `true` where all n numbers at the address x are finite. */
export const areFinite = (engine: Tensor['engine'], x: number, n: number): boolean =>
  launchChecked(engine, (refused) => kernels.check_finite_f32({ tiles: Math.ceil(n / TILE), work: n, refused, x, n }));

/**
 * Quantizes rows of K float32; where the K are a part of the columns, `ptr` is the address of their first block in the first panel, and rows have `blocks` blocks.
 * Returns false where a number is not finite, or too large for a float16 scale.
 */
export const quantizeRows = (engine: Tensor['engine'], { ptr, first, count, from }: PanelRows, K: number, blocks = groups(K)): boolean =>
  launchChecked(engine, (refused) =>
    kernels.quantize_q8({ tiles: count, work: 8 * count * K, scratch: BLOCK, packed: ptr, refused, w: from, first, blocks, K }),
  );

/** Copies a checkpoint's float16 scales into panels. Returns false where one is not finite. */
export const packScales = (engine: Tensor['engine'], { ptr, first, count, from }: PanelRows, K: number): boolean =>
  launchChecked(engine, (refused) => kernels.pack_scale_q8({ tiles: count, work: count * K, packed: ptr, refused, scale: from, first, K }));

/** Copies a checkpoint's int8 into panels. */
export const packInts = (engine: Tensor['engine'], { ptr, first, count, from }: PanelRows, K: number): void =>
  engine.launch(kernels.pack_int_q8({ tiles: count, work: count * K, packed: ptr, q: from, first, K }));

export const notFinite = (name: string): HeedError =>
  inexpressible(name, 'a number that is not finite, or too large for the float16 scale of 32 neighbours');

const inexpressible = (name: string, what: string): HeedError =>
  new HeedError('NUMERIC', `${name} holds ${what}`, { culprit: name, cure: "Keep it in float32: dtype 'fp32'" });

/** Quantizes a weight [N, K] to int8 with scales; the tensor itself is no longer needed. Throws NUMERIC for a number that is not finite or beyond 8.3e6. */
export const quantize = op((w: Tensor): QuantizedMatrix => {
  expectDtype('quantize', 'w', w, 'float32');
  if (w.rank !== 2) throw wrongShape('quantize', 'w', w.shape, 'it must have two axes');
  const [N, K] = w.shape as [number, number];
  const made = QuantizedMatrix.zeros(w.engine, N, K);
  if (!quantizeRows(w.engine, { ptr: made.ptr, first: 0, count: N, from: contiguous(w).ptr }, K)) throw notFinite('w');
  return made;
});

/** Copies the integers of a quantized matrix to JavaScript: q [N, K]. w[n,k] = q[n,k] · scale[n, k/32], with the scales of quantizedScales. */
export const quantizedInts = (w: QuantizedMatrix): Int8Array<ArrayBuffer> =>
  new Int8Array(copied('quantizedInts', kernels.unpack_int_q8, w, (columns) => columns, 1).bytes);

/**
 * Copies the scales of a quantized matrix to JavaScript: the bits of float16, [N, ⌈K/32⌉]. A scale below 2^-19 is rounded up to a multiple of 2^-24. Throws NUMERIC
 * for a matrix whose largest numbers lose precision by that.
 */
export function quantizedScales(w: QuantizedMatrix, name = 'w'): Uint16Array<ArrayBuffer> {
  const { bytes, exact } = copied('quantizedScales', kernels.unpack_scale_q8, w, groups, 2);
  const scales = new Uint16Array(bytes);
  // Beside scales of at least eight times 2^-24, the loss of smaller ones is no more than an eighth of the cost of rounding to 8 bits.
  if (!exact && scales.every((bits) => (bits & 0x7fff) < 8))
    throw inexpressible(name, 'numbers below 6e-5 alone, for which a float16 scale is too coarse');
  return scales;
}

function copied(
  where: string,
  kernel: typeof kernels.unpack_int_q8 & typeof kernels.unpack_scale_q8,
  w: QuantizedMatrix,
  widthOf: (columns: number) => number,
  each: number,
): { bytes: ArrayBuffer; exact: boolean } {
  if (!(w instanceof QuantizedMatrix)) throw wrongArgument(where, 'w', w, 'It must be quantized: quantize(w)');
  const { engine, rows: N, columns: K } = w;
  const bytes = N * widthOf(K) * each;
  return engine.scope(() => {
    const y = engine.allocate(bytes).ptr;
    const exact = launchChecked(engine, (refused) => kernel({ tiles: N, work: N * K, y, packed: w.ptr, refused, K }));
    return { bytes: engine.heap.bytes.slice(y, y + bytes).buffer as ArrayBuffer, exact };
  });
}

/** x [M, K], contiguous, rounded for one product: where it lies, until the op's scope ends. */
export function roundActivations(x: Tensor, M: number, K: number, { kernel, bytes }: NonNullable<MatrixKernels['rounds']>): number {
  const to = x.engine.allocate(M * groups(K) * bytes).ptr;
  x.engine.launch(kernel({ tiles: M, work: 4 * M * K, y: to, x: x.ptr, K }));
  return to;
}
