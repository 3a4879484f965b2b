/** Greedy search and beam search: the very sequences that transformers finds, with every option; the best there is where beams are wide enough. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { createEngine } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import type { GenerationConfig } from '../../dist/generation/config.js';
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
