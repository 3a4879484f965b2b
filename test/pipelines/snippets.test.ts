/**
 * Moving over from transformers.js is a changed import and a changed model: the calls that its documentation shows for the tasks that heed has run as they are, and give what its comments
 * say in kind. https://huggingface.co/docs/transformers.js/api/pipelines
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { tinyPath } from '../models/files.js';
import { tiny } from './tiny.js';

const heed = fileURLToPath(new URL('../../dist/entry/node.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The models of the documentation, and those that stand in for them. */
const models: Readonly<Record<string, string>> = {
  'Xenova/distilbert-base-uncased-finetuned-sst-2-english': tiny('classify'),
  'Xenova/bert-base-multilingual-uncased-sentiment': tiny('classify'),
  'Xenova/toxic-bert': tiny('classify'),
  'Xenova/mobilebert-uncased-mnli': tiny('classify'),
  'Xenova/nli-deberta-v3-xsmall': tiny('classify'),
  'Xenova/bert-base-NER': tiny('ner'),
  'Xenova/distilbert-base-uncased-distilled-squad': tiny('qa'),
  'Xenova/bert-base-cased': tiny('mlm'),
  'onnx-community/all-MiniLM-L6-v2-ONNX': tinyPath,
};

const number = expect.any(Number);
const text = expect.any(String);
const answer = { label: text, score: number };
const token = { entity: text, score: number, index: number, word: text, start: number, end: number };
const group = { entity_group: text, score: number, word: text, start: number, end: number };
const filled = { score: number, token: number, token_str: text, sequence: text };

const every = (shape: object) => (output: unknown) => {
  expect(Array.isArray(output) && output.length > 0).toBe(true);
  for (const item of output as unknown[]) expect(item).toEqual(shape);
};
const list = (shape: object, length: number) => (output: unknown) => expect(output).toEqual(Array(length).fill(shape));
const labelled = (count: number) => (output: unknown) =>
  expect(output).toEqual({ sequence: text, labels: Array(count).fill(text), scores: Array(count).fill(number) });
const tensor = (type: string, dims: unknown) => (output: unknown) => expect(output).toMatchObject({ type, dims });

interface Snippet {
  task: string;
  model: string;
  /** The arguments of the call. */
  given: string;
  check(output: unknown): void;
}

const minilm = { task: 'feature-extraction', model: 'onnx-community/all-MiniLM-L6-v2-ONNX' };
const ner = { task: 'token-classification', model: 'Xenova/bert-base-NER' };
const unmasker = { task: 'fill-mask', model: 'Xenova/bert-base-cased' };

const snippets: readonly Snippet[] = [
  {
    ...{ task: 'sentiment-analysis', model: 'Xenova/distilbert-base-uncased-finetuned-sst-2-english' },
    ...{ given: "'I love transformers!'", check: list(answer, 1) },
  },
  {
    ...{ task: 'sentiment-analysis', model: 'Xenova/bert-base-multilingual-uncased-sentiment' },
    ...{ given: "'Le meilleur film de tous les temps.', { top_k: 5 }", check: list(answer, 3) },
  },
  { task: 'text-classification', model: 'Xenova/toxic-bert', given: "'I hate you!', { top_k: null }", check: list(answer, 3) },
  { ...ner, given: "'My name is Sarah and I live in London'", check: every(token) },
  { ...ner, given: "'Sarah lives in the United States of America', { ignore_labels: [] }", check: every(token) },
  { ...ner, given: "'My name is Sarah and I live in London', { aggregation_strategy: 'simple' }", check: every(group) },
  {
    ...{ task: 'question-answering', model: 'Xenova/distilbert-base-uncased-distilled-squad' },
    given: "'Who was Jim Henson?', 'Jim Henson was a nice puppet.'",
    check: (output) => expect(output).toEqual({ answer: text, score: number, start: number, end: number }),
  },
  { ...unmasker, given: "'The goal of life is [MASK].'", check: list(filled, 5) },
  { ...unmasker, given: "'The Milky Way is a [MASK] galaxy.', { top_k: 1 }", check: list(filled, 1) },
  {
    ...{ task: 'zero-shot-classification', model: 'Xenova/mobilebert-uncased-mnli' },
    given: "'Last week I upgraded my iOS version.', [ 'mobile', 'billing', 'website', 'account access' ]",
    check: labelled(4),
  },
  {
    ...{ task: 'zero-shot-classification', model: 'Xenova/nli-deberta-v3-xsmall' },
    given: "'I have a problem with my iphone!', [ 'urgent', 'not urgent', 'phone', 'tablet', 'computer' ], { multi_label: true }",
    check: labelled(5),
  },
  { ...minilm, given: "'This is a simple test.'", check: tensor('float32', [1, number, 32]) },
  { ...minilm, given: "'This is a simple test.', { pooling: 'mean', normalize: true }", check: tensor('float32', [1, 32]) },
  {
    ...{ ...minilm, given: "'This is a simple test.', { pooling: 'mean', quantize: true, precision: 'binary' }" },
    check: tensor('int8', [1, 4]),
  },
];

it.each(snippets.map((snippet, number) => ({ ...snippet, number })))('$task: $given', async ({ task, model, given, check, number }) => {
  const documented = `
    import { pipeline } from '@huggingface/transformers';
    const pipe = await pipeline('${task}', '${model}');
    export const output = await pipe(${given});
    export const nested = output.tolist?.();`;
  const changed = documented
    .replace("'@huggingface/transformers'", JSON.stringify(pathToFileURL(heed).href))
    .replace(`'${model}'`, JSON.stringify(models[model]));
  const file = join(folder, `${number}.mjs`);
  writeFileSync(file, changed);
  const { output, nested } = await import(/* @vite-ignore */ pathToFileURL(file).href);
  check(output);
  if (task === 'feature-extraction') expect(nested).toHaveLength(1);
});
