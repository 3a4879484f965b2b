/** Where models come from: paths, addresses, and files that a program gives, in whatever form; each of them gives the same model. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModel, AutoTokenizer, createEngine, hostModels, pipeline } from '../../dist/entry/node.js';
import { readHeaders } from '../../dist/io/checkpoint.js';
import { folderFor, type ModelSource, sourceOf } from '../../dist/io/find.js';
import { readJson } from '../../dist/io/json.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { Port, Runtime } from '../../dist/runtime/types.js';
import { type Files, tinyFiles, tinyPath, tinyWeights, writeWeights } from '../models/files.js';
import { failureOf } from './memory.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

const bytesOf = (content: Uint8Array | string) => (typeof content === 'string' ? new TextEncoder().encode(content) : content);
/** The tiny model's files by their names, whole or with its weights in three shards. */
const named = (files: Files = tinyFiles()): Record<string, Uint8Array> =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [name.slice(2), bytesOf(content)]));
function sharded(): Record<string, Uint8Array> {
  const { 'model.safetensors': _, ...files } = named();
  const all = Object.entries(tinyWeights());
  const weight_map: Record<string, string> = {};
  for (const i of [1, 2, 3]) {
    const shard = `model-0000${i}-of-00003.safetensors`;
    const own = all.filter((_, at) => at % 3 === i - 1);
    for (const [name] of own) weight_map[name] = shard;
    files[shard] = writeWeights(Object.fromEntries(own));
  }
  return { ...files, 'model.safetensors.index.json': bytesOf(JSON.stringify({ weight_map })) };
}
const streamOf = (bytes: Uint8Array, piece = 1000) => {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(bytes.slice(at, at + piece));
      at += piece;
      if (at >= bytes.length) controller.close();
    },
  });
};
const each = <T>(files: Record<string, Uint8Array>, make: (bytes: Uint8Array, name: string) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, make(bytes, name)]));
const chosen = (files: Record<string, Uint8Array>, root: string) =>
  Object.entries(files).map(([name, bytes]) => {
    const file = new File([bytes as BlobPart], name.split('/').at(-1) as string);
    Object.defineProperty(file, 'webkitRelativePath', { value: `${root}${name}` });
    return file;
  });

const ids = { input_ids: [[2, 5, 7, 3]] };
const answerOf = async (source: ModelSource): Promise<string> => {
  const model = await AutoModel.from_pretrained(source, { engine });
  const { last_hidden_state } = await model(ids);
  model.dispose();
  return JSON.stringify(last_hidden_state.tolist());
};
const right = await answerOf(tinyPath);

let server: Server;
let base = '';
/** What the server was asked for, and sent of it. */
const asked: [url: string, range: string | undefined][] = [];
let ranges = true;
beforeAll(async () => {
  server = createServer((request, response) => {
    const [, kind, ...path] = (request.url ?? '').split('/');
    const bytes = (kind === 'shards' ? sharded() : named())[path.join('/')];
    asked.push([path.join('/'), request.headers.range]);
    if (!bytes) return void response.writeHead(404).end();
    const [, from, to] = (ranges && /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')) || [];
    if (from === undefined) return void response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    const end = Math.min(bytes.length, to ? Number(to) + 1 : bytes.length);
    response.writeHead(206, { 'content-length': end - Number(from), 'content-range': `bytes ${from}-${end - 1}/${bytes.length}` });
    response.end(bytes.subarray(Number(from), end));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const forms: Record<string, (files: Record<string, Uint8Array>, kind: string) => ModelSource> = {
  'a URL as a text': (_, kind) => `${base}/${kind}`,
  'a URL': (_, kind) => new URL(`${base}/${kind}/`),
  bytes: (files) => files,
  'a Map': (files) => new Map(Object.entries(files)),
  ArrayBuffers: (files) => each(files, (bytes) => bytes.slice().buffer),
  Blobs: (files) => each(files, (bytes) => new Blob([bytes as BlobPart])),
  streams: (files) => each(files, (bytes) => streamOf(bytes)),
  'streams of large pieces': (files) => each(files, (bytes) => streamOf(bytes, 1 << 20)),
  addresses: (files, kind) => each(files, (_, name) => `${base}/${kind}/${name}`),
  'a folder that was chosen': (files) => chosen(files, 'my models/tiny/'),
  'files that were chosen': (files) => chosen(files, ''),
};

describe('a model', () => {
  it.each(Object.keys(forms))('is given as %s, whole or in shards', async (form) => {
    for (const [kind, files] of Object.entries({ whole: named(), shards: sharded() }))
      expect(await answerOf((forms[form] as (typeof forms)[string])(files, kind)), kind).toBe(right);
  });

  it('is a path, or a file: URL', async () => {
    for (const source of [pathToFileURL(tinyPath), pathToFileURL(tinyPath).href, `${tinyPath}/`])
      expect(await answerOf(source)).toBe(right);
  });

  it('is in a folder inside', async () => {
    const files = Object.fromEntries(Object.entries(named()).map(([name, bytes]) => [`model/${name}`, bytes]));
    const tokenizer = await AutoTokenizer.from_pretrained(files, { subfolder: 'model' });
    expect(tokenizer.encode('a cat').length).toBeGreaterThan(2);
    const folder = await folderFor(nodeRuntime, files, { subfolder: '/model/' });
    expect(await folder.list?.()).toContain('1_Pooling/config.json');
    expect((await failureOf(() => sourceOf(nodeRuntime, files, { subfolder: '../x' }))).culprit).toBe('subfolder');
  });

  it('gives pipelines all that they ask for', async () => {
    const texts = ['a cat', 'two dogs'];
    const options = { pooling: 'mean', normalize: true } as const;
    const answers = [tinyPath, each(named(), (bytes) => streamOf(bytes))].map(async (source) => {
      const extract = await pipeline('feature-extraction', source, { engine });
      const vectors = (await extract(texts, options)).tolist();
      extract.dispose();
      return [extract.sentence, vectors];
    });
    const [here, given] = await Promise.all(answers);
    expect(given).toEqual(here);
  });

  it('crosses to a worker, its streams too', async () => {
    const { port1, port2 } = new MessageChannel();
    hostModels(port2 as unknown as Port);
    for (const files of [named(), sharded()])
      for (const source of [files, each(files, (bytes) => streamOf(bytes)), each(files, (bytes) => new Blob([bytes as BlobPart]))]) {
        const model = await AutoModel.from_pretrained(source, {
          worker: port1 as unknown as Port,
          engine: { threads: 1, deterministic: true },
        });
        expect(JSON.stringify((await model(ids)).last_hidden_state.tolist())).toBe(right);
        model.dispose();
      }
    port1.close();
  });
});

describe('what is no model', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['a number', 3, 'ARGUMENT', /The model is 3/],
    ['a function', () => {}, 'ARGUMENT', /The model is a function/],
    ['an empty text', '', 'ARGUMENT', /empty text/],
    ['no files', [], 'NOT_FOUND', /no config.json among the files that were given \(none\)/],
    ['other files', { 'x.txt': new Uint8Array(1) }, 'NOT_FOUND', /no config.json among .* \(x.txt\)/],
    ['files that are none', { 'config.json': 3 }, 'ARGUMENT', /The file config.json is 3.*Give a Blob/],
    ['a missing file', { 'config.json': undefined }, 'ARGUMENT', /config.json is undefined/],
    ['a path to nothing', join(tinyPath, 'nowhere'), 'NOT_FOUND', /nowhere does not exist, and is neither a URL nor a hub/],
  ])('is refused: %s', async (_, model, code, message) => {
    const before = engine.memory().storages;
    for (const load of [
      () => AutoModel.from_pretrained(model as string, { engine }),
      () => pipeline('feature-extraction', model as string, { engine }),
    ])
      expect(await failureOf(load)).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(engine.memory().storages).toBe(before);
  });

  it('a stream that is read again says so, and how to do better', async () => {
    const files = each(named(), (bytes) => streamOf(bytes));
    await answerOf(files);
    expect(await failureOf(() => answerOf(files))).toMatchObject({
      code: 'ARGUMENT',
      culprit: 'config.json',
      message: expect.stringMatching(/was read already.*can be read once.*Give a Blob/),
    });
    const torn = { ...named(), 'config.json': new ReadableStream({ start: (controller) => controller.enqueue('text') }) };
    expect((await failureOf(() => answerOf(torn))).message).toMatch(/The stream of config.json gave text/);
  });

  it('a file that cannot be read any more', async () => {
    const gone = { size: 9, slice: () => ({ arrayBuffer: () => Promise.reject(new Error('moved')) }) };
    expect(await failureOf(() => answerOf({ 'config.json': gone }))).toMatchObject({ code: 'NOT_FOUND', culprit: 'config.json' });
  });
});

describe('the headers of a checkpoint', () => {
  const names = Object.keys(tinyWeights()).sort();

  it('say what is in it, from every source, and leave streams to be read', async () => {
    for (const [form, make] of Object.entries(forms))
      for (const [kind, files] of Object.entries({ whole: named(), shards: sharded() })) {
        const source = make(files, kind);
        const { tensors, bytes } = await readHeaders(await folderFor(nodeRuntime, source));
        expect(tensors.map(({ name }) => name).sort(), form).toEqual(names);
        const length = Object.entries(files).reduce((sum, [name, own]) => sum + (name.endsWith('.safetensors') ? own.length : 0), 0);
        expect(bytes, form).toBe(form.startsWith('streams') ? undefined : length);
      }
  });

  it('are fetched alone where the server can send parts', async () => {
    // 400 tensors of one byte: a header that is longer than the front which is asked for at first.
    const big = Object.fromEntries(
      Array.from({ length: 1200 }, (_, i) => [
        `a tensor of a rather long name, number ${i}`,
        { dtype: 'U8', shape: [9], bytes: new Uint8Array(9) },
      ]),
    );
    const bytes = writeWeights(big);
    const sent: [string | undefined, number][] = [];
    const own = createServer((request, response) => {
      const [, from = '0', to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
      const end = Math.min(bytes.length, to ? Number(to) + 1 : bytes.length);
      sent.push([request.headers.range, end - Number(from)]);
      if (!request.url?.endsWith('/model.safetensors')) return void response.writeHead(404).end();
      response.writeHead(206, { 'content-length': end - Number(from), 'content-range': `bytes ${from}-${end - 1}/${bytes.length}` });
      response.end(bytes.subarray(Number(from), end));
    });
    await new Promise<void>((ready) => own.listen(0, '127.0.0.1', ready));
    const found = await readHeaders(await folderFor(nodeRuntime, `http://127.0.0.1:${(own.address() as AddressInfo).port}/m`));
    own.closeAllConnections();
    own.close();
    expect(found.tensors).toHaveLength(1200);
    expect(found.bytes).toBe(bytes.length);
    expect(sent.map(([range]) => range)).toEqual(['bytes=0-65535', 'bytes=65536-']);
  });

  it('are read at the front of whole files where it cannot', async () => {
    ranges = false;
    const { tensors } = await readHeaders(await folderFor(nodeRuntime, `${base}/shards`));
    ranges = true;
    expect(tensors).toHaveLength(names.length);
  });
});

it('means addresses as they are meant here', async () => {
  const page = { ...nodeRuntime, resolve: (at: string) => `https://site/${at}` } as Runtime;
  expect(await sourceOf(page, 'model')).toMatchObject({ name: 'model', location: 'https://site/model' });
  const config = await readJson(await folderFor(nodeRuntime, tinyPath), 'config.json');
  expect(config).toEqual(JSON.parse(readFileSync(join(tinyPath, 'config.json'), 'utf8')));
});

it('downloads nothing where it must not, without a cache as well', async () => {
  const only = { local_files_only: true };
  expect(await failureOf(() => sourceOf(nodeRuntime, 'https://site/model', only))).toMatchObject({
    code: 'UNSUPPORTED',
    culprit: 'local_files_only',
  });
  expect((await sourceOf(nodeRuntime, tinyPath, only)).location).toBe(tinyPath);
});
