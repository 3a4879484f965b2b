/** How a browser's runner is made: a site for the program, and whatever opens its page. */
import { bundleProgram, folders, type Outcome } from './runner.js';
import { openSite, type Site } from './site.js';
import type { WebInput } from './web.js';

export interface Setting {
  /** Isolated across origins: then there may be threads. */
  isolated: boolean;
  /** A policy that forbids blob: workers, eval, and all that is of another origin. Default true. */
  strict?: boolean;
  threads: boolean;
  relaxed: boolean;
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
  const { isolated, strict = true, threads, relaxed, hosted = false, main = 'web-main.ts' } = setting;
  const input: WebInput = { threads, relaxed, hosted, folders: Object.keys(folders), args };
  const script = await bundleProgram(main, program, input, { platform: 'browser' });
  const site = await openSite(script, { isolated, strict });
  let close: (() => Promise<unknown>) | undefined;
  try {
    close = await open(site, script, input);
    return { value: await site.result<T>() };
  } finally {
    await close?.();
    site.close();
  }
}
