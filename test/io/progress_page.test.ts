/** The same in Chromium: a page loads a model from a server that compresses it. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../dist/io/progress.js';
import { chromiumArgs, chromiumBinary, contentTypes, noChromium } from '../browser.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const model = 'test/fixtures/bert-tiny';

/** Everything is compressed, and readable from other origins. */
const serve = async (): Promise<Server> => {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    const headers = { 'content-encoding': 'gzip', 'access-control-allow-origin': '*' };
    const file = join(root, path);
    if (path === '/') return void response.writeHead(200, { ...headers, 'content-type': 'text/html' }).end(gzipSync('<!doctype html>'));
    if (!existsSync(file)) return void response.writeHead(404, { 'access-control-allow-origin': '*' }).end();
    const body = gzipSync(readFileSync(file));
    const type = contentTypes[extname(file)] ?? 'application/octet-stream';
    response
      .writeHead(200, { ...headers, 'content-type': type, 'content-length': body.length })
      .end(request.method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return server;
};
const originOf = (server: Server | undefined) => `http://127.0.0.1:${((server as Server).address() as AddressInfo).port}`;

let [own, other]: (Server | undefined)[] = [];
let browser: Browser | undefined;
beforeAll(async () => {
  if (!chromiumBinary) return;
  [own, other] = [await serve(), await serve()];
  browser = await chromium.launch({ executablePath: chromiumBinary, args: chromiumArgs });
});
afterAll(async () => {
  await browser?.close();
  own?.close();
  other?.close();
});

const missing = noChromium && !process.env.HEED_REQUIRE_RUNTIMES;
describe.skipIf(missing)('progress of compressed files in a page', () => {
  it.each(['its own origin', 'another origin'])('ends at exactly 100, by a total that never shrinks: %s', async (where) => {
    const page = (await browser?.newPage()) as Page;
    await page.goto(`${originOf(own)}/`);
    const at = `${originOf(where === 'another origin' ? other : own)}/${model}`;
    // As text: the test's own bundler has its way with imports in functions.
    const events = await page.evaluate<ProgressEvent[]>(`(async () => {
      const { AutoModel } = await import('/dist/bundle/web.js');
      const heard = [];
      const loaded = await AutoModel.from_pretrained(${JSON.stringify(at)}, { worker: false, progress_callback: (event) => heard.push(event) });
      loaded.dispose();
      return heard;
    })()`);
    for (const [file, { length }] of ['config.json', 'model.safetensors'].map(
      (file) => [file, readFileSync(join(root, model, file))] as const,
    )) {
      const all = events.filter((event) => event.status === 'progress').filter((event) => event.file === file);
      expect(all.at(-1)).toMatchObject({ loaded: length, total: length, progress: 100 });
      for (const [i, { total }] of all.entries()) expect(total).toBeGreaterThanOrEqual(all[i - 1]?.total ?? 0);
    }
    const totals = events.filter((event) => event.status === 'progress_total');
    for (const [i, { total }] of totals.entries()) expect(total).toBeGreaterThanOrEqual(totals[i - 1]?.total ?? 0);
    expect(totals.at(-1)?.progress).toBe(100);
    await page.close();
  });
});
