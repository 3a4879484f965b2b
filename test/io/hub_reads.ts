/** For tests of the hub: models at a server of ours, a cache of its own for each test, and files read through it. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect } from 'vitest';
import { createEngine, env } from '../../dist/entry/node.js';
import { environmentOf } from '../../dist/io/env.js';
import { folderFor, type SourceOptions } from '../../dist/io/find.js';
import { hubOf } from '../../dist/io/hub.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { ByteStream, OpenOptions } from '../../dist/runtime/types.js';
import { tinyFiles } from '../models/files.js';
import { FakeHub, type Repo, sha256 } from './hub.js';

export const files = Object.fromEntries(
  Object.entries(tinyFiles()).map(([name, content]) => [
    name.slice(2),
    typeof content === 'string' ? new TextEncoder().encode(content) : content,
  ]),
);
export const weights = files['model.safetensors'] as Uint8Array;
export const old = 'a'.repeat(40);
export const now = 'b'.repeat(40);
export const big = new Uint8Array(3_000_000).map((_, i) => (i * 2654435761) >>> 13);
const repos = (): Record<string, Repo> => ({
  'org/tiny': {
    commits: { [now]: files, [old]: { ...files, 'old.txt': new Uint8Array(3) } },
    refs: { main: now, 'v1.0': old, 'refs/pr/1': old },
  },
  'org/big': {
    commits: {
      [now]: { 'config.json': new Uint8Array(2), 'big.bin': big, 'empty.bin': new Uint8Array(0), 'plain.txt': big.subarray(0, 50_000) },
    },
    refs: { main: now },
  },
  'org/onnx': {
    commits: { [now]: { 'config.json': files['config.json'] as Uint8Array, 'onnx/model.onnx': new Uint8Array(9) } },
    refs: { main: now },
  },
  'org/private': { commits: { [now]: files }, refs: { main: now }, token: 's3cret' },
  'org/gated': { commits: { [now]: files }, refs: { main: now }, token: 's3cret', gated: true },
  'org/before': { commits: {}, refs: {}, renamed: 'org/tiny' },
});

export const temporary = mkdtempSync(join(tmpdir(), 'heed-hub-'));
export const hub = await FakeHub.start(repos());
export const engine = await createEngine({ threads: 1, deterministic: true });
const before = { ...env };
export let cache = '';
let last = 0;
beforeEach(() => {
  cache = join(temporary, `${last++}`);
  Object.assign(hub.repos, repos());
  hub.fault = () => undefined;
  hub.taken();
  delete process.env.HF_TOKEN;
  process.env.HF_HOME = cache;
  process.env.HF_ENDPOINT = hub.url;
  Object.assign(env, { remoteHost: hub.url, cacheDir: join(cache, 'hub') });
});
afterEach(() => {
  const { version: _, backends: __, ...rest } = before;
  Object.assign(env, rest);
});
afterAll(async () => {
  hub.stop();
  await engine.dispose();
  rmSync(temporary, { recursive: true, force: true });
});

/** A runtime's hub by itself, whose settings are its own. */
export const fresh = (settings: object = {}) => {
  const own = environmentOf(nodeRuntime, '0');
  Object.assign(own, { remoteHost: hub.url, cacheDir: join(cache, 'hub') }, settings);
  return hubOf(nodeRuntime, own);
};
export async function bytesOf(stream: ByteStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const buffer = new Uint8Array(100_000);
  try {
    for (let count = -1; count !== 0; pieces.push(buffer.slice(0, count))) count = await stream.read(buffer);
  } finally {
    await stream.close();
  }
  return new Uint8Array(Buffer.concat(pieces));
}
export const read = async (
  model: string,
  file: string,
  { settings, ...options }: SourceOptions & OpenOptions & { settings?: object } = {},
) => bytesOf(await (await folderFor(nodeRuntime, model, options, fresh(settings))).open(file, options));
export const at = (...path: string[]) => join(cache, 'hub', 'models--org--big', ...path);
export const blobs = () => (existsSync(at('blobs')) ? readdirSync(at('blobs')).sort() : []);
export const right = (bytes: Uint8Array) => expect(sha256(bytes)).toBe(sha256(big));
