/**
 * Cross entropy over rows of logits, as PyTorch defines it with class weights w and label smoothing ε (Szegedy et al., arXiv 1512.00567, §7):
 *
 *   loss[t] = (1 − ε) · w[y] · −ln p[t,y] + ε/V · Σ_c w[c] · −ln p[t,c],   p = softmax(x),   y = target[t]
 *
 * A row whose target is `ignore` has no loss and no gradient. The mean, which divides by Σ w[y], is the host's.
 */
import { exp, log } from './math';
import { load_tail, lower, store_tail, sum2, upper } from './simd';
import { row_exp, row_max } from './softmax';

/** Ones below lane n, zeros from it on: what a tail weighs. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function ones(n: usize): v128 {
  return v128.and(i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>n)), f32x4.splat(1));
}

/** Σ_c w[c] · (l − (x[c] − m)); w may be 0: all ones. */
function smooth_row(x: usize, w: usize, V: usize, m: f32, l: f32): f32 {
  const top = f32x4.splat(m), log = f32x4.splat(l);
  let a = f64x2.splat(0), b = f64x2.splat(0);
  for (; V >= 4; V -= 4, x += 16) {
    let v = f32x4.sub(log, f32x4.sub(v128.load(x), top));
    if (w) v = f32x4.mul(v, v128.load(w)), w += 16;
    a = f64x2.add(a, lower(v)), b = f64x2.add(b, upper(v));
  }
  if (V) {
    let v = f32x4.sub(log, f32x4.sub(load_tail(x, V, top), top));
    v = f32x4.mul(v, w ? load_tail(w, V, f32x4.splat(0)) : ones(V));
    a = f64x2.add(a, lower(v)), b = f64x2.add(b, upper(v));
  }
  return <f32>sum2(a, b);
}

/**
 * out  loss [T], stats [T, 2] = (m, l): a row's largest logit, and ln Σ_c exp(x[c] − m)
 * in   x [T, V], target [T] (int32), w [V] or 0; keep = 1 − ε, share = ε/V
 * Tile t is row t. 0 <= target[t] < V, or `ignore`. V >= 1.
 */
export function cross_entropy_f32(
  begin: usize, end: usize, loss: usize, stats: usize, x: usize, target: usize, w: usize, V: usize, ignore: i32, keep: f32, share: f32,
): void {
  for (let t = begin; t < end; t++) {
    const y = i32.load(target + (t << 2)), row = x + t * (V << 2);
    if (y == ignore) {
      f32.store(loss + (t << 2), 0);
      continue;
    }
    const m = row_max(row, V), sum = row_exp(0, row, V, m);
    const l = f32x4.extract_lane(log(f32x4.splat(sum)), 0) + (sum - sum); // log knows no NaN: 0 or NaN is added
    const weight: f32 = w ? f32.load(w + (<usize>y << 2)) : 1;
    let value = keep * weight * (l - (f32.load(row + (<usize>y << 2)) - m));
    if (share != 0) value += share * smooth_row(row, w, V, m, l);
    f32.store(loss + (t << 2), value);
    f32.store(stats + (t << 3), m), f32.store(stats + (t << 3), l, 4);
  }
}

/**
 *   dx[t,c] = a · ((keep · w[y] + share · total) · p[t,c] − share · w[c] − keep · w[y] · [c = y])
 * out  dx [T, V]      in  x, stats, target, w, ignore, keep, share as cross_entropy_f32 had them; total = Σ_c w[c], a = dloss / Σ_t w[y]
 * Tile t is row t.
 */
export function cross_entropy_grad_f32(
  begin: usize, end: usize, dx: usize, x: usize, stats: usize, target: usize, w: usize, V: usize, ignore: i32, keep: f32, share: f32,
  total: f32, a: f32,
): void {
  for (let t = begin; t < end; t++) {
    const y = i32.load(target + (t << 2)), o = t * (V << 2);
    if (y == ignore) {
      memory.fill(dx + o, 0, V << 2);
      continue;
    }
    const weight: f32 = w ? f32.load(w + (<usize>y << 2)) : 1;
    const shift = f32x4.splat(f32.load(stats + (t << 3))), l = f32x4.splat(f32.load(stats + (t << 3), 4));
    const scale = f32x4.splat(a * (keep * weight + share * total)), base = f32x4.splat(a * share);
    let p = dx + o, q = x + o, r = w, left = V;
    for (; left >= 4; left -= 4, p += 16, q += 16) {
      const e = f32x4.mul(exp(f32x4.sub(f32x4.sub(v128.load(q), shift), l)), scale);
      v128.store(p, f32x4.sub(e, r ? f32x4.mul(base, v128.load(r)) : base));
      if (r) r += 16;
    }
    if (left) {
      const e = f32x4.mul(exp(f32x4.sub(f32x4.sub(load_tail(q, left, shift), shift), l)), scale);
      store_tail(p, f32x4.sub(e, r ? f32x4.mul(base, load_tail(r, left, base)) : base), left);
    }
    const at = dx + o + (<usize>y << 2);
    f32.store(at, f32.load(at) - a * keep * weight);
  }
}
