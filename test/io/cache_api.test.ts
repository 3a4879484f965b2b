/** The Cache API, in Chromium: a page that has loaded a model of the hub once needs no net for it, in its worker or on its own thread. */
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumArgs, chromiumBinary, noChromium } from '../browser.js';
import { tinyFiles } from '../models/files.js';
import { runInBrowser } from '../runtimes/browsers.js';
import { root } from '../runtimes/runner.js';
import { FakeHub } from './hub.js';

const files = Object.fromEntries(
  Object.entries(tinyFiles()).map(([name, content]) => [
    name.slice(2),
    typeof content === 'string' ? new TextEncoder().encode(content) : content,
  ]),
);
const hub = await FakeHub.start({ 'org/tiny': { commits: { ['e'.repeat(40)]: files }, refs: { main: 'e'.repeat(40) } } });
afterAll(() => hub.stop());

interface Answer {
  events: string[];
  keys: string[];
  missing: string;
  functions: string;
  right: boolean[];
}

describe.skipIf(noChromium)(`the Cache API${noChromium ? `: ${noChromium}` : ''}`, () => {
  it('gives models without a net, and is checked by HEADs with one', { timeout: 120_000 }, async () => {
    const phases: Record<string, string[]> = { first: [] };
    let phase = 'first';
    hub.fault = ({ method, file }) => {
      if (['/again', '/local', '/gone'].includes(file)) {
        phase = file.slice(1);
        phases[phase] = [];
      } else phases[phase]?.push(method);
      return phase === 'gone' ? { refused: true } : undefined;
    };
    const setting = { isolated: false, threads: false, relaxed: true, strict: false };
    const program = join(root, 'test/io/cache_api_program.ts');
    const { value } = await runInBrowser<Answer>(setting, program, hub.url, async ({ url }) => {
      const browser = await chromium.launch({ executablePath: chromiumBinary ?? '', args: chromiumArgs });
      await (await browser.newPage()).goto(url);
      return () => browser.close();
    });
    expect(value.right).toEqual([true, true, true, true, true]);
    expect(value.events[0]).toBe('initiate');
    expect(value.events.at(-1)).toBe('ready');
    expect(value.keys).toContain('/org/tiny/resolve/main/model.safetensors');
    expect(phases.first?.every((method) => method === 'GET')).toBe(true);
    // What is there is compared; what is missing is asked for again.
    expect(phases.again).toContain('HEAD');
    expect(phases.again?.filter((method) => method === 'GET').length).toBeLessThanOrEqual(4);
    expect(phases.local).toEqual([]);
    expect(value.missing).toBe('NETWORK');
    expect(value.functions).toMatch(/cannot cross.*worker: false/);
  });
});
