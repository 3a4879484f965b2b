/**
 * The site that browsers load the suite from: one bundled module, with the kernels and the worker as the files they are in
 * dist. Its policy is a strict one (no blob: worker, no eval), and it is isolated across origins or not.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { build } from 'esbuild';
import { root } from './runner.js';

const page = '<!doctype html><title>heed</title><link rel="icon" href="data:,"><script type="module" src="/suite/web-main.js"></script>';

/** First folder of a URL -> folder of the repository. */
const folders: Readonly<Record<string, string>> = {
  suite: 'test/runtimes/.cache',
  wasm: 'dist/wasm',
  runtime: 'dist/runtime',
  fixtures: 'test/fixtures',
};

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

const policy = { 'content-security-policy': "default-src 'self'; img-src data:; script-src 'self' 'wasm-unsafe-eval'" };
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** The bundle lies one folder down, as the modules in dist do: `new URL('../wasm/…', import.meta.url)` finds what it means. */
export async function bundleForWeb(): Promise<void> {
  await build({
    ...{ entryPoints: [join(root, 'test/runtimes/web-main.ts')], outfile: join(root, 'test/runtimes/.cache/web-main.js') },
    ...{ bundle: true, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'warning' },
  });
}

/** Starts the site on a free port. */
export async function serve({ isolated }: { isolated: boolean }): Promise<{ url: string; close(): void }> {
  const always = isolated ? { ...policy, ...isolation } : policy;
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    const [, first = '', ...rest] = path.split(/[\\/]/);
    const folder = folders[first];
    const body = first === '' ? page : folder && (await readFile(join(root, folder, ...rest)).catch(() => undefined));
    const type = first === '' ? 'text/html' : (types[extname(path)] ?? 'application/octet-stream');
    response.writeHead(body === undefined ? 404 : 200, { ...always, 'content-type': type });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
