/** Firefox, the one that is installed here or that HEED_FIREFOX names, in a page that is isolated across origins. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isInstalled, modulesOf } from '../../../scripts/runtimes.mjs';
import { runInBrowser } from '../browsers.js';
import type { Runner } from '../runner.js';

const binary = [process.env.HEED_FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'].find((path) => path && existsSync(path));

/** The part of puppeteer that is used: it is not among the packages of package.json. */
interface Puppeteer {
  launch(options: object): Promise<{
    newPage(): Promise<{ goto(url: string): Promise<unknown> }>;
    close(): Promise<void>;
  }>;
}

async function loadPuppeteer(): Promise<Puppeteer> {
  const path = createRequire(join(modulesOf('puppeteer'), 'x.js')).resolve('puppeteer-core');
  const loaded: { default: Puppeteer | { default: Puppeteer } } = await import(pathToFileURL(path).href);
  return 'launch' in loaded.default ? loaded.default : loaded.default.default;
}

export const runners: Runner[] = [
  {
    name: 'Firefox',
    missing() {
      if (!binary) return 'there is no Firefox here; install it, or name its binary in HEED_FIREFOX';
      return isInstalled('puppeteer') ? undefined : 'puppeteer-core is not here; `node scripts/runtimes.mjs` installs it';
    },
    run: (program, args) =>
      runInBrowser({ isolated: true, threads: true, relaxed: true }, program, args, async ({ url }) => {
        const puppeteer = await loadPuppeteer();
        const browser = await puppeteer.launch({ browser: 'firefox', executablePath: binary, headless: true });
        await (await browser.newPage()).goto(url);
        return () => browser.close();
      }),
  },
];
