/** The k largest of very many numbers, and their keys: one pass, since a vocabulary may have 250,000 entries. */

export interface Entry {
  value: number;
  key: number;
}

export class TopK {
  #entries: Entry[] = [];
  /** Bound that a number must exceed, once there are k. */
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

/** Where the largest numbers are looked for first; a batch of them that does not do is followed by one eight times as large. */
const BATCH = 64;

/**
 * Keys of the numbers that are above −∞, the largest first; of equals, the lower key. For callers that stop early: most of a distribution's probability lies with few tokens, and a sort
 * of the whole vocabulary takes longer than a small model's step.
 */
export function* descending(scores: Float32Array): Generator<number, void> {
  for (let k = BATCH, done = 0; ; done = k, k *= 8) {
    const top = new TopK(Math.min(k, scores.length));
    top.add(scores);
    const best = top.best();
    for (const { key, value } of best.slice(done)) {
      if (value === Number.NEGATIVE_INFINITY) return;
      yield key;
    }
    if (best.length < k) return;
  }
}

/** Index of the largest number; of equals, the first. -1 where all are −∞ or NaN. */
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
