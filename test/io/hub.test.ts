/** The hub, as a server of ours speaks it: its models, what it is when it is out of order, and what it does not give. */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { AutoModel, AutoModelForCausalLM, AutoTokenizer, pipeline } from '../../dist/entry/node.js';
import { readHeaders } from '../../dist/io/checkpoint.js';
import { environmentOf } from '../../dist/io/env.js';
import { folderFor } from '../../dist/io/find.js';
import { hubOf } from '../../dist/io/hub.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { tinyPath } from '../models/files.js';
import { gitHash, type Repo, sha256 } from './hub.js';
import { at, big, blobs, bytesOf, cache, engine, files, fresh, hub, now, old, read, right, temporary, weights } from './hub_reads.js';
import { failureOf } from './memory.js';

describe('a hub’s model', () => {
  it('may be an adapter: a repository without a config.json', async () => {
    const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
    const adapter = Object.fromEntries(
      ['adapter_config.json', 'adapter_model.safetensors'].map((name) => [
        name,
        new Uint8Array(readFileSync(fixture(`lora/queries/${name}`))),
      ]),
    );
    hub.repos['org/queries'] = { commits: { [now]: adapter }, refs: { main: now } };
    const model = await AutoModelForCausalLM.from_pretrained(fixture('causal/llama'), { engine, adapter: 'org/queries' });
    expect(hub.taken().sort()).toEqual(expect.arrayContaining(['GET adapter_config.json', 'GET adapter_model.safetensors']));
    const scores = async () => (await model({ input_ids: [[1, 2, 3]] })).logits.data;
    const own = await scores();
    await model.load_adapter('org/queries@main', 'again');
    expect(hub.taken()).toEqual(['HEAD config.json']); // the commit; the files are on the disk
    expect(await scores()).toEqual(own);
    await model.set_adapter(null);
    expect(await scores()).not.toEqual(own);
    expect(await failureOf(() => model.load_adapter('org/none', 'none'))).toMatchObject({ code: 'NOT_FOUND' });
    model.dispose();
  });

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
    expect(new TextDecoder().decode(await read('org/tiny', 'config.json', { settings: { localModelPath: folder } }))).toBe('here');
    expect(hub.taken()).toEqual([]);
    expect(
      (await read('org/tiny', 'config.json', { settings: { localModelPath: folder, allowLocalModels: false } })).length,
    ).toBeGreaterThan(9);
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

  it('is not said to have no weights by who is told to stop looking', async () => {
    const controller = new AbortController();
    hub.fault = ({ file }) => {
      if (file.startsWith('/api')) controller.abort('enough');
      return undefined;
    };
    await expect(AutoModel.from_pretrained('org/onnx', { engine, signal: controller.signal })).rejects.toBe('enough');
  });

  it('gives its headers for little', async () => {
    const { tensors, bytes } = await readHeaders(await folderFor(nodeRuntime, 'org/tiny', {}, fresh()));
    expect([tensors.length > 9, bytes]).toEqual([true, weights.length]);
    expect(hub.taken('cdn')).toEqual(['GET model.safetensors bytes=0-65535']);
    expect(existsSync(join(cache, 'hub/models--org--tiny/blobs'))).toBe(false);
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

  it('at what is no address says so', async () => {
    for (const endpoint of ['nonsense', 'localhost:8080', 'ftp://hub']) {
      process.env.HF_ENDPOINT = endpoint;
      const own = hubOf(nodeRuntime, environmentOf(nodeRuntime, '0'));
      expect(await failureOf(() => folderFor(nodeRuntime, 'org/tiny', {}, own))).toMatchObject({
        code: 'ARGUMENT',
        culprit: 'HF_ENDPOINT',
      });
      expect((await read('org/tiny', 'config.json')).length, 'env.remoteHost stands in for it').toBeGreaterThan(9);
    }
  });

  it('is not sent what cannot be a token', async () => {
    for (const token of ['one\ntwo', 'tökèn', '秘密']) {
      process.env.HF_TOKEN = token;
      const error = await failureOf(() => read('org/private', 'config.json'));
      expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'HF_TOKEN' });
      expect(error.message).not.toContain(token);
    }
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
