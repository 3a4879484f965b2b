import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { folderAt } from '../../dist/io/folder.js';
import { join, open } from '../../dist/runtime/node-files.js';
import type { Runtime } from '../../dist/runtime/types.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { type BpeOptions, trainBpe } from '../../dist/text/train_bpe.js';
import fc from '../draws.js';
import { failureOf } from '../io/memory.js';
import { itWith, shared } from '../shared.js';

interface Case {
  name: string;
  texts: string;
  options: BpeOptions;
  tokenizer: unknown;
  ids: number[][];
  decoded: string[];
}
const fixture = JSON.parse(readFileSync(new URL('../fixtures/bpe/expected.json', import.meta.url), 'utf8'));
const cases: [string, Case][] = fixture.cases.map((entry: Case) => [entry.name, entry]);
const probes: string[] = fixture.probes;

describe.each(cases)('a trained tokenizer: %s', (_, { texts, options, tokenizer, ids, decoded }) => {
  it('is Hugging Face’s, to the last merge', async () => {
    expect(await trainBpe(fixture.texts[texts], options)).toEqual(tokenizer);
  });

  it('encodes and decodes as Hugging Face’s does', () => {
    const mine = Tokenizer.from({ tokenizer });
    for (const [i, probe] of probes.entries()) {
      expect(mine.encode(probe), probe).toEqual(ids[i]);
      const [ours, theirs] = [mine.decode(ids[i] as number[]), decoded[i] as string];
      expect(ours, probe).toBe(theirs);
    }
  });
});

const [data, recipe] = ['data/tatoeba-eng-cmn/train.tsv', 'recipes/translation'];
itWith(`${recipe}/tokenizer.json`)('training on 52,000 sentences gives the recipe’s tokenizer', async () => {
  const lines = readFileSync(shared(data), 'utf8').trimEnd().split('\n');
  const texts = lines.flatMap((line) => line.split('\t').slice(0, 2));
  const specialTokens = ['<pad>', '<unk>', '<s>', '</s>', '<2zh>', '<2en>'];
  const trained = await trainBpe(texts, { vocabSize: 8000, minFrequency: 2, specialTokens, unkToken: '<unk>', normalizer: 'NFKC' });
  const expected = JSON.parse(readFileSync(shared(`${recipe}/tokenizer.json`), 'utf8'));
  // Not toEqual on the whole: should they differ, printing 8,000 entries takes minutes.
  expect(JSON.stringify(trained.model.merges) === JSON.stringify(expected.model.merges)).toBe(true);
  expect(JSON.stringify(trained) === JSON.stringify(expected)).toBe(true);
  const loaded = await Tokenizer.load(folderAt({ open, join } as unknown as Runtime, shared(recipe)));
  for (const text of texts.slice(0, 200)) expect(loaded.decode(loaded.encode(text))).toBe(text.normalize('NFKC'));
});

describe('training', () => {
  const texts = ['low lower lowest', 'new newer newest', 'wide wider widest'];

  it('takes texts as they come, and does not depend on their order', async () => {
    async function* stream() {
      yield* texts;
    }
    const expected = await trainBpe(texts, { vocabSize: 40 });
    expect(await trainBpe(stream(), { vocabSize: 40 })).toEqual(expected);
    expect(await trainBpe(texts.toReversed(), { vocabSize: 40 })).toEqual(expected);
  });

  it('gives a tokenizer that gives every text back', async () => {
    const trained = await trainBpe(texts, { preTokenizer: 'ByteLevel', specialTokens: ['<s>'] });
    const tokenizer = Tokenizer.from({ tokenizer: JSON.parse(JSON.stringify(trained)) });
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it('makes merges in the order of their frequency: none uses a piece that is not there yet', async () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 20 }), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(words, fc.nat(40), fc.nat(3), async (lines, vocabSize, minFrequency) => {
        const { model } = await trainBpe(lines, { vocabSize, minFrequency });
        const pieces = Object.entries(model.vocab).sort((a, b) => a[1] - b[1]);
        expect(pieces.map(([, id]) => id)).toEqual(pieces.map((_, i) => i));
        for (const [left, right] of model.merges) {
          const made = model.vocab[left + right] as number;
          expect(Math.max(model.vocab[left] as number, model.vocab[right] as number)).toBeLessThan(made);
        }
      }),
    );
  });

  it('survives texts of any kind', async () => {
    const { model } = await trainBpe(['__proto__ constructor toString', '\ud800 \udc00x', '', '   '], { minFrequency: 0 });
    expect(Object.hasOwn(model.vocab, '▁__proto__')).toBe(true);
    expect(Object.hasOwn(model.vocab, '\ufffd')).toBe(true);
  });

  it('takes time in proportion to what there is', async () => {
    const texts = ['a'.repeat(200_000), 'ab'.repeat(100_000), `${'x y '.repeat(50_000)}`];
    // Work that grows with the square of a word's length takes longer than a test may.
    expect((await trainBpe(texts, { vocabSize: 1000 })).model.merges.length).toBeGreaterThan(10);
  });

  it.each([
    [{ vocabSize: -1 }, 'ARGUMENT', 'vocabSize'],
    [{ vocabSize: 1e9 }, 'ARGUMENT', 'vocabSize'],
    [{ minFrequency: 0.5 }, 'ARGUMENT', 'minFrequency'],
    [{ limitAlphabet: Number.NaN }, 'ARGUMENT', 'limitAlphabet'],
    [{ specialTokens: [''] }, 'ARGUMENT', 'specialTokens'],
    [{ specialTokens: '<s>' }, 'ARGUMENT', 'specialTokens'],
    [{ initialAlphabet: ['ab'] }, 'ARGUMENT', 'initialAlphabet'],
    [{ unkToken: '<unk>' }, 'ARGUMENT', 'unkToken'],
    [{ normalizer: 'Lowercase' }, 'UNSUPPORTED', 'normalizer'],
    [{ preTokenizer: 'Whitespace' }, 'UNSUPPORTED', 'preTokenizer'],
    [{ addPrefixSpace: 1 }, 'ARGUMENT', 'addPrefixSpace'],
    [{ vocab_size: 100 }, 'UNSUPPORTED', 'vocab_size'],
  ] as [object, string, string][])('refuses %j', async (options, code, culprit) => {
    expect(await failureOf(() => trainBpe(texts, options))).toMatchObject({ code, culprit });
  });

  it('refuses texts that are none', async () => {
    expect(await failureOf(() => trainBpe(['a', 3 as never]))).toMatchObject({ code: 'ARGUMENT', culprit: 'texts' });
  });
});
