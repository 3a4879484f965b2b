/** examples/browser-search as its users have it: heed from npm's tarball, copied and served as package.json says, in Chromium; then without a server. */
import { execFile } from 'node:child_process';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noChromium } from '../browser.js';
import { root } from '../consumers/packed.js';
import { itWith, shared } from '../shared.js';
import { ExamplePage } from './page.js';

describe.skipIf(noChromium)('the page of examples/browser-search', () => {
  let example: ExamplePage;
  let folder = '';
  const serve = (own?: string) => example.serve(own);

  beforeAll(async () => {
    example = await ExamplePage.of('browser-search');
    folder = example.folder;
    await cp(join(root, 'test/fixtures/bert-tiny'), join(folder, 'site/model'), { recursive: true });
  }, 60_000);
  afterEach(() => example?.clear());
  afterAll(() => example?.dispose());

  /** A page, what it complained of, and what its status said meanwhile. */
  async function open(url: string): Promise<{ page: Page; complaints: string[]; said: string[] }> {
    const said: string[] = [];
    const { page, complaints } = await example.open(url, async (page) => {
      await page.exposeFunction('say', (text: string) => said.push(text));
      await page.addInitScript(() => {
        const watch = () => {
          const status = document.getElementById('status') as HTMLElement;
          new MutationObserver(() => (globalThis as unknown as { say(text: string | null): void }).say(status.textContent)).observe(
            status,
            {
              childList: true,
            },
          );
        };
        document.addEventListener('DOMContentLoaded', watch);
        // What was found for an earlier text goes when another is typed: what stands there then was found for the last.
        document.addEventListener('input', () => document.getElementById('results')?.replaceChildren(), true);
      });
    });
    return { page, complaints, said };
  }

  const ready = (page: Page) => page.locator('#query:enabled').waitFor({ timeout: 30_000 });
  /** Types, and gives the paragraphs that are found, when there are three. */
  async function search(page: Page, text: string): Promise<string[]> {
    await page.fill('#query', '');
    await page.waitForFunction(() => !document.querySelector('#results a'));
    await page.locator('#query').pressSequentially(text);
    await page.waitForFunction(() => document.querySelectorAll('#results a').length === 3);
    return page.locator('#results a').evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''));
  }

  it('has a script of at most 60 lines', async () => {
    for (const file of ['page.js', 'sw.js', 'offline.js', 'results.js'])
      expect((await readFile(join(folder, 'site', file), 'utf8')).trimEnd().split('\n').length, file).toBeLessThanOrEqual(60);
  });

  it('shows the download, finds what is typed, with threads; and all of this again when the server has gone', async () => {
    const { url, stop } = await serve();
    const { page, complaints, said } = await open(url);
    await ready(page);
    expect(said[0]).toMatch(/^Loading the model: \d+ %$/);
    expect(said).toContain('Loading the model: 100 %');
    expect(said.at(-1)).toMatch(/^12 paragraphs, [2-8] threads\. Works offline from now on\.$/);
    expect(await page.locator('#bar').isHidden()).toBe(true);
    const dough = (await page.textContent('#bread')) ?? '';
    expect(await search(page, dough.slice(0, 30))).toHaveLength(3);
    await page.fill('#query', dough);
    await page.waitForFunction(() => document.querySelector('#results b')?.textContent === '1.00');
    expect(await page.locator('#results a').first().getAttribute('href')).toBe('#bread');
    expect(complaints).toEqual([]);

    await stop();
    await page.reload();
    await ready(page);
    await page.fill('#query', dough);
    await page.waitForFunction(() => document.querySelector('#results b')?.textContent === '1.00');
    expect(await page.locator('#results a').first().getAttribute('href')).toBe('#bread');
    expect(said.at(-1)).toMatch(/[2-8] threads/);
  }, 60_000);

  it('is worked by the keyboard, and by those who do not see it', async () => {
    const { url } = await serve();
    const { page } = await open(url);
    await ready(page);
    const jumped = (to?: string) => page.waitForURL((at) => at.hash === to); // a browser tells of a jump after the key is up
    const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.getAttribute('href'));
    expect(await focused()).toBe('query');
    const [first, second] = await search(page, 'sea');
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe(first);
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe(second);
    await page.keyboard.press('Enter');
    await jumped(second);
    await page.keyboard.press('/');
    expect(await focused()).toBe('query');
    await page.keyboard.press('Enter');
    await jumped(first);
    for (const [role, name] of [
      ['searchbox', 'Search this page by meaning'],
      ['list', 'Paragraphs found'],
    ] as const)
      expect(await page.getByRole(role, { name }).count(), name).toBe(1);
    expect(await page.getByRole('status').textContent()).toContain('12 paragraphs');
  }, 60_000);

  it('says what is wrong where there is no model', async () => {
    const own = join(folder, '../none');
    await cp(folder, own, { recursive: true });
    await rm(join(own, 'site/model'), { recursive: true });
    const { url } = await serve(own);
    const { page, said } = await open(url);
    await page.waitForFunction(() => document.getElementById('status')?.textContent?.startsWith('It does not work'));
    expect(said.at(-1)).toMatch(/model\/config\.json.*no such file/);
    // Once there is one, a reload is enough.
    await cp(join(folder, 'site/model'), join(own, 'site/model'), { recursive: true });
    await page.reload();
    await ready(page);
  }, 60_000);

  itWith('models/all-MiniLM-L6-v2')(
    'finds what is meant, whatever the words',
    async () => {
      const own = join(folder, '../minilm');
      await cp(folder, own, { recursive: true });
      await rm(join(own, 'site/model'), { recursive: true });
      const quantize = ['node_modules/heed/dist/bin/heed.js', 'quantize', shared('models/all-MiniLM-L6-v2'), '--out', 'site/model'];
      await promisify(execFile)(process.execPath, quantize, { cwd: own });
      const { url, stop } = await serve(own);
      const { page, said } = await open(url);
      await ready(page);
      expect(said.filter((text) => text.startsWith('Loading')).length).toBeGreaterThan(5);
      await stop();
      await page.reload();
      await ready(page);
      const questions = {
        'how do ships find the harbour at night': '#lighthouse',
        'what makes cake fluffy': '#bread',
        'saving for old age': '#compound',
        nightmares: '#sleep',
        'insects telling each other the way': '#bees',
      };
      for (const [question, paragraph] of Object.entries(questions)) expect((await search(page, question))[0], question).toBe(paragraph);
    },
    60_000,
  );
});
