import { describe, expect, it } from 'vitest';
import { asTyped } from '../../dist/cli/careless.js';

const pairs = Array.from({ length: 400 }, (_, i) => [`Is Anna ${i} at home, Tom?`, `安娜${i}在家吗，汤姆？`]);

describe('sources as people type them', () => {
  it('stand behind the pair, which stays as it is', () => {
    for (const [i, pair] of asTyped(pairs, { careless: 1, seed: 3 }).entries()) {
      expect(pair).toHaveLength(4);
      expect(pair.slice(0, 2)).toEqual(pairs[i]);
      expect(pair[2]?.toLowerCase().replace(/\W/g, '')).toBe(pairs[i]?.[0]?.toLowerCase().replace(/\W/g, ''));
      expect(pair[3]?.replace(/\P{L}/gu, '')).toBe(pairs[i]?.[1]?.replace(/\P{L}/gu, ''));
    }
  });

  it('are careless in about the share that was asked for', () => {
    const changed = asTyped(pairs, { careless: 0.25, seed: 0 }).filter(([en, , typed]) => en !== typed).length;
    expect(changed).toBeGreaterThan(400 * 0.25 * 0.3);
    expect(changed).toBeLessThan(400 * 0.25 * 1.2);
  });

  it('are the same for the same seed, and others for another', () => {
    const of = (seed: number) => JSON.stringify(asTyped(pairs, { careless: 0.5, seed }));
    expect(of(1)).toBe(of(1));
    expect(of(1)).not.toBe(of(2));
  });

  it('are none where none are asked for', () => {
    expect(asTyped(pairs, { careless: 0, seed: 0 })).toBe(pairs);
  });

  it('are never empty', () => {
    for (const [, , ...typed] of asTyped(
      Array.from({ length: 50 }, () => ['!', '。']),
      { careless: 1, seed: 0 },
    ))
      for (const text of typed) expect(text).not.toBe('');
  });
});
