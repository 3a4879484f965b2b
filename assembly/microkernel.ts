/**
 * The innermost loops of matmul and attention: a tile of rows × columns kept in registers while k runs.
 *
 *   y[r, c] = (accumulate ? y[r, c] : 0) + Σ_k x[r, k] · w[c, k]        one float32 chain, k ascending
 *
 * w lies in panels of 8 columns, k outermost (pack.ts), so that one step of k reads 8 neighbours: two v128 loads.
 * Names are rows × panels: micro_4x1 holds 4 rows × 8 columns in 8 registers. Every shape walks the same chain, so the
 * choice of a shape never changes a bit. 4x1 is at home everywhere. Its eight chains just cover the latency of two fused adders; 6x1 has room to
 * spare, is 7 to 10 % faster where it does not spill, and half as fast where it does. Packing x first gains nothing, unrolling over k loses 10 to 30 %
 * (docs/kernels.md). With vectors of 256 bits a panel's eight columns are one, and tiles of two panels have the chains that one panel has otherwise.
 * They are functions of their own, called often and from more than one place (a single caller would swallow them), so
 * that V8 replaces its baseline code within a fraction of a first forward; it cannot do so inside a running call.
 */
import { micro_4x2, micro_5x2 } from './microkernel_wide';
import { madd } from './simd';

/** Columns in a panel. */
export const PANEL: usize = 8;

/** Rows of the tile that the host's compiler does best with, 4, 5 or 6: src/engine/features.ts has the table. An immutable global, a constant to the compiler. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@external("env", "plain_rows")
declare const PLAIN_ROWS: i32;
// @ts-ignore: decorators of functions are AssemblyScript's alone
@external("env", "relaxed_rows")
declare const RELAXED_ROWS: i32;

/** Panels of the tile: two where vectors are of 256 bits, else one. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@external("env", "tile_panels")
declare const TILE_PANELS: i32;

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function tile_rows(): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? RELAXED_ROWS : PLAIN_ROWS;
}

export function micro_6x1(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, K: usize, accumulate: bool): void {
  let x1 = x + ldx, x2 = x1 + ldx, x3 = x2 + ldx, x4 = x3 + ldx, x5 = x4 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy, y3 = y2 + ldy, y4 = y3 + ldy, y5 = y4 + ldy;
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), b0 = f32x4.splat(0), b1 = f32x4.splat(0), c0 = f32x4.splat(0), c1 = f32x4.splat(0);
  let d0 = f32x4.splat(0), d1 = f32x4.splat(0), e0 = f32x4.splat(0), e1 = f32x4.splat(0), f0 = f32x4.splat(0), f1 = f32x4.splat(0);
  if (accumulate) {
    a0 = v128.load(y), a1 = v128.load(y, 16), b0 = v128.load(y1), b1 = v128.load(y1, 16);
    c0 = v128.load(y2), c1 = v128.load(y2, 16), d0 = v128.load(y3), d1 = v128.load(y3, 16);
    e0 = v128.load(y4), e1 = v128.load(y4, 16), f0 = v128.load(y5), f1 = v128.load(y5, 16);
  }
  do {
    const w0 = v128.load(w), w1 = v128.load(w, 16);
    const a = v128.load32_splat(x);
    a0 = madd(a, w0, a0), a1 = madd(a, w1, a1);
    const b = v128.load32_splat(x1);
    b0 = madd(b, w0, b0), b1 = madd(b, w1, b1);
    const c = v128.load32_splat(x2);
    c0 = madd(c, w0, c0), c1 = madd(c, w1, c1);
    const d = v128.load32_splat(x3);
    d0 = madd(d, w0, d0), d1 = madd(d, w1, d1);
    const e = v128.load32_splat(x4);
    e0 = madd(e, w0, e0), e1 = madd(e, w1, e1);
    const f = v128.load32_splat(x5);
    f0 = madd(f, w0, f0), f1 = madd(f, w1, f1);
    x += 4, x1 += 4, x2 += 4, x3 += 4, x4 += 4, x5 += 4, w += 32;
  } while (--K);
  v128.store(y, a0), v128.store(y, a1, 16), v128.store(y1, b0), v128.store(y1, b1, 16);
  v128.store(y2, c0), v128.store(y2, c1, 16), v128.store(y3, d0), v128.store(y3, d1, 16);
  v128.store(y4, e0), v128.store(y4, e1, 16), v128.store(y5, f0), v128.store(y5, f1, 16);
}

export function micro_5x1(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, K: usize, accumulate: bool): void {
  let x1 = x + ldx, x2 = x1 + ldx, x3 = x2 + ldx, x4 = x3 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy, y3 = y2 + ldy, y4 = y3 + ldy;
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), b0 = f32x4.splat(0), b1 = f32x4.splat(0), c0 = f32x4.splat(0), c1 = f32x4.splat(0);
  let d0 = f32x4.splat(0), d1 = f32x4.splat(0), e0 = f32x4.splat(0), e1 = f32x4.splat(0);
  if (accumulate) {
    a0 = v128.load(y), a1 = v128.load(y, 16), b0 = v128.load(y1), b1 = v128.load(y1, 16);
    c0 = v128.load(y2), c1 = v128.load(y2, 16), d0 = v128.load(y3), d1 = v128.load(y3, 16);
    e0 = v128.load(y4), e1 = v128.load(y4, 16);
  }
  do {
    const w0 = v128.load(w), w1 = v128.load(w, 16);
    const a = v128.load32_splat(x);
    a0 = madd(a, w0, a0), a1 = madd(a, w1, a1);
    const b = v128.load32_splat(x1);
    b0 = madd(b, w0, b0), b1 = madd(b, w1, b1);
    const c = v128.load32_splat(x2);
    c0 = madd(c, w0, c0), c1 = madd(c, w1, c1);
    const d = v128.load32_splat(x3);
    d0 = madd(d, w0, d0), d1 = madd(d, w1, d1);
    const e = v128.load32_splat(x4);
    e0 = madd(e, w0, e0), e1 = madd(e, w1, e1);
    x += 4, x1 += 4, x2 += 4, x3 += 4, x4 += 4, w += 32;
  } while (--K);
  v128.store(y, a0), v128.store(y, a1, 16), v128.store(y1, b0), v128.store(y1, b1, 16);
  v128.store(y2, c0), v128.store(y2, c1, 16), v128.store(y3, d0), v128.store(y3, d1, 16);
  v128.store(y4, e0), v128.store(y4, e1, 16);
}

export function micro_4x1(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, K: usize, accumulate: bool): void {
  let x1 = x + ldx, x2 = x1 + ldx, x3 = x2 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy, y3 = y2 + ldy;
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), b0 = f32x4.splat(0), b1 = f32x4.splat(0);
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), d0 = f32x4.splat(0), d1 = f32x4.splat(0);
  if (accumulate) {
    a0 = v128.load(y), a1 = v128.load(y, 16), b0 = v128.load(y1), b1 = v128.load(y1, 16);
    c0 = v128.load(y2), c1 = v128.load(y2, 16), d0 = v128.load(y3), d1 = v128.load(y3, 16);
  }
  do {
    const w0 = v128.load(w), w1 = v128.load(w, 16);
    const a = v128.load32_splat(x);
    a0 = madd(a, w0, a0), a1 = madd(a, w1, a1);
    const b = v128.load32_splat(x1);
    b0 = madd(b, w0, b0), b1 = madd(b, w1, b1);
    const c = v128.load32_splat(x2);
    c0 = madd(c, w0, c0), c1 = madd(c, w1, c1);
    const d = v128.load32_splat(x3);
    d0 = madd(d, w0, d0), d1 = madd(d, w1, d1);
    x += 4, x1 += 4, x2 += 4, x3 += 4, w += 32;
  } while (--K);
  v128.store(y, a0), v128.store(y, a1, 16), v128.store(y1, b0), v128.store(y1, b1, 16);
  v128.store(y2, c0), v128.store(y2, c1, 16), v128.store(y3, d0), v128.store(y3, d1, 16);
}

export function micro_3x1(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, K: usize, accumulate: bool): void {
  let x1 = x + ldx, x2 = x1 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy;
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), b0 = f32x4.splat(0), b1 = f32x4.splat(0), c0 = f32x4.splat(0), c1 = f32x4.splat(0);
  if (accumulate) {
    a0 = v128.load(y), a1 = v128.load(y, 16), b0 = v128.load(y1), b1 = v128.load(y1, 16), c0 = v128.load(y2), c1 = v128.load(y2, 16);
  }
  do {
    const w0 = v128.load(w), w1 = v128.load(w, 16);
    const a = v128.load32_splat(x), b = v128.load32_splat(x1), c = v128.load32_splat(x2);
    a0 = madd(a, w0, a0), a1 = madd(a, w1, a1);
    b0 = madd(b, w0, b0), b1 = madd(b, w1, b1);
    c0 = madd(c, w0, c0), c1 = madd(c, w1, c1);
    x += 4, x1 += 4, x2 += 4, w += 32;
  } while (--K);
  v128.store(y, a0), v128.store(y, a1, 16), v128.store(y1, b0), v128.store(y1, b1, 16), v128.store(y2, c0), v128.store(y2, c1, 16);
}

/** Two rows × two panels; the second panel lies `step` bytes behind the first. */
export function micro_2x2(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, step: usize, K: usize, accumulate: bool): void {
  let x1 = x + ldx, v = w + step;
  const y1 = y + ldy;
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
  if (accumulate) {
    a0 = v128.load(y), a1 = v128.load(y, 16), a2 = v128.load(y, 32), a3 = v128.load(y, 48);
    b0 = v128.load(y1), b1 = v128.load(y1, 16), b2 = v128.load(y1, 32), b3 = v128.load(y1, 48);
  }
  do {
    const w0 = v128.load(w), w1 = v128.load(w, 16), w2 = v128.load(v), w3 = v128.load(v, 16);
    const a = v128.load32_splat(x), b = v128.load32_splat(x1);
    a0 = madd(a, w0, a0), a1 = madd(a, w1, a1), a2 = madd(a, w2, a2), a3 = madd(a, w3, a3);
    b0 = madd(b, w0, b0), b1 = madd(b, w1, b1), b2 = madd(b, w2, b2), b3 = madd(b, w3, b3);
    x += 4, x1 += 4, w += 32, v += 32;
  } while (--K);
  v128.store(y, a0), v128.store(y, a1, 16), v128.store(y, a2, 32), v128.store(y, a3, 48);
  v128.store(y1, b0), v128.store(y1, b1, 16), v128.store(y1, b2, 32), v128.store(y1, b3, 48);
}

/** One row × four panels, `step` bytes apart: eight chains hide the latency of the adder. */
export function micro_1x4(y: usize, x: usize, w: usize, step: usize, K: usize, accumulate: bool): void {
  let u = w + step, v = u + step, z = v + step;
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
  let a4 = f32x4.splat(0), a5 = f32x4.splat(0), a6 = f32x4.splat(0), a7 = f32x4.splat(0);
  if (accumulate) {
    a0 = v128.load(y), a1 = v128.load(y, 16), a2 = v128.load(y, 32), a3 = v128.load(y, 48);
    a4 = v128.load(y, 64), a5 = v128.load(y, 80), a6 = v128.load(y, 96), a7 = v128.load(y, 112);
  }
  do {
    const a = v128.load32_splat(x);
    a0 = madd(a, v128.load(w), a0), a1 = madd(a, v128.load(w, 16), a1);
    a2 = madd(a, v128.load(u), a2), a3 = madd(a, v128.load(u, 16), a3);
    a4 = madd(a, v128.load(v), a4), a5 = madd(a, v128.load(v, 16), a5);
    a6 = madd(a, v128.load(z), a6), a7 = madd(a, v128.load(z, 16), a7);
    x += 4, w += 32, u += 32, v += 32, z += 32;
  } while (--K);
  v128.store(y, a0), v128.store(y, a1, 16), v128.store(y, a2, 32), v128.store(y, a3, 48);
  v128.store(y, a4, 64), v128.store(y, a5, 80), v128.store(y, a6, 96), v128.store(y, a7, 112);
}

export function micro_1x1(y: usize, x: usize, w: usize, K: usize, accumulate: bool): void {
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0);
  if (accumulate) a0 = v128.load(y), a1 = v128.load(y, 16);
  do {
    const a = v128.load32_splat(x);
    a0 = madd(a, v128.load(w), a0), a1 = madd(a, v128.load(w, 16), a1);
    x += 4, w += 32;
  } while (--K);
  v128.store(y, a0), v128.store(y, a1, 16);
}

/**
 * A block of M rows × P whole panels out of micro-kernels: the largest tile as often as it fits, then four rows, and what fits the rest.
 * Panels innermost: a tile's rows of x stay in L1 while the panels, which the caller keeps few enough for L2, go by.
 * y, x rows are ldy, ldx bytes apart; panels are `step` bytes apart. K >= 1.
 */
export function block_f32(
  y: usize, ldy: usize, x: usize, ldx: usize, w: usize, step: usize, M: usize, P: usize, K: usize, accumulate: bool,
): void {
  const rows = tile_rows();
  if (TILE_PANELS == 2) {
    // Fours until fives do the rest.
    for (let h: usize = 0; M >= 4; M -= h, x += ldx * h, y += ldy * h) {
      h = M % 5 ? 4 : 5;
      let q = w, z = y, p = P;
      if (h == 5) {
        for (; p >= 2; p -= 2) micro_5x2(z, ldy, x, ldx, q, step, K, accumulate), q += step << 1, z += 64;
        if (p) micro_5x1(z, ldy, x, ldx, q, K, accumulate);
      } else {
        for (; p >= 2; p -= 2) micro_4x2(z, ldy, x, ldx, q, step, K, accumulate), q += step << 1, z += 64;
        if (p) micro_4x1(z, ldy, x, ldx, q, K, accumulate);
      }
    }
  } else if (rows == 6) {
    for (; M >= 6; M -= 6) {
      let q = w, z = y;
      for (let p: usize = 0; p < P; p++) micro_6x1(z, ldy, x, ldx, q, K, accumulate), q += step, z += 32;
      x += ldx * 6, y += ldy * 6;
    }
  } else if (rows == 5) {
    for (; M >= 5; M -= 5) {
      let q = w, z = y;
      for (let p: usize = 0; p < P; p++) micro_5x1(z, ldy, x, ldx, q, K, accumulate), q += step, z += 32;
      x += ldx * 5, y += ldy * 5;
    }
  }
  for (; M >= 4; M -= 4) {
    let q = w, z = y;
    for (let p: usize = 0; p < P; p++) micro_4x1(z, ldy, x, ldx, q, K, accumulate), q += step, z += 32;
    x += ldx << 2, y += ldy << 2;
  }
  let p: usize = 0;
  if (M == 3) {
    for (; p < P; p++) micro_3x1(y, ldy, x, ldx, w, K, accumulate), w += step, y += 32;
  } else if (M == 2) {
    for (; p + 2 <= P; p += 2) micro_2x2(y, ldy, x, ldx, w, step, K, accumulate), w += step << 1, y += 64;
    if (p < P) micro_1x1(y, x, w, K, accumulate), micro_1x1(y + ldy, x + ldx, w, K, accumulate);
  } else if (M == 1) {
    for (; p + 4 <= P; p += 4) micro_1x4(y, x, w, step, K, accumulate), w += step << 2, y += 128;
    for (; p < P; p++) micro_1x1(y, x, w, K, accumulate), w += step, y += 32;
  }
}
