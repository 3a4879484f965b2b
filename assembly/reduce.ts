/** Sums and means, in float64 and in one order for every element, whoever computes it; rounded once. */
import { STRIP, load_tail, lower, round4, store_tail, sum_row, upper } from './simd';

/** y[i] = Σ_r x[r,i] / d for n (1 to 4) columns. */
function sum_columns(y: usize, x: usize, R: usize, step: usize, n: usize, d: v128): void {
  const zero = f64x2.splat(0);
  let a = zero, b = zero;
  for (; R; R--, x += step) {
    const v = n == 4 ? v128.load(x) : load_tail(x, n, zero);
    a = f64x2.add(a, lower(v)), b = f64x2.add(b, upper(v));
  }
  const sums = round4(f64x2.div(a, d), f64x2.div(b, d));
  if (n == 4) v128.store(y, sums);
  else store_tail(y, sums, n);
}

/** The same for 16 columns, a cache line of every row. */
function sum_line(y: usize, x: usize, R: usize, step: usize, n: v128): void {
  const zero = f64x2.splat(0);
  let a = zero, b = zero, c = zero, d = zero, e = zero, f = zero, g = zero, h = zero;
  for (; R; R--, x += step) {
    const p = v128.load(x), q = v128.load(x, 16), r = v128.load(x, 32), s = v128.load(x, 48);
    a = f64x2.add(a, lower(p)), b = f64x2.add(b, upper(p)), c = f64x2.add(c, lower(q)), d = f64x2.add(d, upper(q));
    e = f64x2.add(e, lower(r)), f = f64x2.add(f, upper(r)), g = f64x2.add(g, lower(s)), h = f64x2.add(h, upper(s));
  }
  v128.store(y, round4(f64x2.div(a, n), f64x2.div(b, n))), v128.store(y, round4(f64x2.div(c, n), f64x2.div(d, n)), 16);
  v128.store(y, round4(f64x2.div(e, n), f64x2.div(f, n)), 32), v128.store(y, round4(f64x2.div(g, n), f64x2.div(h, n)), 48);
}

/**
 *   y[a,i] = Σ_r x[a,r,i] / d
 * out  y [A, I]      in  x [A, R, I]; d is 1 for a sum, R for a mean
 * Tile t is strip s = t mod ⌈I/STRIP⌉ of matrix a = t / ⌈I/STRIP⌉. Any R, I.
 */
export function sum_f32(begin: usize, end: usize, y: usize, x: usize, R: usize, I: usize, d: f64): void {
  const strips = (I + STRIP - 1) / STRIP, step = I << 2, divisor = f64x2.splat(d);
  for (let tile = begin; tile < end; tile++) {
    const a = tile / strips, from = (tile % strips) * STRIP, to = min(from + STRIP, I), q = x + a * R * step, p = y + a * step;
    if (I == 1) f32.store(p, <f32>(sum_row(q, R) / d));
    else if (to - from == STRIP) sum_line(p + (from << 2), q + (from << 2), R, step, divisor);
    else for (let i = from; i < to; i += 4) sum_columns(p + (i << 2), q + (i << 2), R, step, min<usize>(4, to - i), divisor);
  }
}
