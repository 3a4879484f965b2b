/** GGUF files wherever they are: whole or split, by a path, a URL, on the hub, given in a page. Each way gives the same scores; and what does not fit is not downloaded. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoConfig, AutoModelForCausalLM, createEngine, env, estimate } from '../../dist/entry/node.js';
import type { ModelSource, SourceOptions } from '../../dist/io/find.js';
import type { ProgressEvent } from '../../dist/io/progress.js';
import { type Field, gguf, partsOf, splitOf } from './gguf_file.js';
import { FakeHub } from './hub.js';
import { failureOf } from './memory.js';

const whole = new Uint8Array(readFileSync(new URL('../fixtures/gguf/llama_k.gguf', import.meta.url)));
const split = splitOf(whole, 8);
const [first, second, third] = Object.keys(split) as [string, string, string];
const ids = [[3, 14, 15, 9, 2, 6]];
const commit = 'c'.repeat(40);

const engine = await createEngine({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'heed-gguf-'));
mkdirSync(join(folder, 'inside'));
for (const [name, bytes] of Object.entries({ 'whole.gguf': whole, 'a file.gguf': whole, ...split }))
  writeFileSync(join(folder, name), bytes);
for (const [name, bytes] of Object.entries(split)) writeFileSync(join(folder, 'inside', name), bytes);

/** Llama of a shape whose weights no WebAssembly memory holds: a header, and nothing behind it. */
const huge = (() => {
  const { keys, tensors } = partsOf(whole);
  const given: Record<string, Field> = {
    'llama.embedding_length': [4, 16384],
    'llama.feed_forward_length': [4, 98304],
    'llama.vocab_size': [4, 96],
    'llama.block_count': [4, 1],
  };
  const own = keys.map(([key, value]) => [key, given[key] ?? value] as const);
  const shapes: Record<string, readonly number[]> = {
    ...{ token_embd: [16384, 96], output: [16384, 96], output_norm: [16384], 'blk.0.attn_norm': [16384], 'blk.0.ffn_norm': [16384] },
    ...{ 'blk.0.attn_q': [16384, 64], 'blk.0.attn_k': [16384, 32], 'blk.0.attn_v': [16384, 32], 'blk.0.attn_output': [64, 16384] },
    ...{ 'blk.0.ffn_gate': [16384, 98304], 'blk.0.ffn_up': [16384, 98304], 'blk.0.ffn_down': [98304, 16384] },
  };
  let offset = 0;
  const made = tensors.flatMap((tensor) => {
    const sizes = shapes[tensor.name.replace('.weight', '')];
    if (!sizes) return [];
    const one = { ...tensor, sizes, type: sizes.length > 1 ? 8 : 0, offset };
    const elements = sizes.reduce((n, d) => n * d, 1);
    offset += Math.ceil((sizes.length > 1 ? (elements / 32) * 34 : elements * 4) / 32) * 32;
    return [one];
  });
  return { header: gguf({ keys: own, tensors: made, data: 32 }).slice(0, -32), size: offset };
})();

/** The same in safetensors: matrices of 2 GB, by its header. */
const safetensors = (() => {
  const config = {
    model_type: 'llama',
    hidden_size: 64,
    intermediate_size: 64,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    vocab_size: 16_000_000,
  };
  const [C, V] = [64, 16_000_000];
  const shapes: Record<string, readonly number[]> = {
    ...{
      'model.embed_tokens': [V, C],
      'model.norm': [C],
      'model.layers.0.input_layernorm': [C],
      'model.layers.0.post_attention_layernorm': [C],
    },
    ...Object.fromEntries(
      ['self_attn.q', 'self_attn.k', 'self_attn.v', 'self_attn.o', 'mlp.gate', 'mlp.up', 'mlp.down'].map((name) => [
        `model.layers.0.${name}_proj`,
        [C, C],
      ]),
    ),
    lm_head: [V, C],
  };
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const begin = at;
      at += 2 * shape.reduce((n, d) => n * d, 1);
      return [`${name}.weight`, { dtype: 'BF16', shape, data_offsets: [begin, at] }];
    }),
  );
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return { 'config.json': new TextEncoder().encode(JSON.stringify(config)), 'model.safetensors': bytes, size: at };
})();

const hub = await FakeHub.start({
  'org/huge': {
    commits: { [commit]: { 'config.json': safetensors['config.json'], 'model.safetensors': safetensors['model.safetensors'] } },
    refs: { main: commit },
  },
  'org/kept': { commits: { [commit]: { 'README.md': new Uint8Array(9), 'small/whole.gguf': whole, ...split } }, refs: { main: commit } },
});

/** A server of files that knows ranges, and what it was asked for. */
const asked: string[] = [];
let sent = 0;
const server = createServer((request, response) => {
  const name = decodeURIComponent(new URL(request.url ?? '', 'http://x').pathname.slice(1));
  asked.push(`${request.method} ${name} ${request.headers.range ?? ''}`.trim());
  const [, from = '0', to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (name === 'huge.gguf') {
    const size = huge.header.length + huge.size;
    response.writeHead(206, { 'content-range': `bytes ${from}-${size - 1}/${size}` });
    response.write(huge.header.subarray(Number(from)));
    sent += huge.header.length;
    const more = () => {
      sent += 65_536;
      if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setTimeout(more, 1));
    };
    more();
    return;
  }
  const bytes = { 'whole.gguf': whole, 'a file.gguf': whole, ...split }[name];
  if (!bytes) {
    response.writeHead(404).end();
    return;
  }
  const piece = bytes.subarray(Number(from), to ? Number(to) + 1 : undefined);
  const range = { 'content-range': `bytes ${from}-${Number(from) + piece.length - 1}/${bytes.length}` };
  response.writeHead(request.headers.range ? 206 : 200, { 'content-length': piece.length, ...(request.headers.range && range) }).end(piece);
});
await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const before = { remoteHost: env.remoteHost, cacheDir: env.cacheDir };
beforeAll(() => {
  Object.assign(env, { remoteHost: hub.url, cacheDir: join(folder, 'cache') });
  process.env.HF_ENDPOINT = hub.url;
});
afterAll(async () => {
  Object.assign(env, before);
  delete process.env.HF_ENDPOINT;
  hub.stop();
  server.closeAllConnections();
  server.close();
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

async function scoresOf(model: ModelSource, options: SourceOptions & { progress_callback?: (event: ProgressEvent) => void } = {}) {
  const loaded = await AutoModelForCausalLM.from_pretrained(model, { engine, ...options });
  const { logits } = await loaded({ input_ids: ids });
  loaded.dispose();
  return Array.from(logits.data as Float32Array);
}
const expected = await scoresOf(join(folder, 'whole.gguf'));
const file = (name: string, bytes: Uint8Array) => new File([bytes as BlobPart], name);

describe('a GGUF file', () => {
  it.each<[string, ModelSource, SourceOptions?]>([
    ['at a path with a space', join(folder, 'a file.gguf')],
    ['at a file: URL', pathToFileURL(join(folder, 'a file.gguf'))],
    ['in a folder that has others', folder, { gguf_file: 'whole.gguf' }],
    ['split, at a path', join(folder, first)],
    ['split, by the name of its second file', join(folder, second)],
    ['split, in a folder inside', folder, { gguf_file: `inside/${first}` }],
    ['split, in a subfolder', folder, { subfolder: 'inside', gguf_file: first }],
    ['at a URL', `${url}/a%20file.gguf?download=true`],
    ['split, at a URL', new URL(`${url}/${first}`)],
    ['of the hub', 'org/kept/small/whole.gguf'],
    ['of the hub at a commit', `org/kept@${commit}/small/whole.gguf`],
    ['of the hub, as transformers names it', 'org/kept', { gguf_file: 'small/whole.gguf' }],
    ['of the hub, split', `org/kept/${first}`],
    ['as a File', [file('whole.gguf', whole)]],
    ['as the Files of a split', Object.entries(split).map(([name, bytes]) => file(name, bytes))],
    ['as bytes beside a config.json', { 'config.json': new Uint8Array(2), 'x.gguf': whole }, { gguf_file: 'x.gguf' }],
  ])('%s gives the same scores', async (_, model, options = {}) => {
    expect(await scoresOf(model, options)).toEqual(expected);
  });

  it('is kept as the hub’s libraries keep it, and needs no net then', async () => {
    await scoresOf('org/kept/small/whole.gguf');
    hub.taken();
    expect(await scoresOf('org/kept/small/whole.gguf', { local_files_only: true })).toEqual(expected);
    expect(hub.taken()).toEqual([]);
    expect(await AutoConfig.from_pretrained('org/kept', { gguf_file: 'small/whole.gguf' })).toMatchObject({ model_type: 'llama' });
  });

  it('has its coming told of as that of safetensors is', async () => {
    const events: ProgressEvent[] = [];
    rmSync(join(folder, 'cache'), { recursive: true, force: true });
    await scoresOf(`org/kept/${first}`, { progress_callback: (event) => events.push(event) });
    const of = (status: string) => events.filter((event) => event.status === status).map((event) => (event as { file?: string }).file);
    expect(of('initiate').sort()).toEqual([first, second, third]);
    expect(of('done').sort()).toEqual([first, second, third]);
    const total = Object.values(split).reduce((sum, { length }) => sum + length, 0);
    const last = events.filter((event) => event.status === 'progress_total').at(-1);
    expect(last).toMatchObject({ loaded: total, total, progress: 100 });
    expect(events.at(-1)?.status).toBe('ready');
  });

  it('is told of by its header, of which no more than the front is asked for', async () => {
    asked.length = 0;
    const { download, dtype } = await estimate(`${url}/${first}`);
    expect(download).toBe(Object.values(split).reduce((sum, { length }) => sum + length, 0));
    expect(dtype).toBe('q4');
    expect(asked).toEqual([first, second, third].map((name) => `GET ${name} bytes=0-2097151`));
  });

  it('that no memory holds is refused by its header, with figures, before it is downloaded', async () => {
    sent = 0;
    const { storages } = engine.memory();
    const error = await failureOf(() => AutoModelForCausalLM.from_pretrained(`${url}/huge.gguf`, { engine }));
    expect(error).toMatchObject({ code: 'MEMORY', message: expect.stringMatching(/huge\.gguf: its weights take 5\.\d+ GB/) });
    expect(sent).toBeLessThan(50e6);
    expect(engine.memory().storages).toBe(storages);
  });

  it('and safetensors of the hub that no memory holds are not downloaded either', async () => {
    hub.taken();
    const size = safetensors['model.safetensors'].length + safetensors.size;
    hub.fault = ({ host }) => (host === 'cdn' ? { headers: { 'content-range': `bytes 0-65535/${size}` } } : undefined);
    const error = await failureOf(() => AutoModelForCausalLM.from_pretrained('org/huge', { engine }));
    hub.fault = () => undefined;
    expect(error).toMatchObject({ code: 'MEMORY', message: expect.stringMatching(/org\/huge: its weights take 8\.\d+ GB/) });
    expect(hub.taken('cdn')).toEqual(['GET model.safetensors bytes=0-65535']);
  });

  it.each<[string, () => ModelSource, SourceOptions, string, RegExp]>([
    ['a file of a split that lacks others', () => ({ [second]: split[second] as Uint8Array }), {}, 'NOT_FOUND', /00001-of-/],
    ['a split file under another name', () => ({ 'x.gguf': split[first] as Uint8Array }), {}, 'FORMAT', /one of 3 files, and 1 are named/],
    [
      'files in the wrong order',
      () => ({ ...split, [first]: split[second] as Uint8Array, [second]: split[first] as Uint8Array }),
      {},
      'FORMAT',
      /number 1 of the split/,
    ],
    [
      'one file twice',
      () => ({ ...split, [third]: patched(split[second] as Uint8Array, 'split.no', [2, 2]) }),
      {},
      'FORMAT',
      /in a file before it, too/,
    ],
    [
      'a count of tensors that is a long text, in few words',
      () => ({ ...split, [first]: patched(split[first] as Uint8Array, 'split.tensors.count', [8, 'x'.repeat(5000)]) }),
      {},
      'FORMAT',
      /tells of x{20}$/,
    ],
    ['a name that is none', () => folder, { gguf_file: 'model.safetensors' }, 'ARGUMENT', /gguf_file/],
    ['a name outside of the folder', () => folder, { gguf_file: '../x.gguf' }, 'ARGUMENT', /gguf_file/],
    ['a file that is not there', () => folder, { gguf_file: 'none.gguf' }, 'NOT_FOUND', /none\.gguf/],
    ['a file that the hub does not have', () => 'org/kept/none.gguf', {}, 'NOT_FOUND', /none\.gguf/],
  ])('is refused: %s', async (_, model, options, code, message) => {
    const error = await failureOf(() => scoresOf(model(), options));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

/** A file with another value under a key. */
function patched(bytes: Uint8Array, name: string, value: Field): Uint8Array {
  const { keys, tensors, data } = partsOf(bytes);
  return gguf({ keys: keys.map(([key, had]) => [key, key === name ? value : had] as const), tensors, data });
}
