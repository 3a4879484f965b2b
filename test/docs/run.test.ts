/**
 * Pages that run, each as one program in a process of its own. It begins in a folder that has models where the page looks for them: under the names
 * of the hub's, since a path that exists comes first, lie tiny ones.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { createEngine, RawAudio } from 'heed';
import { textClassification } from 'heed/core';
import { TransformerEncoderLayer } from 'heed/nn';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tiny } from '../pipelines/tiny.js';
import { tinyTranslator } from '../pipelines/tiny_translator.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { itWith, shared } from '../shared.js';
import { hasSmollm2, smollm2 } from '../smollm2.js';
import { blocks, root, textOf } from './pages.js';
import { programOf } from './program.js';
import { commandsOf } from './shell.js';

const folder = mkdtempSync(join(tmpdir(), 'heed-'));
const minilm = 'models/all-MiniLM-L6-v2';

function put(name: string, target: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  symlinkSync(target, join(folder, name));
}

function change(file: string, edit: (json: { model: { vocab: object } }) => void): void {
  const json = JSON.parse(readFileSync(file, 'utf8'));
  edit(json);
  writeFileSync(file, JSON.stringify(json));
}

let translator = '';
beforeAll(async () => {
  translator = await tinyTranslator();
  put('node_modules/heed', root);
  for (const name of ['openai', 'audio-decode']) put(`node_modules/${name}`, join(root, 'node_modules', name));
  put('models/translator-en-zh', join(root, 'models/translator-en-zh'));
  put('models/opus-mt-en-de', translator);
  for (const name of ['all-MiniLM-L6-v2', 'sentence-transformers/all-MiniLM-L6-v2']) put(name, shared(minilm));
  for (const name of ['distilbert/distilbert-base-uncased-finetuned-sst-2-english', textClassification.model as string])
    put(name, tiny('classify'));
  put('typeform/distilbert-base-uncased-mnli', tiny('classify'));
  put('distilbert/distilbert-base-cased-distilled-squad', tiny('qa'));
  put('distilbert/distilroberta-base', tiny('roberta_mlm'));
  put('dslim/bert-base-NER', tiny('ner'));
  put('google-bert/bert-base-uncased', tiny('mlm'));
  const decoders = join(root, 'test/fixtures/embedding_decoders');
  put('cross-encoder/ms-marco-MiniLM-L6-v2', join(decoders, 'rerank'));
  for (const from of ['embed', 'last_token'])
    cpSync(join(decoders, from), join(folder, 'models/Qwen3-Embedding-0.6B'), { recursive: true });
  for (const from of ['hf/m2m_100', 'translators/nllb'])
    cpSync(join(root, 'test/fixtures', from), join(folder, 'models/nllb-200-distilled-600M'), { recursive: true });
  const reranker = join(folder, 'models/Qwen3-Reranker-0.6B');
  for (const from of [join(decoders, 'embed'), join(root, 'test/fixtures/causal/llama')]) cpSync(from, reranker, { recursive: true });
  change(join(reranker, 'config.json'), (config) => Object.assign(config, { max_position_embeddings: 1024 }));
  change(join(reranker, 'tokenizer.json'), ({ model }) => Object.assign(model.vocab, { yes: 40, no: 41 }));
  for (const name of ['', 'models/']) put(`${name}SmolLM2-135M-Instruct.Q4_1.gguf`, smollm2);
  for (const size of ['135M', '360M']) {
    const writer = join(folder, `HuggingFaceTB/SmolLM2-${size}-Instruct`);
    mkdirSync(writer, { recursive: true });
    for (const [name, bytes] of Object.entries(tinyWriter)) writeFileSync(join(writer, name), bytes);
  }
  for (const name of ['pirate', 'poet']) put(`adapters/${name}`, join(root, 'test/fixtures/lora/queries'));
  put('openai/whisper-tiny.en', join(root, 'test/fixtures/speech/moonshine'));
  const engine = await createEngine({ threads: 1 });
  const layer = new TransformerEncoderLayer(engine, 384, 12, { dimFeedforward: 1536, activation: 'gelu', batchFirst: true });
  await layer.init(1).save(join(folder, 'layer.safetensors'));
  await engine.dispose();
  await new RawAudio(
    Float32Array.from({ length: 16_000 }, (_, i) => Math.sin(i / 9)),
    16_000,
  ).save(join(folder, 'speech.wav'));
  // As many patches as the page's model sees.
  const eyes = join(folder, 'facebook/dinov2-small');
  cpSync(join(root, 'test/fixtures/vision/dinov2'), eyes, { recursive: true });
  const sight = { image_processor_type: 'BitImageProcessor', size: { shortest_edge: 96 }, crop_size: 96 };
  writeFileSync(join(eyes, 'preprocessor_config.json'), JSON.stringify(sight));
  put('cat.jpg', join(root, 'test/fixtures/image/files/420.jpg'));
  writeFileSync(join(folder, 'wiki.test.raw'), 'It is a quiet sea, and so on. '.repeat(40));
});
afterAll(() => {
  for (const path of [folder, translator]) rmSync(path, { recursive: true });
});

/** What the page's program says where something is wrong. Which model a task takes by itself is no complaint. */
async function complaintsOf(page: string): Promise<string> {
  // What a page of a site has, Node has not.
  const source = (programOf(page) as string).replace("'/models/", "'").replace('document.title', "'A title'");
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node20' });
  const file = join(folder, `${page.replaceAll('/', '-')}.mjs`);
  writeFileSync(file, code);
  const { stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder, timeout: 60_000 });
  return stderr.replace(/^heed: [\w-]+ without a model is .*\n/m, '');
}

const heed = join(root, 'dist/bin/heed.js');
/** Sessions of one command whose model is here. */
const sessions = blocks
  .filter(({ language }) => language === 'console')
  .flatMap(commandsOf)
  .map(({ words, ...command }) => ({ ...command, words: words[0] === 'npx' ? words.slice(1) : words }))
  .filter(({ text, words: [name, verb, ...words] }) => {
    const model = words[words.indexOf('--model') + 1] as string;
    return name === 'heed' && !/[<>|;&]/.test(text) && (verb === 'translate' || model.endsWith('all-MiniLM-L6-v2'));
  });

itWith(minilm).each(sessions)('$page tells what `$text` prints', async ({ words: [, ...words], printed }) => {
  const { stdout } = await promisify(execFile)(process.execPath, [heed, ...words], { cwd: folder });
  expect(stdout.trim()).toBe(printed.trim());
});

it('README.md tells what its first command prints', async () => {
  const [, sentence, printed] = /npx heed translate "(.*?)" +# (.*)/.exec(textOf('README.md')) as string[];
  const { stdout } = await promisify(execFile)(process.execPath, [heed, 'translate', sentence as string]);
  expect(stdout.trim()).toBe(printed);
});

it('sessions are found', () => {
  expect(sessions.map(({ page, words }) => `${page}: ${words[1]}`)).toEqual([
    'README.md: embed',
    'docs/command.md: embed',
    'docs/command.md: translate',
  ]);
});

it.each(['coming-from-transformers-js', 'determinism', 'generation', 'modules', 'sound'])('docs/%s.md runs', async (name) => {
  expect(await complaintsOf(`docs/${name}.md`)).toBe('');
});

it('models/translator-en-zh/README.md runs', async () => {
  expect(await complaintsOf('models/translator-en-zh/README.md')).toBe('');
});

itWith(minilm).each(['fine-tuning', 'loading', 'pictures', 'quantization', 'serving', 'tasks', 'tensors', 'tokenizers'])(
  'docs/%s.md runs, with MiniLM',
  async (name) => {
    expect(await complaintsOf(`docs/${name}.md`)).toBe('');
  },
  60_000,
);

itWith(minilm)('README.md runs', async () => {
  expect(await complaintsOf('README.md')).toBe('');
});

it.skipIf(!hasSmollm2).each(['decoders', 'gguf', 'structured'])(
  'docs/%s.md runs, with SmolLM2',
  async (name) => {
    expect(await complaintsOf(`docs/${name}.md`)).toBe('');
  },
  60_000,
);
