/**
 * Pointwise activations. One kernel serves them all; matmul applies them in its epilogue, to a row that is still in L1.
 *
 *   relu        max(x, 0)                       Nair & Hinton 2010
 *   gelu        x Φ(x) = x/2 (1 + erf(x/√2))    Hendrycks & Gimpel, arXiv 1606.08415
 *   gelu_tanh   x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), written as x σ(2u)
 *   quick_gelu  x σ(1.702 x)                    the same paper, §2
 *   silu        x σ(x)                          Elfwing et al., arXiv 1702.03118
 *   tanh, sigmoid, identity
 *   and those that few models have: rare() and rare_grad()
 */
import { erf, exp, log, tanh } from './math';
import { TILE, load_tail, madd, store_tail } from './simd';

/** Their numbers; 0 is none. The host calls them by these names too. */
export enum Activation {
  relu = 1, gelu, geluTanh, quickGelu, silu, tanh, sigmoid, identity, gelu10, hardswish, laplace, leakyRelu, mish, relu2, relu6, sqrtSoftplus,
}

const C: usize = memory.data<f32>([
  1, 0.5, 0.7071067811865476, 1.5957691216057308, 0.07135481627260025, 1.702, -88.3762626647949,
  -100, 100, -0.5, 0.3989422804014327, 3, // for the gradients: bounds, −1/2, 1/√(2π), 3
]);

const R: usize = memory.data<f32>([
  2, 3, 6, 10, 20, 0.01, 0.16666666666666666, 0.3333333333333333, // at 24 hardswish's 1/6, at 28 the 1/3 of its gradient
  0.707107, 2.506626424383798, 1.4142125184828966, // laplace's mean, 1 / (0.282095 √2), and that by √π
  -87, // where e^x is the smallest normal number, about
]);

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function sigmoid(x: v128): v128 {
  const one = v128.load32_splat(C);
  const y = f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))));
  // exp stands still beyond its limit; σ goes on to 0, and x σ(x) with it.
  return v128.andnot(y, f32x4.lt(x, v128.load32_splat(C + 24)));
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function gelu(x: v128): v128 {
  const half = f32x4.mul(x, v128.load32_splat(C + 4));
  return madd(half, erf(f32x4.mul(x, v128.load32_splat(C + 8))), half);
}

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function gelu_tanh(x: v128): v128 {
  const inner = madd(f32x4.mul(x, x), v128.load32_splat(C + 16), v128.load32_splat(C + 12));
  return f32x4.mul(x, sigmoid(f32x4.mul(x, inner)));
}

/** min(max(x, 0), 6). NaN stays. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function relu6(x: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, f32x4.splat(0)), v128.load32_splat(R + 8));
}

/** e^x (e^x + 2), of which mish is x n / (n + 2): tanh(ln(1 + e^x)) by its exponentials. It is 1 from 20 on, where n would overflow. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function mish_n(x: v128): v128 {
  const e = exp(f32x4.pmin(x, v128.load32_splat(R + 16)));
  return f32x4.mul(e, f32x4.add(e, v128.load32_splat(R)));
}

/** √(ln(1 + e^x)), ln(1 + e^x) being max(x, 0) + ln(1 + t), t = e^−|x|: of a small t, ln u · t / (u − 1), u = 1 + t, is exact where ln u alone is not. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function sqrt_softplus(x: v128): v128 {
  const t = exp(f32x4.neg(f32x4.abs(x))), one = v128.load32_splat(C), u = f32x4.add(one, t);
  const ln = f32x4.div(f32x4.mul(log(u), t), f32x4.sub(u, one));
  return f32x4.sqrt(f32x4.add(f32x4.pmax(x, f32x4.splat(0)), v128.bitselect(t, ln, f32x4.eq(u, one))));
}

/**
 *   gelu_10        min(gelu(x), 10)                                  Wu et al., arXiv 2004.09602
 *   hardswish      x min(max(x + 3, 0), 6) / 6                       Howard et al., arXiv 1905.02244
 *   laplace        (1 + erf((x − 0.707107) / (0.282095 √2))) / 2     Ma et al., arXiv 2209.10655
 *   leaky_relu     x, or 0.01 x below 0                              Maas et al. 2013
 *   mish           x tanh(ln(1 + e^x))                               Misra, arXiv 1908.08681
 *   relu2          max(x, 0)²                                        So et al., arXiv 2109.08668
 *   relu6          min(max(x, 0), 6)
 *   sqrt_softplus  √(ln(1 + e^x))
 */
function rare(x: v128, kind: i32): v128 {
  if (kind == Activation.gelu10) return f32x4.pmin(gelu(x), v128.load32_splat(R + 12));
  if (kind == Activation.relu6) return relu6(x);
  if (kind == Activation.relu2) {
    const y = f32x4.pmax(x, f32x4.splat(0));
    return f32x4.mul(y, y);
  }
  if (kind == Activation.leakyRelu) return v128.bitselect(x, f32x4.mul(x, v128.load32_splat(R + 20)), f32x4.gt(x, f32x4.splat(0)));
  if (kind == Activation.hardswish) return f32x4.mul(f32x4.mul(x, v128.load32_splat(R + 24)), relu6(f32x4.add(x, v128.load32_splat(R + 4))));
  if (kind == Activation.laplace) {
    const half = v128.load32_splat(C + 4), z = f32x4.mul(f32x4.sub(x, v128.load32_splat(R + 32)), v128.load32_splat(R + 36));
    return madd(half, erf(z), half);
  }
  if (kind == Activation.mish) {
    const n = mish_n(x);
    return f32x4.mul(x, f32x4.div(n, f32x4.add(n, v128.load32_splat(R))));
  }
  return sqrt_softplus(x);
}

/** One vector. Small on purpose: it tiers up alone, and every caller gives the same bits. */
function activate(x: v128, kind: i32): v128 {
  if (kind == Activation.gelu) return gelu(x);
  if (kind == Activation.relu) return f32x4.pmax(x, f32x4.splat(0));
  if (kind == Activation.silu) return f32x4.mul(x, sigmoid(x));
  if (kind == Activation.geluTanh) return gelu_tanh(x);
  if (kind == Activation.quickGelu) return f32x4.mul(x, sigmoid(f32x4.mul(x, v128.load32_splat(C + 20))));
  if (kind == Activation.tanh) return tanh(x);
  if (kind == Activation.sigmoid) return sigmoid(x);
  return kind == Activation.identity ? x : rare(x, kind);
}

/** y[i] = activation(x[i]), i < n; y may be x. */
export function activate_row(y: usize, x: usize, n: usize, kind: i32): void {
  // The one that encoders use has a loop of its own, without a call for every vector: 1.2 to 1.5 times as fast (`bench kernels`).
  if (kind == Activation.gelu) for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, gelu(v128.load(x)));
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, activate(v128.load(x), kind));
  if (n) store_tail(y, activate(load_tail(x, n, f32x4.splat(0)), kind), n);
}

/**
 * y[i] = activation(x[i]).   out  y [n]   in  x [n]
 * Tile i is elements i · TILE … (i + 1) · TILE − 1. y may be x.
 */
export function activation_f32(begin: usize, end: usize, y: usize, x: usize, n: usize, kind: i32): void {
  const from = begin * TILE, to = min(end * TILE, n);
  activate_row(y + (from << 2), x + (from << 2), to - from, kind);
}

/** dy · activation'(x) of the rare ones; at a kink as PyTorch has it. v is x within ±100. */
function rare_grad(dy: v128, x: v128, v: v128, kind: i32): v128 {
  const zero = f32x4.splat(0), one = v128.load32_splat(C), two = v128.load32_splat(R);
  if (kind == Activation.relu2) return f32x4.mul(dy, f32x4.mul(two, f32x4.pmax(x, zero)));
  if (kind == Activation.relu6) return v128.andnot(dy, v128.or(f32x4.le(x, zero), f32x4.ge(x, v128.load32_splat(R + 8))));
  if (kind == Activation.leakyRelu) return v128.bitselect(dy, f32x4.mul(dy, v128.load32_splat(R + 20)), f32x4.gt(x, zero));
  if (kind == Activation.hardswish) {
    const three = v128.load32_splat(R + 4), bent = madd(v, v128.load32_splat(R + 28), v128.load32_splat(C + 4));
    return f32x4.mul(dy, v128.andnot(v128.bitselect(one, bent, f32x4.ge(v, three)), f32x4.le(v, f32x4.neg(three))));
  }
  if (kind == Activation.laplace) {
    const z = f32x4.mul(f32x4.sub(v, v128.load32_splat(R + 32)), v128.load32_splat(R + 36));
    return f32x4.mul(dy, f32x4.mul(v128.load32_splat(R + 40), exp(f32x4.mul(z, f32x4.neg(z)))));
  }
  if (kind == Activation.mish) {
    // t + x σ(x) (1 − t²), t = n / (n + 2), so that 1 − t² = 4 (n + 1) / (n + 2)²
    const n = mish_n(v), m = f32x4.add(n, two), t = f32x4.div(n, m), four = f32x4.mul(two, two);
    const rest = f32x4.div(f32x4.div(f32x4.mul(four, f32x4.add(n, one)), m), m);
    return f32x4.mul(dy, madd(f32x4.mul(v, sigmoid(v)), rest, t));
  }
  // σ(x) / (2 √softplus); both are 0 below −87, where it is too.
  const w = f32x4.pmax(v, v128.load32_splat(R + 44));
  return f32x4.mul(dy, f32x4.div(sigmoid(w), f32x4.mul(two, sqrt_softplus(w))));
}

/** dy · activation'(x). */
function activate_grad(dy: v128, x: v128, kind: i32): v128 {
  if (kind == Activation.identity) return dy;
  // A NaN lets the gradient pass, as in PyTorch.
  if (kind == Activation.relu) return v128.andnot(dy, f32x4.le(x, f32x4.splat(0)));
  // Out there every slope is 0 or 1; in here no power of x overflows. NaN stays.
  const v = f32x4.pmin(f32x4.pmax(x, v128.load32_splat(C + 28)), v128.load32_splat(C + 32)), one = v128.load32_splat(C);
  if (kind == Activation.gelu || kind == Activation.gelu10) {
    // Φ(x) + x φ(x)
    const half = v128.load32_splat(C + 4), density = exp(f32x4.mul(f32x4.mul(v, v), v128.load32_splat(C + 36)));
    const area = madd(half, erf(f32x4.mul(v, v128.load32_splat(C + 8))), half);
    const slope = f32x4.mul(dy, madd(f32x4.mul(v, v128.load32_splat(C + 40)), density, area));
    return kind == Activation.gelu ? slope : v128.andnot(slope, f32x4.gt(v, v128.load32_splat(R + 12)));
  }
  if (kind > Activation.identity) return rare_grad(dy, x, v, kind);
  if (kind == Activation.tanh) {
    const y = tanh(v);
    return f32x4.mul(dy, f32x4.mul(f32x4.sub(one, y), f32x4.add(one, y)));
  }
  // What is left is x σ(z), whose slope is σ(z) + x z' σ(z) (1 − σ(z)), and σ itself; a is x z'.
  let z = v, a = v;
  if (kind == Activation.geluTanh) {
    const v2 = f32x4.mul(v, v), p = v128.load32_splat(C + 12), q = v128.load32_splat(C + 16);
    z = f32x4.mul(v, madd(v2, q, p)), a = f32x4.mul(v, madd(f32x4.mul(v2, v128.load32_splat(C + 44)), q, p));
  } else if (kind == Activation.quickGelu) {
    z = f32x4.mul(v, v128.load32_splat(C + 20)), a = z;
  }
  const s = sigmoid(z), slope = f32x4.mul(s, f32x4.sub(one, s));
  return f32x4.mul(dy, kind == Activation.sigmoid ? slope : madd(slope, a, s));
}

/**
 * dx[i] = dy[i] · activation'(x[i]).   out  dx [n]   in  dy, x [n]
 * Tile i is elements i · TILE … (i + 1) · TILE − 1. dx may be dy.
 */
export function activation_grad_f32(begin: usize, end: usize, dx: usize, dy: usize, x: usize, n: usize, kind: i32): void {
  const from = begin * TILE, zero = f32x4.splat(0);
  let left = min(end * TILE, n) - from, p = dx + (from << 2), q = dy + (from << 2), r = x + (from << 2);
  for (; left >= 4; left -= 4, p += 16, q += 16, r += 16) v128.store(p, activate_grad(v128.load(q), v128.load(r), kind));
  if (left) store_tail(p, activate_grad(load_tail(q, left, zero), load_tail(r, left, zero), kind), left);
}
