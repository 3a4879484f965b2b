/** The page of a server in Chromium: what people click, see, and stop; open to all in every view. */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noChromium } from '../browser.js';
import { tinyTranslator } from '../pipelines/tiny_translator.js';
import { bertTiny, eye, longWriter, serve } from '../server/serving.js';
import { expectOpenToAll, Opened, writer } from './opened.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

it('is at / where the server has it, under a policy without exceptions, and needs no key; elsewhere there is none', async () => {
  const models = { encoder: bertTiny };
  const [withPage, without] = [await serve({ models, page: true, apiKey: 'k' }), await serve({ models })];
  for (const path of ['/', '/page/main.js', '/page/main.css']) {
    const response = await withPage.fetch(new Request(`http://localhost${path}`));
    expect(response.status).toBe(200);
    const policy = response.headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
    expect(policy).not.toMatch(/unsafe|https?:/);
    expect((await without.fetch(new Request(`http://localhost${path}`))).status).toBe(404);
  }
  expect(await (await withPage.fetch(new Request('http://localhost/'))).text()).not.toMatch(/ style=|<style|<script>| on\w+=/);
  await Promise.all([withPage.close(), without.close()]);
});

describe.skipIf(noChromium)('the page', () => {
  let opened: Opened;
  let translator: string;
  beforeAll(async () => {
    translator = await tinyTranslator();
    const models = {
      writer: { source: writer },
      plain: { source: longWriter },
      encoder: bertTiny,
      translator,
      eye: { source: eye },
    };
    opened = await Opened.of({ models });
  }, 60_000);
  afterAll(async () => {
    await opened?.close();
    rmSync(translator, { recursive: true });
    expect(opened?.complaints).toEqual([]);
  });

  it('translates, and goes on to the attention of it', async () => {
    const page = await opened.view('translate');
    await page.locator('.translate option').first().waitFor({ state: 'attached' });
    await page.getByRole('textbox', { name: 'Text' }).fill('Hello.');
    await page.getByRole('button', { name: 'Translate' }).click();
    await page.getByText(/^[\d.]+ seconds$/).waitFor();
    expect(await page.getByRole('log', { name: 'Translation' }).textContent()).not.toBe('');
    await expectOpenToAll(page);
    await page.getByRole('button', { name: 'See its attention' }).click();
    await page.locator('.attention .heads button').first().waitFor();
    expect(await page.locator('.groups input:checked + span').textContent()).toBe('Cross');
    await page.close();
  }, 60_000);
  it('shows what an encoder attends to: all heads, the one that is clicked, the weight under the mouse, the rollout', async () => {
    const page = await opened.view('attention');
    await page.getByLabel('Model').selectOption('encoder');
    await page.getByLabel('Text').fill('a cat');
    await page.getByRole('button', { name: 'Look' }).click();
    const heads = page.locator('.heads button');
    await heads.first().waitFor();
    const seen = await opened.attention({ model: 'encoder', input: 'a cat' });
    const { layers, heads: H, weights } = seen.groups[0] as (typeof seen.groups)[0];
    expect(await heads.count()).toBe(layers * (H + 2));
    await page.getByRole('button', { name: 'Layer 2, head 2' }).click();
    const T = seen.tokens.source.length;
    await page.getByText(`${T} tokens.`, { exact: true }).waitFor();
    const box = await page.locator('.map canvas').boundingBox();
    await page.mouse.move((box?.x ?? 0) + (2.5 * (box?.width ?? 0)) / T, (box?.y ?? 0) + (1.5 * (box?.height ?? 0)) / T);
    const at = (H + 1) * T * T + T + 2;
    expect(await page.locator('.readout .weight').textContent()).toBe((weights[at] as number).toFixed(4));
    await page.mouse.move(0, 0);
    await page.getByRole('button', { name: 'Layer 2, rollout' }).click();
    expect(await page.locator('.caption h2').textContent()).toBe('Layer 2, rollout');
    // A row of the rollout is a distribution, as rows of attention are.
    await page.locator('.map').focus();
    await page.keyboard.press('ArrowDown');
    let sum = 0;
    for (let i = 0; i < T; i++) {
      sum += Number(await page.locator('.readout .weight').textContent());
      await page.keyboard.press('ArrowRight');
    }
    expect(sum).toBeCloseTo(1, 2);
    await expectOpenToAll(page);
    await page.getByText('one token', { exact: true }).click();
    await expectOpenToAll(page);
    await page.setViewportSize({ width: 1280, height: 740 });
    await page.setViewportSize({ width: 360, height: 740 });
    // The lines fit the width that there is now.
    await expect.poll(() => page.locator('.lines').evaluate((lines) => lines.scrollWidth - lines.clientWidth)).toBe(0);
    await page.close();
  }, 60_000);

  it('tells what a language model may write next, by a temperature', async () => {
    const page = await opened.view('attention');
    await page.getByLabel('Model').selectOption('plain');
    await page.getByLabel('Text').fill('Hello');
    await page.getByRole('button', { name: 'Look' }).click();
    const shares = page.locator('.bars b');
    await shares.first().waitFor();
    const { next } = await opened.attention({ model: 'plain', input: 'Hello', temperatures: [1, 0.5] });
    const { tokens = [], log_sums = [] } = next ?? {};
    const wanted = (i: number, t: number) => 100 * Math.exp((tokens[0]?.logit ?? 0) / t - (log_sums[i] ?? 0));
    const first = async () => Number.parseFloat((await shares.first().textContent()) ?? '');
    expect(await first()).toBeCloseTo(wanted(0, 1), 1);
    await page.getByLabel('Temperature').fill('0.5');
    expect(await first()).toBeCloseTo(wanted(1, 0.5), 1);
    await expectOpenToAll(page);
    await page.locator('.bars button').first().click();
    await expect.poll(() => page.getByLabel('Text').inputValue()).toBe(`Hello${tokens[0]?.text}`);
    await page.getByRole('button', { name: 'Look' }).waitFor();
    await page.getByLabel('Text').fill('');
    await page.getByRole('button', { name: 'Look' }).click();
    await page.getByText('Write a text first.').waitFor();
    await page.getByLabel('Model').selectOption('encoder');
    // What was seen was another model's.
    expect(await page.locator('.heads button, .bars').count()).toBe(0);
    await page.close();
  }, 60_000);

  it('goes on with texts alone, and not with parts of letters', async () => {
    const page = await opened.view('attention');
    await page.route('**/attention', async (route) => {
      const seen = await (await route.fetch()).json();
      seen.next.tokens = ['\ufffd', '  ', 'a'].map((text) => ({ text, logit: 0 }));
      await route.fulfill({ json: seen });
    });
    await page.getByLabel('Model').selectOption('plain');
    await page.getByLabel('Text').fill('Hello');
    await page.getByRole('button', { name: 'Look' }).click();
    const buttons = page.locator('.bars button');
    await buttons.first().waitFor();
    expect(await buttons.allTextContents()).toEqual(['\ufffd', '␣␣', 'a']);
    expect(await Promise.all([0, 1, 2].map((i) => buttons.nth(i).isEnabled()))).toEqual([false, true, true]);
    await page.close();
  }, 60_000);

  it('shows what a model of pictures looks at, over the picture', async () => {
    const page = await opened.view('attention');
    await page.getByLabel('Model').selectOption('eye');
    await page.getByLabel('Picture').setInputFiles(fixture('image/files/rgb.png'));
    await page.getByRole('button', { name: 'Look' }).click();
    const sight = page.locator('.sight');
    await sight.waitFor();
    expect(await sight.getAttribute('aria-label')).toContain('[CLS] looks');
    const box = await sight.boundingBox();
    await page.mouse.click((box?.x ?? 0) + 0.6 * (box?.width ?? 0), (box?.y ?? 0) + 0.3 * (box?.height ?? 0));
    expect(await sight.getAttribute('aria-label')).toContain('2, 3 looks');
    await expectOpenToAll(page);
    await page.close();
  }, 60_000);

  it('maps lines, and searches among them', async () => {
    const page = await opened.view('embeddings');
    await page.locator('.embeddings option').first().waitFor({ state: 'attached' });
    await page.getByLabel('Lines').fill('a cat\na dog\nthe sea');
    await page.getByRole('button', { name: 'Draw the map' }).click();
    await expect.poll(() => page.locator('.point').count()).toBe(3);
    await page.getByLabel('Search among them').fill('a dog');
    await page.keyboard.press('Enter');
    const found = page.locator('.found li');
    await expect.poll(() => found.count()).toBe(3);
    expect(await found.first().textContent()).toBe('a dog1.000');
    expect(await page.locator('.point.query').count()).toBe(1);
    await expectOpenToAll(page);
    // A search is among the lines that stand there, and not those of the last map.
    await page.getByRole('textbox', { name: 'Lines' }).fill('a bird\na fish');
    await page.getByLabel('Search among them').fill('a fish');
    await page.keyboard.press('Enter');
    await expect.poll(() => found.first().textContent()).toBe('a fish1.000');
    expect(await page.locator('.point').count()).toBe(3);
    await page.getByLabel('Search among them').fill('');
    await page.keyboard.press('Enter');
    await page.getByText('Write what to search for first.').waitFor();
    await page.close();
  }, 60_000);

  it('draws curves of training, and goes on drawing', async () => {
    const runs = await mkdtemp(join(tmpdir(), 'heed-runs-'));
    const curve = [4, 3, 2.5].map((loss, i) => ({ step: 10 * (i + 1), train_loss: loss, valid_loss: loss + 0.2, valid_accuracy: 0.1 * i }));
    const write = (points: object[]) => writeFile(join(runs, 'first/curve.json'), JSON.stringify({ curve: points }));
    await mkdir(join(runs, 'first'));
    await write(curve);
    const own = await Opened.of({ models: { encoder: bertTiny }, runs });
    const page = await own.view('training');
    await page.getByRole('img', { name: /^loss: first, training 2\.500; first 2\.700$/ }).waitFor();
    expect(await page.locator('.curves figure').count()).toBe(2);
    await write([...curve, { step: 40, train_loss: 2, valid_loss: 2.25, valid_accuracy: 0.5 }]);
    await page.getByRole('img', { name: /^loss: first, training 2\.000; first 2\.250$/ }).waitFor();
    await expectOpenToAll(page);
    await page.getByRole('checkbox', { name: 'first' }).uncheck();
    await expect.poll(() => page.locator('.curves figure').count()).toBe(0);
    // A run that is being written, one whose loss is no number, and one that is gone keep nobody from the others.
    for (const [name, text] of [
      ['begun', '{"curve":[{"step":1,"tra'],
      ['burst', '{"curve":[{"step":1,"train_loss":9},{"step":2,"train_loss":1e999}]}'],
    ] as const) {
      await mkdir(join(runs, name));
      await writeFile(join(runs, name, 'curve.json'), text);
      await page.getByRole('checkbox', { name }).check();
    }
    await page.getByText('There is no curve yet of begun.').waitFor();
    await page.getByRole('img', { name: 'loss: burst, training 9.000' }).waitFor();
    await rm(join(runs, 'burst'), { recursive: true });
    await page.getByRole('checkbox', { name: 'first' }).check();
    await page.getByRole('img', { name: /^loss: first, training 2\.000; first 2\.250$/ }).waitFor();
    await own.close();
    // The browser's word of a run that was asked for as it went.
    expect(own.complaints.filter((text) => !text.includes('404'))).toEqual([]);
    await rm(runs, { recursive: true });
  }, 60_000);

  it('says what the server refuses', async () => {
    const page = await opened.view('attention');
    await page.getByLabel('Model').selectOption('plain');
    await page.getByLabel('Text').fill('long '.repeat(3000));
    await page.getByRole('button', { name: 'Look' }).click();
    await page.getByText(/attention of this model is told for \d+ at most/).waitFor();
    expect(opened.complaints.splice(0)).toEqual([expect.stringContaining('400')]); // the browser's word of the status
    await page.close();
  }, 60_000);
});

describe.skipIf(noChromium)('the page of a server with a key', () => {
  it('asks for the key, and keeps it for the tab', async () => {
    const opened = await Opened.of({ models: { encoder: bertTiny }, apiKey: 'secret' });
    const page = await opened.view('embeddings');
    await page.getByLabel('Key of the server').fill('secret');
    await expectOpenToAll(page);
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.locator('.embeddings option').waitFor({ state: 'attached' });
    expect(await page.getByLabel('Key of the server').isHidden()).toBe(true);
    await opened.close();
  }, 60_000);
});
