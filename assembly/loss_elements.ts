/**
 * Losses of single numbers, as PyTorch defines them. The mean is the host's. A tile is TILE elements.
 *
 *   binary cross entropy with logits   −y ln σ(x) − (1 − y) ln σ(−x), written as max(x, 0) − x y + ln(1 + e),   e = exp(−|x|)
 *   squared error                      (x − y)²
 */
import { exp, log } from './math';
import { TILE, load_tail, store_tail } from './simd';

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function load4(p: usize, n: usize): v128 {
  return n >= 4 ? v128.load(p) : load_tail(p, n, f32x4.splat(0));
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function store4(p: usize, v: v128, n: usize): void {
  if (n >= 4) v128.store(p, v);
  else store_tail(p, v, n);
}

/** ln(1 + e), 0 <= e <= 1: what rounding 1 + e loses of a small e is made up for by a factor (Kahan; see Goldberg 1991, theorem 4). */
function log_1p(e: v128): v128 {
  const one = f32x4.splat(1), u = f32x4.add(one, e);
  return v128.bitselect(e, f32x4.div(f32x4.mul(log(u), e), f32x4.sub(u, one)), f32x4.eq(u, one));
}

/**
 * out  loss [n]      in  x, y [n]
 * Tile i is elements i · TILE … (i + 1) · TILE − 1.
 */
export function binary_cross_entropy_f32(begin: usize, end: usize, loss: usize, x: usize, y: usize, n: usize): void {
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i += 4) {
    const o = i << 2, left = to - i, v = load4(x + o, left);
    const linear = f32x4.sub(f32x4.max(v, f32x4.splat(0)), f32x4.mul(v, load4(y + o, left)));
    store4(loss + o, f32x4.add(linear, log_1p(exp(f32x4.neg(f32x4.abs(v))))), left);
  }
}

/**
 *   dx = a (σ(x) − y), with r = e / (1 + e):  a (r − y) where x < 0, a ((1 − y) − r) elsewhere, so that nothing cancels where the answer is right
 * out  dx [n]      in  x, y [n]; a = dloss / n
 * Tile i is elements i · TILE … (i + 1) · TILE − 1.
 */
export function binary_cross_entropy_grad_f32(begin: usize, end: usize, dx: usize, x: usize, y: usize, n: usize, a: f32): void {
  const one = f32x4.splat(1), scale = f32x4.splat(a);
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i += 4) {
    const o = i << 2, left = to - i, v = load4(x + o, left), t = load4(y + o, left);
    const e = exp(f32x4.neg(f32x4.abs(v))), r = f32x4.div(e, f32x4.add(one, e));
    const d = v128.bitselect(f32x4.sub(r, t), f32x4.sub(f32x4.sub(one, t), r), f32x4.lt(v, f32x4.splat(0)));
    store4(dx + o, f32x4.mul(scale, d), left);
  }
}

/**
 * out  loss [n]      in  x, y [n]
 * Tile i is elements i · TILE … (i + 1) · TILE − 1.
 */
export function squared_error_f32(begin: usize, end: usize, loss: usize, x: usize, y: usize, n: usize): void {
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i += 4) {
    const o = i << 2, left = to - i, d = f32x4.sub(load4(x + o, left), load4(y + o, left));
    store4(loss + o, f32x4.mul(d, d), left);
  }
}

/**
 *   dx = 2 a (x − y)
 * out  dx [n]      in  x, y [n]; a = dloss / n
 * Tile i is elements i · TILE … (i + 1) · TILE − 1.
 */
export function squared_error_grad_f32(begin: usize, end: usize, dx: usize, x: usize, y: usize, n: usize, a: f32): void {
  const scale = f32x4.splat(2 * a);
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i += 4) {
    const o = i << 2, left = to - i;
    store4(dx + o, f32x4.mul(scale, f32x4.sub(load4(x + o, left), load4(y + o, left))), left);
  }
}
