/** Sound from wherever it is: paths, URLs, Blobs, bytes, samples, buffers of a browser; files that other decoders read. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { read_audio, registerAudioDecoder } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { failureOf } from '../io/memory.js';
import { bytesOf, expected, sound, type WavFile } from './sounds.js';

const folder = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'a.wav');
writeFileSync(path, bytesOf('i16'));
const { left = [], right = [], rate } = expected.files.i16 as WavFile;
const mean = Float32Array.from(left, (sample, i) => (sample + (right[i] as number)) / 2);

describe('channels are averaged, and samples come at the wanted rate', () => {
  it.each<[string, () => Parameters<typeof read_audio>[0]]>([
    ['a path', () => path],
    ['a URL', () => pathToFileURL(path)],
    ['a Blob', () => new Blob([bytesOf('i16') as Uint8Array<ArrayBuffer>])],
    ['a File', () => new File([bytesOf('i16') as Uint8Array<ArrayBuffer>], 'a.wav')],
    ['bytes', () => bytesOf('i16')],
    ['an ArrayBuffer', () => bytesOf('i16').slice().buffer as ArrayBuffer],
    ['a stream', () => new Blob([bytesOf('i16') as Uint8Array<ArrayBuffer>]).stream()],
    ['samples with their rate', () => ({ array: mean, sampling_rate: rate })],
    [
      'an AudioBuffer',
      () => ({ numberOfChannels: 2, sampleRate: rate, getChannelData: (c: number) => Float32Array.from(c ? right : left) }),
    ],
  ])('of %s', async (_, source) => {
    const samples = await read_audio(source(), rate);
    expect(samples).toHaveLength(mean.length);
    for (const [i, sample] of samples.entries()) expect(sample).toBeCloseTo(mean[i] as number, 6);
    expect(await read_audio(source(), 2 * rate)).toHaveLength(2 * mean.length);
  });

  it('of samples, whose rate is the wanted one unless another is told', async () => {
    const x = sound(500, 1);
    expect(await read_audio(x, 16_000)).toEqual(x);
    expect(await read_audio(Float64Array.from(x), 16_000)).toEqual(x);
    expect(await read_audio(x, 16_000, { from: 8000 })).toHaveLength(1000);
  });

  it('unless they take longer than they may', async () => {
    const x = sound(500, 1);
    expect(await read_audio(x, 16_000, { from: 1000, maxSeconds: 0.5 })).toHaveLength(8000);
    await expect(read_audio(x, 16_000, { from: 1000, maxSeconds: 0.49 })).rejects.toMatchObject({
      code: 'ARGUMENT',
      culprit: 'sound',
      shape: [500],
    });
    await expect(read_audio(x, 16_000, { maxSeconds: 0 })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'maxSeconds' });
  });
});

describe('files of other kinds', () => {
  const containers = JSON.parse(readFileSync(new URL('../fixtures/audio/containers.json', import.meta.url), 'utf8')) as Record<
    string,
    string
  >;
  it.each([
    ...['flac', 'ogg', 'mp3'].map((name) => [name, bytesOf(name)] as const),
    ...Object.entries(containers).map(([name, base64]) => [name, new Uint8Array(Buffer.from(base64, 'base64'))] as const),
  ])('%s is decoded by audio-decode, which is installed here', async (name, bytes) => {
    const samples = await read_audio(bytes, 16_000);
    // A sine of 440 Hz, of height 0.5.
    expect(Math.abs(samples.length - 16_000)).toBeLessThan(3000);
    const wave = (shape: (x: number) => number) =>
      samples.subarray(3000, 13_000).reduce((sum, x, i) => sum + x * shape((2 * Math.PI * 440 * i) / 16_000), 0);
    expect(Math.hypot(wave(Math.cos), wave(Math.sin)) / 5000).toBeCloseTo(0.5, name === 'm4a' ? 1.5 : 2); // AAC of few bits is lower by two hundredths
  });

  it('are decoded by what somebody registers, and what that throws is the cause', async () => {
    registerAudioDecoder(async (bytes) => {
      if (bytes.length < 10) throw new Error('too short');
      return { channelData: [Float32Array.of(1, 0), Float32Array.of(0, 1)], sampleRate: 16_000 };
    });
    expect(await read_audio(bytesOf('mp3'), 16_000)).toEqual(Float32Array.of(0.5, 0.5));
    const error = await failureOf(() => read_audio(Uint8Array.of(0xff, 0xfb, 1), 16_000));
    expect(error).toMatchObject({
      code: 'FORMAT',
      message: expect.stringMatching(/cannot be decoded as MP3/),
      cause: new Error('too short'),
    });
    for (const decoded of [{}, { channelData: [], sampleRate: 9 }, { channelData: [Float32Array.of(1)], sampleRate: -1 }]) {
      registerAudioDecoder(async () => decoded as never);
      expect(await failureOf(() => read_audio(bytesOf('ogg'), 16_000))).toMatchObject({ code: 'FORMAT' });
    }
  });
});

describe('is refused', () => {
  it.each<[string, unknown, unknown, object]>([
    ['nothing', undefined, 16_000, { code: 'ARGUMENT', culprit: 'sound' }],
    ['a number', 9, 16_000, { code: 'ARGUMENT', culprit: 'sound' }],
    ['integers', Int16Array.of(1, 2), 16_000, { code: 'ARGUMENT', culprit: 'sound' }],
    ['an empty file', new Uint8Array(0), 16_000, { code: 'FORMAT' }],
    ['a file that is not there', join(folder, 'none.wav'), 16_000, { code: 'NOT_FOUND' }],
    ['no rate', path, undefined, { code: 'ARGUMENT', culprit: 'sampling_rate' }],
    ['samples without a rate', { array: Float32Array.of(1) }, 16_000, { code: 'ARGUMENT', culprit: 'sampling_rate' }],
    ['a sample that is no number', Float32Array.of(Number.POSITIVE_INFINITY), 16_000, { code: 'NUMERIC' }],
  ])('%s', async (_, source, wanted, error) => {
    expect(await failureOf(() => read_audio(source as string, wanted as number))).toMatchObject(error);
  });

  it('a decoder that is none', () => {
    expect(() => registerAudioDecoder('mp3' as never)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }));
  });
});
