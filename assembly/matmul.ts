/**
 * y = activation(x Wᵀ + b) + r, the product of every linear layer. Weights come packed in panels of 8 columns: float32 ones as pack.ts shows, 8-bit
 * ones as quantize.ts does, 4-bit ones as q4.ts does.
 * What is added after the chain over k is added in this order, row by row, while the row is still in L1: bias, activation,
 * residual.
 */
import { activate_row } from './activation';
import { FETCH, fetch } from './fetch';
import { PANEL, block_f32, micro_1x1 } from './microkernel';
import { Q4_BLOCK } from './q4';
import { row_block } from './q4_activations';
import { block_q4, micro_1x1_q4 } from './q4_products';
import { BLOCK, PANEL_BLOCK } from './quantize';
import { ROW_BLOCK, block_q8, micro_1x1_q8 } from './quantized';

/** y[c] += a[c] for n rounded up to 4: reads and writes whole vectors. */
function add_row(y: usize, a: usize, n: usize): void {
  for (let i: usize = 0; i < n; i += 4, y += 16, a += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(a)));
}

function epilogue(y: usize, ldy: usize, bias: usize, residual: usize, ldr: usize, M: usize, n: usize, activation: i32): void {
  for (let m: usize = 0; m < M; m++, y += ldy) {
    if (bias) add_row(y, bias, n);
    if (activation) activate_row(y, y, n, activation);
    if (residual) add_row(y, residual, n), residual += ldr;
  }
}

/** What a product's weights are. */
enum Kind { F32, Q8, Q4 }

/** Whole panels of `step` bytes by kind. K >= 1. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function block(kind: Kind, y: usize, ldy: usize, x: usize, ldx: usize, w: usize, step: usize, M: usize, P: usize, K: usize): void {
  if (kind == Kind.Q8) block_q8(y, ldy, x, ldx, w, M, P, K);
  else if (kind == Kind.Q4) block_q4(y, ldy, x, ldx, w, M, P, K);
  else block_f32(y, ldy, x, ldx, w, step, M, P, K, false);
}

/** The last panel where N is no multiple of 8: made in `scratch` [8], one row at a time, and copied up to column n. */
function narrow(
  scratch: usize, y: usize, ldy: usize, x: usize, ldx: usize, w: usize, bias: usize, residual: usize,
  M: usize, n: usize, K: usize, activation: i32, kind: Kind,
): void {
  for (let m: usize = 0; m < M; m++, y += ldy, x += ldx) {
    if (!K) memory.fill(scratch, 0, 32);
    else if (kind == Kind.Q8) micro_1x1_q8(scratch, x, w, K, 0);
    else if (kind == Kind.Q4) micro_1x1_q4(scratch, x, w, K, 0);
    else micro_1x1(scratch, x, w, K, false);
    epilogue(scratch, 0, bias, residual, 0, 1, PANEL, activation);
    memory.copy(y, scratch, n << 2);
    if (residual) residual += ldy;
  }
}

/** Tiles begin <= tile < end of a product. `ldx` and `step` are the bytes of a row of x and of a panel; K counts steps of the chain: elements, or blocks of 32. */
function product(
  begin: usize, end: usize, scratch: usize, y: usize, x: usize, w: usize, bias: usize, residual: usize,
  M: usize, N: usize, K: usize, ldx: usize, step: usize, rows: usize, panels: usize, activation: i32, kind: Kind,
): void {
  const ldy = N << 2, whole = N / PANEL, rest = N % PANEL, rowTiles = (M + rows - 1) / rows;
  for (let tile = begin; tile < end; tile++) {
    const m = (tile % rowTiles) * rows, p = (tile / rowTiles) * panels;
    const h = min(rows, M - m), q = min(p + panels, whole), c = p * PANEL;
    const at = m * ldy + (c << 2), xm = x + m * ldx, wp = w + p * step;
    const b = bias ? bias + (c << 2) : 0, r = residual ? residual + at : 0;
    if (p < whole) {
      // Panels that this thread has not met yet, where enough rows follow.
      if (K && h >= FETCH && (m == 0 || tile == begin)) fetch(y + at, wp, (q - p) * step);
      if (K) block(kind, y + at, ldy, xm, ldx, wp, step, h, q - p, K);
      else for (let i: usize = 0; i < h; i++) memory.fill(y + at + i * ldy, 0, (q - p) << 5);
      epilogue(y + at, ldy, b, r, ldy, h, (q - p) * PANEL, activation);
    }
    if (rest && p + panels > whole) {
      const skip = (q - p) << 5;
      narrow(scratch, y + at + skip, ldy, xm, ldx, wp + (q - p) * step, b ? b + skip : 0, r ? r + skip : 0, h, rest, K, activation, kind);
    }
  }
}

/**
 *   y[m,n] = activation(Σ_k x[m,k] · w[n,k] + bias[n]) + residual[m,n]
 * out  y [M, N]      in  x [M, K], w packed [N, K], bias [N] or 0, residual [M, N] or 0
 * `scratch` holds 32 bytes. A tile is `rows` rows × `panels` panels; row tiles run fastest, so that the panels of a
 * thread's successive tiles stay in its L2. Any M, N, K; bias and residual may be read up to 28 bytes beyond their end.
 */
export function matmul_f32(
  begin: usize, end: usize, scratch: usize, y: usize, x: usize, w: usize, bias: usize, residual: usize,
  M: usize, N: usize, K: usize, rows: usize, panels: usize, activation: i32,
): void {
  product(begin, end, scratch, y, x, w, bias, residual, M, N, K, K << 2, K * (PANEL << 2), rows, panels, activation, Kind.F32);
}

/**
 * The same with 8-bit weights.
 * in  x [M, ⌈K/BLOCK⌉] as quantize_i16 makes it, w packed [N, ⌈K/BLOCK⌉]: blocks along k
 */
export function matmul_q8(
  begin: usize, end: usize, scratch: usize, y: usize, x: usize, w: usize, bias: usize, residual: usize,
  M: usize, N: usize, K: usize, rows: usize, panels: usize, activation: i32,
): void {
  const blocks = (K + BLOCK - 1) / BLOCK, ldx = blocks * ROW_BLOCK, step = blocks * PANEL_BLOCK;
  product(begin, end, scratch, y, x, w, bias, residual, M, N, blocks, ldx, step, rows, panels, activation, Kind.Q8);
}

/**
 * The same with 4-bit weights.
 * in  x [M, K/BLOCK] as quantize_i8 makes it, w packed [N, K/BLOCK]: blocks along k. K is a multiple of BLOCK.
 */
export function matmul_q4(
  begin: usize, end: usize, scratch: usize, y: usize, x: usize, w: usize, bias: usize, residual: usize,
  M: usize, N: usize, K: usize, rows: usize, panels: usize, activation: i32,
): void {
  const blocks = K / BLOCK, ldx = blocks * row_block(), step = blocks * Q4_BLOCK;
  product(begin, end, scratch, y, x, w, bias, residual, M, N, blocks, ldx, step, rows, panels, activation, Kind.Q4);
}
