/** The largest few of very many numbers, and where they are: one pass, since a vocabulary may have 250,000 entries. */

export class TopK {
  /** Largest first; of equals, the one that came first. */
  readonly values: Float64Array;
  readonly keys: Int32Array;
  size = 0;

  constructor(readonly k: number) {
    this.values = new Float64Array(k);
    this.keys = new Int32Array(k);
  }

  /** Takes in every score plus `base`, in float32, under the key `first` plus its index. NaNs are passed over. */
  add(scores: Float32Array, base = 0, first = 0): void {
    const { values, k } = this;
    for (let i = 0; i < scores.length; i++) {
      const value = Math.fround((scores[i] as number) + base);
      // Almost always false, so that the pass is one comparison a number.
      if (this.size < k ? !Number.isNaN(value) : value > (values[k - 1] as number)) this.#insert(value, first + i);
    }
  }

  #insert(value: number, key: number): void {
    const { values, keys, k } = this;
    let at = this.size < k ? this.size++ : k - 1;
    for (; at > 0 && (values[at - 1] as number) < value; at--) {
      values[at] = values[at - 1] as number;
      keys[at] = keys[at - 1] as number;
    }
    values[at] = value;
    keys[at] = key;
  }
}

/** Beyond this, sorting is faster than keeping a sorted few. */
const FEW = 256;

/** The k-th largest number; the smallest where there are fewer. */
export function kthLargest(scores: Float32Array, k: number): number {
  if (k >= scores.length) return Number.NEGATIVE_INFINITY;
  if (k > FEW) return scores.slice().sort()[scores.length - k] as number;
  const top = new TopK(k);
  top.add(scores);
  return top.size < k ? Number.NEGATIVE_INFINITY : (top.values[k - 1] as number);
}

/** Where the largest number is; of equals, the first. -1 where all are −∞ or NaN. */
export function argMax(scores: Float32Array): number {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const value = scores[i] as number;
    if (value > most) {
      most = value;
      best = i;
    }
  }
  return best;
}
