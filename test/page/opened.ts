/** The page in Chromium, from a server of tiny models, and what it complains of. */
import { createRequire } from 'node:module';
import { listen, type RequestLog, type ServerOptions } from 'heed/server';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { chromiumArgs, chromiumBinary } from '../browser.js';
import { serve, toolWriter } from '../server/serving.js';

/** The server's answer. */
interface Attended {
  readonly tokens: { readonly source: readonly string[] };
  readonly groups: readonly { readonly layers: number; readonly heads: number; readonly weights: string }[];
  readonly next?: { readonly tokens: readonly { readonly text: string; readonly logit: number }[]; readonly log_sums: readonly number[] };
}

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** A writer whose texts do not end by themselves. */
export const writer = {
  ...toolWriter,
  'generation_config.json': new TextEncoder().encode(JSON.stringify({ eos_token_id: null })),
};

/** A server with the page, and a browser. */
export class Opened {
  /** What pages complained of, and the requests that they made of others. */
  readonly complaints: string[] = [];

  private constructor(
    readonly browser: Browser,
    readonly url: string,
    readonly close: () => Promise<void>,
    /** Ends the server alone. */
    readonly closeServer: () => Promise<void>,
    /** Requests that the server has answered. */
    readonly log: readonly RequestLog[],
  ) {}

  static async of(options: Partial<ServerOptions>): Promise<Opened> {
    const server = await serve({ page: true, ...options });
    const { url, close } = await listen(server, { port: 0 });
    return Opened.at(url, () => close({ grace: 0 }), server.log);
  }

  /** The page at any address. */
  static async at(url: string, close: () => Promise<void>, log: readonly RequestLog[] = []): Promise<Opened> {
    const browser = await chromium.launch({ executablePath: chromiumBinary ?? '', args: chromiumArgs });
    const both = async () => {
      await browser.close();
      await close();
    };
    return new Opened(browser, url, both, close, log);
  }

  /** What the server answers of attention, weights decoded. */
  async attention(body: object) {
    const response = await fetch(`${this.url}/attention`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const seen = (await response.json()) as Attended;
    const decoded = (text: string) => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
    return { ...seen, groups: seen.groups.map((group) => ({ ...group, weights: decoded(group.weights) })) };
  }

  /** Opens a view. */
  async view(name: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
    const page = await this.browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && this.complaints.push(message.text()));
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(this.url)) this.complaints.push(request.url());
    });
    await page.goto(`${this.url}/#/${name}`);
    return page;
  }
}

/** Clicks Stop as soon as an answer has begun, and not when a test gets to it. */
export const stopOnceBegun = (page: Page): Promise<void> =>
  page.evaluate(() => {
    new MutationObserver((_, observer) => {
      if ((document.querySelector('.messages .assistant span')?.textContent?.length ?? 0) < 20) return;
      observer.disconnect();
      document.querySelector<HTMLButtonElement>('.talk button.main')?.click();
    }).observe(document.querySelector('.messages') as HTMLElement, { childList: true, subtree: true, characterData: true });
  });

/** Expects that nobody is kept out: no finding of axe-core's that is serious, in light and dark, and nothing to scroll sideways at 360 pixels. */
export async function expectOpenToAll(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    // The page's policy lets no other script in, but those of the browser's owner.
    await page.evaluate(await import('node:fs/promises').then(({ readFile }) => readFile(axe, 'utf8')));
    const found = await page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run();
      return violations.flatMap(({ id, impact, nodes }) => nodes.map(({ html, failureSummary }) => ({ id, impact, html, failureSummary })));
    });
    expect(found.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  // What is drawn by the page's width is drawn again first.
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
}
