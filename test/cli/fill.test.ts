/** `heed fill`: the tokens that the pipeline gives, for either spelling of the mask, as bars and as JSON, and what it refuses. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { AutoModelForMaskedLM, createEngine, type FillMask, pipeline } from '../../dist/entry/node.js';
import { tinyPath } from '../models/files.js';
import { notice, run } from './command.js';

const model = mkdtempSync(join(tmpdir(), 'heed-'));
let engine: Engine;
let filler: FillMask;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  const made = await AutoModelForMaskedLM.from_pretrained(tinyPath, { engine, trainable: true });
  await made.save_pretrained(model);
  filler = await pipeline('fill-mask', model, { engine });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(model, { recursive: true });
});

const fill = (args: string[], input?: string) => run(['fill', '--deterministic', '--model', model, ...args], input);
async function objects(args: string[], input?: string): Promise<unknown[]> {
  const { code, stdout, stderr } = await fill(['--json', ...args], input);
  expect([code, stderr]).toEqual([0, notice]);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

describe('--json', () => {
  it('prints an object with text and the tokens of each mask for each text on a line', async () => {
    const [one, two] = ['it is [MASK]', 'a [MASK] and [MASK]'];
    expect(await objects([one, two])).toEqual([
      { text: one, masks: [await filler(one)] },
      { text: two, masks: await filler(two) },
    ]);
  });

  it("takes <mask> for the model's own, in lines of standard input too", async () => {
    const masks = [await filler('it is [MASK] x')];
    expect(await objects([], 'it is <mask> x\nit is [MASK] x\n')).toEqual([
      { text: 'it is <mask> x', masks },
      { text: 'it is [MASK] x', masks },
    ]);
  });

  it('--top-k and --targets choose', async () => {
    const text = 'it is [MASK]';
    expect(await objects([text, '--top-k', '2'])).toEqual([{ text, masks: [await filler(text, { top_k: 2 })] }]);
    expect(await objects([text, '--targets', 'x, y'])).toEqual([{ text, masks: [await filler(text, { targets: ['x', 'y'] })] }]);
  });
});

it('shows people a bar for each token, and masks apart', async () => {
  const { stdout } = await fill(['a <mask> and <mask>', '--top-k', '3']);
  const [text, ...rows] = stdout.trimEnd().split('\n');
  expect(text).toBe('a <mask> and <mask>');
  expect(rows.map((row) => (/^ {2}\S+ +█*[▏▎▍▌▋▊▉]? +\d+\.\d %$/.test(row) ? 'bar' : row))).toEqual([
    'bar',
    'bar',
    'bar',
    '',
    'bar',
    'bar',
    'bar',
  ]);
});

it('--help has all options and examples', async () => {
  const { code, stdout } = await run(['fill', '--help']);
  expect(code).toBe(0);
  for (const option of ['model', 'top-k', 'targets', 'json', 'threads', 'deterministic']) expect(stdout).toContain(`--${option}`);
  expect(stdout.match(/^ {2}heed fill /gm)?.length).toBeGreaterThanOrEqual(3);
});

describe('what fails, on one line', () => {
  it('a text without a mask: the line names the mask', async () => {
    const { code, stdout, stderr } = await fill(['it is']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.replace(notice, '')).toMatch(/^heed: .*\[MASK\].*\[ARGUMENT\]\n$/);
  });

  it('targets that are none', async () => {
    expect((await fill(['it is [MASK]', '--targets', 'a,,b'])).code).toBe(2);
  });
});
