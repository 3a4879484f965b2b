/**
 * Planes whose channels are innermost, [B, H, W, C]: windows of K × K places laid side by side, so that a convolution is a product with them, and back; convolutions of each channel
 * for itself; largest numbers of windows; frozen batch norms; and the likeliest class of each pixel.
 *
 * A window's taps are numbered line by line, t = ky K + kx. Window (s, r) has its tap t at line s · stride − padding + ky · dilation, and columns likewise.
 */
import { load_tail, lower, madd, round4, store_tail, transpose4, upper } from './simd';

/** The least number of steps of `step` from `at` on that leads to 0 or beyond, at most K. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function first_tap(at: isize, step: usize, K: usize): usize {
  return at >= 0 ? 0 : min<usize>(K, (<usize>-at + step - 1) / step);
}

/** The steps from `at` on that stay below n. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function taps_below(at: isize, step: usize, K: usize, n: usize): usize {
  return at >= <isize>n ? 0 : min<usize>(K, (<usize>(<isize>n - at) + step - 1) / step);
}

/** Where tap t of the window whose first tap is at (line, column) begins: C numbers of the plane x [H, W, C], or of `zeros` where it is outside. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function tap_at(x: usize, zeros: usize, line: isize, column: isize, t: usize, H: usize, W: usize, C: usize, K: usize, dilation: usize): usize {
  const h = line + <isize>((t / K) * dilation), w = column + <isize>((t % K) * dilation);
  return h < 0 || h >= <isize>H || w < 0 || w >= <isize>W ? zeros : x + ((<usize>h * W + <usize>w) * C << 2);
}

/**
 *   y[b, s, r, c K² + t] = x[b, line of t, column of t, c], 0 outside of x: PyTorch's order of a filter's weights
 * out  y [B, S, R, C K²]      in  x [B, H, W, C], zeros [C]
 * s counts from window line `from` on. Tile is a line (b, s) of y.
 */
export function unfold2d_f32(
  begin: usize, end: usize, y: usize, x: usize, zeros: usize, from: usize, S: usize, R: usize, H: usize, W: usize, C: usize, K: usize,
  stride: usize, padding: usize, dilation: usize,
): void {
  const taps = K * K, row = (C * taps) << 2, step = taps << 2;
  for (let tile = begin; tile < end; tile++) {
    const plane = x + ((tile / S) * H * W * C << 2), line = <isize>((from + tile % S) * stride) - <isize>padding;
    let out = y + tile * R * row;
    for (let r: usize = 0; r < R; r++, out += row) {
      const column = <isize>(r * stride) - <isize>padding;
      let t: usize = 0;
      for (; t + 4 <= taps; t += 4) {
        let p0 = tap_at(plane, zeros, line, column, t, H, W, C, K, dilation), p1 = tap_at(plane, zeros, line, column, t + 1, H, W, C, K, dilation);
        let p2 = tap_at(plane, zeros, line, column, t + 2, H, W, C, K, dilation), p3 = tap_at(plane, zeros, line, column, t + 3, H, W, C, K, dilation);
        let to = out + (t << 2), left = C;
        for (; left >= 4; left -= 4, p0 += 16, p1 += 16, p2 += 16, p3 += 16, to += step << 2) {
          transpose4(to, step, v128.load(p0), v128.load(p1), v128.load(p2), v128.load(p3));
        }
        for (; left; left--, p0 += 4, p1 += 4, p2 += 4, p3 += 4, to += step) {
          f32.store(to, f32.load(p0)), f32.store(to, f32.load(p1), 4), f32.store(to, f32.load(p2), 8), f32.store(to, f32.load(p3), 12);
        }
      }
      for (; t < taps; t++) {
        let p = tap_at(plane, zeros, line, column, t, H, W, C, K, dilation), to = out + (t << 2);
        if (taps == 1) memory.copy(to, p, C << 2);
        else for (let c: usize = 0; c < C; c++, p += 4, to += step) f32.store(to, f32.load(p));
      }
    }
  }
}

/**
 *   dx[b, h, w, c] = Σ dy[b, s, r, c K² + t] of all taps that stand on (h, w), t ascending
 * out  dx [B, H, W, C]      in  dy [B, S, R, C K²]
 * s counts from window line `from` on. Tile is a line (b, h) of dx.
 */
export function fold2d_f32(
  begin: usize, end: usize, dx: usize, dy: usize, from: usize, S: usize, R: usize, H: usize, W: usize, C: usize, K: usize,
  stride: usize, padding: usize, dilation: usize,
): void {
  const taps = K * K, row = (C * taps) << 2, step = taps << 2;
  for (let tile = begin; tile < end; tile++) {
    const h = tile % H + padding, windows = dy + (tile / H) * S * R * row;
    let to = dx + (tile * W * C << 2);
    memory.fill(to, 0, W * C << 2);
    for (let w: usize = 0; w < W; w++, to += C << 2) {
      for (let t: usize = 0; t < taps; t++) {
        const down = (t / K) * dilation, right = (t % K) * dilation, column = w + padding;
        if (down > h || right > column || (h - down) % stride != 0 || (column - right) % stride != 0) continue;
        const s = (h - down) / stride, r = (column - right) / stride;
        if (s < from || s - from >= S || r >= R) continue;
        let p = windows + ((s - from) * R + r) * row + (t << 2), q = to;
        for (let c: usize = 0; c < C; c++, p += step, q += 4) f32.store(q, f32.load(q) + f32.load(p));
      }
    }
  }
}

/**
 *   y[b, s, r, c] = bias[c] + Σ_t w[t, c] · x[b, line of t, column of t, c]
 * out  y [B, S, R, C]      in  x [B, H, W, C], w [K², C], bias [C] or 0
 * Tile is a line (b, s) of y. Taps outside of x are left out.
 */
export function depthwise2d_f32(
  begin: usize, end: usize, y: usize, x: usize, w: usize, bias: usize, S: usize, R: usize, H: usize, W: usize, C: usize, K: usize,
  stride: usize, padding: usize,
): void {
  const zero = f32x4.splat(0), pixel = C << 2;
  for (let tile = begin; tile < end; tile++) {
    const plane = x + (tile / S) * H * W * pixel, line = <isize>((tile % S) * stride) - <isize>padding;
    const top = first_tap(line, 1, K), bottom = taps_below(line, 1, K, H);
    let out = y + tile * R * pixel;
    for (let r: usize = 0; r < R; r++) {
      const column = <isize>(r * stride) - <isize>padding, low = first_tap(column, 1, K), high = taps_below(column, 1, K, W);
      const first = plane + <usize>(line * <isize>W + column) * pixel;
      let at: usize = 0;
      for (; at + 16 <= pixel; at += 16, out += 16) {
        let sum = bias ? v128.load(bias + at) : zero;
        for (let ky = top; ky < bottom; ky++) {
          let p = first + (ky * W + low) * pixel + at, q = w + (ky * K + low) * pixel + at;
          for (let kx = low; kx < high; kx++, p += pixel, q += pixel) sum = madd(v128.load(p), v128.load(q), sum);
        }
        v128.store(out, sum);
      }
      const left = (pixel - at) >> 2;
      if (left) {
        let sum = bias ? load_tail(bias + at, left, zero) : zero;
        for (let ky = top; ky < bottom; ky++) {
          let p = first + (ky * W + low) * pixel + at, q = w + (ky * K + low) * pixel + at;
          for (let kx = low; kx < high; kx++, p += pixel, q += pixel) sum = madd(load_tail(p, left, zero), load_tail(q, left, zero), sum);
        }
        store_tail(out, sum, left), out += left << 2;
      }
    }
  }
}

/**
 *   dw[t, c] = Σ_{b, s, r} dy[b, s, r, c] · x[b, line of t, column of t, c], in float64
 * out  dw [K², C]      in  dy [B, S, R, C], x [B, H, W, C]
 * Tile is a tap.
 */
export function depthwise2d_grad_weight_f32(
  begin: usize, end: usize, dw: usize, dy: usize, x: usize, B: usize, S: usize, R: usize, H: usize, W: usize, C: usize, K: usize,
  stride: usize, padding: usize,
): void {
  const zero = f32x4.splat(0), pixel = C << 2;
  for (let t = begin; t < end; t++) {
    for (let at: usize = 0; at < pixel; at += 16) {
      const left = min<usize>(4, (pixel - at) >> 2);
      let low = f64x2.splat(0), high = f64x2.splat(0);
      for (let i: usize = 0; i < B * S * R; i++) {
        const h = <isize>((i / R % S) * stride + t / K) - <isize>padding, column = <isize>((i % R) * stride + t % K) - <isize>padding;
        if (h < 0 || h >= <isize>H || column < 0 || column >= <isize>W) continue;
        const p = x + ((i / R / S) * H * W + <usize>h * W + <usize>column) * pixel + at, q = dy + i * pixel + at;
        const a = left == 4 ? v128.load(p) : load_tail(p, left, zero), b = left == 4 ? v128.load(q) : load_tail(q, left, zero);
        low = f64x2.add(low, f64x2.mul(lower(a), lower(b))), high = f64x2.add(high, f64x2.mul(upper(a), upper(b)));
      }
      const sum = round4(low, high);
      if (left == 4) v128.store(dw + t * pixel + at, sum);
      else store_tail(dw + t * pixel + at, sum, left);
    }
  }
}

/**
 *   y[b, s, r, c] = max_t x[b, line of t, column of t, c], of the taps that are inside
 * out  y [B, S, R, C]      in  x [B, H, W, C]; padding < K, so that every window has a tap inside
 * Tile is a line (b, s) of y.
 */
export function max_pool2d_f32(
  begin: usize, end: usize, y: usize, x: usize, S: usize, R: usize, H: usize, W: usize, C: usize, K: usize, stride: usize, padding: usize,
): void {
  const least = f32x4.splat(-Infinity), pixel = C << 2;
  for (let tile = begin; tile < end; tile++) {
    const plane = x + (tile / S) * H * W * pixel, line = <isize>((tile % S) * stride) - <isize>padding;
    const top = first_tap(line, 1, K), bottom = taps_below(line, 1, K, H);
    let out = y + tile * R * pixel;
    for (let r: usize = 0; r < R; r++) {
      const column = <isize>(r * stride) - <isize>padding, low = first_tap(column, 1, K), high = taps_below(column, 1, K, W);
      const first = plane + <usize>(line * <isize>W + column) * pixel;
      for (let at: usize = 0; at < pixel; ) {
        const left = min<usize>(4, (pixel - at) >> 2);
        let most = least;
        for (let ky = top; ky < bottom; ky++) {
          let p = first + (ky * W + low) * pixel + at;
          for (let kx = low; kx < high; kx++, p += pixel) most = f32x4.max(most, left == 4 ? v128.load(p) : load_tail(p, left, least));
        }
        if (left == 4) v128.store(out, most);
        else store_tail(out, most, left);
        at += left << 2, out += left << 2;
      }
    }
  }
}

/**
 * A batch norm whose statistics are fixed as a factor and a summand of each channel (Ioffe & Szegedy, arXiv 1502.03167, alg. 2):
 *   factor[c] = g[c] / sqrt(variance[c] + eps)        summand[c] = b[c] − mean[c] · factor[c]
 * out  factor [C], summand [C]      in  g [C], b [C], mean [C], variance [C]
 * Tile is a channel.
 */
export function batch_norm_f32(
  begin: usize, end: usize, factor: usize, summand: usize, g: usize, b: usize, mean: usize, variance: usize, eps: f32,
): void {
  for (let c = begin << 2; c < end << 2; c += 4) {
    const scale = f32.load(g + c) / sqrt<f32>(f32.load(variance + c) + eps);
    f32.store(factor + c, scale), f32.store(summand + c, f32.load(b + c) - f32.load(mean + c) * scale);
  }
}

/**
 *   y[t, c] = max(x[t, c] · factor[c] + summand[c] + residual[t, c], least)
 * out  y [T, C]      in  x [T, C], factor [C], summand [C], residual [T, C] or 0
 * least is 0 for ReLU, −inf for none. Tile is a row. y may be x, or residual.
 */
export function affine_f32(
  begin: usize, end: usize, y: usize, x: usize, factor: usize, summand: usize, residual: usize, C: usize, least: f32,
): void {
  const zero = f32x4.splat(0), bound = f32x4.splat(least), row = C << 2;
  for (let at = begin * row; at < end * row; at += row) {
    let c: usize = 0;
    for (; c + 16 <= row; c += 16) {
      let v = madd(v128.load(x + at + c), v128.load(factor + c), v128.load(summand + c));
      if (residual) v = f32x4.add(v, v128.load(residual + at + c));
      v128.store(y + at + c, f32x4.max(v, bound));
    }
    const left = (row - c) >> 2;
    if (!left) continue;
    let v = madd(load_tail(x + at + c, left, zero), load_tail(factor + c, left, zero), load_tail(summand + c, left, zero));
    if (residual) v = f32x4.add(v, load_tail(residual + at + c, left, zero));
    store_tail(y + at + c, f32x4.max(v, bound), left);
  }
}

/** A place between two of n samples: where the two begin, and how far it is behind the first. Edges count for what is beyond them. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function between(i: usize, from: usize, to: usize): f32 {
  return max<f32>(0, (<f32>from / <f32>to) * (<f32>i + 0.5) - 0.5);
}

/**
 * The class that has most at each pixel, between whose four neighbours numbers are interpolated (torch's bilinear, without aligned corners); of equal ones the first.
 * out  y [H, W] int32      in  x [h, w, C]
 * Tile is a line of y. Any C >= 1.
 */
export function likeliest_i32(begin: usize, end: usize, y: usize, x: usize, H: usize, W: usize, h: usize, w: usize, C: usize): void {
  const row = C << 2, none = f32x4.splat(-Infinity);
  for (let line = begin; line < end; line++) {
    const at = between(line, h, H), top = min<usize>(<usize>at, h - 1), below = min<usize>(top + 1, h - 1), down = at - <f32>top;
    const d1 = f32x4.splat(down), d0 = f32x4.splat(1 - down);
    for (let i: usize = 0; i < W; i++) {
      const place = between(i, w, W), left = min<usize>(<usize>place, w - 1), right = min<usize>(left + 1, w - 1), across = place - <f32>left;
      const a1 = f32x4.splat(across), a0 = f32x4.splat(1 - across);
      const p = x + (top * w + left) * row, q = x + (top * w + right) * row, u = x + (below * w + left) * row, v = x + (below * w + right) * row;
      let most = none, which = i32x4.splat(0), mine = i32x4(0, 1, 2, 3);
      for (let c: usize = 0; c < row; c += 16) {
        const n = (row - c) >> 2, isWhole = n >= 4;
        const upper = f32x4.add(f32x4.mul(a0, isWhole ? v128.load(p + c) : load_tail(p + c, n, none)), f32x4.mul(a1, isWhole ? v128.load(q + c) : load_tail(q + c, n, none)));
        const under = f32x4.add(f32x4.mul(a0, isWhole ? v128.load(u + c) : load_tail(u + c, n, none)), f32x4.mul(a1, isWhole ? v128.load(v + c) : load_tail(v + c, n, none)));
        const value = f32x4.add(f32x4.mul(d0, upper), f32x4.mul(d1, under)), more = f32x4.gt(value, most);
        most = v128.bitselect(value, most, more), which = v128.bitselect(mine, which, more), mine = i32x4.add(mine, i32x4.splat(4));
      }
      let best = f32x4.extract_lane(most, 0), class_ = i32x4.extract_lane(which, 0);
      for (let lane: usize = 1; lane < 4; lane++) {
        most = v128.shuffle<f32>(most, most, 1, 2, 3, 0), which = v128.shuffle<f32>(which, which, 1, 2, 3, 0);
        const value = f32x4.extract_lane(most, 0), other = i32x4.extract_lane(which, 0);
        if (value > best || (value == best && other < class_)) best = value, class_ = other;
      }
      i32.store(y + ((line * W + i) << 2), class_);
    }
  }
}
