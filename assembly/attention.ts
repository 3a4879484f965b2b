/**
 * Scaled dot-product attention with an online softmax (Vaswani et al. 2017, eq. 1; Dao et al., arXiv 2205.14135, alg. 1).
 *
 *   s[t,j] = scale · q[t] · k[j] + bias[t,j] − slope[h] · |i − j|,   i = t + offset[b]
 *   y[t]   = Σ_j softmax_j(s[t,j]) · v[j]
 *   query t sees the keys  i − left <= j <= i + right,  j < length[b]
 *
 * Causal is right = 0; a sliding window narrows left; a boolean mask comes as a bias of 0 and −inf. Grouped queries
 * (G < H key/value heads) read head h's keys from head h / (H / G). Memory is O(T): a tile keeps a block of QUERIES × KEYS
 * scores, the running maximum m and sum l of each row, and its unnormalised y. Key blocks begin at multiples of KEYS,
 * whatever the row may see, and a key that it may not see adds exactly 0: so a row's bits depend on what it sees alone.
 * A row that sees nothing gives zeros. With a soft cap (Gemma 2, arXiv 2408.00118, §2) the scaled product is first cap · tanh(product / cap).
 */
import { Attention, KEYS, QUERIES, SCORES, end_key, first_key, length_of, offset_of } from './attention_layout';
import { WORDS, drop_block } from './dropout';
import { exp, tanh } from './math';
import { PANEL, block_f32 } from './microkernel';
import { keys_of, values_of, values_step } from './pages';
import { load_tail, max4, store_tail, sum4 } from './simd';

/**
 * Scales n raw scores of one row in place, biases them, and puts −inf where the row may not look; gives the largest.
 * Keys are numbered from the block's first: [from, to) may be seen; `self` is the key that the query stands on.
 * n is rounded up to 4: up to 12 bytes of the bias may be read beyond it, and are masked.
 */
export function score_row(s: usize, n: i32, from: i32, to: i32, scale: f32, bias: usize, slope: f32, self: i32): f32 {
  const a = f32x4.splat(scale), lowest = f32x4.splat(-Infinity);
  let m = lowest;
  for (let j: i32 = 0; j < n; j += 4, s += 16) {
    let v = f32x4.mul(v128.load(s), a);
    if (bias) v = f32x4.add(v, v128.load(bias)), bias += 16;
    if (slope != 0 || j < from || j + 4 > to) {
      const key = i32x4.add(i32x4.splat(j), i32x4(0, 1, 2, 3));
      if (slope != 0) {
        const distance = f32x4.convert_i32x4_s(i32x4.abs(i32x4.sub(key, i32x4.splat(self))));
        v = f32x4.sub(v, f32x4.mul(f32x4.splat(slope), distance));
      }
      v = v128.bitselect(v, lowest, v128.and(i32x4.ge_s(key, i32x4.splat(from)), i32x4.lt_s(key, i32x4.splat(to))));
    }
    v128.store(s, v);
    m = f32x4.pmax(m, v);
  }
  return max4(m);
}

/** s[j] = cap · tanh(scale · s[j] / cap) in place for n scores rounded up to 4, and what that grows by, 1 − tanh², unless `growth` is 0. */
export function cap_row(s: usize, n: i32, scale: f32, cap: f32, growth: usize = 0): void {
  const a = f32x4.splat(scale / cap), c = f32x4.splat(cap), one = f32x4.splat(1);
  for (; n > 0; n -= 4, s += 16) {
    const t = tanh(f32x4.mul(v128.load(s), a));
    v128.store(s, f32x4.mul(c, t));
    if (growth) v128.store(growth, f32x4.sub(one, f32x4.mul(t, t))), growth += 16;
  }
}

/** s[j] = exp(s[j] − m) in place for n scores rounded up to 4; gives their sum. */
function exp_row(s: usize, n: i32, m: f32): f32 {
  const shift = f32x4.splat(m);
  let sum = f32x4.splat(0);
  for (; n > 0; n -= 4, s += 16) {
    const e = exp(f32x4.sub(v128.load(s), shift));
    v128.store(s, e);
    sum = f32x4.add(sum, e);
  }
  return sum4(sum);
}

/** y[c] = a · x[c]; whole vectors but for an exact tail. */
export function scale_row(y: usize, x: usize, C: usize, a: f32): void {
  const s = f32x4.splat(a);
  for (; C >= 4; C -= 4, x += 16, y += 16) v128.store(y, f32x4.mul(v128.load(x), s));
  if (C) store_tail(y, f32x4.mul(load_tail(x, C, s), s), C);
}

/**
 * out  y: rows by strides, Dv wide; stats [B, H, T, 2] = (m, l) of every row, or 0
 * in   q: rows by strides, D wide; k packed [B, G] × [S, D], v packed [B, G] × [Dv, S] (pack_f32), or neither where keys lie in pages; cap, or 0
 * Tile i is query block i mod ⌈T/QUERIES⌉ of head i / ⌈T/QUERIES⌉. `scratch` holds SCORES + 4 QUERIES · (Dv up to a multiple of 8) + 8 QUERIES + WORDS bytes, and for
 * pages of int8 4 KEYS · (the larger of D and Dv, up to a multiple of 8) more. H a multiple of G; any T, S, D, Dv >= 1; offset, left, right < 2^29.
 */
export function attention_f32(
  begin: usize, end: usize, scratch: usize, y: usize, stats: usize, q: usize, k: usize, v: usize, scale: f32, cap: f32, at: Attention,
): void {
  const bias = at.bias, slopes = at.slopes, mask = at.mask, H = at.H, T = at.T, D = at.D, Dv = at.Dv, group = H / at.G;
  const qb = at.qb, qh = at.qh, qt = at.qt, yb = at.yb, yh = at.yh, yt = at.yt, bb = at.bb, bh = at.bh, bt = at.bt;
  const left = at.left, right = at.right, factor: f32 = cap != 0 ? 1 : scale;
  const blocks = (T + QUERIES - 1) / QUERIES, panelsV = (Dv + 7) >> 3;
  const out = scratch + SCORES, ldo = panelsV << 5, m = out + QUERIES * ldo, l = m + (QUERIES << 2), words = l + (QUERIES << 2), widened = words + WORDS;
  for (let tile = begin; tile < end; tile++) {
    const t0 = (tile % blocks) * QUERIES, head = tile / blocks, h = head % H, b = head / H, g = h / group;
    const rows = min(QUERIES, T - t0), length = length_of(at, b), slope: f32 = slopes ? f32.load(slopes + (h << 2)) : 0;
    const i0 = <i32>t0 + offset_of(at, b), keyEnd = end_key(i0 + <i32>rows - 1, right, length);
    const qRow = q + ((b * qb + h * qh + t0 * qt) << 2), biasRow = bias ? bias + ((b * bb + h * bh + t0 * bt) << 2) : 0;
    for (let r: usize = 0; r < rows; r++) f32.store(m + (r << 2), -Infinity), f32.store(l + (r << 2), 0);
    memory.fill(out, 0, rows * ldo);

    for (let j0 = first_key(i0, left) & ~(<i32>KEYS - 1); j0 < keyEnd; j0 += <i32>KEYS) {
      const n = min<i32>(<i32>KEYS, keyEnd - j0), keys = keys_of(at, k, b, g, <usize>j0, <usize>n, widened);
      block_f32(scratch, KEYS << 2, qRow, qt << 2, keys, D << 5, rows, (n + 7) >> 3, D, false);
      for (let r: usize = 0; r < rows; r++) {
        const i = i0 + <i32>r, s = scratch + r * (KEYS << 2), from = first_key(i, left) - j0, to = end_key(i, right, length) - j0;
        const mOld = f32.load(m + (r << 2));
        if (cap != 0) cap_row(s, n, scale, cap);
        const mNew = max(mOld, score_row(s, n, from, to, factor, biasRow ? biasRow + ((r * bt + j0) << 2) : 0, slope, i - j0));
        const shift: f32 = mNew == -Infinity ? 0 : mNew;
        const sum = exp_row(s, n, shift);
        const a = f32x4.extract_lane(exp(f32x4.splat(mOld - shift)), 0);
        f32.store(m + (r << 2), mNew);
        f32.store(l + (r << 2), f32.load(l + (r << 2)) * a + sum);
        if (a != 1) scale_row(out + r * ldo, out + r * ldo, panelsV * PANEL, a);
      }
      if (mask) drop_block(scratch, KEYS << 2, rows, <usize>n, t0, <usize>j0, head * ((T + 3) >> 2), mask, words);
      const values = values_of(at, v, b, g, <usize>j0, <usize>n, widened);
      block_f32(out, ldo, scratch, KEYS << 2, values, values_step(at, b, <usize>j0), rows, panelsV, n, true);
    }

    for (let r: usize = 0; r < rows; r++) {
      const sum = f32.load(l + (r << 2));
      scale_row(y + ((b * yb + h * yh + (t0 + r) * yt) << 2), out + r * ldo, Dv, sum == 0 ? 0 : 1 / sum);
      if (stats) {
        const stat = stats + ((head * T + t0 + r) << 3);
        f32.store(stat, f32.load(m + (r << 2))), f32.store(stat, sum, 4);
      }
    }
  }
}

/**
 * The attention weights themselves, softmax_j(s[t,j]), for whoever asks: recomputed from (m, l), since attention keeps none.
 * out  w [B, H, T, S]      in  stats [B, H, T, 2] and the rest as attention_f32 had it
 * Tiles as attention_f32's; `scratch` holds SCORES bytes, and for pages of int8 4 KEYS · D more.
 */
export function attention_weights_f32(
  begin: usize, end: usize, scratch: usize, w: usize, stats: usize, q: usize, k: usize, scale: f32, cap: f32, at: Attention,
): void {
  const bias = at.bias, slopes = at.slopes, H = at.H, T = at.T, S = at.S, D = at.D, group = H / at.G;
  const qb = at.qb, qh = at.qh, qt = at.qt, bb = at.bb, bh = at.bh, bt = at.bt, left = at.left, right = at.right, factor: f32 = cap != 0 ? 1 : scale;
  const blocks = (T + QUERIES - 1) / QUERIES, widened = scratch + SCORES;
  for (let tile = begin; tile < end; tile++) {
    const t0 = (tile % blocks) * QUERIES, head = tile / blocks, h = head % H, b = head / H, g = h / group;
    const rows = min(QUERIES, T - t0), length = length_of(at, b), slope: f32 = slopes ? f32.load(slopes + (h << 2)) : 0;
    const i0 = <i32>t0 + offset_of(at, b), keyEnd = end_key(i0 + <i32>rows - 1, right, length);
    const qRow = q + ((b * qb + h * qh + t0 * qt) << 2), biasRow = bias ? bias + ((b * bb + h * bh + t0 * bt) << 2) : 0;
    const wRow = w + (((head * T + t0) * S) << 2), stat = stats + ((head * T + t0) << 3);
    memory.fill(wRow, 0, rows * (S << 2));

    for (let j0 = first_key(i0, left) & ~(<i32>KEYS - 1); j0 < keyEnd; j0 += <i32>KEYS) {
      const n = min<i32>(<i32>KEYS, keyEnd - j0), keys = keys_of(at, k, b, g, <usize>j0, <usize>n, widened);
      block_f32(scratch, KEYS << 2, qRow, qt << 2, keys, D << 5, rows, (n + 7) >> 3, D, false);
      for (let r: usize = 0; r < rows; r++) {
        const i = i0 + <i32>r, s = scratch + r * (KEYS << 2), from = first_key(i, left) - j0, to = end_key(i, right, length) - j0;
        const m = f32.load(stat + (r << 3)), l = f32.load(stat + (r << 3), 4);
        if (cap != 0) cap_row(s, n, scale, cap);
        score_row(s, n, from, to, factor, biasRow ? biasRow + ((r * bt + j0) << 2) : 0, slope, i - j0);
        exp_row(s, n, m == -Infinity ? 0 : m);
        scale_row(wRow + ((r * S + j0) << 2), s, n, l == 0 ? 0 : 1 / l);
      }
    }
  }
}
