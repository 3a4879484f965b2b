/** The page of examples/train-dates in Chromium: it trains, draws, answers what is typed, stops and goes on. */
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
  const status = () => page.textContent('#status');
  const says = (what: RegExp) =>
    page.waitForFunction((source) => new RegExp(source).test(document.getElementById('status')?.textContent ?? ''), what.source, {
      timeout: 90_000,
    });

  beforeAll(async () => {
    [site, browser] = await Promise.all([openSite(join(import.meta.dirname, '../../examples/train-dates')), launch()]);
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    await page.goto(`${site.url}?steps=40&threads=2`);
    await page.locator('#toggle:enabled').waitFor({ timeout: 60_000 });
  }, 90_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  it('has an engine with threads, and waits', async () => {
    expect(await status()).toMatch(/^40 steps, 2 threads/);
    await page.waitForFunction(() => document.querySelectorAll('#examples tr').length === 10);
  });

  it('trains, stops between two steps, and goes on', async () => {
    await page.click('#toggle');
    await says(/step ([5-9]|\d\d) of 40/);
    await page.click('#toggle');
    await page.waitForFunction(() => document.getElementById('toggle')?.textContent === 'Go on');
    const stopped = await status();
    await page.waitForTimeout(500);
    expect(await status()).toBe(stopped);
    await page.click('#toggle');
    await says(/step 40 of 40/);
    await page.waitForFunction(() => document.getElementById('toggle')?.textContent === 'Done');
  }, 120_000);

  it('drew a loss that fell, and an accuracy', async () => {
    const path = async (name: string) => {
      const points = (await page.getAttribute(`#curves path.${name}`, 'd'))?.match(/[\d.]+,[\d.]+/g) ?? [];
      return points.map((point) => point.split(',').map(Number) as [number, number]);
    };
    const losses = await path('loss');
    expect(losses).toHaveLength(40);
    // Downwards is larger; half of the losses lie a third of a decade below the first.
    const decade = 268 / 5;
    expect((losses.at(-1) as [number, number])[1] - (losses[0] as [number, number])[1]).toBeGreaterThan(decade / 3);
    expect((await path('share')).length).toBeGreaterThanOrEqual(3);
  });

  it('shows the attention between what is typed and what is said, a cell for each pair', async () => {
    const text = '3. oktober 1990';
    await page.fill('#text', text);
    const columns = text.length + 1;
    await page.waitForFunction((n) => document.querySelectorAll('#attention text.column').length === n, columns);
    const rows = await page.locator('#attention text.row').count();
    expect(rows).toBeGreaterThan(1);
    expect(await page.locator('#attention rect').count()).toBe(rows * columns);
    const weights = await page
      .locator('#attention rect')
      .evaluateAll((rects) => rects.map((rect) => Number(rect.getAttribute('fill-opacity'))));
    // Each row's weights sum to 1, each drawn upon a little that all cells have.
    expect(weights.reduce((sum, opacity) => sum + (opacity - 0.06) / 0.94, 0)).toBeCloseTo(rows, 2);
    expect(await page.locator('#attention text.column').allTextContents()).toEqual([...text.replaceAll(' ', '␣'), '■']);
  });

  it('asks for a held-back date that is clicked', async () => {
    const date = page.locator('#examples button').nth(7);
    await date.click();
    expect(await page.inputValue('#text')).toBe(await date.textContent());
  });

  it('complained of nothing', () => expect(complaints).toEqual([]));
});
