/** Task models: a classifier's and a masked language model's logits are Hugging Face's; heads that a checkpoint lacks; names of classes; and the form for training. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForSequenceClassification,
  type ClassifierOptions,
  createEngine,
  type Engine,
  pipeline,
} from '../../dist/entry/node.js';
import { MaskedLMModel } from '../../dist/models/task_model.js';
import { TrainableClassifier } from '../../dist/train/classifier.js';
import { failureOf } from '../io/memory.js';
import { engineOver, numbersOf, readWeights, tinyFiles, tinyPath, tinyWeights, type Weight, weightOf, writeWeights } from './files.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/hf/${name}`, import.meta.url));
const expected = (name: string) => readWeights(readFileSync(`${fixture(name)}/expected.safetensors`));
const inputsOf = (name: string) => {
  const ints = (key: string) => {
    const { bytes, shape } = expected(name)[key] as Weight;
    return { data: new Int32Array(bytes.slice().buffer), dims: shape };
  };
  return { input_ids: ints('input_ids'), attention_mask: ints('attention_mask') };
};

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, inlineBelow: 0, deterministic: true });
});
afterAll(() => engine.dispose());

function expectLogits(name: string, logits: { data: ArrayLike<number>; dims: readonly number[] }, mask?: Int32Array): void {
  const want = expected(name).logits as Weight;
  expect(logits.dims).toEqual(want.shape);
  const numbers = numbersOf(want);
  const width = numbers.length / (mask?.length ?? numbers.length);
  const apart = Array.from(numbers, (x, i) => (mask && !mask[Math.floor(i / width)] ? 0 : Math.abs(x - (logits.data[i] as number))));
  expect(Math.max(...apart)).toBeLessThan(1e-4);
}

describe.each([false, true])('logits (trainable: %s)', (trainable) => {
  it('of a classifier are Hugging Face’s', async () => {
    const model = await AutoModelForSequenceClassification.from_pretrained(fixture('bert_classify'), { engine, trainable });
    const { logits, ...rest } = await model(inputsOf('bert_classify'));
    expectLogits('bert_classify', logits);
    expect(Object.keys(rest)).toEqual([]);
    const { hidden_states, attentions } = await model(inputsOf('bert_classify'), { output_attentions: true, output_hidden_states: true });
    expect([hidden_states?.length, attentions?.length]).toEqual([3, 2]);
    model.dispose();
  });

  it('of a masked language model are Hugging Face’s', async () => {
    const model = await AutoModelForMaskedLM.from_pretrained(fixture('bert_mlm'), { engine, trainable });
    const inputs = inputsOf('bert_mlm');
    expectLogits('bert_mlm', (await model(inputs)).logits, inputs.attention_mask.data);
    model.dispose();
  });
});

describe('a checkpoint', () => {
  it('of a task is an encoder, too', async () => {
    for (const name of ['bert_classify', 'bert_mlm']) {
      const model = await AutoModel.from_pretrained(fixture(name), { engine });
      expect((await model(inputsOf(name))).last_hidden_state.dims).toEqual([2, 9, 32]);
      model.dispose();
    }
  });

  it('without the head is MODEL_MISMATCH, and leaves nothing behind', async () => {
    const { used, storages } = engine.memory();
    const [classifier, filler] = [
      await failureOf(() => AutoModelForSequenceClassification.from_pretrained(tinyPath, { engine })),
      await failureOf(() => AutoModelForMaskedLM.from_pretrained(fixture('bert_classify'), { engine })),
    ];
    expect(classifier).toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'classifier.weight', shape: [2, 32] });
    expect(classifier.cure).toMatch(/trainable: true/);
    expect(filler).toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'cls.predictions.bias' });
    expect(engine.memory()).toMatchObject({ used, storages });
  });

  it('without the head gets a new one where it is to be trained, by the seed', async () => {
    const headOf = async (options: ClassifierOptions) => {
      const model = await AutoModelForSequenceClassification.from_pretrained(tinyPath, {
        engine,
        trainable: true,
        num_labels: 40,
        ...options,
      });
      const { 'head.out.weight': weight, 'head.out.bias': bias } = model.encoder.stateDict();
      model.dispose();
      return { weight: Array.from(weight?.data ?? []), bias: Array.from(bias?.data ?? []) };
    };
    const { weight, bias } = await headOf({});
    expect(await headOf({ seed: 0 })).toEqual({ weight, bias });
    expect((await headOf({ seed: 1 })).weight).not.toEqual(weight);
    expect(bias).toEqual(Array(40).fill(0));
    // N(0, 0.02²), as initializer_range says: 1,280 of them.
    const deviation = Math.sqrt(weight.reduce((sum, x) => sum + x * x, 0) / weight.length);
    expect(deviation).toBeGreaterThan(0.018);
    expect(deviation).toBeLessThan(0.022);
  });

  it('may lack the pooler only where it is to be trained', async () => {
    const { 'pooler.dense.weight': _, 'pooler.dense.bias': __, ...weights } = tinyWeights();
    const files = tinyFiles({}, weights);
    const own = await engineOver(files);
    // Which has neither pooler nor head, and the latter says more.
    expect(await failureOf(() => TrainableClassifier.load(own, 'm'))).toMatchObject({ culprit: 'classifier.weight' });
    const head = { 'classifier.weight': weightOf(new Float32Array(64), [2, 32]), 'classifier.bias': weightOf(new Float32Array(2), [2]) };
    const poolerless = await engineOver(tinyFiles({}, { ...weights, ...head }));
    const error = await failureOf(() => TrainableClassifier.load(poolerless, 'm'));
    expect(error).toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'pooler.dense.weight' });
    await poolerless.dispose();
    const model = await TrainableClassifier.load(own, 'm', { trainable: true });
    expect((await model({ input_ids: [[2, 3]] })).logits.dims).toEqual([1, 2]);
    await own.dispose();
  });

  it('with half a head lacks the other half, trainable or not', async () => {
    const weights = { ...tinyWeights(), 'classifier.bias': { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) } };
    const own = await engineOver(tinyFiles({}, weights));
    for (const trainable of [true, false])
      expect(await failureOf(() => TrainableClassifier.load(own, 'm', { trainable }))).toMatchObject({ culprit: 'classifier.weight' });
    await own.dispose();
  });

  it('whose head is for another number of classes does not fit', async () => {
    const options = { engine, trainable: true, num_labels: 2 };
    const error = await failureOf(() => AutoModelForSequenceClassification.from_pretrained(fixture('bert_classify'), options));
    expect(error).toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'classifier.bias', shape: [3] });
  });

  it('whose head is for another number of classes gets a new one where that is asked for, and keeps all else', async () => {
    const load = AutoModelForSequenceClassification.from_pretrained;
    const options = { engine, trainable: true, ignore_mismatched_sizes: true };
    const [made, same] = [
      await load(fixture('bert_classify'), { ...options, num_labels: 2 }),
      await load(fixture('bert_classify'), options),
    ];
    const [anew, came] = [made.encoder.stateDict(), same.encoder.stateDict()];
    expect(anew['head.out.weight']?.dims).toEqual([2, 32]);
    expect(anew['head.out.bias']?.data).toEqual(new Float32Array(2));
    for (const [name, { data }] of Object.entries(came)) if (!name.startsWith('head.out.')) expect(anew[name]?.data, name).toEqual(data);
    expect(came['head.out.bias']?.data.some((x) => x !== 0)).toBe(true);
    for (const one of [made, same]) one.dispose();
    const error = await failureOf(() => load(fixture('bert_classify'), { ...options, trainable: false, num_labels: 2 }));
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'ignore_mismatched_sizes' });
  });

  it('of a masked language model whose config has an output of its own must have it, or a new head to be trained', async () => {
    const weights = readWeights(readFileSync(`${fixture('bert_mlm')}/model.safetensors`));
    const config = { ...JSON.parse(readFileSync(`${fixture('bert_mlm')}/config.json`, 'utf8')), tie_word_embeddings: false };
    const own = await engineOver({ 'm/config.json': JSON.stringify(config), 'm/model.safetensors': writeWeights(weights) });
    const error = await failureOf(() => MaskedLMModel.load(own, 'm'));
    expect(error).toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'cls.predictions.decoder.weight' });
    await own.dispose();
    const bare = await engineOver(tinyFiles({ tie_word_embeddings: false }));
    const { encoder } = await MaskedLMModel.load(bare, 'm', { trainable: true });
    expect(Object.keys(encoder.stateDict())).toContain('head.out.weight');
    await bare.dispose();
  });
});

describe('names of classes', () => {
  const load = async (config: object, options: ClassifierOptions = {}) => {
    const own = await engineOver(tinyFiles(config as never));
    try {
      const model = await TrainableClassifier.load(own, 'm', { trainable: true, ...options });
      return { labels: model.labels, config: model.config };
    } finally {
      await own.dispose();
    }
  };

  it('are those that are asked for, or config.json’s, or two', async () => {
    const own = { id2label: { 0: 'no', 1: 'yes', 2: 'perhaps' } };
    expect((await load({})).labels).toEqual(['LABEL_0', 'LABEL_1']);
    expect((await load({ num_labels: 3 })).labels).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_2']);
    expect((await load(own)).labels).toEqual(['no', 'yes', 'perhaps']);
    expect((await load(own, { num_labels: 3 })).labels).toEqual(['no', 'yes', 'perhaps']);
    expect((await load(own, { num_labels: 1 })).labels).toEqual(['LABEL_0']);
    for (const id2label of [['a', 'b'], { 0: 'a', 1: 'b' }]) expect((await load(own, { id2label })).labels).toEqual(['a', 'b']);
  });

  it('stand in the model’s config as Hugging Face has them', async () => {
    const { config } = await load({ num_labels: 9 }, { id2label: ['a', 'b'] });
    expect(config).toMatchObject({ id2label: { 0: 'a', 1: 'b' }, label2id: { a: 0, b: 1 }, model_type: 'bert' });
    expect(config.num_labels).toBeUndefined();
  });

  it.each<[string, object]>([
    ['num_labels', { num_labels: 0 }],
    ['num_labels', { num_labels: 1.5 }],
    ['num_labels', { num_labels: 3, id2label: ['a', 'b'] }],
    ['id2label', { id2label: [] }],
    ['id2label', { id2label: ['a', 'a'] }],
    ['id2label', { id2label: { 1: 'a', 2: 'b' } }],
    ['id2label', { id2label: 'ab' }],
    ['seed', { seed: 0.5 }],
    ['trainable', { trainable: 'yes' }],
  ])('and %s that make no sense are ARGUMENT', async (culprit, options) => {
    expect(await failureOf(() => load({}, options))).toMatchObject({ code: 'ARGUMENT', culprit });
  });

  it('in config.json may be numbers, alike, or of some classes alone', async () => {
    const labels = async (id2label: object) => (await load({ id2label })).labels;
    expect(await labels({ 0: 0, 1: 1.5, 2: true })).toEqual(['0', '1.5', 'true']);
    expect(await labels({ 0: 'a', 1: 'b', 2: 'a' })).toEqual(['a', 'b', 'a']);
    expect(await labels({ 1: 'b', 2: 'c', 3: 'd' })).toEqual(['LABEL_0', 'b', 'c']);
  });

  it('in config.json that make no sense are FORMAT', async () => {
    for (const id2label of [{ 0: [] }, {}, ['a', 'a'], 3]) expect((await failureOf(() => load({ id2label }))).code).toBe('FORMAT');
    expect((await failureOf(() => load({ hidden_dropout_prob: 1.5 }))).code).toBe('FORMAT');
  });

  it('are options of classifiers alone', async () => {
    expect((await failureOf(() => AutoModel.from_pretrained(tinyPath, { engine, num_labels: 2 } as object))).code).toBe('UNSUPPORTED');
    const extract = () => pipeline('feature-extraction', tinyPath, { engine, trainable: true } as object);
    expect((await failureOf(extract)).code).toBe('UNSUPPORTED');
  });
});

describe('save_pretrained', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const weightsIn = (path: string) => readWeights(readFileSync(join(path, 'model.safetensors')));

  it.each([
    ['bert_classify', AutoModelForSequenceClassification],
    ['bert_mlm', AutoModelForMaskedLM],
  ])('of %s gives the files that Hugging Face wrote: every tensor, by its name', async (name, auto) => {
    for (const trainable of [false, true]) {
      const model = await auto.from_pretrained(fixture(name), { engine, trainable });
      await model.save_pretrained(join(folder, name));
      model.dispose();
      expect(weightsIn(join(folder, name))).toEqual(weightsIn(fixture(name)));
      const json = (path: string) => JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
      expect(json(join(folder, name))).toEqual(json(fixture(name)));
      expect(readdirSync(join(folder, name)).sort()).toEqual(['config.json', 'model.safetensors']);
    }
  });

  it('of an encoder, too, and of what was learned: it says the same when it is loaded again', async () => {
    const model = await AutoModel.from_pretrained(tinyPath, { engine });
    await model.save_pretrained(join(folder, 'encoder'));
    expect(weightsIn(join(folder, 'encoder'))).toEqual(tinyWeights());
    model.dispose();
    const id2label = ['yes', 'no'];
    const classifier = await AutoModelForSequenceClassification.from_pretrained(tinyPath, { engine, trainable: true, id2label });
    await classifier.fit([{ text: 'a', label: 'yes' }], { epochs: 1, lr: 1e-2 });
    await classifier.save_pretrained(join(folder, 'classifier'));
    const again = await AutoModelForSequenceClassification.from_pretrained(join(folder, 'classifier'), { engine });
    expect(again.config.architectures).toEqual(['BertForSequenceClassification']);
    expect(await again.classify(['a b', 'c'], { top_k: 2 })).toEqual(await classifier.classify(['a b', 'c'], { top_k: 2 }));
    expect(readdirSync(join(folder, 'classifier'))).toContain('tokenizer.json');
    again.dispose();
    classifier.dispose();
    await expect(classifier.save_pretrained(join(folder, 'gone'))).rejects.toThrow(/disposed of/);
  });
});

describe('8 bits', () => {
  it('do not train; a checkpoint in 8 bits trains in 32', async () => {
    const load = (dtype: 'q8' | 'fp32') => AutoModel.from_pretrained(tinyPath, { engine, trainable: true, dtype });
    expect(await failureOf(() => load('q8'))).toMatchObject({ code: 'UNSUPPORTED', culprit: 'dtype' });
    (await load('fp32')).dispose();
  });

  it("become 32 where a model is saved with dtype 'fp32'", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heed-'));
    const model = await AutoModelForSequenceClassification.from_pretrained(fixture('bert_classify'), { engine, dtype: 'q8' });
    const { logits } = await model(inputsOf('bert_classify'));
    await model.save_pretrained(folder, { dtype: 'fp32' });
    const wide = await AutoModelForSequenceClassification.from_pretrained(folder, { engine });
    const again = await wide(inputsOf('bert_classify'));
    const apart = Array.from(logits.data, (x, i) => Math.abs(x - (again.logits.data[i] as number)));
    expect(Math.max(...apart)).toBeLessThan(2e-3);
    expect(wide.config.quantization_config).toBeUndefined();
    for (const made of [model, wide]) made.dispose();
    rmSync(folder, { recursive: true });
  });
});
