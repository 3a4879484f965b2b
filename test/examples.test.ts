/** Examples work as they stand (CI runs all of them), each in a process of its own, and are short enough to be read at one go. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { itWith, shared } from './shared.js';
import { someOf, thorough } from './thorough.js';

const folder = fileURLToPath(new URL('../examples/', import.meta.url));
const run = fileURLToPath(new URL('../scripts/run.mjs', import.meta.url));

/** What each prints. */
const examples: Readonly<Record<string, RegExp>> = {
  'attention.ts': /^head 1 +head 2 +head 3 +head 4 *\n([ ░▒▓█]+\n){9}\nlargest difference to nn\.MultiheadAttention: \d\.\de-\d\n$/,
  'fine-tuning.ts':
    /^before: \d+ of 18 unseen sentences right\n(epoch \d+: loss [\d.]+, [\d.]+ steps\/s\n){14}epoch 15: loss 0\.[0-5].*\nafter: {2}\d+ of 18 .*\n(\w+ +\d+ % {2}.*\n){3}$/,
  'trainer.ts':
    /^a step takes \d\.\d MiB\n(step \d00: loss .*\n){3}step 400: loss 0\.4\d+, .*, 9[789]\.\d % of letters right\nended by steps; best at step 400\n$/,
  'training.ts': /^(epoch \d: loss [\d.]+, [\d.]+ % of new lists right, .*\n){2}epoch 2: loss 0\.00.*, (99\.\d|100\.0) % .*\n$/,
};

it('every example is run here', () => {
  expect(readdirSync(folder).filter((file) => file.endsWith('.ts'))).toEqual(Object.keys(examples).sort());
});

describe.each(someOf(Object.entries(examples)))('%s', (file, printed) => {
  it('runs, and prints what it should', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [run, folder + file]);
    expect(stdout).toMatch(printed);
    expect(stderr).toBe('');
  }, 90_000);
});

it.each(Object.keys(examples))('%s has at most 60 lines', (file) => {
  expect(
    readFileSync(folder + file, 'utf8')
      .trimEnd()
      .split('\n').length,
  ).toBeLessThanOrEqual(60);
});

(thorough ? itWith('models/all-MiniLM-L6-v2') : it.skip)(
  'fine-tuning.ts makes a classifier of MiniLM: nine in ten sentences that it has not seen are sorted right',
  async () => {
    const args = [run, `${folder}fine-tuning.ts`, '--model', shared('models/all-MiniLM-L6-v2')];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const [before, after] = [...stdout.matchAll(/(\d+) of 18 unseen/g)].map(([, right]) => Number(right)) as [number, number];
    expect(before).toBeLessThanOrEqual(12);
    expect(after).toBeGreaterThanOrEqual(16);
    expect(stdout).toMatch(/delivery .* The box never came\.\nbilling .*\ntechnical .*\n$/);
  },
  180_000,
);
