/** Texts that nobody writes: every tokenizer takes each in a time that grows with its length, and so does the pipeline. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { createEngine } from '../../dist/entry/node.js';
import { FeatureExtractionPipeline, type FeatureExtractor } from '../../dist/pipelines/feature_extraction.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { allTokenizers, decode } from '../fuzz/files.js';
import { tinyPath } from '../models/files.js';

const LONG = 100_000;
/** Whatever takes time in proportion to a text's square takes minutes. */
const MOST_MS = 5000;
const filled = (piece: string) => piece.repeat(Math.ceil(LONG / piece.length)).slice(0, LONG);

const texts: Record<string, string> = {
  nothing: '',
  spaces: filled(' '),
  'one character': 'a',
  'words without end': filled('the cat sat on 42 mats. '),
  'a word without end': filled('a'),
  'a word without end, of many letters': filled('abcdefghijklmnopqrstuvwxyz0123456789'),
  'one accent after the other': filled('\u0301'),
  'a letter under accents': `e${filled('\u0323\u0301')}`,
  NUL: '\0',
  'NUL without end': filled('a\0'),
  'halves of surrogate pairs': filled('\ud800a\udc00'),
  'a half at the end': 'cat \ud83d',
  'characters of no plane': filled('\uffff\ufdd0\u{10ffff}'),
  'what has no width': filled('\u200b\u200d\ufeff\u00ad\u{e0001}'),
  'emoji that are many': filled('👩‍👩‍👧‍👦🏽'),
  ideographs: filled('字語'),
  'letters that grow': filled('ﷺİẞΐ'),
  punctuation: filled('.,!?…—'),
  'special tokens': filled('[CLS][SEP][PAD][MASK]'),
  'special tokens that do not end': filled('[MAS'),
  'what markup looks like': filled('<|endoftext|></s>'),
};

const timed = async <T>(run: () => T | Promise<T>): Promise<T> => {
  const began = performance.now();
  const result = await run();
  expect(performance.now() - began).toBeLessThan(MOST_MS);
  return result;
};

describe.each(
  ['WordPiece', 'BPE', 'Unigram'].map((kind, i) => [kind, Tokenizer.from({ tokenizer: JSON.parse(decode(allTokenizers[i])) })] as const),
)('a tokenizer of %s', (_, tokenizer) => {
  it.each(Object.entries(texts))('takes %s', async (__, text) => {
    const ids = await timed(() => tokenizer.encode(text));
    expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < 97)).toBe(true);
    expect(ids[0]).toBe(2);
    expect(ids.at(-1)).toBe(3);
    await timed(() => tokenizer.decode(ids));
  });
});

describe('a pipeline', () => {
  let engine: Engine;
  let extractor: FeatureExtractor;
  beforeAll(async () => {
    engine = await createEngine({ threads: 1, deterministic: true });
    extractor = await FeatureExtractionPipeline.load(engine, tinyPath);
  });
  afterAll(() => engine.dispose());

  it('takes all of them at once, and gives each the bits that it has alone', async () => {
    const all = Object.values(texts);
    const options = { pooling: 'mean', normalize: true } as const;
    const { data, dims } = await extractor(all, options);
    expect(dims).toEqual([all.length, 32]);
    for (const [i, text] of all.entries()) {
      const alone = await timed(() => extractor(text, options));
      expect(alone.data).toEqual(data.slice(32 * i, 32 * (i + 1)));
      expect(Math.hypot(...alone.data)).toBeCloseTo(1, 5);
    }
  });
});
