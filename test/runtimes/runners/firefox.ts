/** Firefox, the one that is installed here or that HEED_FIREFOX names, in a page that is isolated across origins. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
    process(): { kill(signal: string): boolean } | null;
  }>;
}

async function loadPuppeteer(): Promise<Puppeteer> {
  const path = createRequire(join(modulesOf('puppeteer'), 'x.js')).resolve('puppeteer-core');
  const loaded: { default: Puppeteer | { default: Puppeteer } } = await import(pathToFileURL(path).href);
  return 'launch' in loaded.default ? loaded.default : loaded.default.default;
}

/** Seen with Firefox 153: once in some thousand engines that start while another worker ends, the constructor of a thread, a worker within a worker, does not return. */
const hangs = "Firefox's `new Worker` within a worker sometimes never returns";

export const runners: Runner[] = [
  {
    name: 'Firefox',
    missing() {
      if (!binary) return 'there is no Firefox here; install it, or name its binary in HEED_FIREFOX';
      return isInstalled('puppeteer') ? undefined : 'puppeteer-core is not here; `node scripts/runtimes.mjs` installs it';
    },
    run: (program, args) =>
      runInBrowser({ isolated: true, threads: true, relaxed: true, hangs }, program, args, async ({ url }) => {
        const puppeteer = await loadPuppeteer();
        const browser = await puppeteer.launch({ browser: 'firefox', executablePath: binary, headless: true });
        await (await browser.newPage()).goto(url);
        return async () => {
          const closed = browser.close();
          await Promise.race([closed, sleep(10_000, undefined, { ref: false })]);
          browser.process()?.kill('SIGKILL');
        };
      }),
  },
];
