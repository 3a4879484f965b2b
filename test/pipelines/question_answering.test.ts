/** pipeline('question-answering'): the answers that Hugging Face's steps come to, in transformers.js's shapes, long contexts in windows, and the wishes that cannot be. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, createEngine, type Engine, pipeline, type QuestionAnswering } from '../../dist/entry/node.js';
import { failureOf } from '../io/memory.js';
import { casesOf, expected, near, tiny } from './tiny.js';

let engine: Engine;
let ask: QuestionAnswering;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  ask = await pipeline('question-answering', tiny('qa'), { engine });
});
afterAll(async () => {
  ask.dispose();
  await engine.dispose();
});

describe('what Hugging Face answers', () => {
  it.each(casesOf(expected.qa))('$question $options', async ({ question, context, options, answers }) => {
    expect(await ask(question, context, options)).toEqual(near('top_k' in options ? answers : answers[0]));
  });

  it.each(casesOf(expected.qa, 'roberta_qa'))(
    'with bytes for letters, and spaces at the beginnings of words: $question $options',
    async ({ question, context, options, answers }) => {
      const own = await pipeline('question-answering', tiny('roberta_qa'), { engine });
      expect(await own(question, context, options)).toEqual(near(answers));
      own.dispose();
    },
  );
});

const contexts = ['Jim Henson was a nice puppet.', 'Sarah lives in Paris, at 19.', 'x'];

it('gives for lists what it gives for each of their questions, in order', async () => {
  const questions = ['Who was Jim?', 'Who lives in Paris?', 'Who?'];
  for (const top_k of [1, 3]) {
    const alone: unknown[] = [];
    for (const [i, question] of questions.entries()) alone.push(await ask(question, contexts[i] as string, { top_k }));
    expect(await ask(questions, contexts, { top_k })).toEqual(alone);
  }
  expect(await ask(questions, 'Jim lives in Paris.')).toEqual(await ask(questions, Array(3).fill('Jim lives in Paris.')));
  expect(await ask([], [])).toEqual([]);
});

it('cuts a question after max_question_len tokens', async () => {
  const context = 'Jim Henson lives in Paris, at 19.';
  const question = 'Who lives in Paris and works at the London Zoo in France?';
  const options = { top_k: 5 };
  expect(await ask(question, context, { ...options, max_question_len: 4 })).toEqual(await ask('Who lives in Paris', context, options));
  expect(await ask(question, context, { ...options, max_question_len: 100 })).toEqual(await ask(question, context, options));
  expect(await failureOf(() => ask(question, context, { max_question_len: 0 }))).toMatchObject({
    code: 'ARGUMENT',
    culprit: 'max_question_len',
  });
});

it('says where the answer stands', async () => {
  const context = 'Zoë — 😀 — lives in Paris-London, who was 19.';
  for (const { answer, start, end } of await ask('Who?', context, { top_k: 20 })) expect(context.slice(start, end)).toBe(answer);
});

it('reads all of a long context, and finds what is in no window alone but the last', async () => {
  const context = `${'Sarah lives in Paris. '.repeat(40)}Jim Henson was a nice puppet.`;
  const found = await ask('Who was Jim?', context, { top_k: 500, doc_stride: 12 });
  expect(Math.max(...found.map(({ end }) => end))).toBe(context.length);
  expect(new Set(found.map(({ start, end }) => `${start} ${end}`)).size).toBe(found.length);
});

it('reads a context though the question leaves little room for it', async () => {
  const question = 'who '.repeat(43);
  // Windows of two tokens: five words and four pairs of neighbours.
  expect(await ask(question, 'Jim was in Paris.', { top_k: 100 })).toHaveLength(9);
});

it('gives whole words, or tokens where they are asked for', async () => {
  const found = await ask('Who?', 'Henson', { top_k: 50 });
  expect(found.map(({ answer }) => answer)).toEqual(['Henson']);
  const parts = await ask('Who?', 'Henson', { top_k: 50, align_to_words: false });
  expect(parts.length).toBeGreaterThan(5);
  expect(parts.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo((found[0] as Answer).score, 5);
});

it('says that there is no answer, where it may', async () => {
  const all = await ask('Who?', 'x', { top_k: 9, handle_impossible_answer: true });
  expect(all).toContainEqual({ answer: '', score: expect.any(Number), start: 0, end: 0 });
  expect(await ask('Who?', 'x', { top_k: 9 })).toHaveLength(1);
});

it('hears how far it is, and of an abort', async () => {
  const heard: number[][] = [];
  await ask(['Who?', 'Who was?'], 'Sarah', { onProgress: (done, total) => heard.push([done, total]) });
  expect(heard.at(-1)).toEqual([2, 2]);
  await expect(ask('Who?', 'Sarah', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
});

it('says what is wrong', async () => {
  const wish = (options: object) => failureOf(() => ask('Who?', 'Sarah was in Paris, who lives in London', options));
  expect(await wish({ top_k: 0 })).toMatchObject({ code: 'ARGUMENT', culprit: 'top_k' });
  expect(await wish({ max_answer_len: 0 })).toMatchObject({ code: 'ARGUMENT', culprit: 'max_answer_len' });
  expect(await wish({ max_seq_len: 49 })).toMatchObject({ code: 'ARGUMENT', culprit: 'max_seq_len' });
  expect(await wish({ max_seq_len: 10, doc_stride: 5 })).toMatchObject({ code: 'ARGUMENT', culprit: 'doc_stride' });
  expect(await wish({ doc_stride: -1 })).toMatchObject({ code: 'ARGUMENT', culprit: 'doc_stride' });
  expect(await wish({ align_to_words: 'no' })).toMatchObject({ code: 'ARGUMENT', culprit: 'align_to_words' });
  expect(await wish({ topk: 1 })).toMatchObject({ code: 'UNSUPPORTED', culprit: 'topk' });
  expect(await failureOf(() => ask('', 'x'))).toMatchObject({ code: 'ARGUMENT', culprit: 'question' });
  for (const context of [' ', '\u200b'])
    expect(await failureOf(() => ask('Who?', context))).toMatchObject({ code: 'ARGUMENT', culprit: 'context' });
  expect(await failureOf(() => ask(['Who?'], ['x', 'y']))).toMatchObject({ code: 'ARGUMENT', culprit: 'context' });
  expect(await failureOf(() => ask('Who?', 5 as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'context' });
  expect(await failureOf(() => ask('who '.repeat(60), 'x'))).toMatchObject({ code: 'ARGUMENT', culprit: 'question' });
  expect(await failureOf(() => pipeline('question-answering', tiny('ner'), { engine }))).toMatchObject({ code: 'MODEL_MISMATCH' });
});
