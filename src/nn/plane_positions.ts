/** Positions of places in a plane as sinusoids (Carion et al., arXiv 2005.12872, §A.4). */
import { cos, pow, sin } from '../math.js';
import type { Grid } from './attention.js';

/**
 * Sines and cosines of lines, then of columns, C / 2 of each, for C of whole fours. Lines and columns are counted from 1 within a picture's own places, and are shares of its height and
 * width, times 2π: [h w][C], or, where `beside` [B][h w] is 1 for what is beside each of B pictures, [B][h w][C].
 */
export function planeSinusoids(C: number, [h, w]: Grid, beside?: Uint8Array): Float32Array {
  const [f, S, half] = [Math.fround, h * w, C / 2];
  const B = beside ? beside.length / S : 1;
  const rates = Array.from({ length: half }, (_, i) => f(pow(10_000, (2 * Math.floor(i / 2)) / half)));
  const vectors = new Map<number, Float32Array>();
  const vectorOf = (share: number): Float32Array => {
    const known = vectors.get(share);
    const made = known ?? Float32Array.from(rates, (rate, i) => (i % 2 ? cos : sin)(f(share / rate)));
    if (!known) vectors.set(share, made);
    return made;
  };
  const rows = new Float32Array(B * S * C);
  /** A line or column of n places, `step` apart: of each the count of own places up to it as a share of all of them. */
  const along = (at: number, n: number, step: number, channel: number): void => {
    const counts = new Float32Array(n);
    let count = 0;
    for (let i = 0; i < n; i++) counts[i] = count += beside ? 1 - (beside[at + i * step] as number) : 1;
    for (let i = 0; i < n; i++)
      rows.set(vectorOf(f(f((counts[i] as number) / f(count + 1e-6)) * f(2 * Math.PI))), (at + i * step) * C + channel);
  };
  for (let b = 0; b < B; b++) {
    for (let x = 0; x < w; x++) along(b * S + x, h, w, 0);
    for (let y = 0; y < h; y++) along(b * S + y * w, w, 1, half);
  }
  return rows;
}
