/**
 * `fit` of classifiers whose labels do not exclude each other: the loss is what config.json's problem_type asks for, as in transformers, whose losses, scores and
 * metrics are in test/fixtures/train/fits.json.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForSequenceClassification, type ClassifierOptions, createEngine, type Engine } from '../../dist/entry/node.js';
import type { ClassifierFitOptions, TextExample } from '../../dist/train/index.js';
import { failureOf } from '../io/memory.js';
import { tinyPath } from '../models/files.js';

interface Case {
  problem_type: ClassifierOptions['problem_type'] | null;
  trained_as: string;
  head: { weight: number[][]; bias: number[] };
  labels: number[][];
  losses: number[];
  scores: number[][];
  metrics: Record<string, number>;
}
const { texts, cases }: { texts: string[]; cases: Record<string, Case> } = JSON.parse(
  readFileSync(new URL('../fixtures/train/fits.json', import.meta.url), 'utf8'),
);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

/** bert-tiny without dropout. */
const files = Object.fromEntries(
  ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'].map((name) => [
    name,
    readFileSync(`${tinyPath}/${name}`),
  ]),
);
const config = { ...JSON.parse(files['config.json']?.toString() ?? ''), hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
const folderWith = (more: object = {}) => ({ ...files, 'config.json': Buffer.from(JSON.stringify({ ...config, ...more })) });
const load = (options: ClassifierOptions, more: object = {}) =>
  AutoModelForSequenceClassification.from_pretrained(folderWith(more), { engine, trainable: true, ...options });

describe.each(Object.entries(cases))('%s', (_, { problem_type, trained_as, head, labels, losses, scores, metrics }) => {
  it("has transformers' losses, scores and metrics", async () => {
    const model = await load({ num_labels: head.bias.length, ...(problem_type && { problem_type }) });
    const parameters = new Map(model.encoder.namedParameters());
    for (const [name, values] of [
      ['head.out.weight', head.weight.flat()],
      ['head.out.bias', head.bias],
    ] as const) {
      parameters.get(name)?.reset();
      parameters.get(name)?.write(0, new Uint8Array(Float32Array.from(values).buffer));
    }
    const examples = texts.map((text, i): TextExample => ({ text, label: labels[i] as number[] }));
    const found: number[] = [];
    const result = await model.fit(examples, {
      ...{ epochs: 6, batchSize: 8, lr: 1e-3, validation: examples, onProgress: ({ loss }) => found.push(loss) },
    });
    expect(found).toEqual(losses.map((loss) => expect.closeTo(loss, 4)));
    expect(Object.keys(result.validation ?? {}).sort()).toEqual(Object.keys(metrics).sort());
    for (const [name, value] of Object.entries(metrics)) expect(result.validation?.[name], name).toBeCloseTo(value, 3);
    expect(model.config.problem_type).toBe(trained_as);
    const said = (await model.classify(texts, { top_k: head.bias.length })) as unknown as { label: string; score: number }[][];
    for (const [i, row] of said.entries())
      for (const { label, score } of row) expect(score).toBeCloseTo(scores[i]?.[model.labels.indexOf(label)] as number, 3);
    model.dispose();
  });
});

describe('labels', () => {
  const id2label = ['red', 'green', 'blue'];
  const one = { epochs: 1, batchSize: 2 };
  const losses = async (examples: TextExample[], options: ClassifierOptions, fit: ClassifierFitOptions = one) => {
    const model = await load(options);
    const found: number[] = [];
    await model.fit(examples, { ...fit, onProgress: ({ loss }) => found.push(loss) });
    const { problem_type } = model.config;
    model.dispose();
    return { found, problem_type };
  };

  it('may be names of those that a text has, or a number for each: the same', async () => {
    const numbers = await losses(
      [
        { text: 'a', label: [1, 0, 1] },
        { text: 'b', label: [0, 0, 0] },
      ],
      { id2label },
    );
    const names = await losses(
      [
        { text: 'a', label: ['blue', 'red'] },
        { text: 'b', label: [] },
      ],
      { id2label },
    );
    expect(names).toEqual(numbers);
    expect(names.problem_type).toBe('multi_label_classification');
  });

  it('of one number may be without a list', async () => {
    const bare = await losses([{ text: 'a', label: 0.5 }], { num_labels: 1 });
    expect(await losses([{ text: 'a', label: [0.5] }], { num_labels: 1 })).toEqual(bare);
    expect(bare.problem_type).toBe('regression');
  });

  it('of one class each make a classification, which config.json says from then on', async () => {
    const { problem_type } = await losses([{ text: 'a', label: 'red' }], { id2label });
    expect(problem_type).toBe('single_label_classification');
  });

  it.each<[string, ClassifierOptions, unknown[], RegExp]>([
    ['one of several', { id2label, problem_type: 'multi_label_classification' }, [1], /label 1\. An example has several labels here/],
    ['a name of several', { id2label, problem_type: 'multi_label_classification' }, ['red'], /label red.*red, green, blue/],
    ['too few', { id2label }, [[1, 0]], /label \[1,0\]/],
    ['no share', { id2label }, [[1, 0, 2]], /label \[1,0,2\]/],
    ['strangers', { id2label }, [['red', 'black']], /label \[red,black\]/],
    ['one after several', { id2label }, [[1, 0, 0], 1], /example 1 of examples has the label 1/],
    ['several after one', { id2label }, [1, [1, 0, 0]], /example 1 of examples has the label \[1,0,0\]/],
    ['half a class', { id2label }, [0.5], /label 0.5/],
    ['one number of three', { id2label, problem_type: 'regression' }, [1], /label 1\. Give a list of 3 numbers/],
    ['no number', { num_labels: 1 }, [Number.NaN], /label NaN\. Give a number/],
    ['a name', { num_labels: 1 }, ['LABEL_0'], /label LABEL_0\. Give a number/],
  ])('that are none are told before anything is learned: %s', async (_, options, list, message) => {
    const model = await load(options);
    const examples = list.map((label) => ({ text: 'a', label }) as TextExample);
    const error = await failureOf(() => model.fit(examples, one));
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'examples' });
    expect(error.message).toMatch(message);
    model.dispose();
  });

  it('refuse what only classes that exclude each other have', async () => {
    for (const options of [{ weight: 'balanced' as const }, { weight: [1, 1, 1] }, { labelSmoothing: 0.1 }]) {
      const model = await load({ id2label });
      expect(await failureOf(() => model.fit([{ text: 'a', label: [1, 0, 0] }], { ...one, ...options }))).toMatchObject({
        code: 'UNSUPPORTED',
        culprit: Object.keys(options)[0],
      });
      model.dispose();
    }
  });

  it('of a kind that there is not are refused', async () => {
    expect(await failureOf(() => load({ problem_type: 'ranking' as never }))).toMatchObject({ code: 'ARGUMENT', culprit: 'problem_type' });
    const strange = await load({ id2label }, { problem_type: 'ranking' });
    expect(await failureOf(() => strange.fit([{ text: 'a', label: 0 }]))).toMatchObject({ code: 'FORMAT', culprit: 'problem_type' });
    const single = await load({ num_labels: 1, problem_type: 'single_label_classification' });
    expect(await failureOf(() => single.fit([{ text: 'a', label: 0 }]))).toMatchObject({ code: 'FORMAT', culprit: 'problem_type' });
    for (const model of [strange, single]) model.dispose();
  });
});

it('a wrong option of fit is told before texts are read', async () => {
  const model = await load({ id2label: ['red', 'green'] });
  const before = Object.values(model.encoder.stateDict()).map(({ data }) => Array.from(data));
  // A text that cannot be read would be the first to be told.
  const examples = [{ text: 5, label: 0 }] as unknown as TextExample[];
  for (const [culprit, options] of [
    ['labelSmoothing', { labelSmoothing: 1.5 }],
    ['labelSmoothing', { labelSmoothing: Number.NaN }],
    ['weight', { weight: [1, 2, 3] }],
    ['lr', { lr: Number.NaN }],
    ['weightDecay', { weightDecay: -1 }],
    ['clip', { clip: 0 }],
    ['evaluateEvery', { evaluateEvery: 0 }],
  ] as const)
    expect(await failureOf(() => model.fit(examples, options))).toMatchObject({ code: 'ARGUMENT', culprit });
  expect(Object.values(model.encoder.stateDict()).map(({ data }) => Array.from(data))).toEqual(before);
  model.dispose();
});
