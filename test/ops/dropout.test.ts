/** What dropout promises beside its case: the generator is Philox, a mask depends on its key alone, and as many elements stay as should. */
import type { Engine } from 'heed';
import { type DropoutKey, dropout, tensor } from 'heed/ops';
import { beforeAll, expect, it } from 'vitest';
import { philox, wordAt } from '../cases/dropout.js';
import { engineFor } from './engines.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineFor({ threads: 2 });
});

/** Known answers of Random123's (tests/kat_vectors, "philox4x32 7"): counter, key, words. */
it.each([
  ['00000000 00000000 00000000 00000000', '00000000 00000000', '5f6fb709 0d893f64 4f121f81 4f730a48'],
  ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '5207ddc2 45165e59 4d8ee751 8c52f662'],
  ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', '4dfccaba 190a87f0 c47362ba b6b5242a'],
])('the generator of the tests gives the known words for the counter %s', (counter, key, words) => {
  const numbers = (text: string) => text.split(' ').map((word) => Number.parseInt(word, 16)) as [number, number, number, number];
  expect(philox(numbers(counter), numbers(key) as never)).toEqual(numbers(words));
});

/** Which of n elements stay. */
const mask = (n: number, p: number, key: DropoutKey): boolean[] =>
  engine.scope(() => [...dropout(tensor(engine, new Float32Array(n).fill(1)), p, key).toHost().data].map((y) => y !== 0));

it('an element stays where its word is no smaller than p · 2^32, which is found out word by word', () => {
  const key: DropoutKey = [7, 8, 9, 10];
  const words = Array.from({ length: 40 }, (_, i) => wordAt(key, i));
  for (const word of words)
    for (const threshold of [word, word + 1]) expect(mask(40, threshold / 2 ** 32, key)).toEqual(words.map((other) => other >= threshold));
});

it.each([0.1, 0.5])('a share of %d goes, and masks of keys that differ in any word have nothing to do with each other', (p) => {
  const n = 100_000;
  const keys: DropoutKey[] = [
    [1, 2, 3, 4],
    [2, 2, 3, 4],
    [1, 3, 3, 4],
    [1, 2, 4, 4],
    [1, 2, 3, 5],
  ];
  const masks = keys.map((key) => mask(n, p, key));
  const share = (test: (i: number) => boolean) => masks[0]?.filter((_, i) => test(i)).length ?? 0;
  /** Six standard deviations of a count. */
  const far = (q: number) => 6 * Math.sqrt(n * q * (1 - q));
  masks.forEach((own, at) => {
    expect(Math.abs(share((i) => !own[i]) - n * p)).toBeLessThan(far(p));
    if (at > 0) expect(Math.abs(share((i) => !own[i] && !masks[0]?.[i]) - n * p * p)).toBeLessThan(far(p * p));
  });
  // Nor have neighbours.
  for (const step of [1, 4, 16]) {
    const both = share((i) => i >= step && !masks[0]?.[i] && !masks[0]?.[i - step]);
    expect(Math.abs(both - n * p * p)).toBeLessThan(far(p * p));
  }
});
