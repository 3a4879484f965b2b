/**
 * Moving over from transformers.js is a changed import and a changed model: what its documentation shows for the tasks that heed has (test/fixtures/transformers_js) runs as it is, and gives what
 * its comments say in kind. What does not run says why, and docs/coming-from-transformers-js.md does too.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  AutoConfig,
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForSeq2SeqLM,
  AutoModelForSequenceClassification,
  AutoTokenizer,
  HostTensor,
  pipeline,
} from 'heed';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { env } from '../../dist/entry/node.js';
import { tinyPath } from '../models/files.js';
import { tiny } from './tiny.js';
import { tinyTranslator } from './tiny_translator.js';

const entry = fileURLToPath(new URL('../../dist/entry/node.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heed-'));
const routes = { task_specific_params: { translation_en_to_zh: { prefix: '<2zh>' }, translation_zh_to_en: { prefix: '<2en>' } } };
/** It has no longest text. */
const writer = await tinyTranslator({}, { tokenizer_class: 'PreTrainedTokenizerFast' }, 't5');
const translator = await tinyTranslator(routes);
const { localModelPath, allowRemoteModels, cacheDir, logLevel } = env;
afterEach(() => {
  Object.assign(env, { localModelPath, allowRemoteModels, cacheDir, logLevel });
});
afterAll(() => {
  for (const one of [folder, writer, translator]) rmSync(one, { recursive: true });
});

/** The models of the documentation, and those that stand in for them. */
const models: Readonly<Record<string, string>> = {
  'Xenova/distilbert-base-uncased-finetuned-sst-2-english': tiny('classify'),
  'Xenova/bert-base-multilingual-uncased-sentiment': tiny('classify'),
  'Xenova/toxic-bert': tiny('classify'),
  'Xenova/mobilebert-uncased-mnli': tiny('classify'),
  'Xenova/nli-deberta-v3-xsmall': tiny('classify'),
  'Xenova/bert-base-NER': tiny('ner'),
  'Xenova/distilbert-base-multilingual-cased-ner-hrl': tiny('ner'),
  'Xenova/distilbert-base-uncased-distilled-squad': tiny('qa'),
  'Xenova/distilbert-base-cased-distilled-squad': tiny('qa'),
  'Xenova/bert-base-cased': tiny('mlm'),
  'onnx-community/ettin-encoder-32m-ONNX': tiny('mlm'),
  'onnx-community/all-MiniLM-L6-v2-ONNX': tinyPath,
  'Xenova/bert-base-uncased': tiny('mlm'),
  'bert-base-uncased': tiny('mlm'),
  'Xenova/t5-small': writer,
  'Xenova/distilbart-cnn-6-6': writer,
  'Xenova/LaMini-Flan-T5-783M': writer,
  'Xenova/m2m100_418M': translator,
  'Xenova/nllb-200-distilled-600M': translator,
  'Xenova/mbart-large-50-many-to-many-mmt': translator,
  'Xenova/mistral-tokenizer-v1': tinyPath,
};

const number = expect.any(Number);
const text = expect.any(String);
const method = expect.any(Function);
const answer = { label: text, score: number };
const token = { entity: text, score: number, index: number, word: text, start: number, end: number };
const group = { entity_group: text, score: number, word: text, start: number, end: number };
const filled = { score: number, token: number, token_str: text, sequence: text };
const labelled = (count: number) => ({ sequence: text, labels: Array(count).fill(text), scores: Array(count).fill(number) });
/** Of a list whose length the model decides. */
const some = (shape: object) =>
  expect.toSatisfy((list) => Array.isArray(list) && list.length > 0 && list.every((one) => matches(one, shape)));
const matches = (value: unknown, shape: object) => {
  expect(value).toEqual(shape);
  return true;
};
const tensor = (type: string, dims: unknown[]) => expect.objectContaining({ type, dims });

/** What the snippets' variables hold, by their names, in kind. */
const results: Readonly<Record<string, Record<string, unknown>>> = {
  'README.md 4': { pipe: expect.any(Function) },
  'README.md 1': { out: [answer] },
  'README.md 2': { pipe: method },
  'src/pipelines.js 1': { output: [answer] },
  'src/pipelines/feature-extraction.js 1': { output: tensor('float32', [1, number, 32]) },
  'src/pipelines/feature-extraction.js 2': { output: tensor('float32', [1, 32]) },
  'src/pipelines/feature-extraction.js 3': { output: tensor('int8', [1, 4]) },
  'src/pipelines/text-classification.js 1': { output: [answer] },
  'src/pipelines/text-classification.js 2': { output: Array(3).fill(answer) },
  'src/pipelines/text-classification.js 3': { output: Array(3).fill(answer) },
  'src/pipelines/token-classification.js 1': { output: some(token) },
  'src/pipelines/token-classification.js 2': { output: some(token) },
  'src/pipelines/token-classification.js 3': { output: some(group) },
  'src/pipelines/zero-shot-classification.js 1': { output: labelled(4) },
  'src/pipelines/zero-shot-classification.js 2': { output: labelled(5) },
  'src/pipelines/question-answering.js 1': { output: { answer: text, score: number, start: number, end: number } },
  'src/pipelines/fill-mask.js 1': { output: Array(5).fill(filled) },
  'src/pipelines/fill-mask.js 2': { output: Array(5).fill(filled) },
  'src/pipelines/fill-mask.js 3': { output: [filled] },
  'src/pipelines/translation.js 2': { output: [{ translation_text: text }] },
  'src/pipelines/summarization.js 1': { output: [{ summary_text: text }] },
  'src/pipelines/text2text-generation.js 1': { output: [{ generated_text: text }] },
  'src/models/auto/modeling_auto.js 1': { inputs: expect.objectContaining({ input_ids: tensor('int32', [1, number]) }) },
  'src/models/auto/modeling_auto.js 2': { outputs: tensor('int32', [1, number]), decoded: text },
  ...Object.fromEntries([3, 4, 5, 6, 7, 8].map((i) => [`src/models/auto/modeling_auto.js ${i}`, { model: method }])),
  'src/models/auto/tokenization_auto.js 1': { input_ids: tensor('int32', [1, number]) },
  'src/configs.js 1': { config: expect.objectContaining({ model_type: 'bert', is_encoder_decoder: false, hidden_size: 24 }) },
  'src/configs.js 2': { config: expect.objectContaining({ model_type: 'bert' }) },
  'src/env.js 1': {},
  'src/env.js 2': {},
  'src/env.js 3': {},
  'pipelines.md 1': { result: [answer, answer] },
  'pipelines.md 2': { result: [answer] },
  'pipelines.md 3': { pipe: method },
};

/** What does not run, with what it says instead. */
const refused: Readonly<Record<string, { code?: string; culprit?: string }>> = {
  'README.md 3': { code: 'UNSUPPORTED', culprit: 'device' },
  // heed's binaries come with it.
  'README.md 5': { code: 'UNSUPPORTED', culprit: 'wasmPaths' },
  // Their models know languages that heed's architectures do not.
  'src/pipelines/translation.js 1': { code: 'ARGUMENT', culprit: 'tgt_lang' },
  'src/pipelines/translation.js 3': { code: 'ARGUMENT', culprit: 'tgt_lang' },
  // Which nothing reads where do_sample is not given.
  'pipelines.md 4': { code: 'ARGUMENT', culprit: 'temperature' },
  // There are no models for chats.
  'src/tokenization_utils.js 1': {},
};

/** From its pages: https://huggingface.co/docs/transformers.js/pipelines */
const pages = [
  `const classifier = await pipeline("sentiment-analysis");
   const result = await classifier([
     "I love transformers!",
     "I hate transformers!",
   ]);`,
  `const reviewer = await pipeline(
     "sentiment-analysis",
     "Xenova/bert-base-multilingual-uncased-sentiment",
   );
   const result = await reviewer(
     "The Shawshank Redemption is a true masterpiece of cinema.",
   );`,
  `const pipe = await pipeline("feature-extraction", "onnx-community/all-MiniLM-L6-v2-ONNX", {
     dtype: "fp32",
   });`,
  `const poet = await pipeline(
     "text2text-generation",
     "Xenova/LaMini-Flan-T5-783M",
   );
   const result = await poet("Write me a love poem about cheese.", {
     max_new_tokens: 200,
     temperature: 0.9,
     repetition_penalty: 2.0,
     no_repeat_ngram_size: 3,
   });`,
].map((code, i) => ({ source: `pipelines.md ${i + 1}`, code }));

const { snippets } = JSON.parse(readFileSync(new URL('../fixtures/transformers_js/snippets.json', import.meta.url), 'utf8')) as {
  snippets: { source: string; code: string }[];
};
const all = [...snippets, ...pages];

/** The program with heed and models that are there, and its variables for exports. */
async function run(code: string, name: string): Promise<Record<string, unknown>> {
  const imported = code.includes('import ') ? code : `import { pipeline } from '@huggingface/transformers';\n${code}`;
  const changed = imported
    .replaceAll(/(['"])@huggingface\/transformers\1/g, JSON.stringify(pathToFileURL(entry).href))
    .replaceAll(/pipeline\((['"])sentiment-analysis\1\)/g, `pipeline('sentiment-analysis', ${JSON.stringify(tiny('classify'))})`)
    .replaceAll(/(['"])([\w./-]+)\1/g, (whole, _, id) => (Object.hasOwn(models, id) ? JSON.stringify(models[id]) : whole))
    .replaceAll('console.log(', 'void (')
    .replaceAll(/^ *const /gm, 'export const ');
  const file = join(folder, `${name.replaceAll(/\W/g, '_')}.mjs`);
  writeFileSync(file, changed);
  return import(/* @vite-ignore */ pathToFileURL(file).href);
}

it('every snippet is one that runs, or one that says why not', () => {
  expect([...Object.keys(results), ...Object.keys(refused)].sort()).toEqual(all.map(({ source }) => source).sort());
});

/** Whether tensors can be indexed, as one snippet does. */
const indexes = '0' in new HostTensor('int32', Int32Array.of(1), [1]);

describe('a snippet of transformers.js', () => {
  it.each(all.filter(({ source }) => Object.hasOwn(results, source)))('runs: $source', async ({ source, code }) => {
    const runs = run(source.endsWith('modeling_auto.js 2') && !indexes ? code.replace('outputs[0]', 'outputs') : code, source);
    expect(await runs).toMatchObject(results[source] as object);
  });

  it.each(all.filter(({ source }) => Object.hasOwn(refused, source)))('says why it does not run: $source', async ({ source, code }) => {
    await expect(run(code, source)).rejects.toMatchObject(refused[source] as object);
  });

  it('loads the encoder alone as AutoModel, and the head by its own name', async () => {
    const { code } = snippets.find(({ source }) => source === 'src/models/auto/modeling_auto.js 1') as { code: string };
    expect((await run(code, 'encoder')).logits).toBeUndefined();
    const named = code.replaceAll('AutoModel', 'AutoModelForMaskedLM');
    expect((await run(named, 'head')).logits).toMatchObject({ type: 'float32', dims: [1, number, number] });
  });
});

describe('what the page of differences says', () => {
  it.each([
    ['model_file_name', 'x'],
    ['session_options', {}],
    ['use_external_data_format', true],
    ['config', {}],
  ])('%s throws', async (name, value) => {
    const loads = pipeline('fill-mask', tiny('mlm'), { [name]: value } as object);
    await expect(loads).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: name });
  });

  it('pipelines know their task by its own name', async () => {
    for (const [given, own] of [
      ['sentiment-analysis', 'text-classification'],
      ['ner', 'token-classification'],
    ] as const) {
      const pipe = await pipeline(given, tiny(given === 'ner' ? 'ner' : 'classify'));
      expect(pipe.task).toBe(own);
      pipe.dispose();
    }
    expect((await pipeline('translation', translator)).task).toBe('translation');
    expect((await pipeline('embeddings', tinyPath)).task).toBe('feature-extraction');
  });

  it('models have forward, which is a call', async () => {
    const tokenizer = await AutoTokenizer.from_pretrained(tiny('mlm'));
    const inputs = tokenizer('a cat');
    const model = await AutoModelForMaskedLM.from_pretrained(tiny('mlm'));
    expect(await model.forward(inputs)).toEqual(await model(inputs));
    const encoder = await AutoModel.from_pretrained(tiny('mlm'));
    expect(await encoder.forward(inputs, { output_hidden_states: true })).toEqual(await encoder(inputs, { output_hidden_states: true }));
    const classifier = await AutoModelForSequenceClassification.from_pretrained(tiny('classify'));
    expect(await classifier.forward(inputs)).toEqual(await classifier(inputs));
    const reader = await AutoModelForSeq2SeqLM.from_pretrained(writer);
    const both = { input_ids: [[5, 6, 2]], decoder_input_ids: [[0]] };
    expect(await reader.forward(both)).toEqual(await reader(both));
  });

  it('ids are int32, and are taken as bigints wherever they are', async () => {
    const tokenizer = await AutoTokenizer.from_pretrained(tiny('mlm'));
    const inputs = tokenizer(['a cat', 'a'], { padding: true });
    expect(inputs.input_ids.type).toBe('int32');
    const wide = ({ data, dims }: { data: Int32Array; dims: readonly number[] }) => ({ data: BigInt64Array.from(data, BigInt), dims });
    const model = await AutoModelForMaskedLM.from_pretrained(tiny('mlm'));
    const { input_ids, attention_mask, token_type_ids } = inputs;
    const all = { input_ids: wide(input_ids), attention_mask: wide(attention_mask), token_type_ids: wide(token_type_ids) };
    expect(await model(all)).toEqual(await model(inputs));
    expect(tokenizer.batch_decode(all.input_ids)).toEqual(tokenizer.batch_decode(input_ids));
    const reader = await AutoModelForSeq2SeqLM.from_pretrained(writer);
    const ids = { data: BigInt64Array.of(5n, 6n, 2n), dims: [1, 3] };
    const written = await reader.generate({ input_ids: [[5, 6, 2]], max_new_tokens: 4 });
    expect(await reader.generate({ input_ids: ids, max_new_tokens: 4 })).toEqual(written);
    expect(await reader.generate(ids)).toEqual(await reader.generate({ input_ids: ids }));
  });

  it('types are always there, and what files do not say is undefined', async () => {
    const tokenizer = await AutoTokenizer.from_pretrained(writer);
    expect(() => tokenizer('a', { return_token_type_ids: false } as object)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
    expect(tokenizer('a').token_type_ids.tolist()).toEqual([[0, 0]]);
    expect([tokenizer.model_max_length, tokenizer.mask_token]).toEqual([undefined, undefined]);
  });

  it('AutoConfig reads config.json, and says what it has not', async () => {
    await expect(AutoConfig.from_pretrained(folder)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(AutoConfig.from_pretrained(tiny('mlm'), { config: {} } as object)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      culprit: 'config',
    });
    const heard: string[] = [];
    await AutoConfig.from_pretrained(tiny('mlm'), { progress_callback: ({ status }) => void heard.push(status) });
    expect(heard).toContain('done');
    expect(await AutoConfig.from_pretrained(writer)).toMatchObject({ model_type: 't5', is_encoder_decoder: true });
  });
});
