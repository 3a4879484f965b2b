/**
 * Pictures: 8-bit pixels resampled as Pillow resamples them, and made into float32 planes. Weights are whole numbers of 2^-22, sums are int32 and so without an order, and
 * every byte is rounded once per axis: the same bits everywhere.
 *   y[i] = clip((2^21 + sum_k w[i,k] x[start[i] + k]) >> 22)
 */

/** Bits behind the point of a weight. */
export const WEIGHT_BITS: i32 = 22;

/** Bytes that must be allocated behind the pixels that kernels here read. */
export const PIXEL_SLACK: usize = 16;

// @ts-ignore: decorators of functions are AssemblyScript's alone
@inline
function clipped(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(i32x4.shr_s(a, WEIGHT_BITS), i32x4.shr_s(b, WEIGHT_BITS)),
    i16x8.narrow_i32x4_s(i32x4.shr_s(c, WEIGHT_BITS), i32x4.shr_s(d, WEIGHT_BITS)),
  );
}

/**
 * Resamples each row to another width.
 * out  y [rows, N, C]      in  x [rows, M, C] and PIXEL_SLACK, starts [N] (start[i] + taps <= M), w [N, taps] int32
 * C is 1 to 4. A tile is a row.
 */
export function resample_x_u8(
  begin: usize, end: usize, y: usize, x: usize, starts: usize, w: usize, taps: usize, M: usize, N: usize, C: usize,
): void {
  const half = i32x4.splat(1 << (WEIGHT_BITS - 1));
  for (let row = begin; row < end; row++) {
    const line = x + row * M * C;
    let out = y + row * N * C, weight = w;
    for (let i: usize = 0; i < N; i++, out += C) {
      let sum = half, p = line + <usize>load<u32>(starts + (i << 2)) * C;
      for (let k = taps; k; k--, p += C, weight += 4) {
        // A pixel's channels side by side; lanes beyond C are its neighbour's, and are not stored.
        const pixel = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p)));
        sum = i32x4.add(sum, i32x4.mul(pixel, v128.load32_splat(weight)));
      }
      let bytes = i32x4.extract_lane(clipped(sum, sum, sum, sum), 0);
      for (let c: usize = 0; c < C; c++, bytes >>>= 8) store<u8>(out + c, <u8>bytes);
    }
  }
}

/**
 * Resamples each column to another height.
 * out  y [N, B]      in  x [M, B] and PIXEL_SLACK, starts [N] (start[i] + taps <= M), w [N, taps] int32
 * B is the bytes of a row. A tile is a row of y.
 */
export function resample_y_u8(
  begin: usize, end: usize, y: usize, x: usize, starts: usize, w: usize, taps: usize, B: usize,
): void {
  const half = i32x4.splat(1 << (WEIGHT_BITS - 1));
  for (let row = begin; row < end; row++) {
    const top = x + <usize>load<u32>(starts + (row << 2)) * B, weights = w + ((row * taps) << 2), out = y + row * B;
    for (let j: usize = 0; j < B; j += 16) {
      let a = half, b = half, c = half, d = half, p = top + j, weight = weights;
      for (let k = taps; k; k--, p += B, weight += 4) {
        const bytes = v128.load(p), scale = v128.load32_splat(weight);
        const low = i16x8.extend_low_i8x16_u(bytes), high = i16x8.extend_high_i8x16_u(bytes);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), scale));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), scale));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), scale));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), scale));
      }
      let bytes = clipped(a, b, c, d);
      if (j + 16 <= B) v128.store(out + j, bytes);
      else for (let i = j; i < B; i++, bytes = i8x16.shuffle(bytes, bytes, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0)) {
        // Exactly the row: the next one may be another thread's.
        store<u8>(out + i, <u8>i8x16.extract_lane_u(bytes, 0));
      }
    }
  }
}

/**
 * y[c,i] = table[c, x[i,c]]: a byte has but 256 values, so that rescaling and normalizing are a look-up of numbers that the host rounded.
 * out  y [C, n]      in  x [n, C], table [C, 256] float32
 * A tile is a channel.
 */
export function planes_f32(begin: usize, end: usize, y: usize, x: usize, table: usize, n: usize, C: usize): void {
  for (let c = begin; c < end; c++) {
    const values = table + (c << 10), out = y + ((c * n) << 2);
    for (let i: usize = 0, p = x + c; i < n; i++, p += C) store<f32>(out + (i << 2), load<f32>(values + (<usize>load<u8>(p) << 2)));
  }
}
