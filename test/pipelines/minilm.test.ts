/** all-MiniLM-L6-v2, as far as a user is concerned: the vectors that sentence-transformers gives for the same texts. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { hasRelaxed } from '../../dist/engine/features.js';
import { createEngine, pipeline } from '../../dist/entry/node.js';
import type { FeatureExtractionOptions, FeatureExtractor } from '../../dist/pipelines/feature_extraction.js';
import { itWith, shared } from '../shared.js';
import { thorough } from '../thorough.js';

const folder = 'models/all-MiniLM-L6-v2';

interface Vectors {
  mean: number[];
  cls: number[];
}

interface Expected extends Vectors {
  text: string;
  /** Where the text is longer than the folder's limit: what is left of it within. */
  max_tokens_256?: Vectors;
}

/** Where there is no relaxed SIMD, both modes are one. */
const modes = hasRelaxed() ? [true, false] : [true];

describe.each(modes.flatMap((deterministic) => (thorough ? [1, 2, 4] : [1, 2]).map((threads) => [threads, deterministic] as const)))(
  'MiniLM with %i threads, deterministic %s',
  (threads, deterministic) => {
    let engine: Engine | undefined;
    let extractor: FeatureExtractor;
    let expected: Expected[] = [];
    const test = itWith(folder);
    if (test !== test.skip)
      beforeAll(async () => {
        expected = JSON.parse(readFileSync(shared(`${folder}/expected.json`), 'utf8'));
        engine = await createEngine({ threads, deterministic });
        extractor = await pipeline('feature-extraction', shared(folder), { engine });
      });
    afterAll(() => engine?.dispose());

    /** How far the furthest component is from `want`, over all texts that have one. */
    async function furthest(want: (one: Expected) => number[] | undefined, options: FeatureExtractionOptions): Promise<number> {
      const cases = expected.filter(want);
      const { data, dims } = await extractor(
        cases.map(({ text }) => text),
        { normalize: true, ...options },
      );
      expect(dims).toEqual([cases.length, 384]);
      const apart = cases.map((one, i) => want(one)?.map((x, c) => Math.abs(x - (data[i * 384 + c] as number))) ?? []);
      return Math.max(...apart.flat());
    }

    test('gives the mean of all 40 texts, each component within 5e-6', async () => {
      expect(expected).toHaveLength(40);
      expect(await furthest(({ mean }) => mean, { pooling: 'mean', max_length: 512 })).toBeLessThan(5e-6);
    });

    test("cuts texts at the folder's own limit unless told otherwise: mean and first token, each component within 5e-6", async () => {
      const within = (one: Expected): Vectors => one.max_tokens_256 ?? one;
      expect(expected.filter((one) => one.max_tokens_256)).toHaveLength(2);
      expect(await furthest((one) => within(one).mean, { pooling: 'mean' })).toBeLessThan(5e-6);
      expect(await furthest((one) => within(one).cls, { pooling: 'cls' })).toBeLessThan(5e-6);
    });

    if (threads === 2)
      test('gives the first token of all 40 texts, each component within 5e-6', async () => {
        expect(await furthest(({ cls }) => cls, { pooling: 'cls', max_length: 512 })).toBeLessThan(5e-6);
      });
  },
);

itWith(folder)('MiniLM in 8 bits: the mean of each of the 40 texts has a cosine of 0.999 or more with its float32 vector', async () => {
  const expected: Expected[] = JSON.parse(readFileSync(shared(`${folder}/expected.json`), 'utf8'));
  const engine = await createEngine({ threads: 2 });
  const extractor = await pipeline('feature-extraction', shared(folder), { engine, dtype: 'q8' });
  const texts = expected.map(({ text }) => text);
  const { data } = await extractor(texts, { pooling: 'mean', normalize: true, max_length: 512 });
  const cosines = expected.map(({ mean }, i) => mean.reduce((sum, x, c) => sum + x * (data[i * 384 + c] as number), 0));
  await engine.dispose();
  expect(Math.min(...cosines)).toBeGreaterThan(0.999);
});
