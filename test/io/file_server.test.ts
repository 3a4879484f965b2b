/** Servers that are no hub, or answer as one in their own way: plain servers of files behind env.remoteHost, and mirrors. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { environmentOf } from '../../dist/io/env.js';
import { folderFor, type SourceOptions } from '../../dist/io/find.js';
import { hubOf } from '../../dist/io/hub.js';
import { readFile } from '../../dist/io/json.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { binaryOf } from '../../scripts/runtimes.mjs';
import { tinyFiles } from '../models/files.js';
import { runProcess } from '../runtimes/runner.js';
import { thorough } from '../thorough.js';
import { gitHash, sha256 } from './hub.js';
import { failureOf } from './memory.js';

type Headers = Record<string, string>;
interface Answer {
  status?: number;
  headers?: Headers;
}

const text = (content: string) => new TextEncoder().encode(content);
const commit = 'e'.repeat(40);
const files: Record<string, Uint8Array> = {};
let answer: (file: string, method: string) => Answer = () => ({});
let log: string[] = [];
let tokens: (string | undefined)[] = [];

/** Files at any address that ends in their names; below /cdn/ as they are, elsewhere with what `answer` says. */
const listen = () =>
  new Promise<Server>((ready) => {
    const server = createServer(({ url = '', method = '', headers: asked }, response) => {
      const file = url.split('/').at(-1) as string;
      const isFar = url.startsWith('/cdn/');
      log.push(`${method} ${isFar ? 'cdn/' : ''}${file}`);
      tokens.push(asked.authorization);
      const bytes = files[file];
      const { status = bytes ? 200 : 404, headers = {} } = isFar ? {} : answer(file, method);
      response.writeHead(status, { ...(status === 200 && { 'content-length': `${bytes?.length}` }), ...headers });
      response.end(method === 'HEAD' || status !== 200 ? undefined : bytes);
    }).listen(0, '127.0.0.1', () => ready(server));
  });
const servers = await Promise.all([listen(), listen()]);
const [here, there] = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`) as [string, string];

let cache = '';
const temporary = mkdtempSync(join(tmpdir(), 'heed-files-'));
let last = 0;
beforeEach(() => {
  cache = join(temporary, `${last++}`);
  Object.assign(files, { 'config.json': text('{"a":1}'), 'model.bin': new Uint8Array(5000).fill(7) });
  answer = () => ({});
  [log, tokens] = [[], []];
  process.env.HF_TOKEN = 's3cret';
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(temporary, { recursive: true, force: true });
  delete process.env.HF_TOKEN;
});

const folder = (options: SourceOptions & { settings?: object } = {}) => {
  const env = environmentOf(nodeRuntime, '0');
  Object.assign(env, { remoteHost: here, remotePathTemplate: 'models/{model}/', cacheDir: cache, logLevel: 50, ...options.settings });
  return folderFor(nodeRuntime, 'owner/name', options, hubOf(nodeRuntime, env));
};
const read = async (file: string, options?: Parameters<typeof folder>[0]) =>
  new TextDecoder().decode(await readFile(await folder(options), file));
const etagged = (weak: boolean) => (file: string) =>
  ({ headers: files[file] && { etag: `${weak ? 'W/' : ''}"${gitHash(files[file])}"` } }) as Answer;

describe('a server of files', () => {
  it.each<[string, (file: string) => Answer]>([
    ['ETags', etagged(false)],
    ['weak ETags', etagged(true)],
    ['times', (file) => ({ headers: { 'last-modified': `${files[file]?.length}` } })],
    ['nothing but lengths', () => ({})],
  ])('with %s is kept on the disk, and what has changed is fetched again', async (_, says) => {
    answer = says;
    expect(await read('config.json')).toBe('{"a":1}');
    expect(log).toEqual(['HEAD config.json', 'GET config.json']);
    log = [];
    expect(await read('config.json')).toBe('{"a":1}');
    expect(log).toEqual(['HEAD config.json', 'HEAD config.json']);
    files['config.json'] = text('{"a":100}');
    log = [];
    expect(await read('config.json')).toBe('{"a":100}');
    expect(log.filter((line) => line.startsWith('GET'))).toEqual(['GET config.json']);
    expect(
      readdirSync(join(cache, 'addresses')).filter((name) => !name.endsWith('.json')),
      'one file is left',
    ).toHaveLength(1);
  });

  it('that weakens an ETag, as one that compresses does, means the same file', async () => {
    answer = etagged(false);
    await read('config.json');
    answer = etagged(true);
    log = [];
    await read('config.json');
    expect(log).not.toContain('GET config.json');
  });

  it('that does not know HEAD is asked for the file', async () => {
    answer = (_, method) => (method === 'HEAD' ? { status: 405 } : {});
    expect(await read('config.json')).toBe('{"a":1}');
    files['config.json'] = text('{"b":1}');
    expect(await read('config.json')).toBe('{"b":1}');
  });

  it('is done without where its files are kept, and where nothing may be downloaded', async () => {
    await read('config.json');
    expect(await failureOf(() => read('none.json'))).toMatchObject({ code: 'NOT_FOUND' });
    log = [];
    for (const options of [{ local_files_only: true }, { settings: { allowRemoteModels: false } }]) {
      expect(await read('config.json', options)).toBe('{"a":1}');
      expect(await failureOf(() => read('model.bin', options))).toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringMatching(/nothing may be/),
      });
    }
    expect(log).toEqual([]);
    const gone = { settings: { fetch: () => Promise.reject(new Error('no net')) } };
    expect(await read('config.json', gone)).toBe('{"a":1}');
    expect(await failureOf(() => read('none.json', gone))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await failureOf(() => read('model.bin', gone))).toMatchObject({ code: 'NETWORK' });
  });

  it('gets no token, which is the hub’s', async () => {
    await read('config.json');
    await read('model.bin');
    expect(new Set(tokens)).toEqual(new Set([undefined]));
  });

  // Each of its three tries waits for what the server has promised.
  it.runIf(thorough)('that breaks off leaves nothing, and one whose cache may not be written to is read past it', async () => {
    answer = () => ({ headers: { 'content-length': '9000' } });
    await failureOf(() => read('model.bin'));
    expect(existsSync(join(cache, 'addresses')) ? readdirSync(join(cache, 'addresses')) : []).toEqual([]);
    answer = () => ({});
    expect((await read('model.bin', { settings: { cacheDir: '/proc/none' } })).length).toBe(5000);
    expect((await read('model.bin', { settings: { useFSCache: false } })).length).toBe(5000);
  });

  it('is none where HF_ENDPOINT names it as a hub: then it is out of order', async () => {
    process.env.HF_ENDPOINT = here;
    const settings = { remoteHost: here, remotePathTemplate: '{model}/resolve/{revision}/' };
    const error = await failureOf(() => read('config.json', { settings }));
    delete process.env.HF_ENDPOINT;
    expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringMatching(/names no commit/) });
  });
});

describe.each(['deno', 'bun'])('a server of files, in %s', (name) => {
  const binary = binaryOf(name);
  it.skipIf(!binary)('is kept on the disk there too', async () => {
    answer = etagged(true);
    const tiny = Object.entries(tinyFiles()).filter(([file]) => !file.includes('Pooling'));
    for (const [file, content] of tiny) files[file.slice(2)] = typeof content === 'string' ? text(content) : content;
    const settings = { remoteHost: here, remotePathTemplate: 'models/{model}/', cacheDir: cache };
    const program = join(temporary, 'program.mjs');
    writeFileSync(
      program,
      `import { AutoModel, env } from ${JSON.stringify(fileURLToPath(new URL('../../dist/bundle/node.js', import.meta.url)))};
      Object.assign(env, ${JSON.stringify(settings)});
      const engine = { threads: 1 };
      const load = async (options) => (await (await AutoModel.from_pretrained('owner/name', { engine, ...options }))({ input_ids: [[2, 3]] })).last_hidden_state.dims;
      console.log(JSON.stringify([await load(), await load({ local_files_only: true })]));`,
    );
    const { value } = await runProcess(binary ?? '', ['run', ...(name === 'deno' ? ['--allow-all', '--quiet'] : []), program]);
    expect(JSON.parse(value)).toEqual([
      [1, 2, 32],
      [1, 2, 32],
    ]);
    expect(log.filter((line) => line === 'GET model.safetensors')).toHaveLength(1);
  });
});

describe('a mirror of the hub', () => {
  const settings = { remotePathTemplate: '{model}/resolve/{revision}/' };
  const hashes: Record<string, (bytes: Uint8Array) => string> = {
    'SHA-256': sha256,
    'git’s SHA-1': gitHash,
    'SHA-1': (bytes) => createHash('sha1').update(bytes).digest('hex'),
    'nothing of the kind': () => '5f-18ab',
  };
  const named = (file: string, hash: (bytes: Uint8Array) => string, header = 'etag'): Headers => ({
    'x-repo-commit': commit,
    ...(files[file] && { [header]: `"${hash(files[file])}"` }),
  });
  const blobs = () => readdirSync(join(cache, 'models--owner--name/blobs')).sort();
  const check = async () => {
    expect(await read('config.json', { settings })).toBe('{"a":1}');
    expect((await read('model.bin', { settings })).length).toBe(5000);
    expect(existsSync(join(cache, 'models--owner--name/snapshots', commit, 'model.bin'))).toBe(true);
    log = [];
    await read('model.bin', { settings });
    expect(log, 'the second time').toEqual(['HEAD config.json']);
  };

  describe.each(Object.entries(hashes))('whose ETag is %s', (_, hash) => {
    it.each<[string, (file: string) => Answer]>([
      ['answers with the file', (file) => ({ headers: named(file, hash) })],
      ['has weak ETags', (file) => ({ headers: { ...named(file, hash), etag: `W/"${hash(files[file] ?? text(''))}"` } })],
      ['sends on to another host', (file) => ({ status: 302, headers: { ...named(file, hash), location: `${there}/cdn/${file}` } })],
      [
        'sends on to an address of its own',
        (file) => ({ status: 302, headers: { ...named(file, hash), location: `${here}/cdn/${file}` } }),
      ],
      [
        'tells of the file it links to',
        (file) => ({ status: 302, headers: { ...named(file, hash, 'x-linked-etag'), location: `/cdn/${file}` } }),
      ],
    ])('%s', async (_, says) => {
      answer = says;
      await check();
    });
  });

  it('that sends on by a path is followed to where the file is told of', async () => {
    answer = (file) =>
      log.filter((line) => line.endsWith(` ${file}`)).length % 2
        ? { status: 307, headers: { location: `/again/${file}` } }
        : { headers: named(file, gitHash) };
    expect(await read('config.json', { settings })).toBe('{"a":1}');
    expect(existsSync(join(cache, 'models--owner--name/snapshots', commit, 'config.json'))).toBe(true);
  });

  it('without ETags keeps files by their names, and so does one that gives two files one ETag', async () => {
    answer = () => ({ headers: { 'x-repo-commit': commit } });
    await check();
    expect(blobs()).toEqual([`${commit}-config.json`, `${commit}-model.bin`]);
    rmSync(cache, { recursive: true });
    answer = () => ({ headers: { 'x-repo-commit': commit, etag: '"one"' } });
    files['other.bin'] = new Uint8Array(5000).fill(8);
    await check();
    expect((await read('other.bin', { settings })).charCodeAt(0)).toBe(8);
    expect(blobs()).toEqual(['one-config.json', 'one-model.bin', 'one-other.bin']);
  });

  it('whose bytes are not those of its hash is refused', async () => {
    answer = () => ({ headers: { 'x-repo-commit': commit, etag: `"${'0'.repeat(40)}"` } });
    expect(await failureOf(() => read('model.bin', { settings }))).toMatchObject({
      code: 'NETWORK',
      message: expect.stringMatching(/checksum/),
    });
  });

  it('gets no token that is the hub’s, and where HF_ENDPOINT names it, another host gets none', async () => {
    answer = (file) => ({ status: 302, headers: { ...named(file, sha256), location: `${there}/cdn/${file}` } });
    await check();
    expect(new Set(tokens)).toEqual(new Set([undefined]));
    rmSync(cache, { recursive: true });
    process.env.HF_ENDPOINT = here;
    [log, tokens] = [[], []];
    await read('model.bin', { settings });
    delete process.env.HF_ENDPOINT;
    expect(log.map((line, i) => [line.includes('cdn/'), tokens[i]])).toEqual(
      log.map((line) => [line.includes('cdn/'), line.includes('cdn/') ? undefined : 'Bearer s3cret']),
    );
  });
});
