/** Headers as an enemy would write them, or a bad disk: refused with the file's name and the tensor's, before anything is read. */

import { describe, expect, it } from 'vitest';
import { openSafetensors } from '../../dist/io/safetensors.js';
import fc from '../draws.js';
import { failureOf, file, streamOf } from './memory.js';

const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
const open = (bytes: Uint8Array, options = {}) => openSafetensors(streamOf(bytes, options));

describe('a malformed file', () => {
  const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing at all', new Uint8Array(0), /0 bytes, too few/],
    ['seven bytes', new Uint8Array(7), /7 bytes, too few/],
    ['a length and no header', file('', 0, 10n), /longer than the file/],
    ['a length beyond the file', file({}, 0, 3n), /longer than the file/],
    ['a length of 2⁶⁴ − 1', file({}, 0, 0xffff_ffff_ffff_ffffn), /not a safetensors file/],
    ['a length of 0', file('', 0), /does not begin with \{/],
    ['another format', new TextEncoder().encode('GGUF----------------'), /not a safetensors file/],
    ['a header that is no JSON', file('{"a":'), /not valid JSON/],
    ['a header that is a list', file('[]'), /does not begin with \{/],
    ['a byte order mark', file('\ufeff{}'), /does not begin with \{/],
    ['a header that is not UTF-8', file('{"a\u0000":1}').map((b) => (b === 0 ? 0 : b === 97 ? 0xff : b)), /not valid JSON/],
    ['deep JSON', file(deep), /tensor "a" must have|not valid JSON/],
    ['an entry that is a number', file({ a: 1 }), /tensor "a" must have/],
    ['an entry without a shape', file({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /tensor "a" must have/],
    ['an entry with more', file({ a: { ...f32([1], 0, 4), extra: 1 } }, 4), /tensor "a" must have/],
    ['an unknown dtype that ends before it begins', file({ a: { dtype: 'F31', shape: [1], data_offsets: [4, 0] } }, 4), /the end before/],
    ['a dtype that is no name', file({ a: { dtype: { toString: 1 }, shape: [1], data_offsets: [0, 4] } }, 4), /not a name/],
    ['a negative size', file({ a: f32([-1], 0, 4) }, 4), /shape that is not/],
    ['a fractional size', file({ a: f32([1.5], 0, 6) }, 6), /shape that is not/],
    ['a shape that is no list', file({ a: { dtype: 'F32', shape: {}, data_offsets: [0, 4] } }, 4), /shape that is not/],
    ['a thousand axes', file({ a: f32(new Array(1000).fill(1), 0, 4) }, 4), /shape that is not/],
    ['a size beyond whole numbers', file({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), /no length in bytes/],
    ['three offsets', file({ a: { ...f32([1], 0, 4), data_offsets: [0, 4, 8] } }, 4), /data_offsets that are not/],
    ['offsets that run backwards', file({ a: f32([1], 4, 0) }, 4), /needs 4 bytes/],
    ['a length that is not the shape’s', file({ a: f32([2], 0, 4) }, 4), /needs 8 bytes/],
    ['half a byte', file({ a: { dtype: 'F4', shape: [3], data_offsets: [0, 1] } }, 1), /no length in bytes/],
    ['a gap', file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /tensor "b" leaves a gap of 4 bytes/],
    ['a gap at the beginning', file({ a: f32([1], 4, 8) }, 8), /tensor "a" leaves a gap/],
    ['an overlap', file({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), /tensor "b" overlaps/],
    ['two tensors in one place', file({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4), /tensor "b" overlaps/],
    ['one name twice', file(`{"a":${JSON.stringify(f32([1], 0, 4))},"a":${JSON.stringify(f32([1], 0, 4))}}`, 4), /one name twice/],
    ['two dtypes', file('{"a":{"dtype":"F16","dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', 4), /one name twice/],
    ['metadata that is no object', file({ __metadata__: 3 }), /__metadata__/],
    ['metadata that holds numbers', file({ __metadata__: { a: 3 } }), /__metadata__/],
    [
      'too few bytes',
      file({ a: f32([1], 0, 4), w: f32([4], 4, 20) }, 12),
      /truncated within tensor "w": 12 bytes of data where the header describes 20/,
    ],
    ['too many bytes', file({ a: f32([1], 0, 4) }, 7), /3 bytes that its header does not describe/],
  ];

  it.each(cases)('is refused and named: %s', async (_, bytes, message) => {
    const stream = streamOf(bytes);
    const error = await failureOf(() => openSafetensors(stream));
    expect(error.code).toBe('FORMAT');
    expect(error.message).toMatch(message);
    expect(error.message).toContain('test.safetensors');
    expect(error.message.length).toBeLessThan(400);
    expect(stream.closed).toBe(1);
  });

  it.each([
    ['in the header', file({ a: f32([4], 0, 16) }, 16).subarray(0, 30), /within the header, after 30 bytes/],
    ['at a header that would be huge', file('', 0, 99_999_999n), /within the header, after 8 bytes/],
    ['in a tensor', file({ a: f32([1], 0, 4), w: f32([4], 4, 20) }, 12), /within tensor "w"/],
    ['before a tensor', file({ a: f32([1], 0, 4), w: f32([4], 4, 20) }, 2), /within tensor "w"/],
  ])('that ends too early %s is refused where nobody knew its length', async (_, bytes, message) => {
    const error = await failureOf(async () => {
      const st = await open(bytes, { size: false });
      await st.bytes(st.header.get('w') as never);
    });
    expect(error).toMatchObject({ code: 'FORMAT', message: expect.stringMatching(message) });
  });

  it('does not make memory for what a header merely claims', async () => {
    const claim = 2 ** 50;
    const st = await open(file({ a: f32([claim / 4], 0, claim) }, 100), { size: false });
    const error = await failureOf(() => st.read(st.tensors[0] as never, () => {}, { granularity: claim }));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('too long') });
  });

  it('never does anything but open or fail with FORMAT, whatever byte is changed', async () => {
    const whole = file(
      { __metadata__: { format: 'pt' }, a: f32([2, 2], 0, 16), b: { dtype: 'F16', shape: [3], data_offsets: [16, 22] } },
      22,
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 23), fc.nat(255), fc.boolean(), async (at, byte, size) => {
        const bytes = whole.slice();
        bytes[at] = byte;
        try {
          const st = await open(bytes, { size });
          for (const tensor of st.tensors) await st.read(tensor, () => {});
        } catch (error) {
          expect(error).toMatchObject({ name: 'HeedError', code: expect.stringMatching(/FORMAT|UNSUPPORTED/) });
        }
      }),
      { numRuns: 500 },
    );
  });
});
