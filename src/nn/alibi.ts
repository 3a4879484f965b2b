/** Attention with linear biases (Press et al., arXiv 2108.12409): scores fall with distance, in each head by a slope of its own. */
import { pow } from '../math.js';

/** Slopes of H heads: 2^(−8h / H) for h = 1 … H where H is a power of two; else the slopes of the next lower power of two, then every other slope of twice that many heads. */
export function alibiSlopes(H: number): number[] {
  const whole = 2 ** Math.floor(Math.log2(H));
  const first = Array.from({ length: whole }, (_, h) => pow(2, (-8 * (h + 1)) / whole));
  const rest = Array.from({ length: H - whole }, (_, h) => pow(2, (-4 * (2 * h + 1)) / whole));
  return [...first, ...rest];
}
