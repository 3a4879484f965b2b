/**
 * Keys and values that are kept from call to call lie in pages, in the panels that attention reads (pack.ts). A page holds up to KEYS neighbours, as many as
 * attention's blocks, for all G heads; it has room for `room` keys, a multiple of 8:
 *
 *   keys    [G, room / 8, D, 8]        key j is a column of panel j / 8
 *   values  [G, ⌈Dv / 8⌉, room, 8]     value j is a row of every panel
 *   scales  [2, G, room] float32       in pages of int8: of each key, then of each value
 *
 * A number is a float32, or an int8 times the scale of its key or value in that head. The table [B, most, 2] int32 says where block j of example b's keys is: the
 * address of its page, and that page's room. What lies behind the last key is anything: attention masks its scores, and never reads its values.
 */
import { Attention, KEYS } from './attention_layout';
import { load_tail, max4 } from './simd';

/** The table's entry for the page of example b's key j. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function entry_of(pages: usize, most: usize, b: usize, j: usize): usize {
  return pages + ((b * most + j / KEYS) << 3);
}

/** Eight int8 as float32, times two vectors of scales. */
// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function widen(out: usize, x: usize, low: v128, high: v128): void {
  const words = i16x8.extend_low_i8x16_s(v128.load64_zero(x));
  v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), low));
  v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), high), 16);
}

/**
 * The panels of n keys of head g from key j on, a block's first, wherever they lie: in k, packed for this call, or in a page. Those of int8 are read into
 * `widened`, which holds 4 KEYS · D bytes.
 */
export function keys_of(at: Attention, k: usize, b: usize, g: usize, j: usize, n: usize, widened: usize): usize {
  const G = at.G, D = at.D;
  if (!at.pages) return k + (b * G + g) * ((at.S + 7) >> 3) * (D << 5) + j * (D << 2);
  const entry = entry_of(at.pages, at.most, b, j), page = <usize>i32.load(entry), room = <usize>i32.load(entry, 4), first = g * room * D;
  if (at.bytes == 4) return page + (first << 2);
  let x = page + first, scales = page + G * room * (D + ((at.Dv + 7) & ~7)) + (g * room << 2), out = widened;
  for (let i: usize = 0; i < n; i += 8, scales += 32) {
    const low = v128.load(scales), high = v128.load(scales, 16);
    for (let d: usize = 0; d < D; d++, x += 8, out += 32) widen(out, x, low, high);
  }
  return widened;
}

/** The same for values: panels values_step bytes apart. `widened` holds 4 KEYS · (Dv up to a multiple of 8) bytes. */
export function values_of(at: Attention, v: usize, b: usize, g: usize, j: usize, n: usize, widened: usize): usize {
  const G = at.G, D = at.D, panels = (at.Dv + 7) >> 3;
  if (!at.pages) return v + (b * G + g) * panels * (at.S << 5) + (j << 5);
  const entry = entry_of(at.pages, at.most, b, j), page = <usize>i32.load(entry), room = <usize>i32.load(entry, 4);
  const first = G * room * D + g * panels * (room << 3);
  if (at.bytes == 4) return page + (first << 2);
  const scales = page + G * room * (D + (panels << 3)) + ((G + g) * room << 2);
  for (let p: usize = 0; p < panels; p++) {
    let x = page + first + p * (room << 3), out = widened + p * (KEYS << 5);
    for (let i: usize = 0; i < n; i++, x += 8, out += 32) {
      const scale = v128.load32_splat(scales + (i << 2));
      widen(out, x, scale, scale);
    }
  }
  return widened;
}

export function values_step(at: Attention, b: usize, j: usize): usize {
  if (!at.pages) return at.S << 5;
  return at.bytes == 4 ? <usize>i32.load(entry_of(at.pages, at.most, b, j), 4) << 5 : KEYS << 5;
}

/** Below it 127 / m would overflow: such rows are zeros. */
const LEAST: f32 = 1e-36;

/** The largest |x[c]|; NaN where one is. */
function largest(x: usize, C: usize): f32 {
  let m = f32x4.splat(0);
  for (; C >= 4; C -= 4, x += 16) m = f32x4.max(m, f32x4.abs(v128.load(x)));
  if (C) m = f32x4.max(m, f32x4.abs(load_tail(x, C, f32x4.splat(0))));
  return max4(m);
}

/** C numbers to where eight of them lie `down` bytes apart, and the next eight `across` bytes behind. */
function put_f32(to: usize, x: usize, C: usize, down: usize, across: usize): void {
  for (let c: usize = 0; c < C; c++, x += 4) f32.store(to + (c >> 3) * across + (c & 7) * down, f32.load(x));
}

/**
 * The same as int8: round(127 x / m) with the scale m / 127, m being the largest of them. With a NaN or an infinity among them the scale is none, and what is read
 * back are NaNs.
 */
function put_i8(to: usize, x: usize, C: usize, down: usize, across: usize, scale: usize): void {
  const m = largest(x, C), inverse = f32x4.splat(m < LEAST ? 0 : 127 / m);
  f32.store(scale, m / 127);
  for (let c: usize = 0; c < C; c++, x += 4) {
    const q = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load32_splat(x), inverse)));
    v128.store_lane<i8>(to + (c >> 3) * across + (c & 7) * down, q, 0);
  }
}

/**
 * Puts keys and values behind those that are there: keys offsets[b] to lengths[b] of example b, the first that it is given.
 * in   k: element (b, g, t, d) at b·kb + g·kg + t·kt + d floats, v likewise; offsets, lengths [B] int32; pages [B, most, 2], in which they have room, of numbers
 *      of `bytes` bytes
 * Tile i is head (b, g) = i. Any D, Dv; no other row holds a page that is written to.
 */
export function append(
  begin: usize, end: usize, k: usize, v: usize, offsets: usize, lengths: usize, pages: usize, most: usize, bytes: usize, G: usize, D: usize, Dv: usize,
  kb: usize, kg: usize, kt: usize, vb: usize, vg: usize, vt: usize,
): void {
  const wide = (Dv + 7) & ~7;
  for (let tile = begin; tile < end; tile++) {
    const b = tile / G, g = tile % G, offset = <usize>i32.load(offsets + (b << 2)), length = <usize>i32.load(lengths + (b << 2));
    let key = k + ((b * kb + g * kg) << 2), value = v + ((b * vb + g * vg) << 2);
    for (let j = offset; j < length; j++, key += kt << 2, value += vt << 2) {
      const entry = entry_of(pages, most, b, j), page = <usize>i32.load(entry), room = <usize>i32.load(entry, 4), i = j % KEYS;
      const column = page + (g * room * D + (i >> 3) * (D << 3) + (i & 7)) * bytes, row = page + (G * room * D + g * room * wide + (i << 3)) * bytes;
      if (bytes == 4) {
        put_f32(column, key, D, 32, 256), put_f32(row, value, Dv, 4, room << 5);
      } else {
        const scale = page + G * room * (D + wide) + ((g * room + i) << 2);
        put_i8(column, key, D, 8, 64, scale), put_i8(row, value, Dv, 1, room << 3, scale + (G * room << 2));
      }
    }
  }
}
