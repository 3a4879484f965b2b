/** pipeline('token-classification'): Hugging Face's answers in transformers.js's shapes, long texts in windows, and the wishes that cannot be. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, pipeline, type TokenClassification } from '../../dist/entry/node.js';
import { failureOf } from '../io/memory.js';
import { casesOf, expected, near, tiny } from './tiny.js';

let engine: Engine;
let classify: TokenClassification;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  classify = await pipeline('ner', tiny('ner'), { engine });
});
afterAll(async () => {
  classify.dispose();
  await engine.dispose();
});

describe('what Hugging Face answers', () => {
  it.each(casesOf(expected.ner))('$text $options', async ({ text, options, entities }) => {
    expect(await classify(text, options)).toEqual(near(entities));
  });

  it.each(casesOf(expected.ner, 'roberta_ner'))(
    'with bytes for letters, and spaces at the beginnings of words: $text $options',
    async ({ text, options, entities }) => {
      const own = await pipeline('ner', tiny('roberta_ner'), { engine });
      expect(await own(text, options)).toEqual(near(entities));
      own.dispose();
    },
  );
});

describe('of words', () => {
  const cases = JSON.parse(readFileSync(new URL('../fixtures/pipelines/words.json', import.meta.url), 'utf8')) as {
    words: string[];
    options: { is_split_into_words: true };
    entities: { score: number }[][];
  }[];

  it.each(cases)('Hugging Face answers the same: $words $options', async ({ words, options, entities }) => {
    expect(await classify(words, options)).toEqual(near(entities));
    expect(await classify([words, words], options)).toEqual([near(entities[0]), near(entities[0])]);
  });

  it('a list may be empty, and long texts are read in windows', async () => {
    const options = { is_split_into_words: true, aggregation_strategy: 'first', ignore_labels: [] } as const;
    expect(await classify([], options)).toEqual([]);
    expect(await classify([[]], options)).toEqual([[]]);
    const words = Array.from({ length: 90 }, (_, i) => (i % 3 ? 'sarah' : 'paris'));
    const [found = []] = await classify(words, { ...options, stride: 7 });
    expect(Math.max(...found.map(({ end }) => end))).toBe(words.join(' ').length);
  });
});

it('gives for a list what it gives for each of its texts, in order', async () => {
  const texts = [...new Set(expected.ner.map(({ text }) => text)), '', ' '];
  for (const aggregation_strategy of ['none', 'average'] as const) {
    const alone: unknown[] = [];
    for (const text of texts) alone.push(await classify(text, { aggregation_strategy }));
    expect(await classify(texts, { aggregation_strategy })).toEqual(alone);
  }
  expect(await classify([])).toEqual([]);
  expect(await classify('')).toEqual([]);
});

it('says where each entity stands', async () => {
  const text = "😀 Zoë's café — 19 Paris-London.";
  for (const { start, end, word } of await classify(text, { ignore_labels: [] }))
    expect(text.slice(start, end).normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()).toBe(word.replace('##', ''));
});

it('cuts a long text, unless it may read it in windows', async () => {
  const text = 'Sarah lives in Paris. '.repeat(40);
  const options = { aggregation_strategy: 'first', ignore_labels: [] } as const;
  const reach = async (more: object) => Math.max(...(await classify(text, { ...options, ...more })).map(({ end }) => end));
  expect(await reach({})).toBeLessThan(300);
  for (const stride of [0, 7, 45]) expect(await reach({ stride })).toBe(text.trimEnd().length);
  expect(await reach({ max_length: 10 })).toBeLessThan(50);
});

it('hears how far it is, and of an abort', async () => {
  const heard: number[][] = [];
  await classify(['x', 'y'], { onProgress: (done, total) => heard.push([done, total]) });
  expect(heard.at(-1)).toEqual([2, 2]);
  await expect(classify('x', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
});

it('says what is wrong', async () => {
  const wish = (options: object) => failureOf(() => classify('x', options));
  expect(await wish({ aggregation_strategy: 'last' })).toMatchObject({ code: 'ARGUMENT', culprit: 'aggregation_strategy' });
  expect(await wish({ aggregation_strategy: 'none', stride: 4 })).toMatchObject({ code: 'ARGUMENT', culprit: 'stride' });
  expect(await wish({ aggregation_strategy: 'simple', stride: -1 })).toMatchObject({ code: 'ARGUMENT', culprit: 'stride' });
  expect(await wish({ aggregation_strategy: 'simple', stride: 48 })).toMatchObject({ code: 'ARGUMENT', culprit: 'stride' });
  expect(await wish({ ignore_labels: [1] })).toMatchObject({ code: 'ARGUMENT', culprit: 'ignore_labels' });
  expect(await wish({ grouped_entities: true })).toMatchObject({ code: 'UNSUPPORTED', culprit: 'grouped_entities' });
  expect(await wish({ delimiter: '-' })).toMatchObject({ code: 'ARGUMENT', culprit: 'delimiter' });
  expect(await wish({ is_split_into_words: true })).toMatchObject({ code: 'ARGUMENT', culprit: 'texts' });
  expect(await wish({ is_split_into_words: 'yes' })).toMatchObject({ code: 'ARGUMENT', culprit: 'is_split_into_words' });
  expect(await failureOf(() => classify([['x'], 'y'] as never, { is_split_into_words: true }))).toMatchObject({
    code: 'ARGUMENT',
    culprit: 'texts',
  });
  expect(await failureOf(() => classify(['x', null] as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'texts' });
  expect(await failureOf(() => pipeline('ner', tiny('mlm'), { engine }))).toMatchObject({ code: 'MODEL_MISMATCH' });
});
