/**
 * Rotary position embedding (Su et al., arXiv 2104.09864, eq. 34): pairs of channels turn by an angle t · θ_i.
 *
 *   half-split (Hugging Face)   pairs (x[i], x[i + R/2])        interleaved (the paper)   pairs (x[2i], x[2i + 1])
 *   a' = a cos − b sin,  b' = b cos + a sin
 *
 * Channels from R on stay as they are. The gradient turns the other way.
 */

/**
 * out  y [B, H, T, D] contiguous      in  x: row (b, h, t) at b·sb + h·sh + t·st floats; cos, sin [positions, R/2];
 * positions: [T] int32 row numbers of cos and sin, or 0 for 0 … T − 1, `perBatch` floats apart from example to example (0 or T)
 * Tile i is row i of y. R even, R <= D. `direction` is 1, or −1 to turn back.
 */
export function rope_f32(
  begin: usize, end: usize, y: usize, x: usize, cos: usize, sin: usize, positions: usize, H: usize, T: usize, D: usize, R: usize,
  sb: usize, sh: usize, st: usize, perBatch: usize, interleaved: i32, direction: f32,
): void {
  const half = R >> 1;
  for (let i = begin; i < end; i++) {
    const t = i % T, h = (i / T) % H, b = i / T / H;
    const from = x + ((b * sb + h * sh + t * st) << 2), to = y + ((i * D) << 2);
    const at = positions ? <usize>i32.load(positions + ((b * perBatch + t) << 2)) : t;
    const c = cos + ((at * half) << 2), s = sin + ((at * half) << 2);
    const step: usize = interleaved ? 8 : 4, other: usize = interleaved ? 4 : half << 2;
    for (let j: usize = 0; j < half; j++) {
      const p = j * step, u = f32.load(from + p), v = f32.load(from + p + other);
      const cj = f32.load(c + (j << 2)), sj = direction * f32.load(s + (j << 2));
      f32.store(to + p, u * cj - v * sj);
      f32.store(to + p + other, v * cj + u * sj);
    }
    memory.copy(to + (R << 2), from + (R << 2), (D - R) << 2);
  }
}
