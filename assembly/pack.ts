/**
 * Matrices in the form that the micro-kernels read, and back.
 *
 *   w [N, K] row-major            packed: panel p holds rows 8p … 8p+7, k outermost
 *     row 0: a0 a1 a2 …             a0 b0 c0 d0 e0 f0 g0 h0 | a1 b1 c1 …
 *     row 1: b0 b1 b2 …             one step of k reads 8 neighbours: two v128 loads
 *
 * Rows that N lacks in the last panel are zeros. The same routine packs weights [out, in], the second operand of a
 * product, keys (rows are keys) and values (rows are channels, read through strides).
 */
import { transpose4 } from './simd';

/** Eight whole rows whose elements are neighbours. */
function pack_rows(out: usize, x: usize, ld: usize, K: usize): void {
  const x1 = x + ld, x2 = x1 + ld, x3 = x2 + ld, x4 = x3 + ld, x5 = x4 + ld, x6 = x5 + ld, x7 = x6 + ld;
  let k: usize = 0;
  for (const n = K & ~3; k < n; k += 4, out += 128) {
    const o = k << 2;
    transpose4(out, 32, v128.load(x + o), v128.load(x1 + o), v128.load(x2 + o), v128.load(x3 + o));
    transpose4(out + 16, 32, v128.load(x4 + o), v128.load(x5 + o), v128.load(x6 + o), v128.load(x7 + o));
  }
  for (; k < K; k++, out += 32) {
    let row = x + (k << 2);
    for (let r: usize = 0; r < 32; r += 4, row += ld) f32.store(out + r, f32.load(row));
  }
}

/** Eight rows whose rows are neighbours (a transposed matrix): a copy of eight floats a step. */
function pack_columns(out: usize, x: usize, ld: usize, K: usize): void {
  for (; K; K--, out += 32, x += ld) v128.store(out, v128.load(x)), v128.store(out, v128.load(x, 16), 16);
}

function pack_any(out: usize, x: usize, rowStep: usize, kStep: usize, rows: usize, K: usize): void {
  for (; K; K--, out += 32, x += kStep) {
    let row = x;
    for (let r: usize = 0; r < 8; r++, row += rowStep) f32.store(out + (r << 2), r < rows ? f32.load(row) : 0);
  }
}

/**
 * out  packed [B, H, ⌈N/8⌉, K, 8]      in  x: element (b, h, n, k) at b·sb + h·sh + n·sn + k·sk floats
 * Tile i is panel i % ⌈N/8⌉ of matrix i / ⌈N/8⌉. Any N, K, strides. Panels are `step` bytes apart: 32 K, or more where x is a part of the columns.
 */
export function pack_f32(
  begin: usize, end: usize, packed: usize, x: usize, H: usize, N: usize, K: usize, sb: usize, sh: usize, sn: usize, sk: usize,
  step: usize,
): void {
  const panels = (N + 7) >> 3;
  for (let tile = begin; tile < end; tile++) {
    const matrix = tile / panels, n = (tile % panels) << 3, rows = min<usize>(8, N - n);
    const from = x + (((matrix / H) * sb + (matrix % H) * sh + n * sn) << 2), to = packed + tile * step;
    if (rows == 8 && sk == 1) pack_rows(to, from, sn << 2, K);
    else if (rows == 8 && sn == 1) pack_columns(to, from, sk << 2, K);
    else pack_any(to, from, sn << 2, sk << 2, rows, K);
  }
}

/**
 * Exact rows of a packed matrix: the inverse of pack_f32, and the look-up of an embedding that is tied to a projection.
 * out  y [n, K]      in  packed [N, K], rows: n row numbers (int32), or 0 for the rows 0 … n − 1
 * Tile i is row i of y. 0 <= rows[i] < N.
 */
export function unpack_f32(begin: usize, end: usize, y: usize, packed: usize, rows: usize, K: usize): void {
  for (let i = begin; i < end; i++) {
    const n = rows ? <usize>i32.load(rows + (i << 2)) : i;
    let from = packed + (n >> 3) * (K << 5) + ((n & 7) << 2), to = y + i * (K << 2);
    for (let k: usize = 0; k < K; k++, from += 32, to += 4) f32.store(to, f32.load(from));
  }
}
