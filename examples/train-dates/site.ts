/** The page's site: its two scripts, bundled as they are asked for, and heed's own files as they are in the package. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { build, type Plugin } from 'esbuild';

const here = import.meta.dirname;
const dist = join(here, '../../dist');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** With these a page is isolated across origins, and may have threads. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** heed is not bundled again: what a browser loads finds its kernels and threads beside it. */
const heedOfPackage: Plugin = {
  name: 'heed',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^heed(\/|$)/ }, ({ path }) => ({ path: `/dist/bundle/${path.split('/')[1] ?? 'web'}.js`, external: true })),
};

async function bundled(name: string): Promise<Uint8Array> {
  const entryPoints = [join(here, `${name}.ts`)];
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

async function find(path: string): Promise<Uint8Array> {
  const script = /^\/(page|worker)\.js$/.exec(path)?.[1];
  if (script) return bundled(script);
  if (path.startsWith('/dist/')) return readFile(join(dist, path.slice('/dist/'.length)));
  if (path === '/page.css' || path === '/index.html') return readFile(join(here, path));
  throw new Error(`There is no ${path}`);
}

export interface Site {
  readonly url: string;
  close(): void;
}

/** Opens it on a port of this machine; 0 is any that is free. */
export async function openSite(port = 0): Promise<Site> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = normalize(pathname === '/' ? '/index.html' : pathname);
    const body = await find(path).catch((error: Error) => error);
    response.writeHead(body instanceof Error ? 404 : 200, { ...isolation, 'content-type': types[extname(path)] ?? 'text/plain' });
    response.end(body instanceof Error ? body.message : body);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => void server.close().closeAllConnections(),
  };
}
