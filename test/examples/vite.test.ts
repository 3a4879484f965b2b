/** examples/vite as its users have it: built by Vite with heed from npm's tarball, searched in Chromium. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createEngine, pipeline, semantic_search } from 'heed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled, modulesOf, tools } from '../../scripts/runtimes.mjs';
import { noChromium } from '../browser.js';
import { launch } from '../consumers/browser.js';
import { install, link, pack, root } from '../consumers/packed.js';
import { model, openSite } from '../consumers/site.js';

const example = join(root, 'examples/vite');
const missing = noChromium
  ? `: ${noChromium}`
  : isInstalled('consumers')
    ? ''
    : ': Vite is not here; `node scripts/runtimes.mjs` installs it';

describe.skipIf(missing && !process.env.HEED_REQUIRE_RUNTIMES)(`the page of examples/vite${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-vite-'));
  beforeAll(async () => {
    cpSync(example, folder, { recursive: true });
    install(pack(folder), folder);
    link(folder, 'vite', modulesOf('consumers'));
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_ENV|VITE|NODE_OPTIONS)/.test(name)));
    await promisify(execFile)(process.execPath, ['node_modules/vite/bin/vite.js', 'build'], { cwd: folder, env });
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes Vite in the version that is tested', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(example, 'package.json'), 'utf8'));
    expect(tools.consumers?.packages).toContain(`vite@${devDependencies.vite}`);
  });

  it('has the model in a worker, and lines in the order of their meaning', async () => {
    const [site, browser] = [await openSite(join(folder, 'dist')), await launch()];
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${site.url}?model=/model`);
      const items = page.locator('#found li');
      await items.first().waitFor();
      expect(page.workers().length).toBeGreaterThan(0);
      const engine = await createEngine({ threads: 1 });
      const embed = await pipeline('feature-extraction', model, { engine });
      const lines = ['two dogs run', 'the rain falls', 'a cat'];
      const expected = async (query: string) => {
        const [hits] = semantic_search(await embed.encode([query]), await embed.encode(lines));
        return (hits ?? []).map(({ corpus_id, score }) => `${lines[corpus_id]} (${score.toFixed(2)})`);
      };
      await page.locator('#lines').fill(lines.join('\n'));
      for (const query of ['a cat', 'rain']) {
        const wanted = await expected(query);
        await page.locator('#query').fill(query);
        await page.waitForFunction((text) => document.querySelector('#found')?.textContent === text, wanted.join(''));
        expect(await items.allTextContents()).toEqual(wanted);
      }
      expect(await page.locator('#state').textContent()).toBe('Ready');
      expect(complaints).toEqual([]);
      await engine.dispose();
    } finally {
      await browser.close();
      site.close();
    }
  }, 60_000);
});
