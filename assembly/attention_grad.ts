/**
 * Scaled dot-product attention backwards (Dao et al., arXiv 2205.14135, alg. 4), with the weights p computed again from the (m, l) that the
 * forward kept: memory stays O(T). Everything that the forward knows of masks holds here too. M is dropout's mask, 0 or 1 / (1 − p), or 1.
 *
 *   p[t,j]  = exp(s[t,j] − m[t]) / l[t]           s as in attention.ts
 *   ds[t,j] = p[t,j] · (M[t,j] dy[t] · v[j] − δ[t]),      δ[t] = dy[t] · y[t]
 *   dq[t]   = scale · Σ_j c[t,j] ds[t,j] k[j],     dbias[t,j] = ds[t,j]
 *   dk[j]   = scale · Σ_t c[t,j] ds[t,j] q[t],     dv[j] = Σ_t M[t,j] p[t,j] dy[t]
 *   c[t,j]  = 1 − tanh²(scale · q[t] · k[j] / cap), or 1 without a soft cap
 *
 * One kernel per axis that is split among threads: a tile of attention_grad_q_f32 owns QUERIES rows of dq, one of attention_grad_kv_f32 as
 * many rows of dk and dv, for which it walks the queries of every head that reads them, in order. So nobody adds to what another adds to.
 */
import { cap_row, scale_row, score_row } from './attention';
import { Attention, KEYS, QUERIES, SCORES, end_key, first_key, length_of, offset_of } from './attention_layout';
import { drop_block, drop_columns } from './dropout';
import { exp } from './math';
import { PANEL, block_f32 } from './microkernel';
import { load_tail, madd, sum4 } from './simd';

/** Σ_c a[c] · b[c] */
function dot(a: usize, b: usize, C: usize): f32 {
  const zero = f32x4.splat(0);
  let sum = zero;
  for (; C >= 4; C -= 4, a += 16, b += 16) sum = madd(v128.load(a), v128.load(b), sum);
  if (C) sum = madd(load_tail(a, C, zero), load_tail(b, C, zero), sum);
  return sum4(sum);
}

/**
 * What the other two need of each query, side by side, so that four queries are a vector: m, 1/l and δ. A row that saw nothing has 0, 0.
 * out  rows [B, H, 3, T up to a multiple of 4]      in  stats [B, H, T, 2]; y: rows by strides, Dv wide; dy: row (b, h, t) at b·ob + h·oh + t·ot floats
 * Tile i is head i mod H of example i / H.
 */
export function attention_grad_rows_f32(begin: usize, end: usize, rows: usize, stats: usize, y: usize, dy: usize, ob: usize, oh: usize, ot: usize, at: Attention): void {
  const H = at.H, T = at.T, Dv = at.Dv, yb = at.yb, yh = at.yh, yt = at.yt;
  const step = ((T + 3) & ~3) << 2;
  for (let head = begin; head < end; head++) {
    const h = head % H, b = head / H, to = rows + head * step * 3;
    memory.fill(to, 0, step * 3);
    for (let t: usize = 0; t < T; t++) {
      const stat = stats + ((head * T + t) << 3), m = f32.load(stat), l = f32.load(stat, 4), out = to + (t << 2);
      f32.store(out, m == -Infinity ? 0 : m), f32.store(out + step, l == 0 ? 0 : 1 / l);
      f32.store(out + step * 2, dot(y + ((b * yb + h * yh + t * yt) << 2), dy + ((b * ob + h * oh + t * ot) << 2), Dv));
    }
  }
}

/** s[j] = exp(s[j] − m) · r · (p[j] − δ): scores and dy · v of one query become ds, for n keys rounded up to 4. */
function grad_row(s: usize, p: usize, n: i32, m: f32, r: f32, delta: f32): void {
  const shift = f32x4.splat(m), factor = f32x4.splat(r), d = f32x4.splat(delta);
  for (; n > 0; n -= 4, s += 16, p += 16) {
    const e = f32x4.mul(exp(f32x4.sub(v128.load(s), shift)), factor);
    v128.store(s, f32x4.mul(e, f32x4.sub(v128.load(p), d)));
  }
}

/** x[j] = x[j] · by[j] for n numbers rounded up to 4. */
function mul_row(x: usize, by: usize, n: i32): void {
  for (; n > 0; n -= 4, x += 16, by += 16) v128.store(x, f32x4.mul(v128.load(x), v128.load(by)));
}

/** The same for one key: the row's elements are queries, each with its m, r, δ (`step` bytes apart). s becomes p, and p ds. */
function grad_column(s: usize, p: usize, n: i32, rows: usize, step: usize): void {
  for (; n > 0; n -= 4, s += 16, p += 16, rows += 16) {
    const e = f32x4.mul(exp(f32x4.sub(v128.load(s), v128.load(rows))), v128.load(rows + step));
    v128.store(s, e);
    v128.store(p, f32x4.mul(e, f32x4.sub(v128.load(p), v128.load(rows + step * 2))));
  }
}

/**
 * out  dq [B, T, H, D]; dbias [B, H, T, S], or 0
 * in   rows as above; q, dy: rows by strides, D and Dv wide; k packed [B, G] × [S, D] and, transposed, [D, S]; v packed [B, G] × [S, Dv];
 *      the rest as attention_f32 has it
 * Tile i is query block i mod ⌈T/QUERIES⌉ of head i / ⌈T/QUERIES⌉. `scratch` holds 2 SCORES + 4 KEYS + 4 QUERIES · (D up to a multiple of 8) + WORDS bytes.
 * Any T, S, D, Dv >= 1.
 */
export function attention_grad_q_f32(
  begin: usize, end: usize, scratch: usize, dq: usize, dbias: usize, rows: usize, q: usize, dy: usize, k: usize, k_columns: usize, v: usize,
  ob: usize, oh: usize, ot: usize, scale: f32, cap: f32, at: Attention,
): void {
  const bias = at.bias, slopes = at.slopes, mask = at.mask;
  const H = at.H, G = at.G, T = at.T, S = at.S, D = at.D, Dv = at.Dv, left = at.left, right = at.right;
  const qb = at.qb, qh = at.qh, qt = at.qt, bb = at.bb, bh = at.bh, bt = at.bt;
  const blocks = (T + QUERIES - 1) / QUERIES, panels = (D + 7) >> 3, step = ((T + 3) & ~3) << 2, factor: f32 = cap != 0 ? 1 : scale;
  const keys = ((S + 7) >> 3) << 5, ds = scratch, dp = scratch + SCORES, growth = dp + SCORES, out = growth + (KEYS << 2), ldo = panels << 5, words = out + QUERIES * ldo;
  for (let tile = begin; tile < end; tile++) {
    const t0 = (tile % blocks) * QUERIES, head = tile / blocks, h = head % H, b = head / H;
    const count = min(QUERIES, T - t0), matrix = b * G + h / (H / G);
    const length = length_of(at, b), slope: f32 = slopes ? f32.load(slopes + (h << 2)) : 0;
    const i0 = <i32>t0 + offset_of(at, b), keyEnd = end_key(i0 + <i32>count - 1, right, length);
    const qRow = q + ((b * qb + h * qh + t0 * qt) << 2), oRow = dy + ((b * ob + h * oh + t0 * ot) << 2);
    const biasRow = bias ? bias + ((b * bb + h * bh + t0 * bt) << 2) : 0, stat = rows + head * step * 3 + (t0 << 2);
    const dbiasRow = dbias ? dbias + (((head * T + t0) * S) << 2) : 0;
    if (dbias) memory.fill(dbiasRow, 0, count * (S << 2));
    memory.fill(out, 0, count * ldo);

    for (let j0 = first_key(i0, left) & ~(<i32>KEYS - 1); j0 < keyEnd; j0 += <i32>KEYS) {
      const n = min<i32>(<i32>KEYS, keyEnd - j0), j = <usize>j0;
      block_f32(ds, KEYS << 2, qRow, qt << 2, k + matrix * keys * D + j * (D << 2), D << 5, count, (n + 7) >> 3, D, false);
      block_f32(dp, KEYS << 2, oRow, ot << 2, v + matrix * keys * Dv + j * (Dv << 2), Dv << 5, count, (n + 7) >> 3, Dv, false);
      if (mask) drop_block(dp, KEYS << 2, count, <usize>n, t0, j, head * ((T + 3) >> 2), mask, words);
      for (let r: usize = 0; r < count; r++) {
        const i = i0 + <i32>r, s = ds + r * (KEYS << 2), row = stat + (r << 2);
        const from = first_key(i, left) - j0, to = end_key(i, right, length) - j0;
        if (cap != 0) cap_row(s, n, scale, cap, growth);
        score_row(s, n, from, to, factor, biasRow ? biasRow + ((r * bt + j) << 2) : 0, slope, i - j0);
        grad_row(s, dp + r * (KEYS << 2), n, f32.load(row), f32.load(row + step), f32.load(row + step * 2));
        if (dbias) memory.copy(dbiasRow + ((r * S + j) << 2), s, n << 2);
        if (cap != 0) mul_row(s, growth, n);
      }
      block_f32(out, ldo, ds, KEYS << 2, k_columns + matrix * panels * (S << 5) + (j << 5), S << 5, count, panels, n, true);
    }
    for (let r: usize = 0; r < count; r++) scale_row(dq + (((b * T + t0 + r) * H + h) * D << 2), out + r * ldo, D, scale);
  }
}

/**
 * out  dk [B, S, G, D], dv [B, S, G, Dv]
 * in   rows as above; k, v: rows by strides, D and Dv wide; q packed [B, H] × [T, D] and, transposed, [D, T]; dy packed [B, H] × [T, Dv]
 *      and, transposed, [Dv, T]; the rest as attention_f32 has it
 * Tile i is key block i mod ⌈S/QUERIES⌉ of key head i / ⌈S/QUERIES⌉. `scratch` holds 2 SCORES + 8 KEYS + 4 QUERIES · (D and Dv, each up to a multiple of 8) + WORDS bytes.
 * Any T, S, D, Dv >= 1.
 */
export function attention_grad_kv_f32(
  begin: usize, end: usize, scratch: usize, dk: usize, dv: usize, rows: usize, k: usize, v: usize, q: usize, q_columns: usize, dy: usize,
  dy_columns: usize, kb: usize, kh: usize, ks: usize, vb: usize, vh: usize, vs: usize, scale: f32, cap: f32, at: Attention,
): void {
  const bias = at.bias, slopes = at.slopes, mask = at.mask;
  const H = at.H, G = at.G, T = at.T, S = at.S, D = at.D, Dv = at.Dv, left = at.left, right = at.right;
  const bb = at.bb, bh = at.bh, bt = at.bt;
  const blocks = (S + QUERIES - 1) / QUERIES, panelsK = (D + 7) >> 3, panelsV = (Dv + 7) >> 3, group = H / G, step = ((T + 3) & ~3) << 2;
  const queries = ((T + 7) >> 3) << 5, p = scratch, ds = p + SCORES, column = ds + SCORES, growth = column + (KEYS << 2), outK = growth + (KEYS << 2);
  const factor: f32 = cap != 0 ? 1 : scale;
  const ldk = panelsK << 5, ldv = panelsV << 5, outV = outK + QUERIES * ldk, words = outV + QUERIES * ldv;
  for (let tile = begin; tile < end; tile++) {
    const j0 = (tile % blocks) * QUERIES, matrix = tile / blocks, g = matrix % G, b = matrix / G;
    const count = min(QUERIES, S - j0), length = length_of(at, b), offset = offset_of(at, b);
    // Query t stands on key t + offset: so key j stands on query j − offset, and its left is the queries' right.
    const i0 = <i32>j0 - offset, last = min<i32>(<i32>(j0 + count), length) - 1;
    const queryEnd = last < <i32>j0 ? 0 : end_key(last - offset, left, <i32>T);
    const kRow = k + ((b * kb + g * kh + j0 * ks) << 2), vRow = v + ((b * vb + g * vh + j0 * vs) << 2);
    memory.fill(outK, 0, count * ldk), memory.fill(outV, 0, count * ldv);

    for (let h = g * group; h < (g + 1) * group; h++) {
      const head = b * H + h, first = head * ((T + 3) >> 2), slope: f32 = slopes ? f32.load(slopes + (h << 2)) : 0;
      for (let t0 = first_key(i0, right) & ~(<i32>KEYS - 1); t0 < queryEnd; t0 += <i32>KEYS) {
        const n = min<i32>(<i32>KEYS, queryEnd - t0), t = <usize>t0, stat = rows + head * step * 3 + (t << 2);
        block_f32(p, KEYS << 2, kRow, ks << 2, q + head * queries * D + t * (D << 2), D << 5, count, (n + 7) >> 3, D, false);
        block_f32(ds, KEYS << 2, vRow, vs << 2, dy + head * queries * Dv + t * (Dv << 2), Dv << 5, count, (n + 7) >> 3, Dv, false);
        if (mask) drop_columns(ds, KEYS << 2, count, <usize>n, j0, t, first, mask, words);
        for (let r: usize = 0; r < count; r++) {
          const j = j0 + r, i = i0 + <i32>r, s = p + r * (KEYS << 2);
          const from = first_key(i, right) - t0, to = <i32>j < length ? end_key(i, left, <i32>T) - t0 : 0;
          if (bias) {
            let element = bias + ((b * bb + h * bh + t * bt + j) << 2);
            for (let c: usize = 0; c < <usize>n; c++, element += bt << 2) f32.store(column + (c << 2), f32.load(element));
          }
          if (cap != 0) cap_row(s, n, scale, cap, growth);
          score_row(s, n, from, to, factor, bias ? column : 0, slope, i - t0);
          grad_column(s, ds + r * (KEYS << 2), n, stat, step);
          if (cap != 0) mul_row(ds + r * (KEYS << 2), growth, n);
        }
        if (mask) drop_columns(p, KEYS << 2, count, <usize>n, j0, t, first, mask, words);
        block_f32(outV, ldv, p, KEYS << 2, dy_columns + head * panelsV * (T << 5) + (t << 5), T << 5, count, panelsV, n, true);
        block_f32(outK, ldk, ds, KEYS << 2, q_columns + head * panelsK * (T << 5) + (t << 5), T << 5, count, panelsK, n, true);
      }
    }
    for (let r: usize = 0; r < count; r++) {
      const row = (b * S + j0 + r) * G + g;
      scale_row(dk + (row * D << 2), outK + r * ldk, D, scale);
      memory.copy(dv + (row * Dv << 2), outV + r * ldv, Dv << 2);
    }
  }
}
