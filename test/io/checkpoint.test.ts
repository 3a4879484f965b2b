import { describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../dist/io/checkpoint.js';
import { folderAt } from '../../dist/io/folder.js';
import { JsonNode, readJson } from '../../dist/io/json.js';
import type { CheckpointEntry, Progress } from '../../dist/io/weights.js';
import { failureOf, file, memoryRuntime } from './memory.js';

const bytesOf = (name: string, value: number, count = 2) =>
  file({ [name]: { dtype: 'U8', shape: [count], data_offsets: [0, count] } }, new Uint8Array(count).fill(value));

async function visit(files: Record<string, Uint8Array | string>, options = {}) {
  const { runtime, state } = memoryRuntime(files);
  const seen: [string, string, number[]][] = [];
  for await (const tensor of readCheckpoint(folderAt(runtime, 'm'), options)) {
    const bytes: number[] = [];
    await tensor.read((chunk) => {
      for (const byte of chunk) bytes.push(byte);
    });
    seen.push([tensor.name, tensor.file, bytes]);
  }
  return { seen, state };
}

const index = (weight_map: unknown, metadata?: unknown) => JSON.stringify({ metadata, weight_map });
const shards = {
  'm/model-00002-of-00002.safetensors': bytesOf('b', 2),
  'm/model-00001-of-00002.safetensors': bytesOf('a', 1, 3),
};
const map = { b: 'model-00002-of-00002.safetensors', a: 'model-00001-of-00002.safetensors' };

describe('a checkpoint', () => {
  it.each(['onnx/model.onnx', 'pytorch_model.bin', 'tf_model.h5', 'flax_model.msgpack'])(
    'is not %s, and the error says so, and what to do',
    async (name) => {
      const listed = {
        name: 'm',
        locate: (file: string) => file,
        open: folderAt(memoryRuntime({}).runtime, 'm').open,
        list: async () => ['README.md', name],
      };
      const found = folderAt(memoryRuntime({ [`m/${name}`]: 'weights' }).runtime, 'm');
      for (const folder of [listed, found])
        expect(await failureOf(() => readCheckpoint(folder).next())).toMatchObject({
          code: 'UNSUPPORTED',
          message: expect.stringMatching(/has its weights for \w+ only .*heed reads safetensors.*save_pretrained/),
        });
    },
  );

  it('is one file', async () => {
    const { seen, state } = await visit({ 'm/model.safetensors': bytesOf('w', 7) });
    expect(seen).toEqual([['w', 'm/model.safetensors', [7, 7]]]);
    expect(state).toEqual({ opened: 1, closed: 1 });
  });

  it('is shards in the order of their names', async () => {
    const { seen, state } = await visit({ ...shards, 'm/model.safetensors.index.json': index(map) });
    expect(seen.map(([name, , bytes]) => [name, bytes])).toEqual([
      ['a', [1, 1, 1]],
      ['b', [2, 2]],
    ]);
    expect(state.closed).toBe(state.opened);
  });

  it('shows all tensors of all files before any is read, and ends where they are refused', async () => {
    const files = { ...shards, 'm/model.safetensors.index.json': index(map) };
    const seen: unknown[] = [];
    const check = (tensors: readonly CheckpointEntry[]) => void seen.push(...tensors.map(({ name, file, shape }) => [name, file, shape]));
    expect((await visit(files, { check })).seen).toHaveLength(2);
    expect(seen).toEqual([
      ['a', 'm/model-00001-of-00002.safetensors', [3]],
      ['b', 'm/model-00002-of-00002.safetensors', [2]],
    ]);
    for (const [all, opened] of [
      [files, 3], // the index, and each shard once
      [{ 'm/model.safetensors': bytesOf('w', 7) }, 1],
    ] as const) {
      const { runtime, state } = memoryRuntime(all);
      const refuse = () => {
        throw new Error('mine');
      };
      await expect(readCheckpoint(folderAt(runtime, 'm'), { check: refuse }).next()).rejects.toThrow('mine');
      expect(state).toEqual({ opened, closed: opened });
    }
  });

  it('that goes on behind its last tensor, or ends before that, is refused where nobody knew its length', async () => {
    const whole = bytesOf('w', 7, 100);
    for (const [bytes, message] of [
      [new Uint8Array([...whole, 1]), /it goes on where its header says that it ends/],
      [whole.subarray(0, -1), /it ends 1 bytes before its last tensor does/],
    ] as const) {
      const { runtime, state } = memoryRuntime({ 'm/model.safetensors': bytes }, { size: false });
      const passOver = async () => {
        for await (const _ of readCheckpoint(folderAt(runtime, 'm')));
      };
      expect(await failureOf(passOver)).toMatchObject({ code: 'FORMAT', message: expect.stringMatching(message) });
      expect(state).toEqual({ opened: 1, closed: 1 });
    }
  });

  it('tells how far it is', async () => {
    const reports: Progress[] = [];
    const onProgress = (progress: Progress) => reports.push(progress);
    await visit({ ...shards, 'm/model.safetensors.index.json': index(map, { total_size: 5 }) }, { onProgress });
    expect(reports).toEqual([
      { file: 'model-00001-of-00002.safetensors', loaded: 3, total: 3 },
      { file: 'model-00002-of-00002.safetensors', loaded: 2, total: 2 },
    ]);
    reports.length = 0;
    await visit({ 'm/model.safetensors': bytesOf('w', 0, 3 << 20) }, { onProgress });
    expect(reports.length).toBeGreaterThan(2);
    expect(reports.at(-1)).toEqual({ file: 'model.safetensors', loaded: 3 << 20, total: 3 << 20 });
  });

  it('is closed when the visitor leaves, fails or aborts', async () => {
    const controller = new AbortController();
    const endings = {
      leaves: () => 'leave',
      fails: () => Promise.reject(new Error('mine')),
      aborts: () => controller.abort(new Error('enough')),
    };
    for (const [how, end] of Object.entries(endings)) {
      const header = { a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] }, b: { dtype: 'U8', shape: [1], data_offsets: [1, 2] } };
      const { runtime, state } = memoryRuntime({ 'm/model.safetensors': file(header, 2) });
      const visiting = (async () => {
        for await (const _ of readCheckpoint(folderAt(runtime, 'm'), { signal: controller.signal })) if ((await end()) === 'leave') break;
      })();
      if (how === 'fails') await expect(visiting).rejects.toThrow('mine');
      else if (how === 'aborts') await expect(visiting).rejects.toThrow('enough');
      else await visiting;
      expect(state).toEqual({ opened: 1, closed: 1 });
    }
  });

  it.each([
    ['is not there', {}, 'NOT_FOUND', /m has neither model.safetensors nor model.safetensors.index.json/],
    ['has an index without a map', { 'm/model.safetensors.index.json': '{}' }, 'FORMAT', /weight_map must be an object/],
    ['has an index that is no JSON', { 'm/model.safetensors.index.json': '{' }, 'FORMAT', /index.json is not valid JSON/],
    [
      'names a file elsewhere',
      { 'm/model.safetensors.index.json': index({ a: '../x.safetensors' }) },
      'FORMAT',
      /"a" is not given the name/,
    ],
    ['names a URL', { 'm/model.safetensors.index.json': index({ a: 'http://x/x.safetensors' }) }, 'FORMAT', /"a" is not given the name/],
    ['gives a number for a file', { 'm/model.safetensors.index.json': index({ a: 1 }) }, 'FORMAT', /"a" is not given the name/],
    ['lacks a shard', { 'm/model.safetensors.index.json': index(map) }, 'NOT_FOUND', /model-00001-of-00002.safetensors does not exist/],
    [
      'has a shard too few tensors',
      { ...shards, 'm/model.safetensors.index.json': index({ ...map, c: map.a }) },
      'FORMAT',
      /no tensor "c"/,
    ],
    [
      'has a tensor in two shards',
      { ...shards, 'm/model.safetensors.index.json': index({ x: map.a, b: map.b }) },
      'FORMAT',
      /no tensor "x"/,
    ],
  ] as [string, Record<string, Uint8Array | string>, string, RegExp][])('that %s is refused', async (_, files, code, message) => {
    expect(await failureOf(() => visit(files))).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('that has a tensor beside the index is refused', async () => {
    const both = { a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] }, z: { dtype: 'U8', shape: [1], data_offsets: [1, 2] } };
    const files = { 'm/s.safetensors': file(both, 2), 'm/model.safetensors.index.json': index({ a: 's.safetensors' }) };
    expect(await failureOf(() => visit(files))).toMatchObject({ code: 'FORMAT', culprit: 'z' });
  });
});

describe('a JSON file', () => {
  const read = (content: Uint8Array | string, options = {}) =>
    readJson(folderAt(memoryRuntime({ 'm/c.json': content }).runtime, 'm'), 'c.json', options);

  it('is read whole, with or without a byte order mark', async () => {
    expect(await read('{"a":[1,"ü"]}')).toEqual({ a: [1, 'ü'] });
    expect(await read('\ufeff3')).toBe(3);
    expect(await read(JSON.stringify('x'.repeat(200_000)))).toHaveLength(200_000);
  });

  it('may be optional', async () => {
    const { runtime } = memoryRuntime({});
    expect(await readJson(folderAt(runtime, 'm'), 'c.json', { optional: true })).toBeUndefined();
    expect(await failureOf(() => readJson(folderAt(runtime, 'm'), 'c.json'))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each(['', '{', '{"a":1}}', 'nul', new Uint8Array([0x22, 0xff, 0x22])])('that is malformed is named (%#)', async (content) => {
    expect(await failureOf(() => read(content, { optional: true }))).toMatchObject({
      code: 'FORMAT',
      message: expect.stringContaining('m/c.json'),
    });
  });

  it('may be as deep as it likes', async () => {
    const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    const value = await read(deep).catch((error) => error.code);
    expect(Array.isArray(value) || value === 'FORMAT').toBe(true);
  });

  it('is looked into with checks that name the place', async () => {
    const node = JsonNode.of('c.json', JSON.parse('{"a":{"n":-1,"s":null,"l":[1]},"__proto__":{"x":1}}'));
    expect(node.object('a').string('s', 'none')).toBe('none');
    expect(node.get('constructor')).toBeUndefined();
    expect(node.get('x')).toBeUndefined();
    for (const [run, message] of [
      [() => node.object('a').integer('n', 10), /c\.json: a\.n must be a whole number from 0 to 10/],
      [() => node.object('a').string('s'), /a\.s must be a string/],
      [() => node.object('a').objects('l'), /a\.l\[0\] must be an object/],
      [() => node.object('b'), /c\.json: b must be an object/],
      [() => JsonNode.of('c.json', []), /c\.json: its content must be an object/],
    ] as [() => unknown, RegExp][])
      expect(await failureOf(run)).toMatchObject({ code: 'FORMAT', message: expect.stringMatching(message) });
  });
});
