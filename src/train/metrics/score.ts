/** Shared parts of text metrics: argument checks, n-gram counts, numbers printed as Python prints them. */
import { HeedError, kindOf } from '../../errors.js';

/** Throws ARGUMENT unless there are as many references as hypotheses, and at least one. */
export function checkTexts(hypotheses: readonly string[], references: readonly string[]): void {
  for (const [name, texts] of Object.entries({ hypotheses, references })) {
    if (!Array.isArray(texts)) throw new HeedError('ARGUMENT', `${name} must be a list of strings`, { culprit: name });
    const at = texts.findIndex((text) => typeof text !== 'string');
    if (at >= 0) throw new HeedError('ARGUMENT', `${name} must be strings, number ${at} is ${kindOf(texts[at])}`, { culprit: name });
  }
  if (hypotheses.length !== references.length || hypotheses.length === 0)
    throw new HeedError('ARGUMENT', `there are ${hypotheses.length} hypotheses and ${references.length} references`, {
      culprit: 'references',
      cure: 'Give one reference for each hypothesis',
    });
}

/** Counts each run of `n` entries. */
export function countGrams(entries: readonly string[], n: number, between: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= entries.length; i++) {
    const gram = entries.slice(i, i + n).join(between);
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** Number of n-grams that two counts share. */
export function countShared(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let shared = 0;
  for (const [gram, count] of a) shared += Math.min(count, b.get(gram) ?? 0);
  return shared;
}

/** `x`, at least 0, with so many decimals, as Python's format has it: a number just in the middle goes to the even neighbour. */
export function fixed(x: number, decimals: number): string {
  // Only multiples of 2^-(decimals + 1) are in the middle, and scaling those is exact.
  if (Math.abs((x * 2 ** (decimals + 1)) % 2) !== 1) return x.toFixed(decimals);
  const below = Math.floor(x * 10 ** decimals);
  return ((below % 2 === 0 ? below : below + 1) / 10 ** decimals).toFixed(decimals);
}
