/** pipeline('fill-mask'): Hugging Face's answers in transformers.js's shapes, and the wishes that cannot be. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForMaskedLM, createEngine, type Engine, type FilledMask, type FillMask, pipeline } from '../../dist/entry/node.js';
import { failureOf } from '../io/memory.js';
import { tinyPath } from '../models/files.js';
import { casesOf, expected, near, tiny } from './tiny.js';

let engine: Engine;
let fill: FillMask;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  fill = await pipeline('fill-mask', tiny('mlm'), { engine });
});
afterAll(async () => {
  fill.dispose();
  await engine.dispose();
});

describe('what Hugging Face answers', () => {
  it.each(casesOf(expected.fill_mask))('$text $options', async ({ text, options, filled }) => {
    expect(await fill(text, options)).toEqual(near(filled));
  });

  it.each(casesOf(expected.fill_mask, 'roberta_mlm'))(
    'with bytes for letters, and spaces at the beginnings of words: $text $options',
    async ({ text, options, filled }) => {
      const own = await pipeline('fill-mask', tiny('roberta_mlm'), { engine });
      expect(await own(text, options)).toEqual(near(filled));
      own.dispose();
    },
  );
});

it('gives for a list what it gives for each of its texts, in order', async () => {
  const texts = ['[MASK]', 'Sarah lives in [MASK].', 'The [MASK] was in [MASK], who?', 'x [MASK]'];
  const alone: unknown[] = [];
  for (const text of texts) alone.push(await fill(text, { top_k: 3 }));
  expect(await fill(texts, { top_k: 3 })).toEqual(alone);
  expect(await fill([])).toEqual([]);
});

it('scores a mask as the model does, without the scores of any other place', async () => {
  const model = await AutoModelForMaskedLM.from_pretrained(tiny('mlm'), { engine });
  const ids = fill.tokenizer.encode('Sarah lives in [MASK].');
  const { logits } = await model({ input_ids: [ids] });
  const V = logits.dims[2] as number;
  const row = Array.from(logits.data.subarray(4 * V, 5 * V));
  const all = await fill('Sarah lives in [MASK].', { top_k: V });
  expect(all.map(({ token }) => token)).toEqual([...row.keys()].sort((a, b) => (row[b] as number) - (row[a] as number)));
  expect(all.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
  model.dispose();
});

it('gives all tokens there are where more are asked for', async () => {
  const all = (await fill('[MASK]', { top_k: 1000 })) as FilledMask[];
  expect(all).toHaveLength(86);
});

it('says what is wrong', async () => {
  expect(await failureOf(() => fill('no mask'))).toMatchObject({
    code: 'ARGUMENT',
    culprit: 'texts',
    cure: expect.stringContaining('[MASK]'),
  });
  expect(await failureOf(() => fill(`${'x '.repeat(100)}[MASK]`))).toMatchObject({ code: 'ARGUMENT', culprit: 'texts' });
  expect(await failureOf(() => fill('[MASK]', { top_k: 0 }))).toMatchObject({ code: 'ARGUMENT', culprit: 'top_k' });
  expect(await failureOf(() => fill('[MASK]', { targets: ['the', 'xyz'] }))).toMatchObject({ code: 'ARGUMENT', culprit: 'targets' });
  expect(await failureOf(() => fill('[MASK]', { targets: [] }))).toMatchObject({ code: 'ARGUMENT', culprit: 'targets' });
  expect(await failureOf(() => fill('[MASK]', { topk: 1 } as object))).toMatchObject({ code: 'UNSUPPORTED', culprit: 'topk' });
  expect(await failureOf(() => fill(5 as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'texts' });
  expect(await failureOf(() => pipeline('fill-mask', tinyPath, { engine }))).toMatchObject({ code: 'MODEL_MISMATCH' });
  await expect(fill('[MASK]', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
});
