/** pipeline('text-classification'): transformers.js's shapes, and the model's own answers in them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForSequenceClassification, createEngine, type Engine, pipeline, type TextClassification } from '../../dist/entry/node.js';
import { failureOf } from '../io/memory.js';
import { tinyPath } from '../models/files.js';
import { expected, near, tiny } from './tiny.js';

const folder = mkdtempSync(join(tmpdir(), 'heed-'));
let engine: Engine;
let classify: TextClassification;
/** What the model says of a text. */
let answers: (text: string) => Promise<unknown>;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  const model = await AutoModelForSequenceClassification.from_pretrained(tinyPath, {
    engine,
    trainable: true,
    id2label: ['a', 'b', 'c'],
    seed: 5,
  });
  await model.save_pretrained(folder);
  answers = (text) => model.classify(text, { top_k: 3 });
  classify = await pipeline('text-classification', folder, { engine });
});
afterAll(async () => {
  classify.dispose();
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

it('gives one label for each text, in a list', async () => {
  const [x, y] = (await Promise.all(['x y', 'it is long'].map(answers))) as unknown[][];
  expect(await classify('x y')).toEqual([x?.[0]]);
  expect(await classify(['x y', 'it is long'])).toEqual([x?.[0], y?.[0]]);
  expect(await classify([])).toEqual([]);
});

it('gives as many labels as are asked for', async () => {
  const [x, y] = (await Promise.all(['x y', 'it is long'].map(answers))) as unknown[][];
  expect(await classify('x y', { top_k: 2 })).toEqual(x?.slice(0, 2));
  expect(await classify(['x y', 'it is long'], { top_k: null })).toEqual([x, y]);
  expect(await classify(['x y'], { top_k: 99 })).toEqual([x]);
});

describe('what Hugging Face answers', () => {
  let pipe: TextClassification;
  beforeAll(async () => {
    pipe = await pipeline('sentiment-analysis', tiny('classify'), { engine });
  });
  afterAll(() => pipe.dispose());

  it.each(expected.classify)('$text $options', async ({ text, options, scores }) => {
    expect(await pipe(text, { top_k: null, ...options })).toEqual(near(scores));
  });

  it('of pairs and texts together', async () => {
    const [pair, text] = [{ text: 'Who was Jim?', text_pair: 'Jim lives in Paris.' }, 'x'];
    expect(await pipe([pair, text])).toEqual([...(await pipe(pair)), ...(await pipe(text))]);
    expect(await pipe({ text: 'x' })).toEqual(await pipe('x'));
  });
});

it('hears how far it is', async () => {
  const heard: number[][] = [];
  await classify(['x', 'y', 'z'], { onProgress: (done, total) => heard.push([done, total]) });
  expect(heard.at(-1)).toEqual([3, 3]);
});

it('says what is wrong', async () => {
  expect(await failureOf(() => classify('x', { topk: 1 } as object))).toMatchObject({ code: 'UNSUPPORTED', culprit: 'topk' });
  expect(await failureOf(() => classify('x', { top_k: 0 }))).toMatchObject({ code: 'ARGUMENT', culprit: 'top_k' });
  expect(await failureOf(() => classify('x', { function_to_apply: 'tanh' as never }))).toMatchObject({ culprit: 'function_to_apply' });
  expect(await failureOf(() => classify({ text: 'x', pair: 'y' } as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'texts' });
  expect(await failureOf(() => classify(5 as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'texts' });
  expect(await failureOf(() => pipeline('text-classification', tinyPath, { engine }))).toMatchObject({ code: 'MODEL_MISMATCH' });
  await expect(classify('x', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
});

it('refuses to rank what a model that diverged says', async () => {
  const model = await AutoModelForSequenceClassification.from_pretrained(folder, { engine, trainable: true });
  for (const [name, { value }] of model.encoder.namedParameters())
    if (name.startsWith('head.')) engine.heap.floats(value.ptr, value.size).fill(Number.NaN);
  for (const function_to_apply of ['softmax', 'sigmoid', 'none'] as const)
    expect(await failureOf(() => model.classify('x', { function_to_apply }))).toMatchObject({ code: 'NUMERIC', culprit: 'logits' });
  model.dispose();
});
