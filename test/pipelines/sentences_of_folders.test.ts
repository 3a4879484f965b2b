/** Folders as four versions of sentence-transformers write them: heed's vectors are those of the library, within 1e-5. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { createEngine, pipeline, semantic_search, similarity } from '../../dist/entry/node.js';
import type { SentenceOptions } from '../../dist/pipelines/feature_extraction.js';
import type { SimilarityName } from '../../dist/pipelines/similarity.js';
import { Remote } from '../../dist/remote/client.js';
import type { Hosted } from '../../dist/remote/host.js';
import { failureOf } from '../io/memory.js';
import { tinyFiles } from '../models/files.js';
import { host } from '../remote/host.js';

interface Case {
  name: string;
  cased: boolean;
  inner: boolean;
  /** JSON as it is, weights in base64. */
  files: Record<string, unknown>;
  answers: { method: 'encode' | 'encode_query' | 'encode_document'; options: SentenceOptions; vectors: number[][] }[];
  similarity: [SimilarityName, number[][]];
}

const path = fileURLToPath(new URL('../fixtures/sentence/cases.json.gz', import.meta.url));
const { texts, cases } = JSON.parse(gunzipSync(readFileSync(path)).toString()) as { texts: string[]; cases: Case[] };
const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

const bytesOf = (content: unknown): Uint8Array =>
  typeof content === 'string' ? Buffer.from(content, 'base64') : new TextEncoder().encode(JSON.stringify(content));

/** The folder of a case, some of whose files are others. */
function folderOf({ cased, inner, files }: Case, changed: Record<string, unknown> = {}): Record<string, Uint8Array> {
  const tiny = tinyFiles();
  const tokenizer = JSON.parse(tiny['m/tokenizer.json'] as string);
  tokenizer.normalizer.lowercase = !cased;
  const home = inner ? '0_Transformer/' : '';
  return {
    [`${home}config.json`]: new TextEncoder().encode(tiny['m/config.json'] as string),
    [`${home}model.safetensors`]: tiny['m/model.safetensors'] as Uint8Array,
    [`${home}tokenizer.json`]: bytesOf(tokenizer),
    ...Object.fromEntries(Object.entries({ ...files, ...changed }).map(([name, content]) => [name, bytesOf(content)])),
  };
}

const load = (one: Case, changed?: Record<string, unknown>) => pipeline('feature-extraction', folderOf(one, changed), { engine });
const named = (name: string): Case => cases.find((one) => one.name === name) as Case;
const rowsOf = ({ data, dims: [B = 1, C = 0] }: { data: ArrayLike<number>; dims: readonly number[] }) =>
  Array.from({ length: B }, (_, b) => Array.from({ length: C }, (_, c) => data[b * C + c] as number));
/** Within 1e-5, or, of sums of hundreds of float32, within 1e-4. */
const near = (expected: readonly number[][], digits = 4.7) => expected.map((row) => row.map((x) => expect.closeTo(x, digits)));

describe('a folder that sentence-transformers wrote', () => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const extractor = await load(one);
    for (const { method, options, vectors } of one.answers)
      expect(rowsOf(await extractor[method](texts, options)), `${method} ${JSON.stringify(options)}`).toEqual(near(vectors));
    const [name, all] = one.similarity;
    expect(extractor.sentence.similarity_fn_name).toBe(name);
    const vectors = await extractor.encode(texts);
    expect(similarity(vectors, vectors, name)).toEqual(near(all, name === 'manhattan' ? 3.7 : 4.7));
    extractor.dispose();
  });

  it('is of every version and kind', () => {
    const versions = ['3.4.1', '4.1.0', '5.4.0', '6.2.0'].map((version) => cases.filter(({ name }) => name.startsWith(version)).length);
    expect(versions).toEqual([7, 7, 38, 39]);
  });

  it('gives transformers.js’s answers to its options, which win over the folder’s', async () => {
    const [folder, bare] = [await load(named('6.2.0 prompts')), await load(named('6.2.0 mean'))];
    expect(folder.sentence).toMatchObject({ pooling: 'mean', normalize: true, default_prompt_name: 'query' });
    const want = await bare(texts, { pooling: 'cls', normalize: false });
    expect(await folder(texts, { pooling: 'cls', normalize: false })).toEqual(want);
    expect(await folder.encode(texts, { pooling: 'cls', normalize: false, prompt: '' })).toEqual(want);
    expect(await folder(texts)).toEqual(await bare(texts));
    const asked = await folder(texts, { pooling: 'mean', normalize: true, prompt_name: 'query' });
    expect(asked).toEqual(await folder.encode(texts));
    expect(asked).toEqual(
      await bare(
        texts.map((text) => `query: ${text}`),
        { pooling: 'mean', normalize: true },
      ),
    );
    const both = await bare(texts, { pooling: ['cls', 'mean'], truncate_dim: 40 });
    expect(both.dims).toEqual([texts.length, 40]);
    expect(rowsOf(both).map((row) => row.slice(0, 32))).toEqual(rowsOf(want));
  });

  it('may be searched by its own measure', async () => {
    const extractor = await load(named('6.2.0 several poolings'));
    const corpus = await extractor.encode_document(texts);
    const { similarity_fn_name: score_function } = extractor.sentence;
    const [hits] = semantic_search(await extractor.encode_query('x'), corpus, { top_k: 2, score_function });
    expect(hits?.[0]).toEqual({ corpus_id: 2, score: expect.closeTo(0, 5) });
    expect(hits?.[1]?.score).toBeLessThan(-0.01);
  });

  it('is encoded in a worker as it is here', async () => {
    const extractor = await load(named('6.2.0 prompts'));
    const { handle } = host({ thing: async () => extractor as unknown as Hosted });
    const there = (await (await Remote.start(handle)).load('thing', [], {})) as unknown as typeof extractor;
    expect(there.sentence).toEqual(extractor.sentence);
    for (const method of ['encode', 'encode_query', 'encode_document'] as const)
      expect(await there[method](texts, { truncate_dim: 5 })).toEqual(await extractor[method](texts, { truncate_dim: 5 }));
  });

  it('gives back the memory of all its modules', async () => {
    const before = engine.memory();
    const extractor = await load(named('6.2.0 two denses'));
    expect(engine.memory().storages).toBeGreaterThan(before.storages);
    await extractor.encode(texts);
    extractor.dispose();
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });
});

describe('what heed cannot do as the folder wants it', () => {
  const dense = named('6.2.0 dense');
  const config = dense.files['2_Dense/config.json'] as object;
  const bert = dense.files['sentence_bert_config.json'] as object;
  const modules = dense.files['modules.json'] as { path: string; type: string }[];
  const withModule = (at: number, change: object) => ({
    'modules.json': modules.map((one, i) => (i === at ? { ...one, ...change } : one)),
  });
  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['a module', withModule(2, { type: 'sentence_transformers.models.CNN' }), 'CNN', /"CNN".*Dense, LayerNorm/],
    ['a module of the model’s own', withModule(0, { type: 'custom_st.Transformer' }), 'Transformer', /custom_st\.Transformer.*own code/],
    ['no Transformer', withModule(0, { type: 'sentence_transformers.models.StaticEmbedding' }), 'StaticEmbedding', /StaticEmbedding/],
    ['a module before its pooling', { 'modules.json': [modules[0], modules[2], modules[1]] }, 'Dense', /"Dense"/],
    ['an activation', { '2_Dense/config.json': { ...config, activation_function: 'my.Own' } }, 'activation_function', /my\.Own.*Tanh/],
    [
      'another input',
      { '2_Dense/config.json': { ...config, module_input_name: 'token_embeddings' } },
      'module_input_name',
      /token_embeddings/,
    ],
    ['a pooling', { '1_Pooling/config.json': { pooling_mode: 'median' } }, '1_Pooling/config.json', /"median".*weightedmean/],
    ['an old pooling', { '1_Pooling/config.json': { pooling_mode_median: true } }, '1_Pooling/config.json', /pooling_mode_median/],
    ['another task', { 'sentence_bert_config.json': { ...bert, transformer_task: 'fill-mask' } }, 'transformer_task', /fill-mask/],
    ['messages', { 'sentence_bert_config.json': { ...bert, modality_config: { message: {} } } }, 'modality_config', /message/],
    [
      'another config',
      { 'sentence_bert_config.json': { config_args: { use_bidirectional: true } } },
      'use_bidirectional',
      /use_bidirectional/,
    ],
    ['a sparse encoder', { 'config_sentence_transformers.json': { model_type: 'SparseEncoder' } }, 'model_type', /SparseEncoder/],
  ])('is UNSUPPORTED by name: %s', async (_, changed, culprit, message) => {
    const error = await failureOf(() => load(dense, changed));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', culprit, message: expect.stringMatching(message) });
  });

  it('is UNSUPPORTED with the cure: weights of PyTorch’s alone', async () => {
    const folder: Record<string, unknown> = folderOf(dense, { '2_Dense/pytorch_model.bin': 'AAAA' });
    delete folder['2_Dense/model.safetensors'];
    const error = await failureOf(() => pipeline('feature-extraction', folder as Record<string, Uint8Array>, { engine }));
    expect(error.message).toMatch(/2_Dense.*PyTorch.*safetensors/i);
  });

  it('is a mismatch: weights of another size, or a Dense behind another pooling', async () => {
    expect((await failureOf(() => load(dense, { '2_Dense/config.json': { ...config, out_features: 25 } }))).code).toBe('MODEL_MISMATCH');
    const extractor = await load(dense);
    const error = await failureOf(() => extractor.encode('a', { pooling: ['cls', 'mean'] }));
    expect(error).toMatchObject({ code: 'SHAPE', culprit: 'Dense', shape: [1, 64] });
  });

  it('is malformed: prompts without the default, dimensions that are none', async () => {
    const wishes = (content: object) => failureOf(() => load(dense, { 'config_sentence_transformers.json': content }));
    expect(await wishes({ default_prompt_name: 'none' })).toMatchObject({ code: 'FORMAT', message: expect.stringContaining('"none"') });
    expect(await wishes({ prompts: { query: 3 } })).toMatchObject({ code: 'FORMAT', culprit: 'prompts.query' });
    for (const truncate_dim of [0, -1, 1.5]) expect((await wishes({ truncate_dim })).code).toBe('FORMAT');
  });

  it('is ARGUMENT: a prompt or dimensions that there are not', async () => {
    const extractor = await load(named('6.2.0 prompts'));
    const wish = (options: object) => failureOf(() => extractor.encode('a', options));
    expect(await wish({ prompt_name: 'none' })).toMatchObject({
      culprit: 'prompt_name',
      cure: expect.stringMatching(/has query, document/),
    });
    expect(await wish({ prompt_name: 'constructor' })).toMatchObject({ code: 'ARGUMENT', culprit: 'prompt_name' });
    expect(await wish({ prompt: 5 })).toMatchObject({ code: 'ARGUMENT', culprit: 'prompt' });
    for (const truncate_dim of [0, -1, 1.5, '8']) expect(await wish({ truncate_dim })).toMatchObject({ culprit: 'truncate_dim' });
    for (const pooling of ['none', [], ['mean', 'none'], 'MEAN']) expect(await wish({ pooling })).toMatchObject({ culprit: 'pooling' });
    expect(await failureOf(() => extractor('a', { truncate_dim: 4 }))).toMatchObject({ culprit: 'truncate_dim' });
    expect(await wish({ Prompt: 'a' })).toMatchObject({ code: 'UNSUPPORTED', culprit: 'Prompt' });
  });
});
