/** pipeline('zero-shot-classification'): Hugging Face's answers in transformers.js's shapes, and the wishes that cannot be. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, pipeline, type ZeroShotClassification } from '../../dist/entry/node.js';
import { ZeroShotClassificationPipeline } from '../../dist/pipelines/zero_shot_classification.js';
import { failureOf } from '../io/memory.js';
import { expected, near, tiny } from './tiny.js';

let engine: Engine;
let classify: ZeroShotClassification;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  classify = await pipeline('zero-shot-classification', tiny('classify'), { engine });
});
afterAll(async () => {
  classify.dispose();
  await engine.dispose();
});

describe('what Hugging Face answers', () => {
  it.each(expected.zero_shot)('$text: $labels $options', async ({ text, labels, options, answer }) => {
    expect(await classify(text, labels, options)).toEqual(near(answer));
  });
});

it('gives a list for a list, in order, and takes one label alone', async () => {
  const texts = ['Sarah lives in Paris.', 'x', ''];
  const alone: unknown[] = [];
  for (const text of texts) alone.push(await classify(text, ['a zoo', 'work']));
  expect(await classify(texts, ['a zoo', 'work'])).toEqual(alone);
  expect(await classify(texts, 'work')).toEqual(await classify(texts, ['work']));
  expect(await classify([], ['work'])).toEqual([]);
});

it('puts labels into the template as they are', async () => {
  // $' would be what follows the place.
  const { scores } = await classify('x', ["$'"], { hypothesis_template: 'is {} paris' });
  expect(scores).toEqual((await classify('x', ['paris'], { hypothesis_template: "is $' {}" })).scores);
});

it('knows the classes by their names, wherever they stand', () => {
  const made = (labels: string[]) => () => new ZeroShotClassificationPipeline({} as never, { labels } as never);
  for (const labels of [
    ['ENTAILMENT', 'NEUTRAL', 'CONTRADICTION'],
    ['entailment', 'not_entailment'],
    ['no', 'entailment'],
  ])
    expect(made(labels)).not.toThrow();
  for (const labels of [['LABEL_0', 'LABEL_1', 'LABEL_2'], ['entailment'], []])
    expect(made(labels)).toThrow(expect.objectContaining({ code: 'MODEL_MISMATCH', culprit: 'id2label' }));
});

it('hears how far it is, and of an abort', async () => {
  const heard: number[][] = [];
  await classify(['x', 'y'], ['a', 'b', 'c'], { onProgress: (done, total) => heard.push([done, total]) });
  expect(heard.at(-1)).toEqual([6, 6]);
  await expect(classify('x', ['a'], { signal: AbortSignal.abort('no') })).rejects.toBe('no');
});

it('says what is wrong', async () => {
  expect(await failureOf(() => classify('x', []))).toMatchObject({ code: 'ARGUMENT', culprit: 'candidate_labels' });
  expect(await failureOf(() => classify('x', [1] as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'candidate_labels' });
  expect((await failureOf(() => classify('x', null as never))).message).toContain('candidate_labels');
  expect(await failureOf(() => classify('the '.repeat(9), ['the '.repeat(99)]))).toMatchObject({
    ...{ code: 'ARGUMENT', message: expect.stringContaining('Shorten it') },
  });
  expect(await failureOf(() => classify('x', ['a'], { hypothesis_template: 'no place' }))).toMatchObject({
    ...{ code: 'ARGUMENT', culprit: 'hypothesis_template' },
  });
  expect(await failureOf(() => classify('x', ['a'], { multi_label: 'yes' as never }))).toMatchObject({
    code: 'ARGUMENT',
    culprit: 'multi_label',
  });
  expect(await failureOf(() => classify('x', ['a'], { multi_class: true } as object))).toMatchObject({ code: 'UNSUPPORTED' });
  expect(await failureOf(() => pipeline('zero-shot-classification', tiny('mlm'), { engine }))).toMatchObject({ code: 'MODEL_MISMATCH' });
});
