/**
 * Steps of optimizers, in place, as PyTorch's single-tensor forms take them, and the sum of squares that gradients are clipped by. What depends on the
 * step's number comes from the host as a scalar, rounded. A tile is TILE elements.
 */
import { TILE, load_tail, lower, store_tail, sum2, upper } from './simd';

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function load4(p: usize, n: usize): v128 {
  return n >= 4 ? v128.load(p) : load_tail(p, n, f32x4.splat(0));
}

/**
 * Adam (Kingma & Ba, arXiv 1412.6980, alg. 1); with keep = 1 − lr · decay and decay = 0, AdamW (Loshchilov & Hutter, arXiv 1711.05101, alg. 2).
 *   p ← keep · p;   g' = scale · g + decay · p
 *   m ← m + (1 − β1) (g' − m);   v ← β2 v + (1 − β2) g'²
 *   p ← p − rate · m / (√v · correction + eps),   rate = lr / (1 − β1^t), correction = 1 / √(1 − β2^t)
 * out  p, m, v [n]      in  the same, g [n]
 * Tile i is elements i · TILE … (i + 1) · TILE − 1.
 */
export function adam_f32(
  begin: usize, end: usize, p: usize, m: usize, v: usize, g: usize, n: usize, scale: f32, keep: f32, decay: f32, beta1: f32, beta2: f32,
  rate: f32, correction: f32, eps: f32,
): void {
  const s = f32x4.splat(scale), k = f32x4.splat(keep), d = f32x4.splat(decay), a = f32x4.splat(1 - beta1);
  const b = f32x4.splat(beta2), c = f32x4.splat(1 - beta2), r = f32x4.splat(rate), q = f32x4.splat(correction), e = f32x4.splat(eps);
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i += 4) {
    const o = i << 2, left = to - i, w = f32x4.mul(k, load4(p + o, left));
    const u = f32x4.add(f32x4.mul(d, w), f32x4.mul(s, load4(g + o, left)));
    const m0 = load4(m + o, left), m1 = f32x4.add(m0, f32x4.mul(a, f32x4.sub(u, m0)));
    const v1 = f32x4.add(f32x4.mul(b, load4(v + o, left)), f32x4.mul(c, f32x4.mul(u, u)));
    const w1 = f32x4.sub(w, f32x4.div(f32x4.mul(r, m1), f32x4.add(f32x4.mul(f32x4.sqrt(v1), q), e)));
    if (left >= 4) v128.store(p + o, w1), v128.store(m + o, m1), v128.store(v + o, v1);
    else store_tail(p + o, w1, left), store_tail(m + o, m1, left), store_tail(v + o, v1, left);
  }
}

/**
 * Stochastic gradient descent, with momentum where m is not 0 (Sutskever et al. 2013, in PyTorch's form).
 *   g' = scale · g + decay · p;   m ← momentum · m + blend · g';   p ← p − lr · (nesterov · m + g', or m where nesterov is 0)
 * out  p [n], m [n] or 0      in  the same, g [n]; blend = 1 − dampening. The first step has momentum 0 and blend 1.
 * Tile i is elements i · TILE … (i + 1) · TILE − 1.
 */
export function sgd_f32(
  begin: usize, end: usize, p: usize, m: usize, g: usize, n: usize, scale: f32, decay: f32, momentum: f32, blend: f32, nesterov: f32, lr: f32,
): void {
  const s = f32x4.splat(scale), d = f32x4.splat(decay), u = f32x4.splat(momentum), b = f32x4.splat(blend);
  const a = f32x4.splat(nesterov), r = f32x4.splat(lr);
  for (let i = begin * TILE, to = min(end * TILE, n); i < to; i += 4) {
    const o = i << 2, left = to - i, w = load4(p + o, left);
    let step = f32x4.add(f32x4.mul(d, w), f32x4.mul(s, load4(g + o, left)));
    if (m) {
      const m1 = f32x4.add(f32x4.mul(u, load4(m + o, left)), f32x4.mul(b, step));
      if (left >= 4) v128.store(m + o, m1);
      else store_tail(m + o, m1, left);
      step = nesterov != 0 ? f32x4.add(f32x4.mul(a, m1), step) : m1;
    }
    const w1 = f32x4.sub(w, f32x4.mul(r, step));
    if (left >= 4) v128.store(p + o, w1);
    else store_tail(p + o, w1, left);
  }
}

/**
 *   sums[i] = Σ x[j]² over tile i, in float64
 * out  sums [⌈n/TILE⌉] (float64)      in  x [n]
 * Tile i is elements i · TILE … (i + 1) · TILE − 1; the host adds the sums up, in order.
 */
export function square_sum_f32(begin: usize, end: usize, sums: usize, x: usize, n: usize): void {
  for (let tile = begin; tile < end; tile++) {
    let a = f64x2.splat(0), b = f64x2.splat(0);
    for (let i = tile * TILE, to = min((tile + 1) * TILE, n); i < to; i += 4) {
      const v = load4(x + (i << 2), to - i), low = lower(v), high = upper(v);
      a = f64x2.add(a, f64x2.mul(low, low)), b = f64x2.add(b, f64x2.mul(high, high));
    }
    f64.store(sums + (tile << 3), sum2(a, b));
  }
}
