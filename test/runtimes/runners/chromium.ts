/**
 * The Chromium that is installed here, or that HEED_CHROMIUM names, in its settings: pages that are isolated across origins and not, under a strict
 * policy, with models in a dedicated worker; a service worker; an extension.
 */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { runInBrowser, type Setting } from '../browsers.js';
import { packExtension } from '../extension.js';
import type { Runner } from '../runner.js';

const binary = [process.env.HEED_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);

const flags = ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking', 'disable-component-update'];
const args = [...flags, 'disable-sync'].map((flag) => `--${flag}`);
const missing = () => (binary ? undefined : 'there is no Chromium here; install it, or name its binary in HEED_CHROMIUM');

async function goto(browser: Browser | BrowserContext, url: string): Promise<() => Promise<void>> {
  const page = await browser.newPage();
  await page.goto(url);
  return () => browser.close();
}

const runner = (name: string, setting: Setting): Runner => ({
  name: `Chromium, ${name}`,
  missing,
  run: (program, given) =>
    runInBrowser(setting, program, given, async ({ url }) => goto(await chromium.launch({ executablePath: binary ?? '', args }), url)),
});

const extension: Runner = {
  name: 'Chromium, an extension (Manifest V3)',
  missing,
  run: (program, given) =>
    runInBrowser({ isolated: true, threads: true, relaxed: true }, program, given, async (site, _, input) => {
      const packed = await packExtension(program, { ...input, site: site.url });
      const load = [`--disable-extensions-except=${packed.folder}`, `--load-extension=${packed.folder}`];
      const options = { executablePath: binary ?? '', args: [...args, ...load], channel: 'chromium' };
      const context = await chromium.launchPersistentContext(packed.profile, { ...options, ignoreDefaultArgs: ['--disable-extensions'] });
      const close = await goto(context, packed.url);
      return async () => {
        await close();
        await packed.remove();
      };
    }),
};

const isolated = { isolated: true, threads: true, relaxed: true };
const alone = { isolated: false, threads: false, relaxed: true };

export const runners: Runner[] = [
  runner('isolated', { ...isolated, strict: false }),
  runner('not isolated', { ...alone, strict: false }),
  runner('a strict content security policy', isolated),
  runner('models in a dedicated worker', { ...isolated, hosted: true }),
  runner('a service worker', { ...alone, main: 'service-main.ts' }),
  extension,
];
