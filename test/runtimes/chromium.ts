/** The suite in a page of the Chromium that is installed here, or that HEED_CHROMIUM names; isolated across origins and not. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Runner } from './runner.js';
import { bundleForWeb, serve } from './server.js';

const binary = [process.env.HEED_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);

const args = ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking', 'disable-component-update'];

const runner = (name: string, isolated: boolean): Runner => ({
  name,
  missing: () => (binary ? undefined : 'there is no Chromium here; install it, or name its binary in HEED_CHROMIUM'),
  async run() {
    await bundleForWeb();
    const site = await serve({ isolated });
    const browser = await chromium.launch({ executablePath: binary ?? '', args: [...args, 'disable-sync'].map((flag) => `--${flag}`) });
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      await page.goto(site.url);
      const results = await page.evaluate(() => globalThis.results);
      if (!results) throw new Error(`the suite did not start: ${complaints.join('; ')}`);
      return results;
    } finally {
      await browser.close();
      site.close();
    }
  },
});

export const chromiumRunners: Runner[] = [runner('Chromium, isolated', true), runner('Chromium, not isolated', false)];
