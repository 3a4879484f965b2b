/** A cache of the user's own, as the Cache API is one: what it is asked, what it gets, and that its failures are nobody's. */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { environmentOf } from '../../dist/io/env.js';
import { folderFor, type SourceOptions } from '../../dist/io/find.js';
import { hubOf } from '../../dist/io/hub.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { OpenOptions } from '../../dist/runtime/types.js';
import { FakeHub } from './hub.js';
import { failureOf } from './memory.js';

const commit = 'd'.repeat(40);
const big = new Uint8Array(300_000).map((_, i) => (i * 2654435761) >>> 13);
const hub = await FakeHub.start({
  'org/m': { commits: { [commit]: { 'config.json': new TextEncoder().encode('{}'), 'big.bin': big } }, refs: { main: commit } },
});
afterAll(() => hub.stop());
afterEach(() => {
  hub.fault = () => undefined;
  hub.taken();
});

/** A cache in memory, with what goes wrong. */
function cacheOf({ put }: { put?: () => Promise<void> } = {}) {
  const kept = new Map<string, { bytes: ArrayBuffer; headers: [string, string][] }>();
  return {
    kept,
    files: () => [...kept.keys()].map((key) => key.replace(hub.url, '')),
    match: async (key: string) => {
      const hit = kept.get(key);
      return hit && new Response(hit.bytes, { headers: hit.headers });
    },
    put: async (key: string, response: Response) => {
      const bytes = await response.arrayBuffer();
      await put?.();
      kept.set(key, { bytes, headers: [...response.headers] });
    },
  };
}

const folder = async (model: string, customCache: object, options: SourceOptions & { settings?: object } = {}) => {
  const env = environmentOf(nodeRuntime, '0');
  Object.assign(env, { remoteHost: hub.url, useCustomCache: true, customCache, logLevel: 50, ...options.settings });
  return folderFor(nodeRuntime, model, options, hubOf(nodeRuntime, env));
};
const read = async (from: ReturnType<typeof folder>, file: string, options?: OpenOptions): Promise<number> => {
  const stream = await (await from).open(file, options);
  let length = 0;
  const buffer = new Uint8Array(10_000);
  for (let count = -1; count !== 0; length += count) count = await stream.read(buffer);
  await stream.close();
  return length;
};

describe('a cache by addresses', () => {
  it('keeps files under transformers.js’s keys, and gives them without a net', async () => {
    const cache = cacheOf();
    const loaded: (number | undefined)[] = [];
    expect(await read(folder('org/m', cache), 'big.bin', { onFetch: (bytes, total) => loaded.push(bytes, total) })).toBe(big.length);
    expect(cache.files()).toEqual(['/org/m/resolve/main/big.bin']);
    expect(loaded.slice(-2)).toEqual([big.length, big.length]);
    hub.taken();
    expect(await read(folder('org/m', cache, { local_files_only: true }), 'big.bin')).toBe(big.length);
    expect(hub.taken()).toEqual([]);
    hub.fault = () => ({ silent: false, status: 503 });
    expect(await read(folder('org/m', cache), 'big.bin')).toBe(big.length);
    expect(
      await read(
        folder('org/m', cache, { settings: { remoteHost: hub.url, fetch: () => Promise.reject(new Error('no net')) } }),
        'big.bin',
      ),
    ).toBe(big.length);
  });

  it('knows what is missing without a net', async () => {
    const cache = cacheOf();
    expect((await failureOf(() => read(folder('org/m', cache), 'none.json'))).code).toBe('NOT_FOUND');
    const offline = { settings: { fetch: () => Promise.reject(new Error('no net')) } };
    expect((await failureOf(() => read(folder('org/m', cache, offline), 'none.json'))).code).toBe('NOT_FOUND');
    expect((await failureOf(() => read(folder('org/m', cache, offline), 'other.json'))).code).toBe('NETWORK');
  });

  it('has what the server has: one HEAD tells', async () => {
    const cache = cacheOf();
    await read(folder('org/m', cache), 'config.json');
    hub.taken();
    expect(await read(folder('org/m', cache), 'config.json')).toBe(2);
    expect(hub.taken()).toEqual(['HEAD config.json']);
    (hub.repos['org/m'] as (typeof hub.repos)[string]).commits[commit] = {
      'config.json': new TextEncoder().encode('{"a":1}'),
      'big.bin': big,
    };
    expect(await read(folder('org/m', cache), 'config.json')).toBe(7);
    expect(hub.taken()).toEqual(['HEAD config.json', 'GET config.json']);
    await read(folder(`org/m@${commit}`, cache), 'config.json');
    hub.taken();
    await read(folder(`org/m@${commit}`, cache), 'config.json');
    expect(hub.taken(), 'a commit stays').toEqual([]);
  });

  it('does not keep what is not whole', async () => {
    const cache = cacheOf();
    hub.fault = ({ host }) => (host === 'cdn' ? { cut: 100_000 } : undefined);
    await failureOf(() => read(folder('org/m', cache), 'big.bin'));
    expect(cache.files()).toEqual([]);
    hub.fault = () => undefined;
    expect(await read(folder('org/m', cache), 'big.bin')).toBe(big.length);
  });

  it('counts: a body may end early and nobody say so', async () => {
    const cache = cacheOf();
    const fetch = async () => new Response(new Uint8Array(5), { headers: { 'content-length': '9' } });
    const error = await failureOf(() => read(folder('org/m', cache, { settings: { fetch } }), 'big.bin'));
    expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringContaining('ended after 5 of 9 bytes') });
    expect(cache.files()).toEqual([]);
  });

  it.each<[string, () => Promise<void>]>([
    ['is full', () => Promise.reject(new DOMException('no room', 'QuotaExceededError'))],
    ['fails', () => Promise.reject(new Error('broken'))],
  ])('that %s is gone on without', async (_, put) => {
    const cache = cacheOf({ put });
    expect(await read(folder('org/m', cache), 'big.bin')).toBe(big.length);
    expect(cache.files()).toEqual([]);
  });

  it('fetches one file once for all that ask at the same time', async () => {
    const cache = cacheOf();
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 1 } : undefined);
    const all = [0, 1, 2].map(() => read(folder(`org/m@${commit}`, cache), 'big.bin'));
    expect(await Promise.all(all)).toEqual([big.length, big.length, big.length]);
    expect(hub.taken('cdn')).toEqual(['GET big.bin']);
  });

  it('leaves nothing of a load that was aborted, which rejects with the reason', async () => {
    const cache = cacheOf();
    const reason = new Error('enough');
    const controller = new AbortController();
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 5 } : undefined);
    const onFetch = () => controller.abort(reason);
    await expect(read(folder('org/m', cache), 'big.bin', { signal: controller.signal, onFetch })).rejects.toBe(reason);
    expect(cache.files()).toEqual([]);
  });

  it('keeps files of other addresses as well', async () => {
    const cache = cacheOf();
    const url = `${hub.url}/org/m/resolve/${commit}`;
    expect(await read(folder(url, cache), 'config.json')).toBe(7);
    expect(cache.files()).toEqual([`/org/m/resolve/${commit}/config.json`]);
  });

  it('may give paths of files', async () => {
    const match = async () => new URL(import.meta.url).pathname;
    expect(await read(folder(`org/m@${commit}`, { match, put: async () => {} }), 'config.json')).toBeGreaterThan(1000);
  });

  it('must be there, where it is asked for', async () => {
    expect(await failureOf(() => folder('org/m', {}, { settings: { customCache: null } }))).toMatchObject({
      code: 'ARGUMENT',
      culprit: 'customCache',
    });
  });
});

it('reads what it has as it comes: a buffer of ours may never be filled from a cache', async () => {
  const cache = cacheOf();
  const match = async (key: string) => {
    const hit = await cache.match(key);
    const body = hit?.body;
    if (!body) return hit;
    const { getReader } = body;
    body.getReader = ((options?: { mode?: 'byob' }) => {
      if (options?.mode === 'byob') return { read: () => new Promise(() => {}), cancel: async () => {} };
      return getReader.call(body);
    }) as typeof getReader;
    return hit;
  };
  expect(await read(folder('org/m', { ...cache, match }), 'big.bin')).toBe(big.length);
});
