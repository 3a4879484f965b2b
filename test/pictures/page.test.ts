/** The page of attentions in Chromium, opened from a file as its users do: the right numbers under the mouse, behind a click, and for the keyboard. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AttentionPicture, renderAttention } from '../../dist/pictures/attention.js';
import type { HostTensor } from '../../dist/tensor.js';
import { chromiumArgs, chromiumBinary, noChromium } from '../browser.js';
import { attentions, translation } from './picture.js';

const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
let browser: Browser | undefined;
beforeAll(async () => {
  if (chromiumBinary) browser = await chromium.launch({ executablePath: chromiumBinary, args: chromiumArgs });
});
afterAll(async () => {
  await browser?.close();
  rmSync(temporary, { recursive: true });
});

/** What the page was made to ask for or complain of. */
const complaints: string[] = [];

async function open(picture: AttentionPicture, options = {}): Promise<Page> {
  const file = join(temporary, 'page.html');
  writeFileSync(file, renderAttention(picture));
  const page = (await browser?.newPage(options)) as Page;
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('request', (request) => request.url().startsWith('file:') || complaints.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  return page;
}

/** The middle of a weight's cell, on the screen. */
async function pointAt(page: Page, [query, T]: [number, number], [key, S]: [number, number]): Promise<void> {
  const box = await page.locator('.map canvas').boundingBox();
  if (!box) throw new Error('the map is not there');
  await page.mouse.move(box.x + ((key + 0.5) * box.width) / S, box.y + ((query + 0.5) * box.height) / T);
}

const read = async (page: Page) => Promise.all(['query', 'key', 'weight'].map((name) => page.locator(`.readout .${name}`).textContent()));
/** A weight as the page shows it, give or take its last digit: it has 16 bits of it. */
const shown = (weight: number) => expect.toSatisfy((text) => /^0\.\d{4}$/.test(text) && Math.abs(Number(text) - weight) < 6e-5 + 1e-5);
/** The weight with which a head looks from a query at a key. */
function weightOf(layer: HostTensor | undefined, head: number, query: number, key: number): number {
  const { data, dims } = layer as HostTensor;
  const [, , T = 0, S = 0] = dims;
  return data[(head * T + query) * S + key] as number;
}

const missing = noChromium && !process.env.HEED_REQUIRE_RUNTIMES;
describe.skipIf(missing)('the page of attentions', () => {
  const picture = translation();
  const { encoder = [], cross = [] } = picture.attentions;

  it('says query, key and weight under the mouse, of the head that was clicked', async () => {
    const page = await open(picture);
    expect(await page.title()).toBe(picture.title);
    expect(await page.locator('h1').textContent()).toBe(picture.title);
    await page.getByText('Encoder', { exact: true }).click();
    await page.click('[aria-label="Layer 1, head 1"]');
    expect(await page.locator('h2').textContent()).toBe('Layer 1, head 1');
    for (const [query, key] of [
      [0, 0],
      [1, 8],
      [8, 5],
    ] as const) {
      await pointAt(page, [query, 9], [key, 9]);
      const [, , weight] = await read(page);
      expect(weight).toEqual(shown(weightOf(encoder[0], 0, query, key)));
    }
    await page.click('[aria-label="Layer 2, head 3"]');
    expect(await page.locator('h2').textContent()).toBe('Layer 2, head 3');
    await pointAt(page, [1, 9], [2, 9]);
    expect(await read(page)).toEqual(['I', '</script><b>x</b>', shown(weightOf(encoder[1], 2, 1, 2))]);
    await page.close();
  });

  it('changes groups: the target looks at the source', async () => {
    const page = await open(picture);
    await page.getByText('Cross', { exact: true }).click();
    await page.click('[aria-label="Layer 1, head 2"]');
    await pointAt(page, [3, 4], [5, 9]);
    expect(await read(page)).toEqual(['"&amp;', 'שלום', shown(weightOf(cross[0], 1, 3, 5))]);
    await page.click('[aria-label="Layer 1, mean of the heads"]');
    await pointAt(page, [1, 4], [1, 9]);
    const mean = [0, 1, 2].reduce((sum, head) => sum + weightOf(cross[0], head, 1, 1) / 3, 0);
    expect(Number((await read(page))[2])).toBeCloseTo(mean, 3);
    await page.close();
  });

  it('opens on where a translation looks, by the head of the least entropy', async () => {
    const page = await open(picture);
    expect(await page.locator('.groups input:checked + span').textContent()).toBe('Cross');
    const entropies = cross.flatMap(({ data, dims }, layer) =>
      Array.from({ length: dims[1] as number }, (_, head) => {
        const size = data.length / (dims[1] as number);
        const own = Array.from(data.subarray(head * size, (head + 1) * size));
        return { name: `Layer ${layer + 1}, head ${head + 1}`, sum: own.reduce((sum, w) => sum - w * Math.log(w), 0) };
      }),
    );
    const least = entropies.reduce((a, b) => (b.sum < a.sum - 1e-3 ? b : a));
    expect(await page.locator('h2').textContent()).toBe(least.name);
    await page.close();
  });

  it('does not move when a weight is pointed at, and clips no text', async () => {
    for (const width of [1400, 1000, 600]) {
      const page = await open(picture, { viewport: { width, height: 900 } });
      const places = () =>
        page.evaluate(() => ['.map', '.reading', '.heads'].map((s) => JSON.stringify(document.querySelector(s)?.getBoundingClientRect())));
      const before = await places();
      await pointAt(page, [1, 4], [1, 9]);
      expect(await places()).toEqual(before);
      const clipped = await page.evaluate(() =>
        Array.from(document.querySelectorAll('svg')).flatMap((svg) => {
          const own = svg.getBoundingClientRect();
          return Array.from(svg.querySelectorAll('text')).flatMap((text) => {
            const { left, right, top, bottom, width } = text.getBoundingClientRect();
            const inside = left >= own.left - 1 && right <= own.right + 1 && top >= own.top - 1 && bottom <= own.bottom + 1;
            return inside || width === 0 ? [] : [text.textContent];
          });
        }),
      );
      expect(clipped).toEqual([]);
      await page.close();
    }
  });

  it('names its axes, and shows tokens without the marks of their vocabulary', async () => {
    const source = ['[CLS]', 'ĠI', 'Ġlove', 'ing', 'Ġna', 'Ã¯', 've', '##s', 'Ċ'];
    const page = await open({ title: '', source, attentions: { encoder: attentions(1, 1, 9, 9) } });
    expect(await page.locator('.map g.query .tick').allTextContents()).toEqual(['[CLS]', 'I', 'love', 'ing', 'na', 'ï', 've', 's', '↵']);
    expect(await page.locator('.map text.title').allTextContents()).toEqual(['tokens that are looked at', 'tokens that look']);
    expect(await page.locator('.legend text.title').textContent()).toMatch(/weight/);
    await page.close();
  });

  it('draws lines from one token for all heads of a layer', async () => {
    const page = await open(picture);
    await page.getByText('one token', { exact: true }).click();
    expect(await page.locator('.map').isVisible()).toBe(false);
    await page.locator('.lines text.query').nth(2).click();
    expect(await page.locator('.lines text.chosen').textContent()).toBe('爱');
    const titles = await page.locator('.lines path title').allTextContents();
    expect(new Set(titles.map((title) => title.split(':')[0]))).toEqual(new Set(['head 1', 'head 2', 'head 3']));
    const layer = Number((await page.locator('h2').textContent())?.match(/\d+/)?.[0]) - 1;
    const first = titles.filter((title) => title.startsWith('head 2:')).map((title) => Number(title.split(': ')[1]));
    expect(first).toHaveLength(9);
    for (const [key, weight] of first.entries()) expect(weight).toBeCloseTo(weightOf(cross[layer], 1, 2, key), 3);
    await page.close();
  });

  it('saves a picture of either view', async () => {
    const page = await open(picture);
    for (const [view, what] of [
      ['one head', '<image'],
      ['one token', '<path'],
    ] as const) {
      await page.getByText(view, { exact: true }).click();
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('.save')]);
      expect(download.suggestedFilename()).toMatch(/\.svg$/);
      const svg = readFileSync(await download.path(), 'utf8');
      expect(svg).toMatch(/^<svg[^>]* xmlns="http:\/\/www.w3.org\/2000\/svg"/);
      expect(svg).toContain(what);
      expect(svg).toContain('tokens that look');
    }
    await page.close();
  });

  it('is used with the keyboard alone', async () => {
    const page = await open(picture);
    await page.getByText('Encoder', { exact: true }).click();
    await page.click('[aria-label="Layer 1, head 1"]');
    await page.locator('.heads button[tabindex="0"]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('h2').textContent()).toBe('Layer 2, head 2');
    expect(await page.locator('.heads [aria-pressed="true"]').getAttribute('aria-label')).toBe('Layer 2, head 2');
    await page.keyboard.press('Tab');
    for (const key of ['ArrowDown', 'ArrowDown', 'End', 'ArrowLeft']) await page.keyboard.press(key);
    expect(await read(page)).toEqual(['I', '↵', shown(weightOf(encoder[1], 1, 1, 7))]);
    await page.keyboard.press('Escape');
    expect(await page.locator('.readout .weight').count()).toBe(0);
    await page.close();
  });

  it('keeps what was clicked, and shades the text by what its query looks at', async () => {
    const page = await open(picture);
    await page.getByText('Encoder', { exact: true }).click();
    await page.click('[aria-label="Layer 1, head 1"]');
    await pointAt(page, [1, 9], [3, 9]);
    await page.mouse.down();
    await page.mouse.up();
    await page.mouse.move(1, 1);
    expect(await read(page)).toEqual(['I', '<!--', shown(weightOf(encoder[0], 0, 1, 3))]);
    const shades = await page.locator('.reading bdi').evaluateAll((all) => all.map((e) => getComputedStyle(e).backgroundColor));
    const light = shades.map((shade) => Number(shade.match(/\d+/)?.[0]));
    const weights = light.map((_, key) => weightOf(encoder[0], 0, 1, key));
    const order = (list: number[], sign: number) =>
      list
        .map((x, i) => [sign * x, i] as const)
        .sort((a, b) => a[0] - b[0])
        .map(([, i]) => i);
    expect(order(light, 1)).toEqual(order(weights, -1));
    await page.close();
  });

  it('draws a weight in the colour that the legend gives it, in light and in dark', async () => {
    const grounds: number[] = [];
    for (const colorScheme of ['light', 'dark']) {
      const page = await open({ title: '', source: ['a', 'b'], attentions: { encoder: attentions(1, 1, 2, 2) } }, { colorScheme });
      const drawn = await page.evaluate(() => {
        const canvas = document.querySelector('.map canvas') as HTMLCanvasElement;
        const [w, h] = [canvas.width, canvas.height];
        const pixels = canvas.getContext('2d')?.getImageData(0, 0, w, h).data as Uint8ClampedArray;
        const at = (i: number, j: number) => pixels[4 * (Math.floor((i + 0.5) * h * 0.5) * w + Math.floor((j + 0.5) * w * 0.5))] as number;
        const style = getComputedStyle(document.documentElement);
        const ends = ['--low', '--high'].map((name) => Number.parseInt(style.getPropertyValue(name).slice(1, 3), 16));
        return { cells: [at(0, 0), at(0, 1), at(1, 0), at(1, 1)], ends };
      });
      const [low = 0, high = 0] = drawn.ends;
      const weights = (attentions(1, 1, 2, 2)[0] as HostTensor).data;
      const most = Math.max(...weights);
      for (const [i, cell] of drawn.cells.entries()) {
        const share = (weights[i] as number) / most;
        // The ramp is even in CIELAB, not in red: near its ends only.
        if (share === 1) expect(cell).toBe(high);
        expect((cell - low) * (high - low)).toBeGreaterThan(0);
      }
      grounds.push(low);
      await page.close();
    }
    expect(grounds[0]).toBeGreaterThan(grounds[1] as number);
  });

  it('shows 512 tokens', async () => {
    const tokens = Array.from({ length: 512 }, (_, i) => `token${i}`);
    const [layer] = attentions(1, 2, 512, 512);
    const page = await open({ title: 'long', source: tokens, attentions: { encoder: [layer as HostTensor] } });
    await page.click('[aria-label="Layer 1, head 2"]');
    await page.locator('.map').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'End']) await page.keyboard.press(key);
    const [query, key, weight] = await read(page);
    expect([query, key]).toEqual(['token1', 'token511']);
    const exact = Number((layer as HostTensor).data[(512 + 1) * 512 + 511]);
    expect(Math.abs(Number(weight?.replace('≈ ', '')) - exact)).toBeLessThan(3e-4);
    await page.close();
  });

  it('asks no host for anything, and complains of nothing', () => {
    expect(complaints).toEqual([]);
  });
});
