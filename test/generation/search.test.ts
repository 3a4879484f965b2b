/** Greedy search and beam search: the very sequences that transformers finds, with every option; the best there is where beams are wide enough. */
import { readFileSync } from 'node:fs';
import { createEngine } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import type { GenerationConfig } from '../../dist/generation/config.js';
import type { Found } from '../../dist/generation/sequence.js';
import { TopK } from '../../dist/generation/top_k.js';
import fc from '../draws.js';
import { logitsAfter, randomToy, searchToy, type Toy, ToyDecoding } from './toy.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

interface Case {
  seed: number;
  V: number;
  B: number;
  P: number;
  spread: number;
  prompt: number[];
  sources: number[][];
  options: GenerationConfig;
  sequences: number[][];
  scores?: number[];
}

const { cases } = JSON.parse(readFileSync(new URL('../fixtures/generation/expected.json', import.meta.url), 'utf8')) as { cases: Case[] };

/** What stands in a row before what it was filled up with. */
const fill = (ids: readonly number[], width: number, filler: number) => [
  ...ids,
  ...Array.from({ length: width - ids.length }, () => filler),
];

describe('transformers', () => {
  it.each(cases.map((one, i) => [i, JSON.stringify(one.options), one] as const))('agrees, case %i: %s', async (_, __, one) => {
    const toy = randomToy(one.seed, one.V, one.B, one.P, one.spread);
    const found = await searchToy(engine, toy, one.options, { prompt: one.prompt, sources: one.sources });
    const width = one.sequences[0]?.length as number;
    expect(Math.max(...found.map(({ ids }) => ids.length))).toBe(width);
    expect(found.map(({ ids }) => fill(ids, width, one.options.pad_token_id as number))).toEqual(one.sequences);
    for (const [i, score] of (one.scores ?? []).entries()) expect(found[i]?.score).toBeCloseTo(score, 4);
  });
});

describe('the cases', () => {
  const named = [...new Set(cases.flatMap(({ options }) => Object.keys(options)))] as (keyof GenerationConfig)[];

  // num_return_sequences says how many come out; the ids of the start and of padding are what the toy is made of.
  it.each(named.filter((name) => name !== 'decoder_start_token_id'))('tell %s from its absence', async (name) => {
    let told = 0;
    for (const one of cases.filter(
      ({ options }) => options[name] !== undefined && (name !== 'num_beams' || options.num_return_sequences === 1),
    )) {
      const toy = randomToy(one.seed, one.V, one.B, one.P, one.spread);
      const { [name]: _, early_stopping, length_penalty, ...rest } = one.options;
      const options =
        name === 'num_beams'
          ? rest
          : { ...rest, ...(name !== 'early_stopping' && { early_stopping }), ...(name !== 'length_penalty' && { length_penalty }) };
      // Without what ends a text, there may be nothing that can come next.
      const found = await searchToy(engine, toy, options, { prompt: one.prompt, sources: one.sources }).catch(() => []);
      const width = Math.max(...found.map(({ ids }) => ids.length));
      const rows = found.map(({ ids }) => fill(ids, width, (options as GenerationConfig).pad_token_id ?? -1));
      if (JSON.stringify(rows) !== JSON.stringify(one.sequences)) told++;
    }
    expect(told).toBeGreaterThan(0);
  });
});

/** ln softmax, in float64. */
function logProbabilities(logits: ArrayLike<number>): number[] {
  const all = Array.from(logits);
  const most = Math.max(...all);
  const total = Math.log(all.reduce((sum, x) => sum + Math.exp(x - most), 0)) + most;
  return all.map((x) => x - total);
}

/** Every sequence that ends by eos or by length, with its score: what beam search looks for without seeing all of them. */
function everything(toy: Toy, maxLength: number, eos: number, penalty: number): { ids: number[]; score: number }[] {
  const found: { ids: number[]; score: number }[] = [];
  const grow = (ids: number[], sum: number) => {
    for (const [token, p] of logProbabilities(logitsAfter(toy, 0, ids)).entries()) {
      const longer = [...ids, token];
      if (token === eos || longer.length === maxLength) found.push({ ids: longer, score: (sum + p) / (longer.length - 1) ** penalty });
      else grow(longer, sum + p);
    }
  };
  grow([0], 0);
  return found.sort((a, b) => b.score - a.score);
}

describe('beam search', () => {
  const shapes = fc.record({ seed: fc.nat(1 << 20), V: fc.integer({ min: 3, max: 4 }), length: fc.integer({ min: 2, max: 4 }) });

  it('finds the best sequences there are, in order, where its beams hold all', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.constantFrom(0, 0.7, 1, 2), async ({ seed, V, length }, length_penalty) => {
        const toy = randomToy(seed, V, 1, 6);
        const best = everything(toy, length, 2, length_penalty);
        const num_beams = V ** (length - 1);
        const options = { num_beams, length_penalty, max_length: length, eos_token_id: 2, early_stopping: 'never' as const };
        // The first few; of those whose scores differ by no more than float32 tells apart, any may come first.
        const n = Math.min(3, num_beams, best.length);
        const found = await searchToy(engine, toy, { ...options, num_return_sequences: n });
        for (const [i, { ids, score }] of found.entries()) {
          const own = best[i]?.score as number;
          expect(score).toBeCloseTo(own, 4);
          expect(best.filter((other) => Math.abs(other.score - own) < 1e-5).map((other) => other.ids)).toContainEqual(ids);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never finds what scores better than the best there is, and says the score of what it found', async () => {
    await fc.assert(
      fc.asyncProperty(
        shapes,
        fc.integer({ min: 2, max: 4 }),
        fc.constantFrom(true, false, 'never' as const),
        async (shape, num_beams, early_stopping) => {
          const toy = randomToy(shape.seed, shape.V, 1, 6);
          const [best] = everything(toy, shape.length, 2, 1);
          const [found] = await searchToy(engine, toy, { num_beams, early_stopping, max_length: shape.length, eos_token_id: 2 });
          const sum = found?.ids.slice(1).reduce((s, token, i) => {
            return s + (logProbabilities(logitsAfter(toy, 0, found.ids.slice(0, i + 1)))[token] as number);
          }, 0) as number;
          expect(found?.score).toBeCloseTo(sum / ((found?.ids.length as number) - 1), 4);
          expect(found?.score as number).toBeLessThanOrEqual((best?.score as number) + 1e-5);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds for each example what it finds for it alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1 << 20), fc.integer({ min: 1, max: 4 }), async (seed, num_beams) => {
        const toy = randomToy(seed, 7, 3, 10, 4);
        const options = { num_beams, max_length: 10, eos_token_id: [2, 3] };
        const together = await searchToy(engine, toy, options);
        for (const [b, logits] of toy.logits.entries()) {
          const alone = await searchToy(engine, { V: 7, logits: [logits] }, options);
          const { beams, ...found } = together[b] as Found;
          // Beams are counted over the whole batch.
          const own = beams && { beams: beams.map((beam) => beam - b * num_beams) };
          expect(alone).toEqual([{ ...found, ...own }]);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('a search', () => {
  it('leaves out rows that have ended', async () => {
    // Token 1 follows 0, and 2, the end, follows 1; the second example never ends.
    const row = (next: number) => Float32Array.from({ length: 3 }, (_, token) => (token === next ? 9 : 0));
    const logits = [
      [row(1), row(2), row(0)],
      [row(1), row(0), row(0)],
    ].map((table) => Array.from({ length: 8 }, () => table));
    for (const [num_beams, rows] of [
      [1, 2 + 2 + 5],
      [2, 2 + 4 + 4 + 8],
    ] as const) {
      const decoding = new ToyDecoding(engine, { V: 3, logits });
      const found = await searchToy(
        engine,
        { V: 3, logits },
        { max_length: 8, eos_token_id: 2, num_beams, early_stopping: num_beams > 1 },
        { decoding },
      );
      expect(found[0]?.ids).toEqual([0, 1, 2]);
      expect(found[1]?.ids).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
      expect(decoding.work, `${num_beams} beams`).toBeLessThanOrEqual(rows + (num_beams - 1) * 8);
    }
  });

  it('throws NUMERIC where no token can come next, unless a sequence has ended', async () => {
    const toy = randomToy(3, 5, 1, 8);
    for (const num_beams of [1, 2])
      await expect(searchToy(engine, toy, { num_beams, suppress_tokens: [0, 1, 2, 3, 4] })).rejects.toMatchObject({ code: 'NUMERIC' });
    const broken = { V: 5, logits: toy.logits.map((a) => a.map((b) => b.map((c) => c.map(() => Number.NaN)))) };
    for (const num_beams of [1, 2]) await expect(searchToy(engine, broken, { num_beams })).rejects.toMatchObject({ code: 'NUMERIC' });
  });

  it('leaves no memory behind when it is given up, at whatever step', async () => {
    const toy = randomToy(5, 6, 2, 12);
    await searchToy(engine, toy, { num_beams: 3, max_length: 12 });
    const before = engine.memory();
    for (let after = 0; after < 9; after++) {
      const abort = new AbortController();
      const decoding = new ToyDecoding(engine, toy);
      const { step } = decoding;
      decoding.step = function* (tokens, rows) {
        if (decoding.steps === after) abort.abort(new Error('enough'));
        return yield* step.call(decoding, tokens, rows);
      };
      await expect(searchToy(engine, toy, { num_beams: 3, max_length: 12 }, { decoding, signal: abort.signal })).rejects.toThrow('enough');
      await engine.run(function* () {});
      expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
    }
  });
});

describe('the top k', () => {
  it('are those that sorting finds, of equals the first, for any k', () => {
    const numbers = fc.array(fc.constantFrom(-1, 0, 0.5, 1, 2, Number.NEGATIVE_INFINITY, Number.NaN), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 3 }), fc.integer({ min: 1, max: 50 }), (rows, k) => {
        const top = new TopK(k);
        for (const [r, row] of rows.entries()) top.add(Float32Array.from(row), -r, 100 * r);
        const all = rows
          .flatMap((row, r) => row.map((x, i) => ({ value: x - r, key: 100 * r + i })))
          .filter(({ value }) => !Number.isNaN(value));
        expect(top.best()).toEqual(all.sort((a, b) => (a.value === b.value ? 0 : b.value - a.value)).slice(0, k));
      }),
    );
  });

  it('of very many take time in proportion to their number, though each be larger than the one before', () => {
    // Work that grows with the square of their number takes longer than a test may.
    const top = new TopK(20_000);
    top.add(Float32Array.from({ length: 1_000_000 }, (_, i) => i));
    expect(top.best()[19_999]).toEqual({ value: 980_000, key: 980_000 });
  });
});

describe('sampling', () => {
  const toy = randomToy(11, 8, 1, 1, 2);
  const logits = logitsAfter(toy, 0, [0]);
  const draw = async (options: GenerationConfig) => {
    const n = 4000;
    const found = await searchToy(engine, toy, {
      do_sample: true,
      top_k: 0,
      seed: 7,
      max_new_tokens: 1,
      num_return_sequences: n,
      ...options,
    });
    return Array.from({ length: 8 }, (_, token) => found.filter(({ ids }) => ids[1] === token).length / n);
  };
  const softmax = (x: readonly number[]) => logProbabilities(x).map(Math.exp);

  it('draws tokens by their probability, at any temperature', async () => {
    for (const temperature of [1, 0.5, 3]) {
      const want = softmax(Array.from(logits, (x) => x / temperature));
      for (const [token, share] of (await draw({ temperature })).entries())
        expect(Math.abs(share - (want[token] as number))).toBeLessThan(0.03);
    }
  });

  it('draws from the top k, and from the nucleus', async () => {
    const order = [...logits.keys()].sort((a, b) => (logits[b] as number) - (logits[a] as number));
    const drawn = (shares: number[]) => order.filter((token) => (shares[token] as number) > 0);
    expect(drawn(await draw({ top_k: 3 }))).toEqual(order.slice(0, 3));
    const p = softmax(Array.from(logits));
    const two = (p[order[0] as number] as number) + (p[order[1] as number] as number);
    expect(drawn(await draw({ top_p: two - 1e-3 }))).toEqual(order.slice(0, 2));
    expect(drawn(await draw({ top_p: two + 1e-3 }))).toEqual(order.slice(0, 3));
    expect(drawn(await draw({ top_p: 1e-9 }))).toEqual(order.slice(0, 1));
  });

  it('draws the same by the same seed, whatever stands beside a row, and else something else', async () => {
    const wide = randomToy(12, 50, 2, 12);
    const options = { do_sample: true, max_new_tokens: 10 };
    const once = await searchToy(engine, wide, { ...options, seed: 1 });
    expect(await searchToy(engine, wide, { ...options, seed: 1 })).toEqual(once);
    expect(await searchToy(engine, { V: 50, logits: wide.logits.slice(0, 1) }, { ...options, seed: 1 })).toEqual(once.slice(0, 1));
    expect(await searchToy(engine, wide, { ...options, seed: 2 })).not.toEqual(once);
    expect(await searchToy(engine, wide, options)).not.toEqual(await searchToy(engine, wide, options));
    const brothers = await searchToy(engine, wide, { ...options, seed: 1, num_return_sequences: 4 });
    expect(new Set(brothers.slice(0, 4).map(({ ids }) => `${ids}`)).size).toBe(4);
  });
});
