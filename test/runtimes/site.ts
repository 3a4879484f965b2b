/**
 * The site that browsers, and workerd, load programs and files from: one bundled module, with the kernels and the workers as the files that they are
 * in dist. It has a strict policy (no blob: worker, no eval) or none, and is isolated across origins or not. What a program returns comes back as
 * a POST, so that every browser can be asked in the same way, by whatever opens the page.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, extname, join, normalize } from 'node:path';
import { text } from 'node:stream/consumers';
import { contentTypes, isolation, policy } from '../browser.js';
import { folders, PATIENCE, root } from './runner.js';

/** First folder of a URL -> folder of the disk. */
const served: Readonly<Record<string, string>> = {
  ...{ wasm: join(root, 'dist/wasm'), runtime: join(root, 'dist/runtime'), peers: join(root, 'bench/node_modules') },
  ...folders,
};

/** What the page's script could not tell: that it did not load, or failed before its first line. */
const complain = `
const tell = (failure) => fetch('/results', { method: 'POST', body: JSON.stringify({ failure }) });
addEventListener('error', (event) => tell(event.message || 'a script did not load'), true);
addEventListener('securitypolicyviolation', (event) => tell(event.violatedDirective + ' forbids ' + event.blockedURI));
`;

/** How a failure begins of which nothing else is known. */
export const SILENCE = 'nothing came back';

export interface Site {
  readonly url: string;
  /** Whether the page's script was asked for, or told something, within `milliseconds`. */
  begun(milliseconds: number): Promise<boolean>;
  /** What the program returned, or why it did not. */
  result<T>(): Promise<T>;
  close(): void;
}

/** Starts the site on a free port. Its page is `script`, a file, which is served from /suite. */
export async function openSite(script: string, { isolated, strict }: { isolated: boolean; strict: boolean }): Promise<Site> {
  const always = { ...(isolated && isolation), ...(strict && policy) };
  let settle: (body: { value?: unknown; failure?: string }) => void = () => {};
  const settled = new Promise<{ value?: unknown; failure?: string }>((resolve) => {
    settle = resolve;
  });
  let begin: (asked: boolean) => void = () => {};
  const begun = new Promise<boolean>((resolve) => {
    begin = resolve;
  });
  let at: string | undefined;
  const pages: Readonly<Record<string, string>> = {
    '/': `<!doctype html><title>heed</title><link rel="icon" href="data:,"><script src="/complain.js"></script><script type="module" src="/suite/${basename(script)}"></script>`,
    '/complain.js': complain,
  };

  async function answer(request: IncomingMessage): Promise<{ body: string | Uint8Array; type: string } | undefined> {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    // An extension brings its script along: the first that is heard of it is what it tells.
    if (request.method === 'POST') begin(true);
    if (request.method === 'POST' && path === '/results') {
      settle(JSON.parse(await text(request)));
      return { body: '', type: 'text/plain' };
    }
    if (request.method === 'POST' && path === '/at') {
      at = await text(request);
      return { body: '', type: 'text/plain' };
    }
    const page = pages[path];
    if (page !== undefined) return { body: page, type: contentTypes[extname(path)] ?? 'text/html' };
    const [, first = '', ...rest] = path.split(/[\\/]/);
    const folder = first === 'suite' ? dirname(script) : served[first];
    if (!folder) return undefined;
    if (first === 'suite') begin(true);
    return { body: await readFile(join(folder, ...rest)), type: contentTypes[extname(path)] ?? 'application/octet-stream' };
  }

  const server = createServer(async (request, response) => {
    const found = await answer(request).catch(() => undefined);
    response.writeHead(found ? 200 : 404, {
      ...always,
      'content-type': found?.type ?? 'text/plain',
      // A service worker may serve all of the site, though its file lies in a folder; an extension may report here.
      ...{ 'service-worker-allowed': '/', 'access-control-allow-origin': '*' },
    });
    response.end(found?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<{ failure: string }>((resolve) => {
    const give = () => resolve({ failure: `${SILENCE} within ${PATIENCE / 1000} s${at ? `; it was at: ${at}` : ''}` });
    timer = setTimeout(give, PATIENCE);
  });
  return {
    url: `http://127.0.0.1:${port}/`,
    async begun(milliseconds) {
      const given = setTimeout(() => begin(false), milliseconds);
      return begun.finally(() => clearTimeout(given));
    },
    async result<T>() {
      const { value, failure } = (await Promise.race([settled, late])) as { value?: T; failure?: string };
      if (failure !== undefined) throw new Error(failure);
      return value as T;
    },
    close() {
      clearTimeout(timer);
      server.close();
      server.closeAllConnections();
    },
  };
}
