/** Serves what a consumer built, isolated across origins, so that there can be threads, with a model beside it. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { contentTypes, isolation, policy } from '../browser.js';
import { root } from './packed.js';

/** The model that every consumer loads; its address is /model. */
export const model = join(root, 'test/fixtures/bert-tiny');

export interface Site {
  readonly url: string;
  close(): void;
}

/** Starts on a free port. */
export async function openSite(folder: string): Promise<Site> {
  // Each page brings its own policy in a <meta>, as strict as this one, which workers get: theirs comes with their file.
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = path.startsWith('/model/') ? join(model, path.slice('/model/'.length)) : join(folder, path === '/' ? 'index.html' : path);
    const body = await readFile(file).catch(() => undefined);
    const type = contentTypes[extname(file)] ?? 'application/octet-stream';
    response.writeHead(body === undefined ? 404 : 200, { ...isolation, ...(type !== 'text/html' && policy), 'content-type': type });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
