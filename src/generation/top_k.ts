/** The largest few of very many numbers, and where they are: one pass, since a vocabulary may have 250,000 entries. */

export interface Entry {
  value: number;
  key: number;
}

export class TopK {
  #entries: Entry[] = [];
  /** What a number must exceed, once there are k. */
  #floor: number | undefined;

  constructor(readonly k: number) {}

  /** Takes in every score plus `base`, in float32, under the key `first` plus its index. NaNs are passed over. */
  add(scores: Float32Array, base = 0, first = 0): void {
    let floor = this.#floor;
    for (let i = 0; i < scores.length; i++) {
      const value = Math.fround((scores[i] as number) + base);
      // Almost always false, so that the pass is one comparison a number.
      if (floor === undefined ? Number.isNaN(value) : !(value > floor)) continue;
      this.#entries.push({ value, key: first + i });
      // Sorting when there are twice too many makes the floor rise seldom, but the pass linear for any k.
      if (this.#entries.length >= 2 * this.k) floor = this.#shrink();
    }
  }

  /** Largest first; of equals, the one that came first. */
  best(): readonly Entry[] {
    this.#shrink();
    return this.#entries;
  }

  #shrink(): number | undefined {
    this.#entries.sort((a, b) => (a.value === b.value ? 0 : b.value - a.value)).splice(this.k);
    this.#floor = this.#entries[this.k - 1]?.value;
    return this.#floor;
  }
}

/** The k-th largest number; −∞ where there are fewer. */
export function kthLargest(scores: Float32Array, k: number): number {
  if (k >= scores.length) return Number.NEGATIVE_INFINITY;
  const top = new TopK(k);
  top.add(scores);
  return top.best()[k - 1]?.value ?? Number.NEGATIVE_INFINITY;
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
