import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { folderAt } from '../../../dist/io/folder.js';
import { join, open } from '../../../dist/runtime/node-files.js';
import type { Runtime } from '../../../dist/runtime/types.js';
import { Tokenizer } from '../../../dist/text/tokenizer.js';
import { pad } from '../../../dist/train/data/collate.js';
import { DataLoader } from '../../../dist/train/data/loader.js';
import { readTsv } from '../../../dist/train/data/readers.js';
import { TranslationDataset } from '../../../dist/train/data/translation.js';
import { failureOf } from '../../io/memory.js';
import { itWith, shared } from '../../shared.js';

/** A token a letter. */
const tokenizer = {
  encode: (text: string) => Array.from(text, (letter) => letter.charCodeAt(0)),
  token_to_id: (token: string): number | undefined => ({ '<pad>': 0, '<s>': 2, '</s>': 3, '<2b>': 4, '<2a>': 5 })[token],
};
const both = {
  directions: [
    { from: 0, to: 1, prefix: '<2b>' },
    { from: 1, to: 0, prefix: '<2a>' },
  ],
};
const [A, B, C] = [65, 66, 67];
const listOf = (dataset: TranslationDataset) =>
  Array.from({ length: dataset.length }, (_, i) => dataset.get(i)).map(({ source, target }) => [[...source], [...target]]);

describe('a translation dataset', () => {
  it('has an example for each direction of each pair', async () => {
    const dataset = await TranslationDataset.from(
      [
        ['A', 'BC', 'ignored'],
        ['', 'A'],
      ],
      tokenizer,
      both,
    );
    expect(listOf(dataset)).toEqual([
      [
        [4, A, 3],
        [2, B, C, 3],
      ],
      [
        [5, B, C, 3],
        [2, A, 3],
      ],
      [
        [4, 3],
        [2, A, 3],
      ],
      [
        [5, A, 3],
        [2, 3],
      ],
    ]);
    expect(TranslationDataset.lengthOf(dataset.get(0))).toBe(7);
  });

  it('goes one way, without a prefix, unless told otherwise', async () => {
    expect(listOf(await TranslationDataset.from([['A', 'B']], tokenizer))).toEqual([
      [
        [A, 3],
        [2, B, 3],
      ],
    ]);
  });

  it('leaves out examples that are too long on a side', async () => {
    const pairs = [
      ['AAA', 'B'],
      ['A', 'BB'],
      ['AA', 'BB'],
    ];
    const dataset = await TranslationDataset.from(pairs, tokenizer, { ...both, maxLength: 4 });
    expect(listOf(dataset).map(([source]) => source?.length)).toEqual([3, 4, 4, 4]);
    expect(dataset.leftOut).toBe(2);
    expect((await TranslationDataset.from(pairs, tokenizer, { maxLength: 1 })).length).toBe(0);
  });

  it('becomes batches with shifted targets', async () => {
    const dataset = await TranslationDataset.from(
      [
        ['A', 'BC'],
        ['AB', 'A'],
      ],
      tokenizer,
    );
    const loader = new DataLoader(dataset, { batchSize: 2, collate: TranslationDataset.collate(0) });
    for await (const { source, input, labels } of loader) {
      expect(source).toEqual({ ids: { type: 'int32', dims: [2, 3], data: Int32Array.of(A, 3, 0, A, B, 3) }, lengths: Int32Array.of(2, 3) });
      expect(input).toEqual({ ids: { type: 'int32', dims: [2, 3], data: Int32Array.of(2, B, C, 2, A, 0) }, lengths: Int32Array.of(3, 2) });
      expect(labels).toEqual({ ids: { type: 'int32', dims: [2, 3], data: Int32Array.of(B, C, 3, A, 3, 0) }, lengths: Int32Array.of(3, 2) });
    }
  });

  it.each([
    ['a token that the tokenizer has not', () => TranslationDataset.from([], tokenizer, { end: '</t>' }), 'end'],
    [
      'a prefix that it has not',
      () => TranslationDataset.from([], tokenizer, { directions: [{ from: 0, to: 1, prefix: '<x>' }] }),
      'directions',
    ],
    ['a pair without a second text', () => TranslationDataset.from([['a']], tokenizer), 'pairs'],
    ['an unknown option', () => TranslationDataset.from([], tokenizer, { max_length: 3 } as never), 'max_length'],
  ] as [string, () => unknown, string][])('refuses %s', async (_, run, culprit) => {
    expect(await failureOf(run)).toMatchObject({ culprit });
  });

  const [data, recipe] = ['data/tatoeba-eng-cmn', 'recipes/translation'];
  itWith(`${recipe}/tokenizer.json`)('has as many target tokens in the recipe’s validation as its curve says', async () => {
    const runtime = { open, join } as unknown as Runtime;
    const mine = await Tokenizer.load(folderAt(runtime, shared(recipe)));
    const pairs = readTsv(runtime.open(shared(`${data}/valid.tsv`)), { columns: 3 });
    const directions = [
      { from: 0, to: 1, prefix: '<2zh>' },
      { from: 1, to: 0, prefix: '<2en>' },
    ];
    const dataset = await TranslationDataset.from(pairs, mine, { directions, maxLength: 59 });
    expect([dataset.length, dataset.leftOut]).toEqual([2000, 0]);
    let labels = 0;
    for (let i = 0; i < dataset.length; i++) labels += dataset.get(i).target.length - 1;
    // Its accuracies are whole numbers of tokens of so many.
    const { curve } = JSON.parse(readFileSync(shared(`${recipe}/curve-seed0.json`), 'utf8'));
    for (const { valid_accuracy } of curve)
      expect(Math.abs(valid_accuracy * labels - Math.round(valid_accuracy * labels))).toBeLessThan(1e-6);
  });
});

it('padding makes rows of one length', () => {
  expect(pad([[1, 2, 3], [], Int32Array.of(4)], 9)).toEqual({
    ids: { type: 'int32', dims: [3, 3], data: Int32Array.of(1, 2, 3, 9, 9, 9, 4, 9, 9) },
    lengths: Int32Array.of(3, 0, 1),
  });
  expect(pad([], 0)).toEqual({ ids: { type: 'int32', dims: [0, 0], data: new Int32Array(0) }, lengths: new Int32Array(0) });
});
