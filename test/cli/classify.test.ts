/** `heed classify`: the labels that the pipeline gives, as bars for people and as JSON for programs, and what it refuses. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { AutoModelForSequenceClassification, type Classification, createEngine, pipeline } from '../../dist/entry/node.js';
import type { ZeroShotAnswer, ZeroShotClassificationPipeline } from '../../dist/pipelines/zero_shot_classification.js';
import { tinyPath } from '../models/files.js';
import { ESC, hasTerminal, notice, onTerminal, run } from './command.js';

const model = mkdtempSync(join(tmpdir(), 'heed-'));
const judge = mkdtempSync(join(tmpdir(), 'heed-'));
const id2label = ['good', 'bad', '不知道'];
let engine: Engine;
/** All labels of each text. */
let expected: (texts: readonly string[]) => Promise<Classification[][]>;
let judged: ZeroShotClassificationPipeline['call'];
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  const made = await AutoModelForSequenceClassification.from_pretrained(tinyPath, { engine, trainable: true, id2label, seed: 5 });
  await made.save_pretrained(model);
  const judging = await AutoModelForSequenceClassification.from_pretrained(tinyPath, {
    ...{ engine, trainable: true, seed: 6 },
    id2label: ['CONTRADICTION', 'NEUTRAL', 'ENTAILMENT'],
  });
  await judging.save_pretrained(judge);
  judged = await pipeline('zero-shot-classification', judge, { engine });
  const classifier = await pipeline('text-classification', model, { engine });
  expected = async (texts) => (await classifier(texts, { top_k: null })) as Classification[][];
});
afterAll(async () => {
  await engine.dispose();
  for (const folder of [model, judge]) rmSync(folder, { recursive: true });
});

const classify = (args: string[], input?: string) => run(['classify', '--deterministic', '--model', model, ...args], input);
/** What --json prints. */
async function objects(args: string[], input?: string): Promise<{ text: string; labels: Classification[] }[]> {
  const { code, stdout, stderr } = await classify(['--json', ...args], input);
  expect([code, stderr]).toEqual([0, notice]);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

describe('--json', () => {
  it('prints an object with text and labels, the likeliest first, for each text on a line', async () => {
    const texts = ['it is long', '', '日本語 🙂'];
    const labels = await expected(texts);
    expect(await objects(['--', ...texts])).toEqual(texts.map((text, i) => ({ text, labels: labels[i] })));
  });

  it('--top-k says how many labels; there are no more than all', async () => {
    const [labels] = await expected(['x y']);
    expect(await objects(['x y', '--top-k', '1'])).toEqual([{ text: 'x y', labels: labels?.slice(0, 1) }]);
    expect(await objects(['x y', '--top-k', '2'])).toEqual([{ text: 'x y', labels: labels?.slice(0, 2) }]);
    expect(await objects(['x y', '--top-k', '9'])).toEqual([{ text: 'x y', labels }]);
  });

  it('of 700 lines of standard input has them in their order', async () => {
    const texts = Array.from({ length: 700 }, (_, i) => 'word '.repeat(i % 17) + i);
    const got = await objects([], `${texts.join('\n')}\n`);
    expect(got.map(({ text }) => text)).toEqual(texts);
    const some = [0, 255, 256, 511, 512, 699];
    expect(some.map((i) => got[i]?.labels)).toEqual(await expected(some.map((i) => texts[i] as string)));
  });

  it('of nothing is nothing', async () => {
    expect(await objects([], '')).toEqual([]);
  });

  it('--max-tokens cuts texts', async () => {
    const [cut] = await objects(['a b c d e f', '--max-tokens', '5']);
    expect(cut?.labels).toEqual((await expected(['a b c']))[0]);
  });
});

describe('--labels', () => {
  const labels = ['delivery', 'money', '不知道'];
  const asked = ['--labels', 'delivery, money,不知道', '--model', judge];
  const rows = (answers: readonly ZeroShotAnswer[], top = 9) =>
    answers.map(({ sequence, labels, scores }) => ({
      text: sequence,
      labels: labels.slice(0, top).map((label, i) => ({ label, score: scores[i] })),
    }));

  it('are weighed by a model for natural language inference', async () => {
    const texts = ['it is long', 'x'];
    expect(await objects([...asked, ...texts])).toEqual(rows(await judged(texts, labels)));
    expect(await objects([...asked, '--top-k', '2'], 'it is long\nx\n')).toEqual(rows(await judged(texts, labels), 2));
  });

  it('may all be true, and be asked about in other words', async () => {
    const options = { multi_label: true, hypothesis_template: 'is {} x' };
    const [answer] = await objects([...asked, 'it is long', '--multi-label', '--template', 'is {} x']);
    expect([answer]).toEqual(rows(await judged(['it is long'], labels, options)));
    expect(answer?.labels.reduce((sum, { score }) => sum + score, 0)).not.toBeCloseTo(1, 2);
  });

  it.each<[number, string, string[]]>([
    [1, 'a template without a place for the label', ['--labels', 'a,b', '--template', 'a']],
    [1, 'a template without labels', ['--template', 'a {}']],
    [1, 'several that may be true, without labels', ['--multi-label']],
    [2, 'a label that is none', ['--labels', 'a,,b']],
    [2, 'no labels', ['--labels', '']],
  ])('ends with %i for %s', async (want, _, args) => {
    const { code, stdout, stderr } = await run(['classify', 'x', '--model', judge, ...args]);
    expect([code, stdout]).toEqual([want, '']);
    expect(stderr.replace(notice, '')).toMatch(want === 1 ? /^heed: .+ \[ARGUMENT\]\n$/ : /^error: .+\n.+\n$/);
  });

  it('need a model that knows what follows from what', async () => {
    const { code, stderr } = await run(['classify', 'x', '--model', model, '--labels', 'a,b']);
    expect(code).toBe(1);
    expect(stderr.replace(notice, '')).toMatch(/^heed: .*entailment.*\[MODEL_MISMATCH\]\n$/);
  });
});

describe('what people see', () => {
  it('is a text, and a bar for each label', async () => {
    const [labels = []] = await expected(['x y']);
    const { stdout, stderr } = await classify(['x y']);
    expect(stderr).toBe(notice);
    const [text, ...rows] = stdout.trimEnd().split('\n');
    expect(text).toBe('x y');
    expect(rows).toHaveLength(3);
    for (const [i, { label, score }] of labels.entries()) {
      const [, name, bar = '', share] = /^ {2}(\S+) +(█*[▏▎▍▌▋▊▉]?) +(\d+\.\d) %$/.exec(rows[i] ?? '') ?? [];
      expect([name, share]).toEqual([label, (100 * score).toFixed(1)]);
      // Of 30 columns, to half of one.
      expect(Math.abs(bar.length - 30 * score)).toBeLessThanOrEqual(1);
    }
  });

  it('is one line for each text where one label is asked for', async () => {
    const texts = ['x y', `it is ${'very '.repeat(40)}long`];
    const [first, second] = (await expected(texts)).map(([best]) => `${(100 * (best?.score ?? 0)).toFixed(1)} %  ${best?.label} +`);
    const { stdout } = await classify(['--top-k', '1'], texts.join('\n'));
    const lines = stdout.split('\n').map((line) => line.trim());
    expect(lines[0]).toMatch(new RegExp(`^${first}x y$`));
    expect(lines[1]).toMatch(new RegExp(`^${second}it is very .*…$`));
    expect(lines[1]?.length).toBeLessThanOrEqual(80);
    expect(lines.slice(2)).toEqual(['']);
  });

  it.skipIf(!hasTerminal)('is bold on a terminal, and as wide as that; never with NO_COLOR', async () => {
    const args = ['classify', 'x y', '--deterministic', '--model', model];
    const { code, stdout } = await onTerminal(args, { columns: 40 });
    expect(code).toBe(0);
    expect(stdout.split(`${ESC}[1m`)).toHaveLength(2);
    const lines = stdout.replaceAll(`${ESC}[1m`, '').replaceAll(`${ESC}[22m`, '').split('\n');
    const rows = lines.filter((line) => line.endsWith(' %'));
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(40);
    expect((await onTerminal(args, { variables: 'NO_COLOR=1' })).stdout).not.toContain(ESC);
  });

  it('holds nothing that could steer a terminal', async () => {
    expect((await classify([`a${ESC}[2Jb\nc`])).stdout.split('\n')[0]).toBe('a [2Jb c');
  });
});

it('fails for a model without a head, and says so on one line', async () => {
  const { code, stdout, stderr } = await run(['classify', 'a', '--model', tinyPath]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^heed: .*classifier\.weight.*\[MODEL_MISMATCH\]\n$/);
});

it('--help has all options and examples', async () => {
  const { code, stdout } = await run(['classify', '--help']);
  expect(code).toBe(0);
  for (const option of ['model', 'labels', 'multi-label', 'template', 'top-k', 'max-tokens', 'json', 'threads', 'deterministic'])
    expect(stdout).toContain(`--${option}`);
  expect(stdout.match(/^ {2}heed classify /gm)?.length).toBeGreaterThanOrEqual(3);
});
