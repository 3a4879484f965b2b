/** WAV files of every usual kind, as libsndfile reads them; headers that lie, and files that are none. */
import { describe, expect, it } from 'vitest';
import { isWav, readWav } from '../../dist/audio/wav.js';
import { failureOf } from '../io/memory.js';
import { bytesOf, expected } from './sounds.js';

const written = Object.entries(expected.files).filter(([, { left }]) => left);
const read = (bytes: Uint8Array) => readWav(bytes, 'a.wav');
const failing = (bytes: Uint8Array) => failureOf(async () => read(bytes));

describe('a file', () => {
  it.each(written)('of kind %s is what libsndfile reads, sample by sample', (name, { left, right, rate }) => {
    const bytes = bytesOf(name);
    expect(isWav(bytes)).toBe(true);
    const sound = read(bytes);
    expect(sound.rate).toBe(rate);
    expect(sound.channels.map((channel) => [...channel])).toEqual([left, right]);
  });

  it('may stand anywhere in a buffer, with other chunks before its samples, of odd lengths, too', () => {
    const plain = bytesOf('i16');
    const list = [...new TextEncoder().encode('LIST'), 3, 0, 0, 0, 1, 2, 3, 0];
    const bytes = Uint8Array.from([9, ...plain.subarray(0, 12), ...list, ...plain.subarray(12)]).subarray(1);
    expect(read(bytes)).toEqual(read(plain));
  });

  it.each([
    ['0, as a stream has it', 0],
    ['as large as can be', 0xffffffff],
    ['beyond the end', 1 << 20],
  ])('whose length is %s goes to its end', (_, length) => {
    const bytes = bytesOf('i16').slice();
    const at = Buffer.from(bytes).indexOf('data') + 4;
    new DataView(bytes.buffer).setUint32(at, length, true);
    expect(read(bytes)).toEqual(read(bytesOf('i16')));
  });

  it('that ends within a frame lacks that frame', () => {
    const bytes = bytesOf('i24');
    const at = Buffer.from(bytes).indexOf('data') + 8;
    expect(read(bytes.slice(0, at + 6 * 5 + 4)).channels[0]).toHaveLength(5);
  });
});

describe('refused, by name', () => {
  const changed = (offset: number, value: number, size: 2 | 4 = 2) => {
    const bytes = bytesOf('i16').slice();
    const view = new DataView(bytes.buffer);
    const at = Buffer.from(bytes).indexOf('fmt ') + 8 + offset;
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    return bytes;
  };
  it.each<[string, () => Uint8Array, string, RegExp]>([
    ['ADPCM', () => changed(0, 2), 'UNSUPPORTED', /ADPCM/],
    ['integers of 64 bits', () => changed(12, 16), 'UNSUPPORTED', /format 1|PCM|bits/],
    ['no channels', () => changed(2, 0), 'FORMAT', /0 channels/],
    ['60,000 channels', () => changed(2, 60_000), 'FORMAT', /60000 channels/],
    ['a rate of 0', () => changed(4, 0, 4), 'FORMAT', /0 samples/],
    ['a rate that makes hours of it', () => changed(4, 1, 4), 'FORMAT', /1 samples/],
    ['a rate that nobody has', () => changed(4, 0xffffffff, 4), 'FORMAT', /4294967295 samples/],
    ['a header alone', () => bytesOf('i16').slice(0, 12), 'FORMAT', /does not say/],
    ['no samples', () => bytesOf('i16').slice(0, Buffer.from(bytesOf('i16')).indexOf('data')), 'FORMAT', /no samples/],
  ])('%s', async (_, bytes, code, message) => {
    expect(await failing(bytes())).toMatchObject({ code, culprit: 'a.wav', message: expect.stringMatching(message) });
  });

  it('a sample that is no number', async () => {
    const bytes = bytesOf('f32').slice();
    new DataView(bytes.buffer).setUint32(bytes.length - 4, 0x7fc00000, true);
    expect(await failing(bytes)).toMatchObject({ code: 'FORMAT', message: expect.stringMatching(/no finite number/) });
  });
});
