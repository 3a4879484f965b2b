/** The site of an example's page: the page's two scripts, bundled as they are asked for, the files of its folder, and heed's own files as they are in the package. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const shared = import.meta.dirname;
const dist = join(shared, '../../dist');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.gz': 'application/gzip',
};

/** With these a page is isolated across origins, and may have threads. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** heed is not bundled again: what a browser loads finds its kernels and threads beside it. */
const heedOfPackage: Plugin = {
  name: 'heed',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^heed(\/|$)/ }, ({ path }) => ({ path: `/dist/bundle/${path.split('/')[1] ?? 'web'}.js`, external: true })),
};

async function bundled(path: string): Promise<Uint8Array> {
  const entryPoints = [path];
  const { outputFiles } = await build({
    entryPoints,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    plugins: [heedOfPackage],
  });
  return (outputFiles[0] as { contents: Uint8Array }).contents;
}

async function find(folder: string, path: string): Promise<Uint8Array> {
  const script = /^\/(page|worker)\.js$/.exec(path)?.[1];
  if (script) return bundled(join(folder, `${script}.ts`));
  // A URL has no dots that lead upwards any more.
  if (path.startsWith('/dist/')) return readFile(join(dist, path.slice('/dist/'.length)));
  if (path === '/page.css') return readFile(join(shared, path));
  if (/^\/[\w-]+\.(html|css|csv\.gz)$/.test(path)) return readFile(join(folder, path));
  throw new Error(`There is no ${path}`);
}

export interface Site {
  readonly url: string;
  close(): void;
}

/** Serves the page of an example's folder on a port of this machine; 0 is any that is free. */
export async function openSite(folder: string, port = 0): Promise<Site> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname === '/' ? '/index.html' : pathname;
    const body = await find(folder, path).catch((error: Error) => error);
    response.writeHead(body instanceof Error ? 404 : 200, { ...isolation, 'content-type': types[extname(path)] ?? 'text/plain' });
    response.end(body instanceof Error ? body.message : body);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => void server.close().closeAllConnections(),
  };
}
