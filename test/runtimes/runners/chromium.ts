/**
 * The Chromium that is installed here, or that HEED_CHROMIUM names, in its settings: pages that are isolated across origins and not, under a strict
 * policy, with models in a dedicated worker; a service worker; an extension.
 */
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { chromiumArgs, chromiumBinary, noChromium } from '../../browser.js';
import { runInBrowser, type Setting } from '../browsers.js';
import { packExtension } from '../extension.js';
import type { Runner } from '../runner.js';

async function goto(browser: Browser | BrowserContext, url: string): Promise<() => Promise<void>> {
  const page = await browser.newPage();
  await page.goto(url);
  return () => browser.close();
}

const runner = (name: string, setting: Setting): Runner => ({
  name: `Chromium, ${name}`,
  missing: () => noChromium,
  run: (program, given) =>
    runInBrowser(setting, program, given, async ({ url }) =>
      goto(await chromium.launch({ executablePath: chromiumBinary ?? '', args: chromiumArgs }), url),
    ),
});

const extension: Runner = {
  name: 'Chromium, an extension (Manifest V3)',
  missing: () => noChromium,
  run: (program, given) =>
    runInBrowser({ isolated: true, threads: true, relaxed: true }, program, given, async (site, _, input) => {
      const packed = await packExtension(program, { ...input, site: site.url });
      const load = [`--disable-extensions-except=${packed.folder}`, `--load-extension=${packed.folder}`];
      const options = { executablePath: chromiumBinary ?? '', args: [...chromiumArgs, ...load], channel: 'chromium' };
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
