/** Tensors that programs read from safetensors files, and write: what PyTorch's libraries wrote is read as it was meant, and what heed writes comes back. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HostTensor, readSafetensors, type WritableTensor, writeSafetensors } from 'heed';
import * as core from 'heed/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openSafetensors } from '../../dist/io/safetensors.js';
import { failureOf, streamOf } from './memory.js';

const here = fileURLToPath(new URL('../fixtures/tensors', import.meta.url));
const all = join(here, 'all.safetensors');
const shards = join(here, 'shards');
const index = 'model.safetensors.index.json';
const expected: Record<string, { dims: number[]; values: (number | string | boolean)[] }> = JSON.parse(
  readFileSync(join(here, 'expected.json'), 'utf8'),
);
const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(temporary, { recursive: true }));

const types = {
  ...{ float64: 'float64', float32: 'float32', float16: 'float32', bfloat16: 'float32', empty: 'float32', scalar: 'float32' },
  ...{ int64: 'int64', int32: 'int32', int16: 'int16', int8: 'int8', uint8: 'uint8', bool: 'bool' },
};

describe('readSafetensors', () => {
  it('gives every tensor that PyTorch wrote, of its type, half precision widened', async () => {
    const tensors = await readSafetensors(all);
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(types).sort());
    for (const [name, type] of Object.entries(types)) {
      const { dims, values } = expected[name] as (typeof expected)[string];
      const tensor = tensors[name] as HostTensor;
      expect(tensor).toBeInstanceOf(HostTensor);
      expect([name, tensor.type, tensor.dims]).toEqual([name, type, dims]);
      const numbers = Array.from(tensor.data as ArrayLike<number | bigint>, (x) => (typeof x === 'bigint' ? String(x) : x));
      expect(numbers).toEqual(values.map((x) => (typeof x === 'boolean' ? Number(x) : x)));
    }
    expect(tensors.int32?.tolist()).toEqual([
      [0, 1, 127],
      [5, 100, 2],
    ]);
  });

  it('reads an index of shards, by its own name or its folder’s', async () => {
    const whole = await readSafetensors(shards);
    const map = JSON.parse(readFileSync(join(shards, index), 'utf8')).weight_map;
    expect(Object.keys(whole).sort()).toEqual(Object.keys(map).sort());
    expect(await readSafetensors(join(shards, index))).toEqual(whole);
    expect(await readSafetensors(pathToFileURL(join(shards, index)))).toEqual(whole);
    const files = Object.fromEntries(readdirSync(shards).map((name) => [name, new Uint8Array(readFileSync(join(shards, name)))]));
    expect(await readSafetensors(files)).toEqual(whole);
  });

  it('takes bytes, as pages have them', async () => {
    const [bytes, want] = [new Uint8Array(readFileSync(all)), await readSafetensors(all)];
    const { buffer } = bytes.slice();
    for (const source of [bytes, buffer, new Blob([bytes]), new Blob([bytes]).stream(), pathToFileURL(all)])
      expect(await readSafetensors(source)).toEqual(want);
  });

  it('takes those of some names, and says which is not there', async () => {
    expect(Object.keys(await readSafetensors(all, { names: ['int8', 'bool'] })).sort()).toEqual(['bool', 'int8']);
    expect(await failureOf(() => readSafetensors(all, { names: ['int8', 'nobody'] }))).toMatchObject({
      code: 'MODEL_MISMATCH',
      culprit: 'nobody',
    });
  });

  it.each([
    ['nothing', undefined, 'ARGUMENT'],
    ['a number', 7, 'ARGUMENT'],
    ['a file that is not there', join(here, 'none.safetensors'), 'NOT_FOUND'],
    ['an index that is not there', join(here, 'none.safetensors.index.json'), 'NOT_FOUND'],
    ['a folder without any', temporary, 'NOT_FOUND'],
    ['bytes that are none', Uint8Array.of(1, 2, 3), 'FORMAT'],
    ['bytes that end too soon', new Uint8Array(readFileSync(all)).slice(0, -9), 'FORMAT'],
    ['JSON that is no index', join(here, 'expected.json'), 'FORMAT'],
  ])('refuses %s', async (_, source, code) => {
    expect(await failureOf(() => readSafetensors(source as string))).toMatchObject({ code });
  });

  it('stops when it is told to, and has no other options', async () => {
    const reason = new Error('enough');
    await expect(readSafetensors(all, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await failureOf(() => readSafetensors(all, { device: 'cpu' } as object))).toMatchObject({
      code: 'UNSUPPORTED',
      culprit: 'device',
    });
  });
});

describe('writeSafetensors', () => {
  it('gives bytes that hold the same tensors, or a file', async () => {
    const tensors = await readSafetensors(all);
    const bytes = await writeSafetensors(tensors, undefined, { metadata: { made: 'here' } });
    expect(await readSafetensors(bytes)).toEqual(tensors);
    expect((await openSafetensors(streamOf(bytes))).metadata).toEqual(new Map([['made', 'here']]));
    const file = join(temporary, 'deep', 'some.safetensors');
    await core.writeSafetensors(tensors, file);
    expect(await core.readSafetensors(file)).toEqual(tensors);
    expect((await openSafetensors(streamOf(new Uint8Array(readFileSync(file))))).metadata).toEqual(new Map([['format', 'pt']]));
  });

  it('splits what is larger than a shard as huggingface_hub does, and reads it again', async () => {
    const tensors = await readSafetensors(shards);
    const file = join(temporary, 'split', 'model.safetensors');
    await writeSafetensors(tensors, file, { maxShardSize: 600 });
    const { metadata, weight_map } = JSON.parse(readFileSync(`${file}.index.json`, 'utf8'));
    const sizes = Object.values(tensors).map(({ data }) => data.byteLength);
    expect(metadata.total_size).toBe(sizes.reduce((a, b) => a + b));
    const names = [...new Set(Object.values(weight_map))];
    expect(names.length).toBeGreaterThan(2);
    expect(names.sort()).toEqual(names.map((_, i) => `model-0000${i + 1}-of-0000${names.length}.safetensors`));
    expect(readdirSync(join(temporary, 'split')).sort()).toEqual([...(names as string[]), index].sort());
    expect(await readSafetensors(join(temporary, 'split'))).toEqual(tensors);
    await writeSafetensors(tensors, join(temporary, 'one.safetensors'), { maxShardSize: '5GB' });
    expect(existsSync(join(temporary, 'one.safetensors.index.json'))).toBe(false);
  });

  it('takes what looks like a tensor, with the type of its array', async () => {
    const bytes = await writeSafetensors({
      listed: { data: [1, 2, 3, 4], dims: [2, 2] },
      typed: { data: Int16Array.of(5), dims: [1] },
      flags: { type: 'bool', data: Uint8Array.of(1, 0), dims: [2] },
      ids: { type: 'int64', data: BigInt64Array.of(9n), dims: [1, 1] },
      part: { data: Float32Array.of(1, 2, 3).subarray(1), dims: [2] },
    });
    const read = await readSafetensors(bytes);
    expect(Object.entries(read).map(([name, { type, dims }]) => [name, type, dims])).toEqual(
      expect.arrayContaining([
        ['listed', 'float32', [2, 2]],
        ['typed', 'int16', [1]],
        ['flags', 'bool', [2]],
        ['ids', 'int64', [1, 1]],
        ['part', 'float32', [2]],
      ]),
    );
    expect([...(read.part?.data ?? [])]).toEqual([2, 3]);
  });

  const good: Record<string, WritableTensor> = { a: { data: Float32Array.of(1), dims: [1] } };
  it.each<[string, unknown, unknown, object, string, string]>([
    ['no tensors', null, undefined, {}, 'ARGUMENT', 'tensors'],
    ['what is no tensor', { x: 'text' }, undefined, {}, 'ARGUMENT', 'x'],
    ['data that does not fill its shape', { x: { data: Float32Array.of(1), dims: [2] } }, undefined, {}, 'ARGUMENT', 'x'],
    ['a type that its data is not of', { x: { type: 'int64', data: Float32Array.of(1), dims: [1] } }, undefined, {}, 'DTYPE', 'x'],
    ['a type that safetensors has not', { x: { type: 'string', data: Float32Array.of(1), dims: [1] } }, undefined, {}, 'DTYPE', 'x'],
    ['metadata that are no texts', good, undefined, { metadata: { a: 1 } }, 'ARGUMENT', 'metadata'],
    ['shards of bytes', good, undefined, { maxShardSize: 9 }, 'UNSUPPORTED', 'maxShardSize'],
    ['shards of no size', good, join(temporary, 'x.safetensors'), { maxShardSize: '5 cats' }, 'ARGUMENT', 'maxShardSize'],
    ['a file of another name', good, join(temporary, 'x.bin'), {}, 'ARGUMENT', 'file'],
    ['a file below a file', good, join(all, 'x.safetensors'), {}, 'STORAGE', join(all, 'x.safetensors')],
  ])('refuses %s, by name', async (_, tensors, file, options, code, culprit) => {
    expect(await failureOf(() => writeSafetensors(tensors as typeof good, file as string, options))).toMatchObject({ code, culprit });
  });

  it('leaves what is there as it was where the tensors are none', async () => {
    const file = join(temporary, 'kept.safetensors');
    writeFileSync(file, 'kept');
    await failureOf(() => writeSafetensors({ x: 'text' } as never, file));
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });
});
