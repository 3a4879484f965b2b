/** What a progress_callback hears of files whose size a server does not tell, or tells of their compressed form. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentOf } from '../../dist/io/env.js';
import { folderFor } from '../../dist/io/find.js';
import { hubOf } from '../../dist/io/hub.js';
import { observed, type ProgressEvent } from '../../dist/io/progress.js';
import { nodeRuntime } from '../../dist/runtime/node.js';

/** As compressible as weights are: a little. */
const big = new Uint8Array(3_000_000).map((_, i) => ((i * 2654435761) >>> 13) & (i % 3 ? 255 : 15));
/** Its compressed form is longer than itself. */
const small = new TextEncoder().encode('{"a":1}');
const files: Record<string, Uint8Array> = { 'model.safetensors': big, 'config.json': small };

/** How a server sends a file: compressed, and whether it says how long that is. */
const ways = { plain: [false, true], gzip: [true, true], 'gzip in chunks': [true, false], 'in chunks': [false, false] } as const;

let server: Server;
let way: readonly [zipped: boolean, told: boolean] = ways.plain;
beforeAll(async () => {
  server = createServer((request, response) => {
    const file = files[request.url?.split('/').at(-1) ?? ''];
    if (!file) return void response.writeHead(404).end();
    const [zipped, told] = way;
    const body = zipped ? gzipSync(file) : file;
    response.writeHead(200, { ...(zipped && { 'content-encoding': 'gzip' }), ...(told && { 'content-length': body.length }) });
    if (request.method === 'HEAD') return void response.end();
    for (let at = 0; at < body.length; at += 100_000) response.write(body.subarray(at, at + 100_000));
    response.end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());

/** A cache in memory, by which files are fetched as a whole as in a page. */
function memoryCache() {
  const kept = new Map<string, ArrayBuffer>();
  return {
    match: async (key: string) => kept.has(key) && new Response(kept.get(key)),
    put: async (key: string, response: Response) => void kept.set(key, await response.arrayBuffer()),
  };
}

async function heard(names: readonly string[]): Promise<ProgressEvent[]> {
  const env = environmentOf(nodeRuntime, '0');
  const remoteHost = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(env, { remoteHost, useCustomCache: true, customCache: memoryCache(), logLevel: 50 });
  const events: ProgressEvent[] = [];
  const folder = observed(await folderFor(nodeRuntime, 'org/m', {}, hubOf(nodeRuntime, env)), (event) => events.push(event));
  for (const name of names) {
    const stream = await folder.open(name);
    const buffer = new Uint8Array(100_000);
    while (await stream.read(buffer));
    await stream.close();
  }
  return events;
}

describe('progress_callback', () => {
  it.each(Object.keys(ways) as (keyof typeof ways)[])('counts to exactly 100, by a total that never shrinks: %s', async (name) => {
    way = ways[name];
    const events = await heard(['model.safetensors', 'config.json']);
    for (const [file, { length }] of Object.entries(files)) {
      const own = events.filter((event) => event.status === 'progress').filter((event) => event.file === file);
      expect(own.at(-1)).toMatchObject({ loaded: length, total: length, progress: 100 });
      for (const [i, { progress, total }] of own.entries()) {
        if (i < own.length - 1) expect(progress).toBeLessThan(100);
        expect(total).toBeGreaterThanOrEqual(own[i - 1]?.total ?? 0);
      }
    }
    const all = events.filter((event) => event.status === 'progress_total');
    for (const [i, { total, loaded }] of all.entries()) {
      expect(total).toBeGreaterThanOrEqual(all[i - 1]?.total ?? 0);
      expect(loaded).toBeGreaterThanOrEqual(all[i - 1]?.loaded ?? 0);
    }
    expect(all.at(-1)?.progress).toBe(100);
    expect(events.filter(({ status }) => status === 'done')).toHaveLength(2);
  });
});
