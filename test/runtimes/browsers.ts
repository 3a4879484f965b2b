/** How a browser's runner is made: a site for the program, and whatever opens its page. */
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleProgram, folders, OPENING, type Outcome } from './runner.js';
import { openSite, SILENCE, type Site } from './site.js';
import type { WebInput } from './web.js';

/** Milliseconds that a browser may take to close. */
const CLOSING = 15_000;

export interface Setting {
  /** Isolated across origins: then there may be threads. */
  isolated: boolean;
  /** A policy that forbids blob: workers, eval, and all that is of another origin. Default true. */
  strict?: boolean;
  threads: boolean;
  relaxed: boolean;
  /** Why a program that hangs is run once more. */
  hangs?: string;
  /** The suite's models run in the page's dedicated worker. */
  hosted?: boolean;
  /** The file that runs the program. */
  main?: string;
}

/** Makes the site, lets `open` open it, and waits for what comes back. `open` returns how to close what it opened. */
export async function runInBrowser<T>(
  setting: Setting,
  program: string,
  args: unknown,
  open: (site: Site, script: string, input: WebInput) => Promise<() => Promise<unknown>>,
): Promise<Outcome<T>> {
  const { isolated, strict = true, threads, relaxed, hosted = false, hangs, main = 'web-main.ts' } = setting;
  const input: WebInput = { threads, relaxed, hosted, folders: Object.keys(folders), args };
  const script = await bundleProgram(main, program, input, { platform: 'browser' });
  // A browser that does not open its page, which happens on busy machines, says nothing of heed: it is started once more.
  for (let again = true; ; again = false) {
    const site = await openSite(script, { isolated, strict });
    const opened = open(site, script, input);
    try {
      const failed = opened.then(() => new Promise<never>(() => {}));
      if (!(await Promise.race([site.begun(OPENING), failed])) && again) continue;
      return { value: await site.result<T>() };
    } catch (error) {
      if (!(again && hangs && error instanceof Error && error.message.startsWith(SILENCE))) throw error;
      console.warn(`${error.message}: ${hangs}. It is run once more.`);
    } finally {
      // Nor does a browser that does not close.
      await Promise.race([opened.then((close) => close()).catch(() => {}), sleep(CLOSING, undefined, { ref: false })]);
      site.close();
    }
  }
}
