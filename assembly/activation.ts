/**
 * Pointwise activations. One kernel serves them all; matmul applies them in its epilogue, to a row that is still in L1.
 *
 *   relu        max(x, 0)                       Nair & Hinton 2010
 *   gelu        x Φ(x) = x/2 (1 + erf(x/√2))    Hendrycks & Gimpel, arXiv 1606.08415
 *   gelu_tanh   x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), written as x σ(2u)
 *   quick_gelu  x σ(1.702 x)                    the same paper, §2
 *   silu        x σ(x)                          Elfwing et al., arXiv 1702.03118
 *   tanh, sigmoid
 */
import { erf, exp, tanh } from './math';
import { load_tail, madd, store_tail } from './simd';

// The host's names for these numbers stand in src/ops/activation.ts.
const RELU: i32 = 1, GELU: i32 = 2, GELU_TANH: i32 = 3, QUICK_GELU: i32 = 4, SILU: i32 = 5, TANH: i32 = 6, SIGMOID: i32 = 7;

const C: usize = memory.data<f32>([
  1, 0.5, 0.7071067811865476, 1.5957691216057308, 0.07135481627260025, 1.702, -88.3762626647949,
  -100, 100, -0.5, 0.3989422804014327, 3, // for the gradients: bounds, −1/2, 1/√(2π), 3
]);

// @ts-ignore: decorator
@inline
function sigmoid(x: v128): v128 {
  const one = v128.load32_splat(C);
  const y = f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))));
  // exp stands still beyond its limit; σ goes on to 0, and x σ(x) with it.
  return v128.andnot(y, f32x4.lt(x, v128.load32_splat(C + 24)));
}

// @ts-ignore: decorator
@inline
function gelu(x: v128): v128 {
  const half = f32x4.mul(x, v128.load32_splat(C + 4));
  return madd(half, erf(f32x4.mul(x, v128.load32_splat(C + 8))), half);
}

// @ts-ignore: decorator
@inline
function gelu_tanh(x: v128): v128 {
  const inner = madd(f32x4.mul(x, x), v128.load32_splat(C + 16), v128.load32_splat(C + 12));
  return f32x4.mul(x, sigmoid(f32x4.mul(x, inner)));
}

/** One vector. Small on purpose: it tiers up alone, and every caller gives the same bits. */
function activate(x: v128, kind: i32): v128 {
  if (kind == GELU) return gelu(x);
  if (kind == RELU) return f32x4.pmax(x, f32x4.splat(0));
  if (kind == SILU) return f32x4.mul(x, sigmoid(x));
  if (kind == GELU_TANH) return gelu_tanh(x);
  if (kind == QUICK_GELU) return f32x4.mul(x, sigmoid(f32x4.mul(x, v128.load32_splat(C + 20))));
  if (kind == TANH) return tanh(x);
  if (kind == SIGMOID) return sigmoid(x);
  return x;
}

/** y[i] = activation(x[i]), i < n; y may be x. */
export function activate_row(y: usize, x: usize, n: usize, kind: i32): void {
  // The one that encoders use has a loop of its own, without a call for every vector: 1.2 to 1.5 times as fast (`bench kernels`).
  if (kind == GELU) for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, gelu(v128.load(x)));
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, activate(v128.load(x), kind));
  if (n) store_tail(y, activate(load_tail(x, n, f32x4.splat(0)), kind), n);
}

/**
 * y[i] = activation(x[i]).   out  y [n]   in  x [n]
 * Tile i is elements 1024 i … 1024 i + 1023. y may be x.
 */
export function activation_f32(begin: usize, end: usize, y: usize, x: usize, n: usize, kind: i32): void {
  const from = begin << 10, to = min(end << 10, n);
  activate_row(y + (from << 2), x + (from << 2), to - from, kind);
}

/** dy · activation'(x). */
function activate_grad(dy: v128, x: v128, kind: i32): v128 {
  // A NaN lets the gradient pass, as in PyTorch.
  if (kind == RELU) return v128.andnot(dy, f32x4.le(x, f32x4.splat(0)));
  // Out there every slope is 0 or 1; in here no power of x overflows. NaN stays.
  const v = f32x4.pmin(f32x4.pmax(x, v128.load32_splat(C + 28)), v128.load32_splat(C + 32)), one = v128.load32_splat(C);
  if (kind == GELU) {
    // Φ(x) + x φ(x)
    const half = v128.load32_splat(C + 4), density = exp(f32x4.mul(f32x4.mul(v, v), v128.load32_splat(C + 36)));
    const area = madd(half, erf(f32x4.mul(v, v128.load32_splat(C + 8))), half);
    return f32x4.mul(dy, madd(f32x4.mul(v, v128.load32_splat(C + 40)), density, area));
  }
  if (kind == TANH) {
    const y = tanh(v);
    return f32x4.mul(dy, f32x4.mul(f32x4.sub(one, y), f32x4.add(one, y)));
  }
  // What is left is x σ(z), whose slope is σ(z) + x z' σ(z) (1 − σ(z)), and σ itself; a is x z'.
  let z = v, a = v;
  if (kind == GELU_TANH) {
    const v2 = f32x4.mul(v, v), p = v128.load32_splat(C + 12), q = v128.load32_splat(C + 16);
    z = f32x4.mul(v, madd(v2, q, p)), a = f32x4.mul(v, madd(f32x4.mul(v2, v128.load32_splat(C + 44)), q, p));
  } else if (kind == QUICK_GELU) {
    z = f32x4.mul(v, v128.load32_splat(C + 20)), a = z;
  }
  const s = sigmoid(z), slope = f32x4.mul(s, f32x4.sub(one, s));
  return f32x4.mul(dy, kind == SIGMOID ? slope : madd(slope, a, s));
}

/**
 * dx[i] = dy[i] · activation'(x[i]).   out  dx [n]   in  dy, x [n]
 * Tile i is elements 1024 i … 1024 i + 1023. dx may be dy.
 */
export function activation_grad_f32(begin: usize, end: usize, dx: usize, dy: usize, x: usize, n: usize, kind: i32): void {
  const from = begin << 10, zero = f32x4.splat(0);
  let left = min(end << 10, n) - from, p = dx + (from << 2), q = dy + (from << 2), r = x + (from << 2);
  for (; left >= 4; left -= 4, p += 16, q += 16, r += 16) v128.store(p, activate_grad(v128.load(q), v128.load(r), kind));
  if (left) store_tail(p, activate_grad(load_tail(q, left, zero), load_tail(r, left, zero), kind), left);
}
