/** Sums with a fixed tree for every element, whoever computes it. */
import { load_tail, store_tail, sum_row } from './simd';

/** Rows, and elements of a row, whose sum is one tree of its own; these are added in order. Keeps rounding small in long sums. */
const ROWS: usize = 64;
const ELEMENTS: usize = 1024;

/** y[i] = Σ_r x[r,i] for n (1 to 4) columns. */
function sum_columns(y: usize, x: usize, R: usize, step: usize, n: usize): void {
  const zero = f32x4.splat(0);
  let total = zero;
  for (let r: usize = 0; r < R; ) {
    let sum = zero;
    for (const to = min(r + ROWS, R); r < to; r++, x += step) sum = f32x4.add(sum, n == 4 ? v128.load(x) : load_tail(x, n, zero));
    total = f32x4.add(total, sum);
  }
  if (n == 4) v128.store(y, total);
  else store_tail(y, total, n);
}

/** The same for 16 columns, a cache line of every row. */
function sum_line(y: usize, x: usize, R: usize, step: usize): void {
  const zero = f32x4.splat(0);
  v128.store(y, zero), v128.store(y, zero, 16), v128.store(y, zero, 32), v128.store(y, zero, 48);
  for (let r: usize = 0; r < R; ) {
    let a = zero, b = zero, c = zero, d = zero;
    for (const to = min(r + ROWS, R); r < to; r++, x += step) {
      a = f32x4.add(a, v128.load(x)), b = f32x4.add(b, v128.load(x, 16));
      c = f32x4.add(c, v128.load(x, 32)), d = f32x4.add(d, v128.load(x, 48));
    }
    v128.store(y, f32x4.add(v128.load(y), a)), v128.store(y, f32x4.add(v128.load(y, 16), b), 16);
    v128.store(y, f32x4.add(v128.load(y, 32), c), 32), v128.store(y, f32x4.add(v128.load(y, 48), d), 48);
  }
}

/**
 *   y[a,i] = Σ_r x[a,r,i]
 * out  y [A, I]      in  x [A, R, I]
 * Tile t is columns 16 s … 16 s + 15 of matrix a, s = t mod ⌈I/16⌉, a = t / ⌈I/16⌉. Any R, I.
 */
export function sum_f32(begin: usize, end: usize, y: usize, x: usize, R: usize, I: usize): void {
  const strips = (I + 15) >> 4, step = I << 2;
  for (let tile = begin; tile < end; tile++) {
    const a = tile / strips, from = (tile % strips) << 4, to = min(from + 16, I), q = x + a * R * step, p = y + a * step;
    if (I == 1) {
      let sum: f32 = 0;
      for (let r: usize = 0; r < R; r += ELEMENTS) sum += sum_row(q + (r << 2), min(ELEMENTS, R - r));
      f32.store(p, sum);
    } else if (to - from == 16) sum_line(p + (from << 2), q + (from << 2), R, step);
    else for (let i = from; i < to; i += 4) sum_columns(p + (i << 2), q + (i << 2), R, step, min<usize>(4, to - i));
  }
}
