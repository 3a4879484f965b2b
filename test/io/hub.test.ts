/** The hub, as a server of ours speaks it, with all that can go wrong on the way; and what is left on the disk, which is never a wrong file. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AutoModel, AutoTokenizer, createEngine, env, pipeline } from '../../dist/entry/node.js';
import { readHeaders } from '../../dist/io/checkpoint.js';
import { environmentOf } from '../../dist/io/env.js';
import { folderFor, type SourceOptions } from '../../dist/io/find.js';
import { hubOf } from '../../dist/io/hub.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { ByteStream, OpenOptions } from '../../dist/runtime/types.js';
import { tinyFiles, tinyPath } from '../models/files.js';
import { FakeHub, gitHash, type Repo, sha256 } from './hub.js';
import { failureOf } from './memory.js';

const run = promisify(execFile);
const files = Object.fromEntries(
  Object.entries(tinyFiles()).map(([name, content]) => [
    name.slice(2),
    typeof content === 'string' ? new TextEncoder().encode(content) : content,
  ]),
);
const weights = files['model.safetensors'] as Uint8Array;
const old = 'a'.repeat(40);
const now = 'b'.repeat(40);
const big = new Uint8Array(3_000_000).map((_, i) => (i * 2654435761) >>> 13);
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

const temporary = mkdtempSync(join(tmpdir(), 'heed-hub-'));
const hub = await FakeHub.start(repos());
const engine = await createEngine({ threads: 1, deterministic: true });
const before = { ...env };
let cache = '';
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
const fresh = (settings: object = {}) => {
  const own = environmentOf(nodeRuntime, '0');
  Object.assign(own, { remoteHost: hub.url, cacheDir: join(cache, 'hub') }, settings);
  return hubOf(nodeRuntime, own);
};
async function bytesOf(stream: ByteStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const buffer = new Uint8Array(100_000);
  try {
    for (let count = -1; count !== 0; pieces.push(buffer.slice(0, count))) count = await stream.read(buffer);
  } finally {
    await stream.close();
  }
  return new Uint8Array(Buffer.concat(pieces));
}
const read = async (model: string, file: string, { settings, ...options }: SourceOptions & OpenOptions & { settings?: object } = {}) =>
  bytesOf(await (await folderFor(nodeRuntime, model, options, fresh(settings))).open(file, options));
const at = (...path: string[]) => join(cache, 'hub', 'models--org--big', ...path);
const blobs = () => (existsSync(at('blobs')) ? readdirSync(at('blobs')).sort() : []);
const right = (bytes: Uint8Array) => expect(sha256(bytes)).toBe(sha256(big));

describe('a hub’s model', () => {
  it('answers as one of a folder does, and the second time asks for nothing but the commit', async () => {
    const [here, there] = await Promise.all([tinyPath, 'org/tiny'].map((model) => pipeline('feature-extraction', model, { engine })));
    const answers = await Promise.all([here, there].map((extract) => extract?.(['a cat', 'two dogs'], { pooling: 'mean' })));
    expect(answers[0]).toEqual(answers[1]);
    here?.dispose();
    hub.taken();
    const again = await pipeline('feature-extraction', 'org/tiny', { engine });
    expect(hub.taken()).toEqual(['HEAD config.json']);
    const tokenizer = await AutoTokenizer.from_pretrained('org/tiny@main');
    expect(tokenizer.encode('a cat')).toEqual((await AutoTokenizer.from_pretrained(tinyPath)).encode('a cat'));
    again.dispose();
    there?.dispose();
  });

  it('lies on the disk as Hugging Face’s own libraries have it', async () => {
    right(await read('org/big', 'big.bin'));
    await read('org/big', 'plain.txt');
    await failureOf(() => read('org/big', 'none.json'));
    expect(blobs()).toEqual([sha256(big), gitHash(big.subarray(0, 50_000))].sort());
    expect(readlinkSync(at('snapshots', now, 'big.bin'))).toBe(`../../blobs/${sha256(big)}`);
    expect(readFileSync(at('refs', 'main'), 'utf8')).toBe(now);
    expect(existsSync(at('.no_exist', now, 'none.json'))).toBe(true);
    hub.taken();
    await failureOf(() => read('org/big', 'none.json', { revision: now }));
    expect(hub.taken(), 'what is known to be missing').toEqual([]);
  });

  it('has revisions: branches, tags, commits, requests', async () => {
    for (const [model, options] of [
      ['org/tiny@v1.0', {}],
      ['org/tiny', { revision: 'v1.0' }],
      ['org/tiny@refs/pr/1', {}],
      [`org/tiny@${old}`, {}],
      ['org/tiny@v1.0', { revision: 'v1.0' }],
    ] as const)
      expect((await read(model, 'old.txt', options)).length).toBe(3);
    expect(await failureOf(() => read('org/tiny', 'old.txt'))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await failureOf(() => read('org/tiny@v1.0', 'old.txt', { revision: 'main' }))).toMatchObject({
      code: 'ARGUMENT',
      culprit: 'revision',
    });
    for (const revision of ['../x', 'a//b', '.', 'a b', ''])
      expect(await failureOf(() => read('org/tiny', 'x', { revision }))).toMatchObject({ code: 'ARGUMENT' });
  });

  it('is followed where its branch goes, with all of its files of one commit', async () => {
    const folder = await folderFor(nodeRuntime, 'org/tiny', {}, fresh());
    await bytesOf(await folder.open('config.json'));
    const tiny = hub.repos['org/tiny'] as Repo;
    const next = 'c'.repeat(40);
    tiny.commits[next] = { ...files, 'config.json': new TextEncoder().encode('{"new": 1}') };
    tiny.refs.main = next;
    expect((await bytesOf(await folder.open('tokenizer.json'))).length).toBe(files['tokenizer.json']?.length);
    expect(existsSync(join(cache, 'hub/models--org--tiny/snapshots', now, 'tokenizer.json'))).toBe(true);
    expect(new TextDecoder().decode(await read('org/tiny', 'config.json'))).toBe('{"new": 1}');
  });

  it('may have been renamed, and have its files in a folder inside', async () => {
    expect(await read('org/before', 'config.json')).toEqual(files['config.json']);
    expect(await read('org/tiny', 'config.json', { subfolder: '1_Pooling' })).toEqual(files['1_Pooling/config.json']);
  });

  it('is what the name means only where there is no such folder', async () => {
    const folder = join(temporary, 'beside');
    mkdirSync(join(folder, 'org', 'tiny'), { recursive: true });
    writeFileSync(join(folder, 'org', 'tiny', 'config.json'), 'here');
    const cwd = process.cwd();
    expect(new TextDecoder().decode(await read('org/tiny', 'config.json', { settings: { localModelPath: folder } }))).toBe('here');
    expect(hub.taken()).toEqual([]);
    expect(
      (await read('org/tiny', 'config.json', { settings: { localModelPath: folder, allowLocalModels: false } })).length,
    ).toBeGreaterThan(9);
    expect(process.cwd()).toBe(cwd);
  });

  it('with weights for others alone says so', async () => {
    expect(await failureOf(() => AutoModel.from_pretrained('org/onnx', { engine }))).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/org\/onnx has its weights for ONNX only \("onnx\/model.onnx"\)/),
    });
    hub.taken();
    await failureOf(() => AutoModel.from_pretrained('org/onnx', { engine }));
    expect(hub.taken()).toEqual(['HEAD config.json', `/api/models/org/onnx/revision/${now}`].map((path, i) => (i ? `GET ${path}` : path)));
  });

  it('gives its headers for little', async () => {
    const { tensors, bytes } = await readHeaders(await folderFor(nodeRuntime, 'org/tiny', {}, fresh()));
    expect([tensors.length > 9, bytes]).toEqual([true, weights.length]);
    expect(hub.taken('cdn')).toEqual(['GET model.safetensors bytes=0-65535']);
    expect(existsSync(join(cache, 'hub/models--org--tiny/blobs'))).toBe(false);
  });
});

describe('a download', () => {
  it('that breaks off goes on where it was, on its own', async () => {
    hub.fault = ({ host, turn }) => (host === 'cdn' && turn < 3 ? { cut: 700_000 } : undefined);
    right(await read('org/big', 'big.bin'));
    const [first, second] = hub.taken('cdn');
    expect(first).toBe('GET big.bin');
    expect(second).toMatch(/^GET big.bin bytes=[1-9]\d+-$/);
    expect(blobs()).toEqual([sha256(big)]);
  });

  it('that never ends well leaves what it has, and the next goes on from there', async () => {
    hub.fault = ({ host, turn }) => (host === 'cdn' ? (turn === 0 ? { cut: 2_000_000 } : { status: 404 }) : undefined);
    expect(await failureOf(() => read('org/big', 'big.bin'))).toMatchObject({ code: 'NOT_FOUND' });
    expect(blobs()).toEqual([`${sha256(big)}.incomplete`]);
    const had = lstatSync(at('blobs', `${sha256(big)}.incomplete`)).size;
    expect(had).toBeGreaterThan(1_000_000);
    hub.fault = () => undefined;
    hub.taken();
    right(await read('org/big', 'big.bin'));
    expect(hub.taken('cdn')).toEqual([`GET big.bin bytes=${had}-`]);
    expect(blobs()).toEqual([sha256(big)]);
  });

  it('whose server says nothing any more goes on by another connection', async () => {
    process.env.HF_HUB_DOWNLOAD_TIMEOUT = '0.2';
    hub.fault = ({ host, turn }) => (host === 'cdn' && turn === 0 ? { stall: 1_000_000 } : undefined);
    right(await read('org/big', 'big.bin'));
    delete process.env.HF_HUB_DOWNLOAD_TIMEOUT;
    expect(hub.taken('cdn')).toEqual(['GET big.bin', 'GET big.bin bytes=1000000-']);
  });

  it('begins anew where the server cannot go on', async () => {
    hub.fault = ({ host, turn }) => (host === 'cdn' ? { noRange: true, ...(turn === 0 && { cut: 1_000_000 }) } : undefined);
    right(await read('org/big', 'big.bin'));
  });

  it.each<[string, Uint8Array]>([
    ['torn', big.slice(0, 1_000_000).fill(1, 500_000)],
    ['too long', new Uint8Array(big.length + 5)],
    ['as long, and wrong', big.slice().fill(0, 9)],
    ['a dead process’s', big.slice(0, 2_000_000)],
  ])('throws away what was there before and is %s', async (kind, partial) => {
    mkdirSync(at('blobs'), { recursive: true });
    writeFileSync(at('blobs', `${sha256(big)}.incomplete`), partial);
    right(await read('org/big', 'big.bin'));
    expect(blobs()).toEqual([sha256(big)]);
    if (kind.startsWith('a dead')) expect(hub.taken('cdn')).toEqual(['GET big.bin bytes=2000000-']);
  });

  it.each<[string, 'cdn' | 'hub', string, object, RegExp]>([
    ['other bytes', 'cdn', 'big.bin', { body: big.slice().fill(7, 2_000_000, 2_000_001) }, /its checksum is [\da-f]{64}, and the hub says/],
    ['other bytes of a small file', 'hub', 'plain.txt', { body: new Uint8Array(50_000) }, /its checksum is [\da-f]{40}/],
    ['too much', 'cdn', 'big.bin', { body: new Uint8Array([...big, 1]) }, /it has 3000001 bytes, and the hub says 3000000/],
    ['too little, each time', 'cdn', 'big.bin', { body: big.slice(0, -9) }, /ended after 2999991 of 3000000 bytes|no such/],
  ])('is refused, and nothing of it kept as the file: %s', async (_, host, file, fault, message) => {
    hub.fault = (asked) => (asked.host === host && asked.file === file && asked.method === 'GET' ? fault : undefined);
    const error = await failureOf(() => read('org/big', file));
    expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringMatching(message) });
    expect(blobs().filter((name) => !name.endsWith('.incomplete'))).toEqual([]);
    expect(existsSync(at('snapshots', now, file))).toBe(false);
    hub.fault = () => undefined;
    expect((await read('org/big', file)).length).toBe(file === 'big.bin' ? big.length : 50_000);
  });

  it('mends a blob of another size than the hub says', async () => {
    await read('org/big', 'big.bin');
    rmSync(at('snapshots'), { recursive: true });
    truncateSync(at('blobs', sha256(big)), 5);
    right(await read('org/big', 'big.bin'));
  });

  it('is one for all that want the file at once, each with a signal of its own', async () => {
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 1 } : undefined);
    const controller = new AbortController();
    const loaded: number[] = [];
    const onFetch = (bytes: number) => loaded.push(bytes);
    const all = [
      read('org/big', 'big.bin', { signal: controller.signal }),
      ...Array.from({ length: 4 }, () => read('org/big', 'big.bin', { onFetch })),
    ];
    setTimeout(() => controller.abort(new Error('enough')), 100);
    const [first, ...others] = await Promise.allSettled(all);
    expect(first).toMatchObject({ status: 'rejected', reason: controller.signal.reason });
    for (const other of others) right((other as PromiseFulfilledResult<Uint8Array>).value);
    expect(hub.taken('cdn')).toEqual(['GET big.bin']);
    expect(loaded).toContain(big.length);
  });

  it('ends when the last who wants it gives up, with the reason, and stays to be gone on with', async () => {
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 5 } : undefined);
    const controller = new AbortController();
    const reason = new Error('enough');
    const onFetch = (loaded: number) => loaded > 100_000 && controller.abort(reason);
    const broken = hub.broken;
    await expect(read('org/big', 'big.bin', { signal: controller.signal, onFetch })).rejects.toBe(reason);
    await expect.poll(() => hub.broken).toBe(broken + 1);
    expect(blobs()).toEqual([`${sha256(big)}.incomplete`]);
    hub.fault = () => undefined;
    hub.taken();
    right(await read('org/big', 'big.bin'));
    expect(hub.taken('cdn')[0]).toMatch(/bytes=\d{6}/);
    await expect(read('org/big', 'empty.bin', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('does no harm to one of another process', async () => {
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 1 } : undefined);
    const program = `
      import { pipeline } from ${JSON.stringify(new URL('../../dist/entry/node.js', import.meta.url).href)};
      const extract = await pipeline('feature-extraction', 'org/tiny', { engine: { threads: 1 } });
      console.log((await extract('a cat', { pooling: 'mean' })).dims.join());`;
    const variables = { ...process.env, HF_HOME: cache, HF_ENDPOINT: hub.url };
    const others = Array.from({ length: 4 }, () => run(process.execPath, ['--input-type=module', '-e', program], { env: variables }));
    expect((await Promise.all(others)).map(({ stdout }) => stdout.trim())).toEqual(Array(4).fill('1,32'));
    const kept = readdirSync(join(cache, 'hub/models--org--tiny/blobs'));
    expect(kept).toContain(sha256(weights));
    expect(kept.filter((name) => name.includes('incomplete'))).toEqual([]);
  });

  it('goes on where a killed process was', async () => {
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 20 } : undefined);
    const program = `
      import { AutoModel } from ${JSON.stringify(new URL('../../dist/entry/node.js', import.meta.url).href)};
      const { folderFor } = await import(${JSON.stringify(new URL('../../dist/io/find.js', import.meta.url).href)});
      const { hubOf } = await import(${JSON.stringify(new URL('../../dist/io/hub.js', import.meta.url).href)});
      const { environmentOf } = await import(${JSON.stringify(new URL('../../dist/io/env.js', import.meta.url).href)});
      const { nodeRuntime } = await import(${JSON.stringify(new URL('../../dist/runtime/node.js', import.meta.url).href)});
      const folder = await folderFor(nodeRuntime, 'org/big', {}, hubOf(nodeRuntime, environmentOf(nodeRuntime, '0')));
      await folder.open('big.bin', { onFetch: (loaded) => loaded > 200000 && process.kill(process.pid, 'SIGKILL') });`;
    await run(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, HF_HOME: cache, HF_ENDPOINT: hub.url },
    }).catch(() => {});
    expect(blobs()).toEqual([expect.stringMatching(/^[\da-f]{64}\.[\da-f]{6}-\d+-\d+\.incomplete$/)]);
    hub.fault = () => undefined;
    hub.taken();
    right(await read('org/big', 'big.bin'));
    expect(hub.taken('cdn')[0]).toMatch(/^GET big.bin bytes=2\d{5}-$/);
    expect(blobs()).toEqual([sha256(big)]);
  });

  it('has empty files', async () => {
    expect((await read('org/big', 'empty.bin')).length).toBe(0);
  });
});

describe('a hub that is busy, or out of order', () => {
  it.each([429, 500, 502, 503, 504])('is asked again: %i', async (status) => {
    hub.fault = ({ turn }) => (turn < 2 ? { status, headers: { 'retry-after': 0 } } : undefined);
    right(await read('org/big', 'big.bin'));
  });

  it('is asked no more than it can bear, and then the error says so', async () => {
    hub.fault = () => ({ status: 503, headers: { 'retry-after': 0 } });
    expect(await failureOf(() => read('org/big', 'big.bin'))).toMatchObject({ code: 'NETWORK', message: expect.stringContaining('503') });
    expect(hub.taken().length).toBe(5);
  });

  it('is waited for as long as it asks, unless nobody wants that any more', async () => {
    hub.fault = ({ turn }) => (turn === 0 ? { status: 429, headers: { 'retry-after': 1 } } : undefined);
    const began = performance.now();
    await read('org/big', 'plain.txt');
    expect(performance.now() - began).toBeGreaterThan(950);
    hub.fault = () => ({ status: 429, headers: { 'retry-after': 50 } });
    await expect(read('org/big', 'big.bin', { revision: now, signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });

  it('is done without where the cache has the revision', async () => {
    await read('org/big', 'plain.txt');
    for (const fault of [{ status: 503 }, { status: 401 }]) {
      hub.fault = () => fault;
      expect((await read('org/big', 'plain.txt')).length).toBe(50_000);
      expect(await failureOf(() => read('org/big', 'big.bin'))).toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringMatching(/not in the cache .*the hub did not answer/),
      });
    }
    process.env.HF_HUB_ETAG_TIMEOUT = '0.1';
    hub.fault = () => ({ silent: true });
    expect((await read('org/big', 'plain.txt')).length).toBe(50_000);
    delete process.env.HF_HUB_ETAG_TIMEOUT;
    const settings = { remoteHost: 'http://127.0.0.1:1/' };
    expect((await read('org/big', 'plain.txt', { settings })).length).toBe(50_000);
    expect((await failureOf(() => read('org/tiny', 'config.json', { settings }))).code).toBe('NETWORK');
  });

  it('is not asked where it must not be', async () => {
    await read('org/big', 'plain.txt');
    hub.taken();
    for (const options of [{ local_files_only: true }, { settings: { allowRemoteModels: false } }]) {
      expect((await read('org/big', 'plain.txt', options)).length).toBe(50_000);
      expect(await failureOf(() => read('org/big', 'big.bin', options))).toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('nothing may be downloaded'),
      });
      expect(await failureOf(() => read('org/tiny', 'config.json', options))).toMatchObject({ code: 'NOT_FOUND' });
      expect(await failureOf(() => read(`${hub.url}/org/tiny/resolve/main`, 'config.json', options))).toMatchObject({ code: 'NOT_FOUND' });
    }
    process.env.HF_HUB_OFFLINE = '1';
    expect(environmentOf(nodeRuntime, '0').allowRemoteModels).toBe(false);
    delete process.env.HF_HUB_OFFLINE;
    expect(hub.taken()).toEqual([]);
  });

  it('that is no hub says so', async () => {
    hub.fault = () => ({ status: 200 });
    expect((await failureOf(() => read('org/tiny', 'config.json'))).message).toMatch(/does not answer as the hub does.*HF_ENDPOINT/);
    hub.fault = ({ turn }) => ({ status: 302, headers: { location: `/org/tiny/resolve/main/config.json?${turn}` } });
    expect((await failureOf(() => read('org/tiny', 'config.json'))).message).toMatch(/sends us on again and again/);
  });
});

describe('what is not there, or not for everybody', () => {
  it.each<[string, string, string, string, RegExp]>([
    ['a model', 'org/nothing', 'config.json', 'NOT_FOUND', /has no model org\/nothing that may be seen \(401 RepoNotFound\).*HF_TOKEN/],
    ['a revision', 'org/tiny@v9', 'config.json', 'NOT_FOUND', /org\/tiny@v9 has no such revision/],
    ['a file', 'org/tiny', 'nothing.json', 'NOT_FOUND', /no such file/],
    ['a private model', 'org/private', 'config.json', 'NOT_FOUND', /private model set HF_TOKEN/],
    [
      'a gated model',
      'org/gated',
      'config.json',
      'NETWORK',
      /accepted its terms.*Accept them at http:\/\/[\w.:]+\/org\/gated, and set HF_TOKEN/,
    ],
    [
      'a name without an owner',
      'bert-base-uncased',
      'config.json',
      'NOT_FOUND',
      /bert-base-uncased does not exist, .*owner\/bert-base-uncased/,
    ],
    ['a path', './org/tiny', 'config.json', 'NOT_FOUND', /tiny does not exist, and is neither a URL nor a hub/],
  ])('%s', async (_, model, file, code, message) => {
    const error = await failureOf(() => read(model, file));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(blobs()).toEqual([]);
  });

  it('opens to a token, which nobody else gets to see', async () => {
    for (const give of [() => (process.env.HF_TOKEN = 's3cret'), () => writeFileSync(join(cache, 'token'), 's3cret\n')]) {
      mkdirSync(cache, { recursive: true });
      give();
      for (const model of ['org/private', 'org/gated'])
        expect((await read(model, 'model.safetensors', { cache_dir: join(cache, 'own') })).length).toBe(weights.length);
      expect(hub.log.filter(({ host }) => host === 'hub').every(({ token }) => token === 'Bearer s3cret')).toBe(true);
      expect(hub.log.filter(({ host }) => host === 'cdn').map(({ token }) => token)).toEqual([undefined, undefined]);
      hub.taken();
      rmSync(join(cache, 'own'), { recursive: true });
      delete process.env.HF_TOKEN;
    }
    process.env.HF_TOKEN = 'wr0ng';
    const error = await failureOf(() => read('org/gated', 'config.json'));
    expect(`${error.message} ${error.culprit} ${error.cure} ${error.stack}`).not.toMatch(/wr0ng/);
    process.env.HF_ENDPOINT = 'https://huggingface.co';
    hub.taken();
    await failureOf(() => read('org/gated', 'config.json'));
    expect(
      hub.log.map(({ token }) => token),
      'to a server that is not the token’s',
    ).toEqual([undefined]);
  });

  it('and no signature of an address is in an error', async () => {
    hub.fault = ({ host }) => (host === 'cdn' ? { status: 403 } : undefined);
    const error = await failureOf(() => read('org/big', 'big.bin'));
    expect(`${error.message} ${error.culprit} ${error.stack} ${error.cause}`).not.toMatch(/s3cret/);
  });
});

describe('the disk', () => {
  it.skipIf(process.platform !== 'linux')('that is read-only is gone on without', async () => {
    right(await read('org/big', 'big.bin', { cache_dir: '/sys/heed' }));
    expect(hub.taken('cdn')).toEqual(['GET big.bin']);
  });

  it.skipIf(process.getuid?.() === 0)('that may not be written to is gone on without', async () => {
    await read('org/big', 'plain.txt');
    chmodSync(at('blobs'), 0o500);
    right(await read('org/big', 'big.bin'));
    chmodSync(at('blobs'), 0o700);
  });

  it('that fails otherwise is STORAGE', async () => {
    mkdirSync(join(cache, 'hub'), { recursive: true });
    writeFileSync(at(), 'a file');
    expect(await failureOf(() => read('org/big', 'big.bin'))).toMatchObject({ code: 'STORAGE', cure: expect.stringContaining('HF_HOME') });
    right(await read('org/big', 'big.bin', { settings: { useFSCache: false } }));
  });

  it.skipIf(!existsSync('/dev/full'))('that is full is STORAGE, and what was written goes', async () => {
    // The partial file is a link to a device without room.
    mkdirSync(at('blobs'), { recursive: true });
    const { symlinkSync } = await import('node:fs');
    symlinkSync('/dev/full', at('blobs', `${sha256(big)}.incomplete`));
    expect(await failureOf(() => read('org/big', 'big.bin'))).toMatchObject({
      code: 'STORAGE',
      message: expect.stringContaining('the disk is full'),
    });
    expect(blobs()).toEqual([]);
  });

  it('of Python is ours, and ours is Python’s', async () => {
    const python = '/tmp/gen-venv/bin/python';
    if (!existsSync(python)) return console.warn('skipped: there is no huggingface_hub here');
    for (const file of Object.keys(files)) await read('org/tiny', file);
    const variables = { ...process.env, HF_HOME: cache, HF_HUB_OFFLINE: '1' };
    const find =
      'from huggingface_hub import snapshot_download as s; import os; d = s("org/tiny", local_files_only=True); print(sorted(os.listdir(d)))';
    const { stdout } = await run(python, ['-c', find], { env: variables });
    expect(stdout).toContain("'model.safetensors'");
    const second = `${cache}-python`;
    const fetch = 'from huggingface_hub import snapshot_download as s; s("org/tiny", revision="v1.0")';
    const { HF_HUB_OFFLINE: _, ...online } = variables;
    await run(python, ['-c', fetch], { env: { ...online, HF_HOME: second, HF_ENDPOINT: hub.url, HF_HUB_DISABLE_XET: '1' } }).catch(
      (error) => {
        // Listing a tree needs more of the hub than ours has: file by file then.
        return run(
          python,
          [
            '-c',
            `from huggingface_hub import hf_hub_download as d\nfor f in ${JSON.stringify(Object.keys(files))}: d("org/tiny", f, revision="v1.0")`,
          ],
          {
            env: { ...online, HF_HOME: second, HF_ENDPOINT: hub.url, HF_HUB_DISABLE_XET: '1' },
          },
        ).catch(() => Promise.reject(error));
      },
    );
    hub.taken();
    const model = await AutoModel.from_pretrained('org/tiny@v1.0', { engine, local_files_only: true, cache_dir: join(second, 'hub') });
    expect((await model({ input_ids: [[2, 3]] })).last_hidden_state.dims).toEqual([1, 2, 32]);
    model.dispose();
    expect(hub.taken()).toEqual([]);
  });
});
