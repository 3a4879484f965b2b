import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type BleuScore, bleu } from '../../../dist/train/metrics/bleu.js';
import { type ChrfScore, chrf } from '../../../dist/train/metrics/chrf.js';
import { fixed } from '../../../dist/train/metrics/score.js';
import { tokensOf } from '../../../dist/train/metrics/tokenize.js';
import { perplexity, tokenAccuracy } from '../../../dist/train/metrics/tokens.js';
import { failureOf } from '../../io/memory.js';
import { itWith, shared } from '../../shared.js';

interface Expected {
  pairs: [string, string][];
  tokens: [string, string][];
  each: Record<string, BleuScore & { text: string }>[];
  all: Record<string, BleuScore & { text: string }>;
}
const expected: Expected = JSON.parse(readFileSync(new URL('../../fixtures/metrics/expected.json', import.meta.url), 'utf8'));

type Metric = (hypotheses: string[], references: string[]) => BleuScore | ChrfScore;
const metrics: Record<string, Metric> = {
  'bleu 13a': (h, r) => bleu(h, r),
  'bleu zh': (h, r) => bleu(h, r, { tokenize: 'zh' }),
  'bleu none': (h, r) => bleu(h, r, { tokenize: 'none' }),
  chrf: (h, r) => chrf(h, r),
  'chrf++': (h, r) => chrf(h, r, { wordOrder: 2 }),
  'chrf 3 1 b1': (h, r) => chrf(h, r, { charOrder: 3, wordOrder: 1, beta: 1 }),
};

describe.each(Object.entries(metrics))('%s', (name, metric) => {
  const check = (hypotheses: string[], references: string[], answer: BleuScore & { text: string }) => {
    const result = metric(hypotheses, references);
    expect(String(result)).toBe(answer.text);
    const { text, score, precisions, brevityPenalty, ...exact } = answer;
    expect(result).toMatchObject(exact);
    expect(result.score).toBeCloseTo(score, 10);
    if (precisions) expect((result as BleuScore).precisions.map((p) => p.toFixed(10))).toEqual(precisions.map((p) => p.toFixed(10)));
    if (brevityPenalty) expect((result as BleuScore).brevityPenalty).toBeCloseTo(brevityPenalty, 12);
  };

  it('is sacreBLEU’s for 46 awkward pairs', () => {
    expect(expected.pairs).toHaveLength(46);
    for (const [i, [hypothesis, reference]] of expected.pairs.entries())
      check([hypothesis], [reference], expected.each[i]?.[name] as BleuScore & { text: string });
  });

  it('is sacreBLEU’s for all of them as one corpus', () => {
    const [hypotheses, references] = [0, 1].map((side) => expected.pairs.map((pair) => pair[side] as string)) as [string[], string[]];
    check(hypotheses, references, expected.all[name] as BleuScore & { text: string });
  });

  it.each([
    ['nothing', [], []],
    ['fewer references', ['a', 'b'], ['a']],
    ['a text that is none', ['a', null as never], ['a', 'b']],
    ['one text instead of a list', 'a' as never, ['a']],
  ] as [string, string[], string[]][])('refuses %s', async (_, hypotheses, references) => {
    expect(await failureOf(() => metric(hypotheses, references))).toMatchObject({ code: 'ARGUMENT' });
  });
});

it('words are cut as sacreBLEU cuts them', () => {
  for (const [i, [hypothesis]] of expected.pairs.entries())
    expect((['13a', 'zh'] as const).map((name) => tokensOf(hypothesis, name).join(' '))).toEqual(expected.tokens[i]);
  // Work that grows with the square of a text's length takes longer than a test may.
  for (const text of [' '.repeat(2e5), `a${' '.repeat(2e5)}b`, '.,'.repeat(1e5), '。'.repeat(2e5)]) tokensOf(text, 'zh');
});

itWith('recipes/translation/hyp-seed0.en-zh.txt')('the recipe’s translations have the scores that sacreBLEU gave them', () => {
  const read = (file: string) => readFileSync(shared(file), 'utf8').trimEnd().split('\n');
  const rows = read('data/tatoeba-eng-cmn/test.tsv').map((line) => line.split('\t'));
  const score = (seed: number, direction: string) => {
    const zh = direction === 'en-zh';
    const hypotheses = read(`recipes/translation/hyp-seed${seed}.${direction}.txt`);
    const references = rows.map((row) => row[zh ? 1 : 0] as string);
    return [bleu(hypotheses, references, { tokenize: zh ? 'zh' : '13a' }), chrf(hypotheses, references)] as const;
  };
  const [[bleuZh, chrfZh], [bleuEn, chrfEn]] = [score(0, 'en-zh'), score(0, 'zh-en')];
  expect(String(bleuZh)).toBe(
    'BLEU|nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp = 28.83 60.2/35.5/23.2/15.8 (BP = 0.969 ratio = 0.969 hyp_len = 9627 ref_len = 9932)',
  );
  expect(String(bleuEn)).toBe(
    'BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp = 24.81 57.8/30.6/18.6/11.5 (BP = 1.000 ratio = 1.009 hyp_len = 7480 ref_len = 7415)',
  );
  expect([bleuZh, chrfZh, bleuEn, chrfEn].map((result) => fixed(result.score, 1))).toEqual(['28.8', '24.9', '24.8', '44.6']);
  expect(['en-zh', 'zh-en'].flatMap((direction) => score(1, direction).map((result) => fixed(result.score, 1)))).toEqual([
    ...['28.6', '24.6'],
    ...['25.3', '45.1'],
  ]);
});

it('numbers are printed as Python prints them', () => {
  // '%.1f', '%.2f', '%.3f' of Python 3.11: numbers in the middle go to the even side, those that only look so do not.
  const cases: [number, number, string][] = [
    ...([
      [6.25, 1, '6.2'],
      [18.75, 1, '18.8'],
      [0.125, 2, '0.12'],
      [0.375, 2, '0.38'],
      [0.0625, 3, '0.062'],
    ] as [number, number, string][]),
    ...([
      [2.675, 2, '2.67'],
      [1.005, 2, '1.00'],
      [0.15, 1, '0.1'],
      [0.25, 1, '0.2'],
      [100, 2, '100.00'],
      [0, 3, '0.000'],
    ] as [number, number, string][]),
  ];
  for (const [x, decimals, text] of cases) expect(fixed(x, decimals)).toBe(text);
});

it.each([
  [() => bleu(['a'], ['a'], { tokenize: 'intl' as never }), 'UNSUPPORTED', 'tokenize'],
  [() => bleu(['a'], ['a'], { lowercase: true } as never), 'UNSUPPORTED', 'lowercase'],
  [() => chrf(['a'], ['a'], { charOrder: 0 }), 'ARGUMENT', 'charOrder'],
  [() => chrf(['a'], ['a'], { beta: 0.5 }), 'ARGUMENT', 'beta'],
] as [() => unknown, string, string][])('%s is refused', async (run, code, culprit) => {
  expect(await failureOf(run)).toMatchObject({ code, culprit });
});

it('perplexity is e to the loss', () => {
  expect(perplexity(0)).toBe(1);
  expect(perplexity(Math.log(8000))).toBeCloseTo(8000, 6);
});

it('token accuracy counts what is not ignored', async () => {
  expect(tokenAccuracy([1, 2, 3, 4], Int32Array.of(1, 0, 3, 0), { ignoreIndex: 0 })).toBe(1);
  expect(tokenAccuracy([1, 2, 3, 4], [1, 0, 3, 0])).toBe(0.5);
  expect(tokenAccuracy([], [])).toBeNaN();
  expect(await failureOf(() => tokenAccuracy([1], [1, 2]))).toMatchObject({ code: 'SHAPE' });
});
