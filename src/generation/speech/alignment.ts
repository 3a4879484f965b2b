/**
 * When tokens were said: heads whose attention follows the sound, their weights normalized over the tokens and smoothed over time, and the cheapest way through them that goes neither back in
 * the text nor in time (dynamic time warping; as openai/whisper's timing.py and transformers have it).
 */

/** Seconds of a position of the encoder's states. */
export const TIME_PRECISION = 0.02;

/** Positions of time whose median each is replaced by. */
const MEDIAN = 7;

/** Weights [heads, tokens, S], of which the first `length` positions count → for each token the position at which it begins. */
export function alignment(weights: Float32Array, [heads, tokens, S]: readonly [number, number, number], length: number): number[] {
  const width = Math.min(S, length);
  const mean = new Float64Array(tokens * width);
  const window = new Float64Array(MEDIAN);
  const scaled = new Float64Array(tokens * width);
  for (let h = 0; h < heads; h++) {
    normalize(weights, h * tokens * S, tokens, S, width, scaled);
    for (let t = 0; t < tokens; t++)
      for (let s = 0; s < width; s++) {
        const own = t * width;
        mean[own + s] = (mean[own + s] as number) + smoothed(scaled, own, s, width, window) / heads;
      }
  }
  return begins(mean, tokens, width);
}

/** (w − mean) / deviation over the tokens, at each position; 0 where all tokens have the same. */
function normalize(w: Float32Array, from: number, tokens: number, S: number, width: number, to: Float64Array): void {
  for (let s = 0; s < width; s++) {
    let [sum, squares] = [0, 0];
    for (let t = 0; t < tokens; t++) sum += w[from + t * S + s] as number;
    const mean = sum / tokens;
    for (let t = 0; t < tokens; t++) squares += ((w[from + t * S + s] as number) - mean) ** 2;
    const deviation = Math.sqrt(squares / tokens);
    for (let t = 0; t < tokens; t++) to[t * width + s] = deviation > 0 ? ((w[from + t * S + s] as number) - mean) / deviation : 0;
  }
}

/** The median of position s and its neighbours, which are mirrored at both ends. */
function smoothed(row: Float64Array, from: number, s: number, width: number, window: Float64Array): number {
  const reach = MEDIAN >> 1;
  if (width <= reach) return row[from + s] as number;
  for (let i = -reach; i <= reach; i++) {
    const at = s + i;
    window[i + reach] = row[from + (at < 0 ? -at : at >= width ? 2 * (width - 1) - at : at)] as number;
  }
  return window.sort()[reach] as number;
}

/** The cheapest path from the first token and position to the last of both, where a cell costs what it is less than 0: the first position of each token on it. */
function begins(gain: Float64Array, tokens: number, width: number): number[] {
  const step = width + 1;
  const cost = new Float32Array((tokens + 1) * step).fill(Number.POSITIVE_INFINITY);
  const moves = new Uint8Array((tokens + 1) * step);
  cost[0] = 0;
  for (let s = 1; s <= width; s++)
    for (let t = 1; t <= tokens; t++) {
      const both = cost[(t - 1) * step + s - 1] as number;
      const token = cost[(t - 1) * step + s] as number;
      const time = cost[t * step + s - 1] as number;
      const move = both < token && both < time ? BOTH : token < both && token < time ? TOKEN : TIME;
      moves[t * step + s] = move;
      cost[t * step + s] = [both, token, time][move] as number;
      cost[t * step + s] = (cost[t * step + s] as number) - (gain[(t - 1) * width + s - 1] as number);
    }
  const found = Array<number>(tokens).fill(0);
  for (let [t, s] = [tokens, width]; t > 0; ) {
    found[t - 1] = Math.max(0, s - 1);
    const move = s > 0 ? moves[t * step + s] : TOKEN;
    if (move !== TIME) t--;
    if (move !== TOKEN) s--;
  }
  return found;
}

/** From which neighbour a cell is reached: a token and a position before, a token, a position. */
const BOTH = 0;
const TOKEN = 1;
const TIME = 2;
