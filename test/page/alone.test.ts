/** The page that `heed page` writes, from a plain host of files, in Chromium: models run in it, behind the same views. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noChromium } from '../browser.js';
import { run } from '../cli/command.js';
import { openSite } from '../consumers/site.js';
import { bertTiny, toolWriter } from '../server/serving.js';
import { expectOpenToAll, Opened, stopOnceBegun } from './opened.js';

describe.skipIf(noChromium)('a page without a server', () => {
  let opened: Opened;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heed-page-'));
    const offers = ['encoder', 'writer'].flatMap((name) => ['--model', `${name}=./models/${name}`]);
    expect((await run(['page', '--out', folder, ...offers])).code).toBe(0);
    await cp(bertTiny, join(folder, 'models/encoder'), { recursive: true });
    await mkdir(join(folder, 'models/writer'));
    for (const [name, bytes] of Object.entries(toolWriter)) await writeFile(join(folder, 'models/writer', name), bytes);
    // It never ends by itself: an answer that is short was stopped.
    await writeFile(join(folder, 'models/writer/generation_config.json'), JSON.stringify({ eos_token_id: 2, suppress_tokens: [2] }));
    const site = await openSite(folder);
    opened = await Opened.at(site.url.replace(/\/$/, ''), async () => site.close());
  }, 60_000);
  afterAll(async () => {
    await opened?.close();
    await rm(folder, { recursive: true });
  });

  it('loads models that lie beside it, answers, and stops', async () => {
    const page = await opened.view('attention');
    const address = page.getByLabel('Model: a name on the hub, or an address');
    await expect.poll(() => address.inputValue()).toBe('encoder');
    await page.getByRole('button', { name: 'Load' }).click();
    await page.getByText('encoder is ready.').waitFor();
    // Threads are workers of the page itself: a worker that starts workers hangs in some browsers.
    expect(page.workers().length).toBe(await page.evaluate(() => Math.min(navigator.hardwareConcurrency, 8)));
    await page.getByLabel('Text').fill('a cat');
    await page.getByRole('button', { name: 'Look' }).click();
    await page.locator('.heads button').first().waitFor();
    await expectOpenToAll(page);
    await page.setViewportSize({ width: 1280, height: 800 });
    await address.fill('writer');
    await page.getByRole('button', { name: 'Load' }).click();
    await page.getByText('writer is ready.').waitFor();
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await page.getByText('Settings').click();
    await stopOnceBegun(page);
    // The first answer takes many seconds, so that it is not at its end before the page gets to stop it; the second one comes to its end.
    for (const [times, most] of [
      [1, 15_000],
      [2, 1000],
    ] as const) {
      await page.getByLabel('Longest answer, in tokens').fill(String(most));
      await page.getByLabel('Your message').fill('Hi');
      await page.keyboard.press('Enter');
      const answer = page.locator('.messages .assistant span').nth(times - 1);
      await answer.waitFor();
      await page.getByRole('button', { name: 'Send' }).waitFor();
      const end = (await answer.textContent()) ?? '';
      expect(end.length).toBeGreaterThanOrEqual(20);
      await page.waitForTimeout(100);
      expect(await answer.textContent()).toBe(end);
    }
    // The first answer was stopped, the second one was not. Some tokens are no letters.
    const [stopped, whole] = await page.locator('.messages .assistant span').allTextContents();
    expect(stopped?.length).toBeLessThan(7500);
    expect(whole?.length).toBeGreaterThan(900);
    // Heed looks for files that a model may lack.
    expect(opened.complaints.filter((text) => !text.includes('404'))).toEqual([]);
    await page.close();
  }, 60_000);

  it('says that its worker does not come, each time that something is asked of it', async () => {
    const page = await opened.view('chat');
    const before = opened.complaints.length;
    await page.route('**/page-worker.js', (route) => route.fulfill({ status: 404 }));
    await page.reload();
    await page.getByText(/^The worker of this page has ended: /).waitFor();
    await page.getByRole('button', { name: 'Load' }).click();
    await expect.poll(() => page.locator('.bar .wrong').textContent()).toMatch(/^The worker of this page has ended: /);
    opened.complaints.splice(before);
    await page.close();
  }, 60_000);

  it('takes a folder of the user’s own, and says what is wrong with another', async () => {
    const page = await opened.view('embeddings');
    await page.getByLabel('or a folder of your own').setInputFiles(bertTiny);
    await page.getByText('bert-tiny is ready.').waitFor();
    await page.getByRole('button', { name: 'Draw the map' }).click();
    await expect.poll(() => page.locator('.point').count()).toBe(9);
    await page.getByLabel('Model: a name on the hub, or an address').fill('./models/nothing');
    await page.getByRole('button', { name: 'Load' }).click();
    await expect.poll(() => page.locator('.bar .wrong').textContent()).toMatch(/models\/nothing\/config\.json/);
    await page.close();
  }, 60_000);
});
