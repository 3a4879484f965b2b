/**
 * Keys and values that are kept from call to call, in the panels that attention reads (pack.ts). A cache has room for a number of keys and fills up:
 *
 *   keys    [slots, G, room / 8, D, 8]       key j is a column of panel j / 8
 *   values  [slots, G, ⌈Dv / 8⌉, room, 8]    value j is a row of every panel
 *
 * What lies behind the last key is anything: attention masks its scores, and never reads its values.
 */

/**
 * Puts T keys and values behind the `length` that are there.
 * out  keys, values as above      in  k: element (b, g, t, d) at b·kb + g·kg + t·kt + d floats, v likewise; slots [B] int32: whose panels are example b's
 * Tile i is head (b, g) = i. room is a multiple of 8; length + T <= room; any D, Dv.
 */
export function append_f32(
  begin: usize, end: usize, keys: usize, values: usize, k: usize, v: usize, slots: usize, G: usize, T: usize, D: usize, Dv: usize,
  length: usize, room: usize, kb: usize, kg: usize, kt: usize, vb: usize, vg: usize, vt: usize,
): void {
  const panel = room << 5, kBytes = (room >> 3) * (D << 5), vBytes = ((Dv + 7) >> 3) * panel;
  for (let tile = begin; tile < end; tile++) {
    const b = tile / G, g = tile % G, matrix = <usize>i32.load(slots + (b << 2)) * G + g;
    for (let t: usize = 0; t < T; t++) {
      const j = length + t;
      let from = k + ((b * kb + g * kg + t * kt) << 2), to = keys + matrix * kBytes + (j >> 3) * (D << 5) + ((j & 7) << 2);
      for (let d: usize = 0; d < D; d++, from += 4, to += 32) f32.store(to, f32.load(from));
      from = v + ((b * vb + g * vg + t * vt) << 2), to = values + matrix * vBytes + (j << 5);
      let c = Dv;
      for (; c >= 8; c -= 8, from += 32, to += panel) v128.store(to, v128.load(from)), v128.store(to, v128.load(from, 16), 16);
      if (c) memory.copy(to, from, c << 2);
    }
  }
}
