/** Tiles for vectors of 256 bits, where a row of a panel is one vector: two panels, so that there are chains enough. The rest is as in microkernel.ts. */
import { madd } from './simd';

/** Five rows × two panels, of which the second lies `step` bytes behind the first: twenty chains, ten where vectors are of 256 bits. */
export function micro_5x2(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, step: usize, K: usize, accumulate: bool): void {
  let v = w + step, x1 = x + ldx, x2 = x1 + ldx, x3 = x2 + ldx, x4 = x3 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy, y3 = y2 + ldy, y4 = y3 + ldy;
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
  let d0 = f32x4.splat(0), d1 = f32x4.splat(0), d2 = f32x4.splat(0), d3 = f32x4.splat(0);
  let e0 = f32x4.splat(0), e1 = f32x4.splat(0), e2 = f32x4.splat(0), e3 = f32x4.splat(0);
  if (accumulate) {
    a0 = v128.load(y), a1 = v128.load(y, 16), a2 = v128.load(y, 32), a3 = v128.load(y, 48);
    b0 = v128.load(y1), b1 = v128.load(y1, 16), b2 = v128.load(y1, 32), b3 = v128.load(y1, 48);
    c0 = v128.load(y2), c1 = v128.load(y2, 16), c2 = v128.load(y2, 32), c3 = v128.load(y2, 48);
    d0 = v128.load(y3), d1 = v128.load(y3, 16), d2 = v128.load(y3, 32), d3 = v128.load(y3, 48);
    e0 = v128.load(y4), e1 = v128.load(y4, 16), e2 = v128.load(y4, 32), e3 = v128.load(y4, 48);
  }
  do {
    const w0 = v128.load(w), w1 = v128.load(w, 16), w2 = v128.load(v), w3 = v128.load(v, 16);
    const a = v128.load32_splat(x);
    a0 = madd(a, w0, a0), a1 = madd(a, w1, a1), a2 = madd(a, w2, a2), a3 = madd(a, w3, a3);
    const b = v128.load32_splat(x1);
    b0 = madd(b, w0, b0), b1 = madd(b, w1, b1), b2 = madd(b, w2, b2), b3 = madd(b, w3, b3);
    const c = v128.load32_splat(x2);
    c0 = madd(c, w0, c0), c1 = madd(c, w1, c1), c2 = madd(c, w2, c2), c3 = madd(c, w3, c3);
    const d = v128.load32_splat(x3);
    d0 = madd(d, w0, d0), d1 = madd(d, w1, d1), d2 = madd(d, w2, d2), d3 = madd(d, w3, d3);
    const e = v128.load32_splat(x4);
    e0 = madd(e, w0, e0), e1 = madd(e, w1, e1), e2 = madd(e, w2, e2), e3 = madd(e, w3, e3);
    x += 4, x1 += 4, x2 += 4, x3 += 4, x4 += 4, w += 32, v += 32;
  } while (--K);
  v128.store(y, a0), v128.store(y, a1, 16), v128.store(y, a2, 32), v128.store(y, a3, 48);
  v128.store(y1, b0), v128.store(y1, b1, 16), v128.store(y1, b2, 32), v128.store(y1, b3, 48);
  v128.store(y2, c0), v128.store(y2, c1, 16), v128.store(y2, c2, 32), v128.store(y2, c3, 48);
  v128.store(y3, d0), v128.store(y3, d1, 16), v128.store(y3, d2, 32), v128.store(y3, d3, 48);
  v128.store(y4, e0), v128.store(y4, e1, 16), v128.store(y4, e2, 32), v128.store(y4, e3, 48);
}

/** Four rows × two panels. */
export function micro_4x2(y: usize, ldy: usize, x: usize, ldx: usize, w: usize, step: usize, K: usize, accumulate: bool): void {
  let v = w + step, x1 = x + ldx, x2 = x1 + ldx, x3 = x2 + ldx;
  const y1 = y + ldy, y2 = y1 + ldy, y3 = y2 + ldy;
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
  let d0 = f32x4.splat(0), d1 = f32x4.splat(0), d2 = f32x4.splat(0), d3 = f32x4.splat(0);
  if (accumulate) {
    a0 = v128.load(y), a1 = v128.load(y, 16), a2 = v128.load(y, 32), a3 = v128.load(y, 48);
    b0 = v128.load(y1), b1 = v128.load(y1, 16), b2 = v128.load(y1, 32), b3 = v128.load(y1, 48);
    c0 = v128.load(y2), c1 = v128.load(y2, 16), c2 = v128.load(y2, 32), c3 = v128.load(y2, 48);
    d0 = v128.load(y3), d1 = v128.load(y3, 16), d2 = v128.load(y3, 32), d3 = v128.load(y3, 48);
  }
  do {
    const w0 = v128.load(w), w1 = v128.load(w, 16), w2 = v128.load(v), w3 = v128.load(v, 16);
    const a = v128.load32_splat(x);
    a0 = madd(a, w0, a0), a1 = madd(a, w1, a1), a2 = madd(a, w2, a2), a3 = madd(a, w3, a3);
    const b = v128.load32_splat(x1);
    b0 = madd(b, w0, b0), b1 = madd(b, w1, b1), b2 = madd(b, w2, b2), b3 = madd(b, w3, b3);
    const c = v128.load32_splat(x2);
    c0 = madd(c, w0, c0), c1 = madd(c, w1, c1), c2 = madd(c, w2, c2), c3 = madd(c, w3, c3);
    const d = v128.load32_splat(x3);
    d0 = madd(d, w0, d0), d1 = madd(d, w1, d1), d2 = madd(d, w2, d2), d3 = madd(d, w3, d3);
    x += 4, x1 += 4, x2 += 4, x3 += 4, w += 32, v += 32;
  } while (--K);
  v128.store(y, a0), v128.store(y, a1, 16), v128.store(y, a2, 32), v128.store(y, a3, 48);
  v128.store(y1, b0), v128.store(y1, b1, 16), v128.store(y1, b2, 32), v128.store(y1, b3, 48);
  v128.store(y2, c0), v128.store(y2, c1, 16), v128.store(y2, c2, 32), v128.store(y2, c3, 48);
  v128.store(y3, d0), v128.store(y3, d1, 16), v128.store(y3, d2, 32), v128.store(y3, d3, 48);
}
