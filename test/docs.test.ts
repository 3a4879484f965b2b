/** The pages of docs whose JavaScript is run, block by block, with models that are here in place of the hub's. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { tiny } from './pipelines/tiny.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(folder, { recursive: true }));

const models: Readonly<Record<string, string>> = {
  'distilbert/distilbert-base-uncased-finetuned-sst-2-english': tiny('classify'),
  'google-bert/bert-base-uncased': tiny('mlm'),
};
const bundles = { heed: 'node', 'heed/nn': 'nn', 'heed/ops': 'ops' } as const;

const blocksOf = (page: string) =>
  [...readFileSync(join(root, 'docs', page), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = ''], i) => ({
    page,
    block: i + 1,
    code,
  }));

/** Runs a program in a process and a folder of its own; gives what it says. */
const run = (file: string) =>
  new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [file], { cwd: folder, timeout: 25_000 }, (error, stdout, stderr) =>
      error ? reject(error) : resolve(stdout + stderr),
    );
  });

describe('JavaScript of docs', () => {
  it.each(['coming-from-transformers-js.md', 'modules.md'].flatMap(blocksOf))(
    'runs: $page, block $block',
    async ({ page, block, code }) => {
      const program = code
        .replaceAll(
          /from '(heed(?:\/\w+)?)'/g,
          (_, name: keyof typeof bundles) => `from ${JSON.stringify(join(root, `dist/bundle/${bundles[name]}.js`))}`,
        )
        .replaceAll(/'([\w-]+\/[\w.-]+)'/g, (whole, id) => (Object.hasOwn(models, id) ? JSON.stringify(models[id]) : whole));
      const file = join(folder, `${page}-${block}.mjs`);
      writeFileSync(file, program);
      expect(await run(file)).toBe('');
    },
  );

  it('has a block on each of these pages', () => {
    expect(['coming-from-transformers-js.md', 'modules.md'].map((page) => blocksOf(page).length)).toEqual([3, 2]);
  });
});
