/** Copies: numbers that go elsewhere as they are. */
import { transpose4 } from './simd';

/**
 * A strided view made contiguous; an element is 4 bytes or, with `shift` 0 instead of 2, one.
 * out  y [n0, n1, n2, n3]      in  x: element (i, j, k, l) at i·s0 + j·s1 + k·s2 + l·s3 elements
 * Tile t is row (i, j, k) = t of y.
 */
export function copy(
  begin: usize, end: usize, y: usize, x: usize, shift: usize, n1: usize, n2: usize, n3: usize, s0: usize, s1: usize, s2: usize, s3: usize,
): void {
  for (let t = begin; t < end; t++) {
    const k = t % n2, j = (t / n2) % n1, i = t / n2 / n1;
    let from = x + ((i * s0 + j * s1 + k * s2) << shift), to = y + t * (n3 << shift);
    if (s3 == 1) memory.copy(to, from, n3 << shift);
    else if (shift) for (let l: usize = 0; l < n3; l++, to += 4, from += s3 << 2) i32.store(to, i32.load(from));
    else for (let l: usize = 0; l < n3; l++, to++, from += s3) i32.store8(to, i32.load8_u(from));
  }
}

/** Rows that a tile of transpose_f32 writes. */
export const FLIPPED: usize = 8;

/**
 * The same where it is the last two axes that changed places, so that x's neighbours are y's columns: 4 × 4 elements at a time.
 * out  y [n0, n1, n2, n3]      in  x: element (i, j, k, l) at i·s0 + j·s1 + k + l·s3 floats
 * Tile t is FLIPPED rows from b · FLIPPED on of matrix (i, j), b = t mod ⌈n2/FLIPPED⌉: y's rows may lie a power of two apart, where a cache has room for eight.
 */
export function transpose_f32(
  begin: usize, end: usize, y: usize, x: usize, n1: usize, n2: usize, n3: usize, s0: usize, s1: usize, s3: usize,
): void {
  const blocks = (n2 + FLIPPED - 1) / FLIPPED, step = n3 << 2, ld = s3 << 2;
  for (let t = begin; t < end; t++) {
    const k = (t % blocks) * FLIPPED, matrix = t / blocks, i = matrix / n1, j = matrix % n1, rows = min(FLIPPED, n2 - k);
    let from = x + ((i * s0 + j * s1 + k) << 2), to = y + (matrix * n2 + k) * step, l = n3;
    for (; l >= 4; l -= 4, from += ld << 2, to += 16) {
      const p = from + ld, q = p + ld, r = q + ld;
      let m: usize = 0;
      for (; m + 4 <= rows; m += 4) {
        const o = m << 2;
        transpose4(to + m * step, step, v128.load(from + o), v128.load(p + o), v128.load(q + o), v128.load(r + o));
      }
      for (; m < rows; m++) {
        const o = m << 2, out = to + m * step;
        f32.store(out, f32.load(from + o)), f32.store(out, f32.load(p + o), 4);
        f32.store(out, f32.load(q + o), 8), f32.store(out, f32.load(r + o), 12);
      }
    }
    for (; l; l--, from += ld, to += 4) for (let m: usize = 0; m < rows; m++) f32.store(to + m * step, f32.load(from + (m << 2)));
  }
}

/**
 * Bytes from rows that lie apart to rows that lie apart.
 *   y[t · to … + bytes] = x[t · from … + bytes]
 * Tile t is row t; `to`, `from` and `bytes` count bytes.
 */
export function copy_rows(begin: usize, end: usize, y: usize, x: usize, bytes: usize, to: usize, from: usize): void {
  for (let t = begin; t < end; t++) memory.copy(y + t * to, x + t * from, bytes);
}
