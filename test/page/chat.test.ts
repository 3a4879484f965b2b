/** Chat of the page in Chromium: answers that stream, are stopped, cut off, kept over a reload, and outlive their server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noChromium } from '../browser.js';
import { expectOpenToAll, Opened, stopOnceBegun, writer } from './opened.js';

/** Tokens of an answer that is not at its end before a browser gets to it, on a machine that is busy: they take the model many seconds. */
const LONG = '15000';

describe.skipIf(noChromium)('the chat', () => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await Opened.of({ models: { writer: { source: writer } } });
  }, 60_000);
  afterAll(async () => {
    await opened?.close();
    expect(opened?.complaints).toEqual([]);
  });

  it('streams an answer, and stops it', async () => {
    const page = await opened.view('chat');
    const field = page.getByLabel('Your message');
    await page.locator('option').first().waitFor({ state: 'attached' });
    await page.getByText('Settings').click();
    await page.getByLabel('Longest answer, in tokens').fill(LONG);
    await stopOnceBegun(page);
    await field.fill('Hi');
    await field.press('Enter');
    const answer = page.locator('.messages .assistant span');
    await answer.waitFor();
    await page.getByRole('button', { name: 'Send' }).waitFor();
    const said = (await answer.textContent()) ?? '';
    expect(said.length).toBeGreaterThanOrEqual(20);
    // The server has stopped, too: nobody waits for the rest.
    await expect.poll(() => opened.log.find(({ path }) => path === '/v1/chat/completions')?.status).toBe(499);
    expect(opened.log.find(({ path }) => path === '/v1/chat/completions')?.completion_tokens).toBeLessThan(Number(LONG));
    expect(await page.getByRole('log', { name: 'Conversation' }).locator('li').count()).toBe(2);
    await expectOpenToAll(page);
    await page.getByRole('button', { name: 'New chat' }).click();
    expect(await page.locator('.messages li').count()).toBe(0);
    await page.close();
  }, 60_000);

  it('tells readers of screens an answer as a whole, and says where it was cut off', async () => {
    const page = await opened.view('chat');
    const log = page.getByRole('log', { name: 'Conversation' });
    await page.locator('.chat option').first().waitFor({ state: 'attached' });
    await page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      const list = document.querySelector('.messages') as HTMLElement;
      new MutationObserver(() => seen.push(`${list.ariaBusy} ${document.querySelector('.chat > .status')?.textContent}`)).observe(list, {
        ...{ childList: true, subtree: true, characterData: true },
      });
    });
    await page.getByText('Settings').click();
    await page.getByLabel('Longest answer, in tokens').fill('16');
    await page.getByLabel('Your message').fill('Hi');
    await page.keyboard.press('Enter');
    await page.getByText('The answer is cut off at the length that the settings allow.').waitFor();
    expect(await log.getAttribute('aria-busy')).toBeNull();
    const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
    // The status has not changed with each piece, which would be told each time.
    expect([...new Set(seen)].filter((line) => !/^true (Working …|The answer begins)$/.test(line)).length).toBeLessThanOrEqual(1);
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('Write a message first.').waitFor();
    await page.close();
  }, 60_000);

  it('keeps the conversation of the tab while the page is loaded again, in the middle of an answer too', async () => {
    const page = await opened.view('chat');
    await page.locator('.chat option').first().waitFor({ state: 'attached' });
    await page.getByText('Settings').click();
    await page.getByLabel('Longest answer, in tokens').fill(LONG);
    await page.getByLabel('Your message').fill('Hi');
    await page.keyboard.press('Enter');
    const answer = page.locator('.messages .assistant span');
    await expect.poll(async () => (await answer.textContent())?.length ?? 0).toBeGreaterThan(5);
    await page.reload();
    expect(await page.locator('.messages .user span').textContent()).toBe('Hi');
    expect((await answer.textContent())?.length).toBeGreaterThan(5);
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.reload();
    expect(await page.locator('.messages li').count()).toBe(0);
    await page.locator('.chat option').first().waitFor({ state: 'attached' });
    await page.getByLabel('Your message').fill('long '.repeat(5000));
    await page.keyboard.press('Enter');
    await page.getByText('The conversation is longer than the model reads').waitFor();
    expect(opened.complaints.splice(0)).toEqual([expect.stringContaining('400')]);
    await page.close();
  }, 60_000);

  it('keeps what was said where the server goes away', async () => {
    const own = await Opened.of({ models: { writer: { source: writer } } });
    const page = await own.view('chat');
    await page.locator('.chat option').first().waitFor({ state: 'attached' });
    await page.getByText('Settings').click();
    await page.getByLabel('Longest answer, in tokens').fill(LONG);
    await page.getByLabel('Your message').fill('Hi');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await page.locator('.messages .assistant span').textContent())?.length ?? 0).toBeGreaterThan(5);
    await own.closeServer();
    await page.getByText(/^(The answer broke off|The server)/).waitFor();
    expect((await page.locator('.messages .assistant span').textContent())?.length).toBeGreaterThan(5);
    await page.getByLabel('Your message').fill('And now?');
    await page.keyboard.press('Enter');
    await page.getByText('Nobody answers: does the server still run?').waitFor();
    expect(await page.getByLabel('Your message').inputValue()).toBe('And now?');
    await own.close();
  }, 60_000);
});
