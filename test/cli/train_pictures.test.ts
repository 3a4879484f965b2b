/** `heed train pictures`: from folders of pictures to a model that `heed see` reads. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shuffleEvenly } from '../../dist/cli/train_pictures.js';
import { RawImage } from '../../dist/entry/node.js';
import { run } from './command.js';

const folder = mkdtempSync(join(tmpdir(), 'heed-'));
const [model, data, out] = ['model', 'data', 'out'].map((name) => join(folder, name)) as [string, string, string];
const picture = (i: number, bright: number) =>
  new RawImage(
    Uint8ClampedArray.from({ length: 27 * 27 * 3 }, (_, b) => ((b * (i + 3)) % 100) + 150 * bright),
    27,
    27,
    3,
  );

beforeAll(async () => {
  cpSync(fileURLToPath(new URL('../fixtures/vision/vit_classify', import.meta.url)), model, { recursive: true });
  const processor = { image_processor_type: 'ViTImageProcessor', size: { height: 24, width: 24 } };
  writeFileSync(join(model, 'preprocessor_config.json'), JSON.stringify(processor));
  for (const [bright, label] of ['dark', 'light'].entries()) {
    mkdirSync(join(data, label), { recursive: true });
    for (let i = 0; i < 10; i++) await picture(i, bright).save(join(data, label, `${i}.png`));
    writeFileSync(join(data, label, 'notes.txt'), 'no picture');
  }
  mkdirSync(join(data, 'empty'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('learns the labels of folders, tells how well, and writes a model', async () => {
  const args = ['train', 'pictures', '--data', data, '--out', out, '--model', model, '--deterministic', '--threads', '1'];
  const { code, stdout, stderr } = await run([
    ...args,
    '--epochs',
    '8',
    '--batch',
    '4',
    '--lr',
    '3e-3',
    '--held-back',
    '0.2',
    '--dtype',
    'q8',
  ]);
  expect(code, stderr).toBe(0);
  expect(stdout).toBe('16 pictures, 2 labels, 32 steps: 100.0 % of 4 held-back pictures right\n');
  const file = join(folder, 'unseen.png');
  await picture(77, 1).save(file);
  const seen = await run(['see', file, '--model', out, '--top-k', '1', '--json']);
  expect(JSON.parse(seen.stdout).labels).toEqual([{ label: 'light', score: expect.any(Number) }]);
});

it('refuses a folder without folders of pictures, and shares that leave nothing', async () => {
  const args = ['train', 'pictures', '--out', out, '--model', model];
  for (const [where, what] of [
    [join(data, 'dark'), 'has pictures in 0 folders'],
    [join(folder, 'nowhere'), 'is no folder that can be read'],
  ] as const) {
    const { code, stderr } = await run([...args, '--data', where]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(what)]);
  }
  expect((await run([...args, '--data', data, '--held-back', '1'])).code).toBe(2);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const below of [file, join(file, 'model')]) {
    const { code, stderr } = await run(['train', 'pictures', '--out', below, '--model', model, '--data', data]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/is a file, or below one\. Name a folder.*\[STORAGE\]/)]);
  }
});

it('holds back of each label alike', () => {
  const examples = Array.from({ length: 100 }, (_, i) => ({ label: i < 80 ? 'many' : 'few', i }));
  shuffleEvenly(examples);
  for (const [count, few] of [
    [5, 1],
    [10, 2],
    [50, 10],
  ] as const)
    expect(examples.slice(0, count).filter(({ label }) => label === 'few')).toHaveLength(few);
  expect(new Set(examples.map(({ i }) => i)).size).toBe(100);
  expect(examples.map(({ i }) => i)).not.toEqual(Array.from({ length: 100 }, (_, i) => i));
});
