/** What a sentence encoder's folder says of pooling, lengths and normalization, and what happens when parts are missing or lie. */
import { describe, expect, it } from 'vitest';
import { FeatureExtractionPipeline, type FeatureExtractor } from '../../dist/pipelines/feature_extraction.js';
import { failureOf } from '../io/memory.js';
import { engineOver, type Files, tinyFiles } from '../models/files.js';

async function load(files: Files): Promise<FeatureExtractor> {
  const engine = await engineOver(files);
  return FeatureExtractionPipeline.load(engine, 'm');
}

/** Loading fails, and the engine holds nothing, though the weights may have been read meanwhile. */
async function failure(files: Files) {
  const engine = await engineOver(files);
  const error = await failureOf(() => FeatureExtractionPipeline.load(engine, 'm'));
  expect(engine.memory()).toMatchObject({ used: 0, storages: 0 });
  return error;
}

const without = (...names: string[]): Files => Object.fromEntries(Object.entries(tinyFiles()).filter(([name]) => !names.includes(name)));
const module = (type: string, path = '') => ({ idx: 0, name: '0', type: `sentence_transformers.models.${type}`, path });
const modules = (...list: unknown[]): Files => ({ ...tinyFiles(), 'm/modules.json': JSON.stringify(list) });

describe("a folder's own wishes", () => {
  it('are read: pooling, normalization, length', async () => {
    const { sentence } = await load(tinyFiles());
    expect(sentence).toMatchObject({ pooling: 'mean', normalize: true, maxTokens: 64, similarity_fn_name: 'cosine' });
  });

  it('may be missing', async () => {
    const extractor = await load(without('m/modules.json', 'm/1_Pooling/config.json', 'm/sentence_bert_config.json'));
    expect(extractor.sentence).toMatchObject({
      pooling: undefined,
      normalize: false,
      maxTokens: undefined,
      prompts: { query: '', document: '' },
    });
    expect(await extractor.encode('a cat')).toEqual(await extractor('a cat', { pooling: 'mean' }));
  });

  it('may be pooling by the first token, without normalization', async () => {
    const files = modules(module('Transformer'), module('Pooling', '1_Pooling'));
    const pooling = { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false };
    const { sentence } = await load({ ...files, 'm/1_Pooling/config.json': JSON.stringify(pooling) });
    expect(sentence).toMatchObject({ pooling: 'cls', normalize: false });
  });

  it('may be in folders of any name, and in folders inside', async () => {
    const pooling = JSON.stringify({ pooling_mode: 'max' });
    for (const [path, home] of [
      ['1_Pooling/', '1_Pooling'],
      ['./1_Pooling', '1_Pooling'],
      ['1.Pooling', '1.Pooling'],
      ['1 Pooling', '1 Pooling'],
      ['modules/1_Pooling', 'modules/1_Pooling'],
    ] as const) {
      const files = modules(module('Transformer'), module('Pooling', path));
      expect((await load({ ...files, [`m/${home}/config.json`]: pooling })).sentence.pooling).toBe('max');
    }
  });

  it('are read as Python reads them: 1 is true, an empty file says nothing, none of them without modules.json', async () => {
    const old = { pooling_mode_cls_token: 1, pooling_mode_mean_tokens: 0 };
    expect((await load({ ...tinyFiles(), 'm/1_Pooling/config.json': JSON.stringify(old) })).sentence.pooling).toBe('cls');
    const other = { 'm/sentence_bert_config.json': '{}', 'm/sentence_roberta_config.json': '{"max_seq_length": 9}' };
    expect((await load({ ...tinyFiles(), ...other })).sentence.maxTokens).toBe(9);
    expect((await load(without('m/modules.json'))).sentence.maxTokens).toBeUndefined();
    const none = { ...tinyFiles(), 'm/1_Pooling/config.json': JSON.stringify({ pooling_mode: [] }) };
    expect((await failure(none)).code).toBe('FORMAT');
  });

  it('that heed cannot meet are UNSUPPORTED', async () => {
    expect(await failure(modules(module('Transformer'), module('Dense', '2_Dense')))).toMatchObject({
      code: 'UNSUPPORTED',
      culprit: 'Dense',
    });
    const error = await failure({ ...tinyFiles(), 'm/1_Pooling/config.json': JSON.stringify({ pooling_mode: 'attention' }) });
    expect(error.code).toBe('UNSUPPORTED');
  });

  it('that lead out of the folder, or are malformed, are FORMAT', async () => {
    for (const path of ['..', '../other', '/etc', 'a/../../b', 'a?b', 'a\\b', '1_Pooling\n'])
      expect((await failure(modules(module('Transformer'), module('Pooling', path)))).code).toBe('FORMAT');
    for (const list of [[null], ['Pooling'], [{}], [{ type: 3 }]]) expect((await failure(modules(...list))).code).toBe('FORMAT');
    for (const text of ['', '{}', '{"a":', '[]x']) expect((await failure({ ...tinyFiles(), 'm/modules.json': text })).code).toBe('FORMAT');
  });

  it('that a pooling is described by a file that is not there are NOT_FOUND', async () => {
    expect((await failure(without('m/1_Pooling/config.json'))).code).toBe('NOT_FOUND');
  });
});

describe('the length after which texts are cut', () => {
  const long = 'a '.repeat(100);
  const lengthWith = async (files: Files) => (await (await load(files))(long)).dims[1];
  const sentence = (max_seq_length: unknown): Files => ({
    ...tinyFiles(),
    'm/sentence_bert_config.json': JSON.stringify({ max_seq_length }),
  });
  const tokenizer = (model_max_length: number): Files => {
    const files = without('m/sentence_bert_config.json');
    const config = JSON.parse(files['m/tokenizer_config.json'] as string);
    return { ...files, 'm/tokenizer_config.json': JSON.stringify({ ...config, model_max_length }) };
  };

  it('is that of sentence_bert_config.json, else model_max_length, else the positions; never more than those', async () => {
    expect(await lengthWith(sentence(20))).toBe(20);
    expect(await lengthWith(sentence(1000))).toBe(64);
    expect(await lengthWith(sentence(null))).toBe(64);
    expect(await lengthWith(tokenizer(30))).toBe(30);
    expect(await lengthWith(tokenizer(1e30))).toBe(64);
  });

  it('that is no length is FORMAT', async () => {
    for (const length of [-1, 1.5, '64', {}]) expect((await failure(sentence(length))).code).toBe('FORMAT');
  });

  it('that has no room for a token fails every call with ARGUMENT', async () => {
    const extractor = await load(sentence(0));
    expect((await failureOf(() => extractor('a'))).code).toBe('ARGUMENT');
  });
});

describe('a folder without', () => {
  it.each(['config.json', 'tokenizer.json', 'model.safetensors'])('%s is NOT_FOUND, and nothing stays in memory', async (name) => {
    expect((await failure(without(`m/${name}`))).code).toBe('NOT_FOUND');
  });
});
