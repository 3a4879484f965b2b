/** `heed translate` and `heed evaluate`, with a translator that `heed train` made: it reads a made-up English and a made-up Chinese. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, pipeline, type Translator } from '../../dist/entry/node.js';
import type { PageData } from '../../dist/pictures/codes.js';
import { look } from '../../dist/pipelines/look.js';
import { bleu, chrf } from '../../dist/train/index.js';
import { tinyPath } from '../models/files.js';
import { run } from './command.js';
import { small, writeData } from './translator.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
const data = writeData(join(temporary, 'data'));
const model = join(temporary, 'model');
const test = join(data, 'test.tsv');
const pairs = readFileSync(test, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t') as [string, string]);
const exact = ['--model', model, '--deterministic', '--threads', '1'];

let engine: Engine;
let translator: Translator;
let trained: string;
beforeAll(async () => {
  const { code, stdout, stderr } = await run(['train', 'translation', '--data', data, '--out', model, ...small, '--steps', '200']);
  if (code !== 0) throw new Error(stderr);
  trained = stdout;
  engine = await createEngine({ threads: 1, deterministic: true });
  translator = await pipeline('translation', model, { engine });
}, 60_000);
afterAll(async () => {
  rmSync(temporary, { recursive: true });
  await engine.dispose();
});

const translated = async (texts: string[], options = {}) =>
  (await translator(texts, options)).map(({ translation_text }) => translation_text);
const lines = (texts: readonly string[]) => texts.map((text) => `${text}\n`).join('');

describe('heed translate', () => {
  it('prints a line for each argument, into the other language', async () => {
    const texts = ['big cat', '大猫', 'small dog. big house.'];
    const { code, stdout, stderr } = await run(['translate', ...texts, ...exact]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(lines(await translated(texts)));
    const [chinese, english] = stdout.split('\n') as [string, string];
    expect(chinese).toMatch(/^\p{Script=Han}+$/u);
    expect(english).toMatch(/^[a-z ]+$/);
  });

  it('reads lines of standard input where there are no arguments', async () => {
    const texts = ['big cat', '', '小狗', 'sun moon'];
    const { code, stdout } = await run(['translate', ...exact], texts.join('\r\n'));
    expect(code).toBe(0);
    expect(stdout).toBe(lines(await translated(texts)));
    expect((await run(['translate', ...exact])).stdout).toBe('');
  });

  it('translates a hundred lines as it does one', async () => {
    const texts = Array.from({ length: 100 }, (_, i) => pairs[i % pairs.length]?.[i % 2] as string);
    const { stdout } = await run(['translate', ...exact], texts.join('\n'));
    expect(stdout.split('\n').slice(0, 12)).toEqual(await translated(texts.slice(0, 12)));
    expect(stdout.split('\n')).toHaveLength(101);
  });

  it('--to says into which language, whatever the text looks like', async () => {
    const { stdout } = await run(['translate', '大 cat', '--to', 'zh', ...exact]);
    expect(stdout).toBe(lines(await translated(['大 cat'], { tgt_lang: 'zh' })));
    expect(stdout).not.toBe(lines(await translated(['大 cat'], { tgt_lang: 'en' })));
  });

  it('gives back what is in the language that is asked for, and says so', async () => {
    const { code, stdout, stderr } = await run(['translate', 'the big cat', '大猫', '--to', 'en', ...exact]);
    expect([code, stderr]).toEqual([0, 'heed: "the big cat" is English already, and stays as it is\n']);
    expect(stdout).toBe(lines(['the big cat', ...(await translated(['大猫']))]));
    const json = await run(['translate', '大猫', '--to', 'zh', '--json', ...exact]);
    expect(JSON.parse(json.stdout)).toEqual({ source: '大猫', translation: '大猫', score: 0 });
    expect(json.stderr).toMatch(/is Chinese already/);
  });

  it('says that a text is in a language that the model does not read', async () => {
    const { code, stdout, stderr } = await run(['translate', 'le chat est dans la maison', ...exact]);
    expect([code, stderr]).toEqual([
      0,
      'heed: "le chat est dans la maison" is French, it seems, which this model does not read: it knows en, zh\n',
    ]);
    expect(stdout).toBe(lines(await translated(['le chat est dans la maison'])));
  });

  it('passes over the mark that some programs begin texts with', async () => {
    const { stdout } = await run(['translate', '--json', ...exact], '\ufeffbig cat\n\ufeffsun');
    expect(stdout.split('\n', 2).map((line) => JSON.parse(line).source)).toEqual(['big cat', '\ufeffsun']);
  });

  it('writes each sentence once for its score', async () => {
    const { model: own, tokenizer } = translator;
    const calls: string[] = [];
    const counted = Object.assign((...args: Parameters<typeof own>) => own(...args).finally(() => calls.push('forward')), {
      config: own.config,
      generation_config: own.generation_config,
      generate: (...args: Parameters<typeof own.generate>) => own.generate(...args).finally(() => calls.push('generate')),
    });
    const found = await look({ model: counted, tokenizer } as unknown as Translator, 'big cat', { to: undefined, beams: undefined });
    expect(calls).toEqual(['generate', 'forward']);
    expect([found.translation]).toEqual(await translated(['big cat']));
  });

  it('--beams searches', async () => {
    const { stdout } = await run(['translate', 'big cat', '--beams', '3', ...exact]);
    expect(stdout).toBe(lines(await translated(['big cat'], { num_beams: 3 })));
  });

  it('--json prints an object for each text, with a score that is a mean log-probability', async () => {
    const texts = ['big cat', '小狗', ''];
    const { stdout } = await run(['translate', '--json', ...texts, ...exact]);
    const objects = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(objects.map(({ source }) => source)).toEqual(texts);
    expect(objects.map(({ translation }) => translation)).toEqual(await translated(texts));
    for (const object of objects) expect(Object.keys(object)).toEqual(['source', 'translation', 'score']);
    // The probability of each token that was written, multiplied.
    const source = translator.tokenizer.encode('<2zh>big cat');
    const target = Array.from((await translator.model.generate({ input_ids: [source] })).data);
    const { logits } = await translator.model({ input_ids: [source], decoder_input_ids: [target] });
    const rows = (logits.tolist() as number[][][])[0] as number[][];
    const logs = target.slice(1).map((token, t) => {
      const row = rows[t] as number[];
      return (row[token] as number) - Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    });
    expect(objects[0].score).toBeCloseTo(logs.reduce((a, b) => a + b) / logs.length, 4);
    expect(objects[2].score).toBe(0);
  });

  it('--attention writes a page of the first sentence: encoder, cross and decoder', async () => {
    const file = join(temporary, 'page.html');
    const { code, stdout } = await run(['translate', 'big cat? small dog.', '大猫', '--attention', file, ...exact]);
    expect([code, stdout.split('\n').length]).toEqual([0, 3]);
    const html = readFileSync(file, 'utf8');
    const { tokens, groups }: PageData = JSON.parse(/id="data">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '');
    expect(tokens.source[0]).toBe('<2zh>');
    expect(tokens.source.at(-1)).toBe('</s>');
    expect(tokens.source.join('').replaceAll('▁', ' ')).toMatch(/^<2zh> big cat/);
    expect(tokens.target[0]).toBe('<s>');
    expect(groups.map(({ name, layers, heads }) => [name, layers, heads])).toEqual([
      ['Encoder', 1, 2],
      ['Cross', 1, 2],
      ['Decoder', 1, 2],
    ]);
    const [title] = /(?<=<title>).*(?=<)/.exec(html) ?? [];
    expect(title).toBe(`big cat? → ${(await translated(['big cat?']))[0]}`);
  });

  it('finds the translator that heed ships where it is installed, and says how to get it where it is not', async () => {
    const modules = join(temporary, 'elsewhere', 'node_modules');
    const own = join(modules, 'heed');
    for (const part of ['package.json', 'dist/bin', 'dist/bundle', 'dist/wasm', 'dist/runtime'])
      cpSync(join(root, part), join(own, part), { recursive: true });
    for (const name of ['commander', 'cli-progress']) symlinkSync(join(root, 'node_modules', name), join(modules, name));
    const translate = () =>
      promisify(execFile)(process.execPath, [join(own, 'dist/bin/heed.js'), 'translate', 'big cat', '--deterministic']);
    const failure = await translate().catch((error) => error);
    expect(failure.code).toBe(1);
    expect(failure.stderr).toMatch(/heed-translator-en-zh.*npm install heed-translator-en-zh.*--model.*\[NOT_FOUND\]\n$/);
    const shipped = join(modules, 'heed-translator-en-zh');
    cpSync(model, shipped, { recursive: true });
    writeFileSync(join(shipped, 'package.json'), '{ "name": "heed-translator-en-zh", "version": "0.1.0" }');
    expect((await translate()).stdout).toBe(lines(await translated(['big cat'])));
  });

  it('refuses a language that there is not, for beams that are none, and where there is nothing to draw', async () => {
    for (const [want, ...args] of [
      [1, 'a', '--to', 'fr'],
      [2, 'a', '--beams', '0'],
      [2, 'a', '--quickly'],
      [1, '', '--attention', join(temporary, 'nothing.html')],
      [1, '--attention', join(temporary, 'nothing.html')],
    ] as const) {
      const { code, stdout, stderr } = await run(['translate', ...args, '--model', model]);
      expect([args, code, stdout]).toEqual([args, want, '']);
      expect(stderr).toMatch(want === 1 ? /^heed: .+ \[ARGUMENT\]\n$/ : /^error: .+\n.+\n$/);
    }
  });

  it('fails for a model that is not there, or does not write', async () => {
    const nowhere = await run(['translate', 'a', '--model', join(temporary, 'nowhere')]);
    expect([nowhere.code, nowhere.stdout]).toEqual([1, '']);
    expect(nowhere.stderr).toMatch(/\[NOT_FOUND\]\n$/);
    const encoder = await run(['translate', 'a', '--model', tinyPath]);
    expect([encoder.code, encoder.stdout]).toEqual([1, '']);
    expect(encoder.stderr).toMatch(/\[UNSUPPORTED\]\n$/);
  });

  it('--help has all options and examples', async () => {
    const { stdout } = await run(['translate', '--help']);
    for (const option of ['to', 'beams', 'json', 'attention', 'model', 'threads', 'deterministic']) expect(stdout).toContain(`--${option}`);
    expect(stdout.match(/^ {2}heed translate /gm)?.length).toBeGreaterThanOrEqual(3);
  });
});

describe('heed evaluate', () => {
  /** What greedy search writes for every line of test.tsv. */
  const written = async (column: 0 | 1) => {
    const prefix = column === 0 ? '<2zh>' : '<2en>';
    const writer = await pipeline('text2text-generation', model, { engine });
    const texts = await writer(pairs.map((pair) => prefix + pair[column]));
    writer.dispose();
    return texts.map(({ generated_text }) => generated_text);
  };

  it('prints BLEU and chrF of both directions with their signatures, and writes what it scored', async () => {
    const out = join(temporary, 'hypotheses');
    const { code, stdout, stderr } = await run(['evaluate', '--data', test, '--out', out, ...exact]);
    expect([code, stderr]).toEqual([0, `heed: wrote ${out}.en-zh.txt\nheed: wrote ${out}.zh-en.txt\n`]);
    const [chinese, english] = [await written(0), await written(1)];
    const references = (column: 0 | 1) => pairs.map((pair) => pair[column]);
    expect(stdout).toBe(
      [
        `en-zh, ${pairs.length} sentences\n`,
        `  ${bleu(chinese, references(1), { tokenize: 'zh' })}\n  ${chrf(chinese, references(1))}\n`,
        `zh-en, ${pairs.length} sentences\n`,
        `  ${bleu(english, references(0))}\n  ${chrf(english, references(0))}\n`,
      ].join(''),
    );
    expect(stdout).toMatch(/BLEU\|nrefs:1\|case:mixed\|eff:no\|tok:zh\|smooth:exp = \d/);
    expect(readFileSync(`${out}.en-zh.txt`, 'utf8')).toBe(lines(chinese));
    expect(readFileSync(`${out}.zh-en.txt`, 'utf8')).toBe(lines(english));
  });

  it('is what a run of training ends with', async () => {
    const { stdout } = await run(['evaluate', '--data', test, ...exact]);
    expect(trained).toContain(stdout);
    const { test: scores } = JSON.parse(readFileSync(join(model, 'curve.json'), 'utf8'));
    const json = await run(['evaluate', '--data', test, '--json', ...exact]);
    expect(scores).toEqual(JSON.parse(json.stdout));
    expect(readFileSync(join(model, 'test.en-zh.txt'), 'utf8')).toBe(lines(await written(0)));
  });

  it.each<[string, string, RegExp]>([
    ['is not there', '', /\[NOT_FOUND\]\n$/],
    ['is not of pairs', 'one column\n', /\[FORMAT\]\n$/],
    ['is empty', '', /has no pairs.*\[FORMAT\]\n$/],
  ])('fails where the file %s', async (what, content, message) => {
    const file = join(temporary, `${what}.tsv`);
    if (what !== 'is not there') writeFileSync(file, content);
    const { code, stdout, stderr } = await run(['evaluate', '--data', file, ...exact]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
  });

  it('has wrong usage without data', async () => {
    expect((await run(['evaluate', ...exact])).code).toBe(2);
  });
});
