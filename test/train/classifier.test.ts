/** `fit` of a classifier: from texts and labels to a model that tells them apart, in one call; what is wrong with them is said, and a way back at any time. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForSequenceClassification, type ClassifierOptions, createEngine, type Engine } from '../../dist/entry/node.js';
import type { TextClassifier, TextExample, TrainingProgress, TrainingRecord } from '../../dist/train/index.js';
import { failureOf } from '../io/memory.js';
import { tinyPath } from '../models/files.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
afterAll(() => engine.dispose());

const load = (options: ClassifierOptions = {}) =>
  AutoModelForSequenceClassification.from_pretrained(tinyPath, { engine, trainable: true, id2label: ['letters', 'digits'], ...options });

/** Words of one kind or the other. */
const examples = (count: number, from = 0): TextExample[] =>
  Array.from({ length: count }, (_, j) => {
    const i = from + j;
    const letters = i % 2 === 0;
    const word = Array.from(
      { length: 2 + (i % 5) },
      (_, t) => (letters ? 'abcdefghijklmnopqrstuvwxyz' : '0123456789')[(7 * i + 3 * t) % (letters ? 26 : 10)],
    );
    return { text: word.join(i % 3 ? ' ' : ''), label: letters ? 'letters' : i % 4 === 1 ? 1 : 'digits' };
  });
const settings = { epochs: 4, batchSize: 8, lr: 3e-3 };

const accuracy = async (model: TextClassifier, list: readonly TextExample[]) => {
  const said = (await model.classify(list.map(({ text }) => text))) as { label: string }[];
  const wanted = list.map(({ label }) => (typeof label === 'number' ? model.labels[label] : label));
  return said.filter(({ label }, i) => label === wanted[i]).length / list.length;
};

describe('a classifier', () => {
  it('learns to tell texts apart, and reports', async () => {
    const model = await load();
    const unseen = examples(30, 1000);
    const [steps, records]: [TrainingProgress[], TrainingRecord[]] = [[], []];
    const result = await model.fit(examples(60), {
      ...{ ...settings, validation: unseen, onProgress: (progress) => steps.push(progress), onLog: (record) => records.push(record) },
    });
    expect(result).toMatchObject({ reason: 'epochs', step: 32, epoch: 4 });
    expect(result.validation?.accuracy).toBeGreaterThan(0.95);
    expect(result.validation?.f1).toBeGreaterThan(0.95);
    expect(await accuracy(model, unseen)).toBeCloseTo(result.validation?.accuracy as number, 12);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
    expect(steps[0]?.steps).toBe(32);
    expect(records.map(({ step }) => step)).toEqual([8, 16, 24, 32]);
    // A warm-up over a tenth of the steps, then a line down.
    expect(steps[0]?.rate).toBeCloseTo(3e-3 / 4, 8);
    expect(steps[3]?.rate).toBeCloseTo(3e-3, 8);
    expect(steps[31]?.rate).toBeCloseTo(3e-3 / 29, 8);
    model.dispose();
  });

  it('is the same again for the same seeds, bit by bit, and another for others', async () => {
    const learned = async (seed: number) => {
      const model = await load();
      await model.fit(examples(24), { ...settings, epochs: 1, seed });
      const state = Array.from(model.encoder.stateDict()['head.out.weight']?.data ?? []);
      model.dispose();
      return state;
    };
    const first = await learned(1);
    expect(await learned(1)).toEqual(first);
    expect(await learned(2)).not.toEqual(first);
  });

  it('goes on learning, and gives its memory back', async () => {
    const { used, storages } = engine.memory();
    const model = await load();
    await model.fit(examples(24), { ...settings, epochs: 1 });
    const after = engine.memory().used;
    await model.fit(examples(24), { ...settings, epochs: 1 });
    expect(engine.memory().used).toBe(after);
    model.dispose();
    expect(engine.memory()).toMatchObject({ used, storages });
  });

  it('weighs classes where it is asked to: a rare one is then found', async () => {
    // Of texts that say nothing, one in ten is of the rare class.
    const data = Array.from({ length: 40 }, (_, i) => ({ text: 'the same', label: Number(i % 10 === 0) }));
    const score = async (weight: 'balanced' | undefined) => {
      const model = await load();
      await model.fit(data, { ...settings, weight });
      const all = (await model.classify('the same', { top_k: 2 })) as { label: string; score: number }[];
      model.dispose();
      return all.find(({ label }) => label === 'digits')?.score as number;
    };
    expect(await score(undefined)).toBeLessThan(0.25);
    expect(await score('balanced')).toBeGreaterThan(0.35);
  });

  it('tells pairs apart by their second texts', async () => {
    const model = await load();
    const pairs = examples(60).map(({ text, label }) => ({ text: 'is it', text_pair: text, label }));
    const { validation } = await model.fit(pairs, { ...settings, epochs: 10, validation: pairs });
    expect(validation?.accuracy).toBeGreaterThan(0.95);
    model.dispose();
  });

  it('keeps checkpoints where it is told to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heed-'));
    const model = await load();
    await model.fit(examples(24), { ...settings, epochs: 1, checkpoint: { folder } });
    expect(readdirSync(folder)).toEqual(['step-3.safetensors']);
    rmSync(folder, { recursive: true });
    model.dispose();
  });
});

describe('classify', () => {
  it('gives the likeliest label, or more of them, of a text or of several', async () => {
    const model = await load();
    const one = await model.classify('a b c');
    expect(one).toEqual({ label: expect.stringMatching(/letters|digits/), score: expect.any(Number) });
    const both = (await model.classify('a b c', { top_k: 5 })) as unknown as { label: string; score: number }[];
    expect(both.map(({ label }) => label).sort()).toEqual(['digits', 'letters']);
    expect((both[0]?.score ?? 0) + (both[1]?.score ?? 0)).toBeCloseTo(1, 6);
    expect(both[0]?.score).toBeGreaterThanOrEqual(both[1]?.score as number);
    expect(both[0]).toEqual(one);
    // However long the others are.
    const several = (await model.classify(['x '.repeat(40), 'a b c', ''], { top_k: 1 })) as unknown as { label: string }[][];
    expect(several.map((list) => list.length)).toEqual([1, 1, 1]);
    expect(several[1]?.[0]).toEqual(one);
    expect(await model.classify([])).toEqual([]);
    model.dispose();
  });

  it('agrees with the logits', async () => {
    const model = await load();
    const { logits } = await model({ input_ids: [[2, 5, 3]] });
    const [a, b] = Array.from(logits.data, Math.exp) as [number, number];
    const all = (await model.classify('a', { top_k: 2 })) as unknown as { label: string; score: number }[];
    expect(all.find(({ label }) => label === 'letters')?.score).toBeCloseTo(a / (a + b), 6);
    model.dispose();
  });
});

describe('what is wrong', () => {
  let model: TextClassifier;
  beforeAll(async () => {
    model = await load();
  });
  afterAll(() => model.dispose());

  it.each<[string, unknown, object]>([
    ['examples', [], {}],
    ['examples', 'texts', {}],
    ['examples', [{ label: 0 }], {}],
    ['examples', [{ text: 5, label: 0 }], {}],
    ['examples', [{ text: 'a', text_pair: 5, label: 0 }], {}],
    ['examples', [{ text: 'a' }], {}],
    ['examples', [{ text: 'a', label: 'numbers' }], {}],
    ['examples', [{ text: 'a', label: 2 }], {}],
    ['examples', [null], {}],
    ['validation', [{ text: 'a', label: 0 }], { validation: [] }],
    ['epochs', [{ text: 'a', label: 0 }], { epochs: 0 }],
    ['batchSize', [{ text: 'a', label: 0 }], { batchSize: 0.5 }],
    ['warmup', [{ text: 'a', label: 0 }], { warmup: 1 }],
    ['lr', [{ text: 'a', label: 0 }], { lr: -1 }],
    ['weight', [{ text: 'a', label: 0 }], { weight: [1, -1] }],
    ['weight', [{ text: 'a', label: 0 }], { weight: [1, 1, 1] }],
    ['weight', [{ text: 'a', label: 0 }], { weight: null as never }],
    ['weight', [{ text: 'a', label: 0 }], { weight: 'ab' as never }],
    ['max_length', [{ text: 'a', label: 0 }], { max_length: 1000 }],
    ['validation', [{ text: 'a', label: 0 }], { earlyStopping: { patience: 1 } }],
  ])('with %s is said (%j, %j)', async (culprit, list, options) => {
    const error = await failureOf(() => model.fit(list as never, options));
    expect(['ARGUMENT', 'SHAPE']).toContain(error.code);
    expect(error.culprit).toBe(culprit);
  });

  it('names the example', async () => {
    const list = [...examples(3), { text: 'a', label: 'numbers' }];
    expect((await failureOf(() => model.fit(list))).message).toMatch(/example 3 of examples has the label numbers.*letters, digits/);
  });

  it('with an option that there is not is UNSUPPORTED', async () => {
    expect((await failureOf(() => model.fit(examples(2), { learningRate: 1 } as object))).code).toBe('UNSUPPORTED');
    expect((await failureOf(() => model.classify('a', { topK: 1 } as object))).code).toBe('UNSUPPORTED');
    expect((await failureOf(() => model.classify([5] as never))).code).toBe('ARGUMENT');
    for (const culprit of ['signal', 'onProgress'])
      expect(await failureOf(() => model.classify('a', { [culprit]: 3 }))).toMatchObject({ code: 'ARGUMENT', culprit });
    expect(await failureOf(() => model.fit(examples(2), { signal: 3 } as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'signal' });
  });

  it('with a model that was not loaded for it, is at it, or is gone, is said', async () => {
    const first = model.fit(examples(24), { ...settings, epochs: 1 });
    expect((await failureOf(() => model.fit(examples(2)))).culprit).toBe('fit');
    await first;
    const doomed = await load();
    const running = failureOf(() => doomed.fit(examples(60), { ...settings, onProgress: ({ step }) => step === 3 && doomed.dispose() }));
    expect((await running).message).toMatch(/disposed of/);
    const { fileURLToPath } = await import('node:url');
    const folder = fileURLToPath(new URL('../fixtures/hf/bert_classify', import.meta.url));
    const fixed = await AutoModelForSequenceClassification.from_pretrained(folder, { engine });
    expect(await failureOf(() => fixed.fit(examples(2)))).toMatchObject({ culprit: 'trainable' });
    fixed.dispose();
  });

  it('with the rate is NUMERIC, and the model is as it was before that step', async () => {
    const error = await failureOf(() => model.fit(examples(60), { ...settings, lr: 1e30, warmup: 0, clip: 1e30 }));
    expect(error).toMatchObject({ code: 'NUMERIC' });
    expect(error.message).toMatch(/Step \d+/);
  });
});

describe('an abort', () => {
  it('ends its own call alone, not another that waits for the same tokenizer', async () => {
    const model = await load();
    const controller = new AbortController();
    const [given, goes] = [model.classify('a', { signal: controller.signal }), model.classify('a')];
    controller.abort('enough');
    await expect(given).rejects.toBe('enough');
    expect(await goes).toEqual(await model.classify('a'));
    model.dispose();
  });

  it('ends it between two steps, and the model goes on being one', async () => {
    const model = await load();
    const reason = new Error('enough');
    const controller = new AbortController();
    const steps: number[] = [];
    const onProgress = ({ step }: TrainingProgress) => {
      steps.push(step);
      if (step === 3) controller.abort(reason);
    };
    await expect(model.fit(examples(60), { ...settings, signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(steps).toEqual([1, 2, 3]);
    expect(model.encoder.training).toBe(false);
    await model.classify('a');
    await expect(model.fit(examples(60), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await model.fit(examples(8), { ...settings, epochs: 1 });
    model.dispose();
  });
});
