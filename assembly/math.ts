/**
 * exp, log, tanh, erf of four float32 at once. Polynomials and rationals were fitted for heed (Lawson's iteration);
 * errors are the largest seen against float64, plain build, at every third to seventeenth float (`test/ops/math.test.ts` holds
 * them to it at a sample).
 * Constants are splatted from memory: V8 from Node 24 on would rebuild a v128 constant at every use.
 */
import { madd } from './simd';

const EXP: usize = memory.data<f32>([
  -87.3365478515625, 88.3762626647949, // below: 0; above: clamped, so that 2^n stays a normal number
  1.44269504088896341, 12582912, // log2 e; 1.5 · 2^23, which rounds to the nearest integer and leaves it in the low bits
  -0.693359375, 2.12194440e-4, // −ln 2 in two parts (Cody & Waite): n · high is exact
  1.3814601115882397e-3, 8.368715643882751e-3, 4.166838899254799e-2, 0.1666652113199234, 0.4999999403953552, 1,
]);

/** e^x. 0 below −87.33, at most 2.4e38. Relative error 8.2e-8, 0.97 ulp. NaN for NaN; exp(0) is exactly 1. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function exp(x: v128): v128 {
  const low = v128.load32_splat(EXP);
  const magic = v128.load32_splat(EXP + 12);
  // pmax(a, b) is b where a < b, else a: NaN stays.
  const y = f32x4.pmin(f32x4.pmax(x, low), v128.load32_splat(EXP + 4));
  const shifted = madd(y, v128.load32_splat(EXP + 8), magic);
  const n = f32x4.sub(shifted, magic);
  const r = madd(n, v128.load32_splat(EXP + 20), madd(n, v128.load32_splat(EXP + 16), y));
  let p = v128.load32_splat(EXP + 24);
  p = madd(p, r, v128.load32_splat(EXP + 28));
  p = madd(p, r, v128.load32_splat(EXP + 32));
  p = madd(p, r, v128.load32_splat(EXP + 36));
  p = madd(p, r, v128.load32_splat(EXP + 40));
  const one = v128.load32_splat(EXP + 44);
  p = f32x4.add(madd(f32x4.mul(r, r), p, r), one);
  // times 2^n: n sits in the low bits of `shifted`. A product, not a sum of bits: a NaN stays one, whatever it carries.
  return v128.andnot(f32x4.mul(p, i32x4.add(one, i32x4.shl(shifted, 23))), f32x4.lt(x, low));
}

const LOG: usize = memory.data<f32>([
  0.0674663856625557, -0.11675651371479034, 0.11888162791728973, -0.1240558922290802, 0.14219552278518677,
  -0.1666799634695053, 0.2000211924314499, -0.25000008940696716, 0.3333331346511841, // P, the highest degree first
  -0.5, -2.12194440e-4, 0.693359375, // ln 2 = the last − 2.1e-4
]);

/**
 * ln x of a normal positive x: x = 2^e · m with m in [√½, √2), z = m − 1, ln x = e ln 2 + z − z²/2 + z³ P(z).
 * Relative error 8.1e-8, 0.83 ulp. Not of a NaN: that gives a number.
 */
export function log(x: v128): v128 {
  // Subtracting the bits of √½ makes the exponent field count from √½.
  const bits = i32x4.sub(x, i32x4.splat(0x3f3504f3));
  const e = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
  const m = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  const z = f32x4.sub(m, f32x4.splat(1));
  const z2 = f32x4.mul(z, z);
  let p = v128.load32_splat(LOG);
  p = madd(p, z, v128.load32_splat(LOG + 4));
  p = madd(p, z, v128.load32_splat(LOG + 8));
  p = madd(p, z, v128.load32_splat(LOG + 12));
  p = madd(p, z, v128.load32_splat(LOG + 16));
  p = madd(p, z, v128.load32_splat(LOG + 20));
  p = madd(p, z, v128.load32_splat(LOG + 24));
  p = madd(p, z, v128.load32_splat(LOG + 28));
  p = madd(p, z, v128.load32_splat(LOG + 32));
  p = f32x4.mul(f32x4.mul(p, z), z2);
  p = madd(e, v128.load32_splat(LOG + 40), p);
  p = madd(z2, v128.load32_splat(LOG + 36), p);
  return madd(e, v128.load32_splat(LOG + 44), f32x4.add(z, p));
}

const TANH: usize = memory.data<f32>([
  -0.005704987328499556, 0.0206390880048275, -0.05373971536755562, 0.13331441581249237, -0.3333328068256378, 0.625, 1, 2,
]);

/** tanh x = x + x³ P(x²) below 0.625, else ±(1 − 2 / (e^2|x| + 1)). Relative error 1.4e-7, 1.4 ulp. NaN for NaN. */
export function tanh(x: v128): v128 {
  const a = f32x4.abs(x);
  const x2 = f32x4.mul(x, x);
  let p = v128.load32_splat(TANH);
  p = madd(p, x2, v128.load32_splat(TANH + 4));
  p = madd(p, x2, v128.load32_splat(TANH + 8));
  p = madd(p, x2, v128.load32_splat(TANH + 12));
  p = madd(p, x2, v128.load32_splat(TANH + 16));
  p = madd(f32x4.mul(x2, x), p, x);
  const one = v128.load32_splat(TANH + 24);
  const large = f32x4.sub(one, f32x4.div(v128.load32_splat(TANH + 28), f32x4.add(exp(f32x4.add(a, a)), one)));
  const sign = i32x4.splat(0x80000000);
  return v128.bitselect(p, v128.or(large, v128.and(x, sign)), f32x4.lt(a, v128.load32_splat(TANH + 20)));
}

const ERF: usize = memory.data<f32>([
  -3.9200010299682617, 3.9200010299682617, // from here on ±1, exactly: so chosen that P / Q rounds to it, fused or not
  2.0500920072663575e-6, 2.848820586223155e-4, 3.765587229281664e-3, 5.2748627960681915e-2, 0.19040577113628387, 1.1283791065216064,
  3.809172994806431e-5, 1.1625284096226096e-3, 1.4969156123697758e-2, 0.11410882323980331, 0.5020754933357239, 1,
]);

/** erf x = x P(x²) / Q(x²), both of degree 5. Relative error 4.9e-7, 8.2 ulp. NaN for NaN. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
export function erf(x: v128): v128 {
  const y = f32x4.pmin(f32x4.pmax(x, v128.load32_splat(ERF)), v128.load32_splat(ERF + 4));
  const t = f32x4.mul(y, y);
  let p = v128.load32_splat(ERF + 8);
  p = madd(p, t, v128.load32_splat(ERF + 12));
  p = madd(p, t, v128.load32_splat(ERF + 16));
  p = madd(p, t, v128.load32_splat(ERF + 20));
  p = madd(p, t, v128.load32_splat(ERF + 24));
  p = madd(p, t, v128.load32_splat(ERF + 28));
  let q = v128.load32_splat(ERF + 32);
  q = madd(q, t, v128.load32_splat(ERF + 36));
  q = madd(q, t, v128.load32_splat(ERF + 40));
  q = madd(q, t, v128.load32_splat(ERF + 44));
  q = madd(q, t, v128.load32_splat(ERF + 48));
  q = madd(q, t, v128.load32_splat(ERF + 52));
  return f32x4.mul(y, f32x4.div(p, q));
}
