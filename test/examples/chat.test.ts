import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noChromium } from '../browser.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { hasSmollm2, smollm2 } from '../smollm2.js';
import { ExamplePage } from './page.js';

const [config, tokenizer] = [tinyWriter['config.json'], tinyWriter['tokenizer.json']].map((bytes) =>
  JSON.parse(Buffer.from(bytes).toString()),
);
/** A writer whose answers are long, and of words of one character, which are shown one by one. */
const writer = {
  ...tinyWriter,
  'config.json': JSON.stringify({ ...config, max_position_embeddings: 4096 }),
  'tokenizer.json': JSON.stringify(tokenizer).replace(/"[^\w\s:]":/g, (key) => `"${String.fromCharCode(0x4e00 + key.charCodeAt(1))}":`),
};

describe.skipIf(noChromium)('the page of examples/chat', () => {
  let example: ExamplePage;

  beforeAll(async () => {
    example = await ExamplePage.of('chat');
    await mkdir(join(example.folder, 'site/model'));
    for (const [name, bytes] of Object.entries(writer)) await writeFile(join(example.folder, 'site/model', name), bytes);
  }, 60_000);
  afterEach(() => example?.clear());
  afterAll(() => example?.dispose());

  /** A page that is ready, and what it complained of. */
  async function open(url: string): Promise<{ page: Page; complaints: string[] }> {
    const opened = await example.open(url);
    await opened.page.locator('#text:enabled').waitFor({ timeout: 60_000 });
    return opened;
  }

  const said = (page: Page) => page.locator('#messages li').allTextContents();
  async function ask(page: Page, text: string): Promise<void> {
    await page.fill('#text', text);
    await page.keyboard.press('Enter');
  }

  /** Asks, and presses Stop when the answer begins: what there is of it. */
  async function stopped(page: Page, text: string): Promise<string> {
    await page.evaluate(() => {
      const stop = (_: unknown, observer: MutationObserver) => {
        if (!document.querySelector('#messages .assistant:last-child:not(:empty)')) return;
        observer.disconnect();
        (document.getElementById('send') as HTMLButtonElement).click();
      };
      new MutationObserver(stop).observe(document.getElementById('messages') as HTMLElement, { childList: true, subtree: true });
    });
    await ask(page, text);
    await page.locator('#messages .assistant:last-child:not(:empty)').waitFor();
    await page.locator('#send', { hasText: 'Send' }).waitFor();
    const answer = (await said(page)).at(-1) ?? '';
    expect(answer.length).toBeLessThan(512); // a character is a token here
    return answer;
  }

  it('streams an answer, stops it, keeps what was said, and begins anew; and all of this again when the server has gone', async () => {
    const { url, stop } = await example.serve();
    const { page, complaints } = await open(url);
    expect(await page.textContent('#status')).toMatch(/^[1-8] threads?\. Works offline from now on\.$/);
    expect(await page.locator('#bar').isHidden()).toBe(true);
    const answer = await stopped(page, 'Hi');
    expect(await page.textContent('#status')).toMatch(/^(\d+ tokens, [\d.]+ a second|The answer begins)$/);
    const other = await stopped(page, 'No');
    expect(await said(page)).toEqual(['Hi', answer, 'No', other]);
    await page.click('#new');
    expect(await said(page)).toEqual([]);
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]); // of files that a model may lack

    await stop();
    await page.reload();
    await page.locator('#text:enabled').waitFor({ timeout: 30_000 });
    const again = await stopped(page, 'Hi');
    const shared = Math.min(again.length, answer.length);
    expect(again.slice(0, shared)).toBe(answer.slice(0, shared));
  }, 60_000);

  it('is told by roles to those who do not see it', async () => {
    const { url } = await example.serve();
    const { page } = await open(url);
    for (const [role, name] of [
      ['log', 'Conversation'],
      ['textbox', 'Your message'],
      ['button', 'Send'],
      ['button', 'New chat'],
    ] as const)
      expect(await page.getByRole(role, { name }).count(), name).toBe(1);
  }, 60_000);

  it.skipIf(!hasSmollm2)(
    'answers with SmolLM2 out of a GGUF file, offline too',
    async () => {
      await cp(smollm2, join(example.folder, 'site/model', basename(smollm2)));
      const { url, stop } = await example.serve();
      const { page, complaints } = await open(`${url}?model=model/${basename(smollm2)}`);
      const answers: string[] = [];
      for (const offline of [false, true]) {
        if (offline) {
          await stop();
          await page.reload();
          await page.locator('#text:enabled').waitFor({ timeout: 60_000 });
        }
        await ask(page, 'What is the capital of France? Answer in one sentence.');
        await page.locator('#send', { hasText: 'Stop' }).waitFor();
        await page.locator('#send', { hasText: 'Send' }).waitFor({ timeout: 60_000 });
        answers.push((await said(page))[1] ?? '');
        if (!offline) expect(complaints).toEqual([]);
        if (!offline && process.env.HEED_SCREENSHOT) await page.screenshot({ path: process.env.HEED_SCREENSHOT });
      }
      expect(answers[0]).toMatch(/Paris/);
      expect(answers[1]).toBe(answers[0]);
    },
    180_000,
  );
});
