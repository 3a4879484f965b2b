/** Products: linear layers over packed weights, whatever their format, and products of two activations. */
import { record } from '../autograd/tape.js';
import { PANEL, pack_f32 } from '../engine/kernels.generated.js';
import { checkOptions } from '../errors.js';
import {
  isMatrix,
  type Matrix,
  type MatrixKernels,
  PackedMatrix,
  packedBytes,
  packedKernels,
  type Shape,
  sizeOf,
  Tensor,
} from '../tensor.js';
import { type Activation, activate, activateGrad, activationCode } from './activation.js';
import { expectBooleans, expectDtype, expectRows, wrongArgument, wrongShape } from './check.js';
import { add } from './elementwise.js';
import { entered, type TensorLike } from './given.js';
import { isTracked, op, operand } from './op.js';
import { roundActivations } from './quantize.js';
import { contiguous, reshape, transpose } from './shape.js';
import { sumTo } from './sum_to.js';

/** Bytes of panels that a tile reads for every four rows: they should stay in an L2 cache of 256 KiB. */
const L2_SHARE = 192 << 10;
const TILE_ROWS = 32;
/** Number of tiles to aim for: enough that the last one does not keep many threads waiting, unless tiles become too small to be worth a claim. */
const TILES = 48;
const LEAST_TILE = 1 << 18;

/**
 * Computes the shape of a tile from the shape of the product alone. Results have the same bits for every tiling. Measured with `npm run bench -- kernels`;
 * docs/kernels-measured.md has the table.
 */
export function tiling(M: number, N: number, K: number, panelBytes: number): { rows: number; panels: number; tiles: number } {
  const all = Math.ceil(N / PANEL);
  const rows = Math.max(1, Math.min(M, TILE_ROWS));
  const rowTiles = Math.ceil(M / rows);
  const fits = Math.max(1, Math.floor(L2_SHARE / Math.max(1, panelBytes)));
  const forTiles = Math.ceil((all * rowTiles) / TILES);
  const forWork = Math.ceil(LEAST_TILE / (2 * rows * PANEL * Math.max(1, K)));
  const panels = Math.max(1, Math.min(all, fits, Math.max(forTiles, forWork)));
  return { rows, panels, tiles: rowTiles * Math.ceil(all / panels) };
}

/** Addresses of a product's operands, 0 for an absent one, and the number of its activation, 0 for none. */
interface Product {
  y: number;
  x: number;
  w: number;
  bias?: number;
  residual?: number;
  activation?: number;
}

function product(engine: Tensor['engine'], M: number, N: number, K: number, at: Product, { bytes, product: kernel }: MatrixKernels): void {
  if (M === 0 || N === 0) return;
  const { rows, panels, tiles } = tiling(M, N, K, bytes(PANEL, K));
  const { y, x, w, bias = 0, residual = 0, activation = 0 } = at;
  engine.launch(kernel({ tiles, work: 2 * M * N * K, scratch: PANEL * 4, y, x, w, bias, residual, M, N, K, rows, panels, activation }));
}

/**
 * Packs the last two axes, [N, K], of each matrix of a tensor with `strides` over [B, H, N, K] into panels for the micro-kernels, `step` bytes apart: more than a
 * panel has where K is a part of the columns.
 */
export function packInto(
  ptr: number,
  x: Tensor,
  sizes: readonly [number, number, number, number],
  strides: readonly number[],
  step = packedBytes(PANEL, sizes[3]),
): void {
  const [B, H, N, K] = sizes;
  const [sb, sh, sn, sk] = strides as [number, number, number, number];
  const tiles = B * H * Math.ceil(N / PANEL);
  x.engine.launch(pack_f32({ tiles, work: B * H * N * K * 2, packed: ptr, x: x.ptr, H, N, K, sb, sh, sn, sk, step }));
}

/** Packs a weight [N, K] into panels; the tensor itself is no longer needed. */
export function pack(given: TensorLike): PackedMatrix {
  const w = entered<Tensor>(given);
  expectDtype('pack', 'w', w, 'float32');
  if (w.rank !== 2) throw wrongShape('pack', 'w', w.shape, 'it must have two axes');
  const [N, K] = w.shape as [number, number];
  return w.engine.scope(() => {
    const packed = PackedMatrix.empty(w.engine, N, K);
    packInto(packed.ptr, w, [1, 1, N, K], [0, 0, ...w.strides]);
    return packed;
  });
}

/** Unpacks rows of a packed matrix, exactly, or of a quantized one, as rounded: all [N, K], or those with the numbers `rows` (int32). */
export const unpack = op((w: Matrix, rows?: Tensor): Tensor => {
  if (!isMatrix(w)) throw wrongArgument('unpack', 'w', w, 'It must be packed: pack(w), or quantize(w)');
  if (rows) expectDtype('unpack', 'rows', rows, 'int32');
  const shape: Shape = rows ? [...rows.shape, w.columns] : w.shape;
  const y = Tensor.empty(w.engine, shape);
  const n = sizeOf(shape) / Math.max(1, w.columns);
  const source = rows && contiguous(rows);
  if (source) expectRows('unpack', 'rows', source, w.rows);
  const args = { tiles: n, work: n * w.columns, y: y.ptr, packed: w.ptr, rows: source?.ptr ?? 0, K: w.columns };
  w.engine.launch(w.kernels.unpack(args));
  return y;
});

/** Options of linear: work in the same pass as the product. */
export interface LinearOptions {
  /** Activation after the bias, in the same pass. */
  activation?: Activation | undefined;
  /** Tensor [..., N] that is added last, in the same pass. */
  residual?: Tensor | undefined;
}

/**
 * activation(x Wᵀ + bias) + residual: x [..., K], weight [N, K], bias [N] → [..., N]. A packed weight saves its packing; a quantized one meets x
 * rounded to integers, with one scale for 32 neighbours, and gets no gradient.
 */
export const linear = op((x: Tensor, weight: Tensor | Matrix, bias?: Tensor, options: LinearOptions = {}): Tensor => {
  checkOptions(options, ['activation', 'residual'], 'linear');
  const { activation, residual } = options;
  expectDtype('linear', 'x', x, 'float32');
  if (!isMatrix(weight)) expectDtype('linear', 'weight', weight, 'float32');
  if (weight.shape.length !== 2) throw wrongShape('linear', 'weight', weight.shape, 'it must have two axes');
  const [N, K] = weight.shape as [number, number];
  if (x.shape.at(-1) !== K) throw wrongShape('linear', 'x', x.shape, `its last axis must be ${K}, as the weight is [${weight.shape}]`);
  const shape = [...x.shape.slice(0, -1), N];
  const M = sizeOf(x.shape.slice(0, -1));
  const code = activationCode(activation);
  const rest = operand('linear', 'residual', residual, shape);
  const z = Tensor.empty(x.engine, shape);
  const packed = isMatrix(weight) ? weight : pack(weight);
  const source = contiguous(x);
  const from = packed.kernels.rounds ? roundActivations(source, M, K, packed.kernels.rounds) : source.ptr;
  // The gradient needs what went into the activation: then it is a step of its own. Same bits.
  const apart = activation && isTracked(x.engine, x, weight, bias, residual);
  const fused = apart ? {} : { residual: rest, activation: code };
  const at = { y: z.ptr, x: from, w: packed.ptr, bias: operand('linear', 'bias', bias, [N]), ...fused };
  product(x.engine, M, N, K, at, packed.kernels);
  const active = apart ? activate(z, activation) : z;
  const y = apart && residual ? add(active, residual) : active;
  const held = isMatrix(weight) ? new Tensor(x.engine, weight.storage, []) : weight;
  record(y, [x, isMatrix(weight) ? undefined : weight, bias, residual], [source, held, apart ? z : undefined], (dy, wanted) => {
    const dz = apart ? activateGrad(dy, z, activation) : contiguous(dy);
    const rows = reshape(dz, [M, N]);
    const [wantsX, wantsWeight, wantsBias] = wanted;
    return [
      wantsX ? reshape(matmul(rows, isMatrix(weight) ? unpack(weight) : weight), x.shape) : undefined,
      wantsWeight ? matmul(transpose(rows, 0, 1), reshape(source, [M, K])) : undefined,
      wantsBias ? sumTo(rows, [N]) : undefined,
      dy,
    ];
  });
  return y;
});

/** Options of matmul. */
export interface MatmulOptions {
  /** `true` where b is [..., N, K]: a · bᵀ. Default false. */
  transposeB?: boolean | undefined;
}

/** Views a vector as a matrix: a as a row; b as a column or, transposed, as a row. */
const matrixOf = (x: Tensor, asColumn: boolean): Tensor => (x.rank === 1 ? reshape(x, asColumn ? [x.size, 1] : [1, x.size]) : x);

/** Shape to which two shapes broadcast, aligned at their ends: axes that are 1 or missing repeat. Undefined where the shapes do not agree. */
function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const along = (shape: Shape, i: number) => shape[i - rank + shape.length] ?? 1;
  const sizes = Array.from({ length: rank }, (_, i) => (along(a, i) === 1 ? along(b, i) : along(a, i)));
  return sizes.every((d, i) => [1, d].includes(along(b, i))) ? sizes : undefined;
}

/** Index of the matrix of `shape` for each one of `outer`, to which `shape` is broadcast. */
function repeats(shape: Shape, outer: Shape): number[] {
  let found = [0];
  for (const [i, d] of outer.entries()) {
    const own = shape[i - outer.length + shape.length] ?? 1;
    found = found.flatMap((at) => Array.from({ length: d }, (_, j) => at * own + (own === 1 ? 0 : j)));
  }
  return found;
}

/**
 * a · b over the last two axes, as torch.matmul has it: [..., M, K] × [..., K, N] → [..., M, N]. Leading axes are broadcast; a vector is a row as a, a column as b,
 * and its axis is not in the result.
 */
export const matmul = op((a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor => {
  checkOptions(options, ['transposeB'], 'matmul');
  const { transposeB = false } = options;
  expectBooleans('matmul', { transposeB });
  expectDtype('matmul', 'a', a, 'float32');
  expectDtype('matmul', 'b', b, 'float32');
  for (const [name, x] of Object.entries({ a, b })) if (x.rank < 1) throw wrongShape('matmul', name, x.shape, 'it must have an axis');
  const matrices = () => [matrixOf(a, false), matrixOf(b, !transposeB)] as const;
  const [left, right] = matrices();
  const [M, K] = left.shape.slice(-2) as [number, number];
  const [N, L] = (transposeB ? right.shape.slice(-2) : [right.dim(-1), right.dim(-2)]) as [number, number];
  if (K !== L) throw wrongShape('matmul', 'b', b.shape, `its inner axis must be ${K}, as a is [${a.shape}]`);
  const [outerA, outerB] = [left.shape.slice(0, -2), right.shape.slice(0, -2)];
  const outer = broadcast(outerA, outerB);
  if (!outer)
    throw wrongShape('matmul', 'b', b.shape, `its leading axes do not repeat up to those of a, [${a.shape}], nor these up to its own`);
  const y = Tensor.empty(a.engine, [...outer, ...(a.rank === 1 ? [] : [M]), ...(b.rank === 1 ? [] : [N])]);
  const x = contiguous(left);
  // Outer axes merge into one only where they are contiguous in memory.
  const w = right.rank <= 3 ? right : contiguous(right);
  const [sn, sk] = (transposeB ? w.strides.slice(-2) : [w.strides.at(-1), w.strides.at(-2)]) as [number, number];
  const count = sizeOf(outerB);
  const step = Math.ceil(N / PANEL) * PANEL * K * 4;
  const packed = a.engine.allocate(count * step);
  packInto(packed.ptr, w, [1, count, N, K], [0, w.rank === 3 ? (w.strides[0] as number) : N * K, sn, sk]);
  // With a single b, the leading axes of a are more rows.
  const single = count === 1;
  const rows = single ? sizeOf(outer) * M : M;
  const [ofA, ofB] = single ? [[0], [0]] : [repeats(outerA, outer), repeats(outerB, outer)];
  for (const [i, at] of ofB.entries())
    product(
      a.engine,
      rows,
      N,
      K,
      { y: y.ptr + i * M * N * 4, x: x.ptr + (ofA[i] as number) * M * K * 4, w: packed.ptr + at * step },
      packedKernels,
    );
  record(y, [a, b], [a, b], (dy, [wantsA, wantsB]) => {
    const [p, q] = matrices();
    const [up, down, matrix] = single
      ? [reshape(dy, [rows, N]), reshape(p, [rows, K]), reshape(q, q.shape.slice(-2))]
      : [reshape(dy, [...outer, M, N]), p, q];
    const flip = (m: Tensor) => transpose(m, -1, -2);
    const back = (gradient: Tensor, x: Tensor, like: Tensor) => reshape(single ? gradient : sumTo(gradient, like.shape), x.shape);
    return [
      wantsA ? back(matmul(up, matrix, { transposeB: !transposeB }), a, p) : undefined,
      wantsB ? back(transposeB ? matmul(flip(up), down) : matmul(flip(down), up), b, q) : undefined,
    ];
  });
  return y;
});
