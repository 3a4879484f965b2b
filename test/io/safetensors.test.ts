import { describe, expect, it } from 'vitest';
import { openSafetensors } from '../../dist/io/safetensors.js';
import fc from '../draws.js';
import { failureOf, file, streamOf } from './memory.js';

const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
const open = (bytes: Uint8Array, options = {}) => openSafetensors(streamOf(bytes, options));
const counting = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7) & 255);

describe('a safetensors file', () => {
  it('gives its tensors in the order of the file, whatever the order of the header', async () => {
    const st = await open(file({ b: f32([2], 8, 16), a: f32([2, 1], 0, 8), __metadata__: { format: 'pt' } }, counting(16)));
    expect(st.tensors.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(st.header.get('a')).toEqual({ name: 'a', dtype: 'F32', block: [1, 4], shape: [2, 1], begin: 0, end: 8 });
    expect([...st.metadata]).toEqual([['format', 'pt']]);
    expect(st.size).toBe(16);
  });

  it('has scalars, empty tensors, and names that objects inherit', async () => {
    const header =
      '{"__proto__":{"dtype":"I8","shape":[],"data_offsets":[0,1]},"constructor":{"dtype":"F64","shape":[0,3],"data_offsets":[1,1]}}';
    const st = await open(file(header, 1));
    expect(st.tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['__proto__', []],
      ['constructor', [0, 3]],
    ]);
    for (const tensor of st.tensors) expect(await st.bytes(tensor)).toHaveLength(tensor.end - tensor.begin);
  });

  it('may hold nothing', async () => {
    expect((await open(file({}))).tensors).toEqual([]);
  });

  it('passes over tensors that nobody reads', async () => {
    const data = counting(3 << 20);
    const st = await open(
      file({ a: f32([1 << 18], 0, 1 << 20), b: f32([1 << 18], 1 << 20, 2 << 20), c: f32([1 << 18], 2 << 20, 3 << 20) }, data),
    );
    expect(Buffer.compare(await st.bytes(st.header.get('c') as never), data.subarray(2 << 20))).toBe(0);
  });

  it('must be visited in order, one tensor at a time', async () => {
    const st = await open(file({ a: f32([1], 0, 4), b: f32([1], 4, 8) }, 8));
    const [a, b] = st.tensors as [never, never];
    const both = [st.read(b, () => new Promise((done) => setTimeout(done, 5))), failureOf(() => st.read(b, () => {}))] as const;
    expect(await both[1]).toMatchObject({ code: 'ARGUMENT', message: expect.stringContaining('another tensor') });
    await both[0];
    expect(await failureOf(() => st.read(a, () => {}))).toMatchObject({ code: 'ARGUMENT', message: expect.stringContaining('"a"') });
  });

  it('refuses kinds of numbers that heed does not read, once they are asked for', async () => {
    const st = await open(file({ a: { dtype: 'F8_E4M3', shape: [4], data_offsets: [0, 4] }, b: f32([1], 4, 8) }, 8));
    const error = await failureOf(() => st.read(st.tensors[0] as never, () => {}));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', culprit: 'a', message: expect.stringContaining('F64, F32, F16, BF16') });
    expect(await st.bytes(st.tensors[1] as never)).toHaveLength(4);
  });

  it('hands on what a consumer throws, and can be closed then', async () => {
    const stream = streamOf(file({ a: f32([1 << 20], 0, 4 << 20) }, 4 << 20));
    const st = await openSafetensors(stream);
    await expect(
      st.read(st.tensors[0] as never, () => {
        throw new RangeError('full');
      }),
    ).rejects.toThrow('full');
    await st.close();
    expect(stream.closed).toBe(1);
  });
});

describe('chunks', () => {
  it.each([
    ['of a row that divides the buffer', 4096, 3 << 20],
    ['of a row that does not', 1536 * 4, 3 << 20],
    ['of an odd row', 4 * 1237, 4 * 1237 * 600],
    ['of a row longer than the buffer', 4 * 300_001, 4 * 300_001 * 5],
    ['where the last row is short', 1000, 4 * 1_000_003],
  ])('hold whole rows: %s', async (_, row, bytes) => {
    const data = counting(bytes);
    const header = { x: f32([3], 0, 12), w: f32([bytes / 4], 12, 12 + bytes) };
    const st = await open(file(header, concat(new Uint8Array(12), data)), { most: 70_001 });
    let expected = 0;
    await st.read(
      st.header.get('w') as never,
      async (chunk, offset) => {
        expect(offset).toBe(expected);
        if (offset + chunk.length < bytes) expect(chunk.length % row).toBe(0);
        await Promise.resolve();
        expect(Buffer.compare(chunk, data.subarray(offset, offset + chunk.length))).toBe(0);
        expected += chunk.length;
      },
      { granularity: row },
    );
    expect(expected).toBe(bytes);
  });

  it('must hold whole elements', async () => {
    const st = await open(file({ a: f32([3], 0, 12) }, 12));
    for (const granularity of [0, 6, -4, 1.5, Number.NaN])
      expect(await failureOf(() => st.read(st.tensors[0] as never, () => {}, { granularity }))).toMatchObject({ code: 'ARGUMENT' });
  });
});

describe('any header', () => {
  const dtypes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;
  const tensor = fc.record({
    name: fc.string({ unit: 'grapheme', maxLength: 12 }).filter((name) => name !== '__metadata__'),
    dtype: fc.constantFrom(...(Object.keys(dtypes) as (keyof typeof dtypes)[])),
    shape: fc.array(fc.nat(5), { maxLength: 4 }),
  });

  it('comes back as it was written', async () => {
    const files = fc.record({
      tensors: fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 8 }),
      metadata: fc.dictionary(fc.string(), fc.string()),
      most: fc.integer({ min: 1, max: 50 }),
      padding: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(files, async ({ tensors, metadata, most, padding }) => {
        let end = 0;
        const entries = tensors.map(({ name, dtype, shape }) => {
          const begin = end;
          end += shape.reduce((a, b) => a * b, 1) * dtypes[dtype];
          return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
        });
        const header = JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries])) + ' '.repeat(padding);
        const data = counting(end);
        const st = await open(file(header, data), { most });
        expect(new Map(st.metadata)).toEqual(new Map(Object.entries(metadata)));
        expect(new Set(st.header.keys())).toEqual(new Set(tensors.map(({ name }) => name)));
        for (const { name, shape, dtype, begin, end } of st.tensors) {
          expect(tensors.find((t) => t.name === name)).toEqual({ name, shape, dtype });
          expect(await st.bytes(st.header.get(name) as never)).toEqual(data.slice(begin, end));
        }
      }),
    );
  });
});

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
