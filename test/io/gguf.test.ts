/** GGUF files: what gguf-py wrote, read in windows of any size; and those of an enemy, or a bad disk, refused before anything is read. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openGguf } from '../../dist/io/gguf.js';
import type { GgufTexts } from '../../dist/io/gguf_texts.js';
import fc from '../draws.js';
import { gguf, type Made } from './gguf_file.js';
import { failureOf, streamOf } from './memory.js';

const tiny = new Uint8Array(readFileSync(new URL('../fixtures/gguf/tiny.gguf', import.meta.url)));
const open = (bytes: Uint8Array, options = {}) => openGguf(streamOf(bytes, { name: 'test.gguf', ...options }));
const f32 = (name: string, sizes: (number | bigint)[], offset: number | bigint) => ({ name, sizes, type: 0, offset });

describe('a GGUF file', () => {
  it.each([{ most: 1 }, { most: 7 }, { most: 1000 }, { size: false }])('is read whole where the stream gives %o', async (options) => {
    const file = await open(tiny, options);
    expect(Object.fromEntries(file.metadata)).toMatchObject({
      'general.architecture': 'llama',
      ...{ 'a.u8': 200, 'a.i8': -100, 'a.u16': 60000, 'a.i16': -30000, 'a.u32': 4000000000, 'a.i32': -2000000000 },
      ...{ 'a.u64': 2n ** 53n + 1n, 'a.i64': -5, 'a.f32': 0.5, 'a.f64': 0.1, 'a.bool': true, 'a.string': 'grüße 北京' },
      ...{ 'a.ints': Int32Array.of(1, -2, 3), 'a.floats': Float32Array.of(0.5, -1.5) },
    });
    expect((file.metadata.get('a.strings') as GgufTexts).list()).toEqual(['one', '', 'три']);
    expect(file.tensors.map(({ name, dtype, shape, block }) => [name, dtype, shape, block])).toEqual([
      ['f32', 'F32', [3, 64], [1, 4]],
      ['f16', 'F16', [3, 64], [1, 2]],
      ['bf16', 'BF16', [3, 64], [1, 2]],
      ['q8_0', 'Q8_0', [3, 64], [32, 34]],
      ['q4_0', 'Q4_0', [3, 64], [32, 18]],
      ['q4_1', 'Q4_1', [3, 64], [32, 20]],
      ['row', 'F32', [5], [1, 4]],
    ]);
    const [first, row] = [file.header.get('f32'), file.header.get('row')] as [never, never];
    const { f32: values } = JSON.parse(readFileSync(new URL('../fixtures/gguf/tiny.json', import.meta.url), 'utf8'));
    expect([...new Float32Array((await file.bytes(first)).buffer)]).toEqual(values);
    expect([...new Float32Array((await file.bytes(row)).buffer)]).toEqual([0, 1, 2, 3, 4]);
    await file.end();
    await file.close();
  });

  it('hands out chunks of whole rows, whose blocks are whole', async () => {
    const file = await open(tiny, { most: 11 });
    const tensor = file.header.get('q4_1') as never;
    const lengths: number[] = [];
    await file.read(tensor, (chunk) => void lengths.push(chunk.length), { granularity: 40 });
    expect(lengths.every((length) => length % 40 === 0)).toBe(true);
    expect(lengths.reduce((a, b) => a + b)).toBe(120);
    await expect(file.read(file.header.get('row') as never, () => {}, { granularity: 6 })).rejects.toMatchObject({ code: 'ARGUMENT' });
  });

  it('has tensors of kinds that heed does not know, as long as nobody reads them', async () => {
    const unknown = { name: 'odd', sizes: [8], type: 99, offset: 0 };
    const file = await open(gguf({ tensors: [unknown, f32('a', [2], 64)], data: 72 }));
    await expect(file.read(file.header.get('odd') as never, () => {})).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'odd' });
    expect(await file.bytes(file.header.get('a') as never)).toHaveLength(8);
  });

  it('keeps keys that objects inherit, and rows of one element', async () => {
    const file = await open(
      gguf({
        keys: [
          ['__proto__', [4, 1]],
          ['constructor', [7, 1]],
        ],
        tensors: [f32('one', [], 0)],
        data: 4,
      }),
    );
    expect([...file.metadata]).toEqual([
      ['__proto__', 1],
      ['constructor', true],
    ]);
    expect(file.tensors[0]?.shape).toEqual([]);
  });
});

describe('a malformed GGUF file', () => {
  const big = 2n ** 63n;
  const cases: [string, Uint8Array | Made, RegExp][] = [
    ['nothing at all', new Uint8Array(0), /ends within its header/],
    ['safetensors', new TextEncoder().encode('{"a":1}        '), /does not begin with GGUF/],
    ['more keys than it can have', { counts: { keys: big } }, /claims \d+ keys/],
    ['more tensors than it can have', { counts: { tensors: big } }, /claims \d+ tensors/],
    ['keys that are not there', { counts: { keys: 3n } }, /ends within its header/],
    [
      'one key twice',
      {
        keys: [
          ['a', [4, 1]],
          ['a', [4, 2]],
        ],
      },
      /give "a" twice/,
    ],
    ['a type that metadata do not have', { keys: [['a', [77, []]]] }, /"a" is of type 77/],
    ['a bool of 2', { keys: [['a', [7, 2]]] }, /neither true nor false/],
    ['a string that is not UTF-8', { keys: [['a', [8, Uint8Array.of(0xff, 0xfe)]]] }, /not UTF-8/],
    ['lists in lists in lists', { keys: [['a', [9, [9, [[9, [[9, [[9, [[4, [1]]]]]]]]]]]]] }, /"a" is of type 9/],
    ['an alignment of 33', { keys: [['general.alignment', [4, 33]]] }, /aligned to 33 bytes/],
    ['an alignment of 0', { keys: [['general.alignment', [4, 0]]] }, /aligned to 0 bytes/],
    ['an alignment that is a text', { keys: [['general.alignment', [8, '32']]] }, /aligned to 32 bytes/],
    ['one tensor twice', { tensors: [f32('a', [1], 0), f32('a', [1], 32)], data: 36 }, /tensor "a" twice/],
    ['five axes', { tensors: [f32('a', [1, 1, 1, 1, 1], 0)], data: 4 }, /5 axes/],
    ['a size beyond whole numbers', { tensors: [f32('a', [2n ** 62n], 0)], data: 4 }, /claims \d+ elements of "a"/],
    ['sizes whose product is', { tensors: [f32('a', [2n ** 40n, 2n ** 40n], 0)], data: 4 }, /no length in bytes/],
    ['an odd place', { tensors: [f32('a', [1], 4)], data: 8 }, /no multiple of 32/],
    ['an overlap', { tensors: [f32('a', [16], 0), f32('b', [1], 32)], data: 64 }, /"b" overlaps/],
    ['half a block', { tensors: [{ name: 'a', sizes: [33], type: 3, offset: 0 }], data: 40 }, /blocks of 32/],
    ['too few bytes', { tensors: [f32('a', [16], 0)], data: 60 }, /"a" needs 64 bytes of data, and the file has 60/],
  ];

  it.each(cases)('is refused and named: %s', async (_, made, message) => {
    const stream = streamOf(made instanceof Uint8Array ? made : gguf(made), { name: 'test.gguf' });
    const error = await failureOf(() => openGguf(stream));
    expect(error.code).toBe('FORMAT');
    expect(error.message).toMatch(message);
    expect(error.message).toContain('test.gguf');
    expect(stream.closed).toBe(1);
  });

  it.each([
    [1, /version 1/],
    [4, /version 4/],
    [3 << 24, /other byte order/],
  ])('of version %i is not supported', async (version, message) => {
    expect(await failureOf(() => open(gguf({ version })))).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringMatching(message) });
  });

  it('that ends anywhere says so', async () => {
    const { size } = await open(tiny);
    const end = tiny.length - (-size & 31);
    for (let length = 0; length < end; length += 13) {
      const error = await failureOf(() => open(tiny.subarray(0, length)));
      expect(error.code, `${length}`).toBe('FORMAT');
    }
  });

  it('with any byte changed opens or is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(tiny.length - 1), fc.nat(255), fc.boolean(), async (at, byte, size) => {
        const bytes = tiny.slice();
        bytes[at] = byte;
        const file = await open(bytes, { size }).catch((error: unknown) => error as { code: string });
        if ('code' in file) expect(['FORMAT', 'UNSUPPORTED']).toContain(file.code);
        else await file.close();
      }),
      { numRuns: 500 },
    );
  });
});
