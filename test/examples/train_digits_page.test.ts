/** The page of examples/train-digits in Chromium: it learns, reads what is drawn with the mouse, shows where it looked, and draws. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSite, type Site } from '../../examples/shared/site.js';
import { noChromium } from '../browser.js';
import { launch } from '../consumers/browser.js';

describe.skipIf(noChromium)('the page', () => {
  let site: Site;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const captions = () => page.locator('#drawings figcaption').allTextContents();

  beforeAll(async () => {
    [site, browser] = await Promise.all([openSite(join(import.meta.dirname, '../../examples/train-digits')), launch()]);
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    await page.goto(`${site.url}?steps=150&draw-steps=4&threads=2`);
    await page.locator('#toggle:enabled').waitFor({ timeout: 60_000 });
  }, 90_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  it('shows held-back pictures, and waits', async () => {
    await page.waitForFunction(() => document.querySelectorAll('#answers canvas').length === 60);
    expect(await page.textContent('#status')).toMatch(/^150 \+ 4 steps, 2 threads/);
    expect(await page.textContent('#answer')).toBe('…');
  });

  it('learns to read, then to draw, and is done', async () => {
    await page.click('#toggle');
    await page.waitForFunction(() => document.getElementById('toggle')?.textContent === 'Done', undefined, { timeout: 90_000 });
    const said = await page.locator('#answers figcaption').allTextContents();
    const wrong = await page.locator('#answers figcaption.wrong').count();
    expect(said.every((text) => /^\d$/.test(text))).toBe(true);
    expect(wrong).toBeLessThan(30);
    for (const id of ['reader', 'drawer']) expect(await page.locator(`#${id}-curves path.loss`).getAttribute('d')).toMatch(/^M.*L/);
  }, 120_000);

  it('reads what the mouse draws, and lays attention over it', async () => {
    const pen = page.locator('#pen');
    await pen.scrollIntoViewIfNeeded();
    const box = (await pen.boundingBox()) as { x: number; y: number; width: number; height: number };
    const to = (x: number, y: number) => page.mouse.move(box.x + box.width * x, box.y + box.height * y, { steps: 5 });
    await to(0.5, 0.1);
    await page.mouse.down();
    await to(0.5, 0.9);
    await page.mouse.up();
    await page.waitForFunction(() => document.getElementById('answer')?.textContent !== '…');
    // Read at one moment: an answer comes for each part of the stroke.
    const { said, probabilities } = await page.evaluate(() => ({
      said: document.getElementById('answer')?.textContent,
      probabilities: Array.from(document.querySelectorAll<HTMLMeterElement>('#bars meter'), (bar) => bar.value),
    }));
    expect(probabilities.reduce((sum, share) => sum + share)).toBeCloseTo(1, 3);
    expect(said).toBe(String(probabilities.indexOf(Math.max(...probabilities))));
    const opacities = () =>
      page.locator('#attention span').evaluateAll((squares) => (squares as HTMLElement[]).map((square) => Number(square.style.opacity)));
    const mean = await opacities();
    expect(mean).toHaveLength(16);
    expect(Math.max(...mean)).toBeCloseTo(0.8, 6);
    await page.selectOption('#head', '2');
    expect(await opacities()).not.toEqual(mean);
    await page.click('#clear');
    await page.waitForFunction(() => document.getElementById('answer')?.textContent === '…');
    expect(Math.max(...(await opacities()))).toBe(0);
  });

  it('draws ten digits again, and says what the reader takes them for', async () => {
    await page.waitForFunction(() => document.querySelectorAll('#drawings canvas').length === 10);
    await page.click('#draw');
    await page.waitForFunction(() =>
      [...document.querySelectorAll('#drawings figcaption')].every((caption) => /^\d, read as \d$/.test(caption.textContent ?? '')),
    );
    expect((await captions()).map((text) => text[0]).join('')).toBe('0123456789');
  }, 60_000);

  it('has no complaint, and fits a phone', async () => {
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(complaints).toEqual([]);
  });
});
