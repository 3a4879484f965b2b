/** RawAudio: a WAV file of its samples is read with the same bits, and what is no sound is refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RawAudio, read_audio } from '../../dist/entry/node.js';

const samples = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i / 7) * (i % 3 ? 0.9 : 1e-7));

it('is written as a WAV file that is read with the same bits', async () => {
  const sound = new RawAudio(samples, 22_050);
  expect(await read_audio(sound.toWav(), 22_050)).toEqual(samples);
  expect(sound.toBlob().type).toBe('audio/wav');
  expect(await read_audio(sound.toBlob(), 22_050)).toEqual(samples);
  const folder = mkdtempSync(join(tmpdir(), 'heed-audio-'));
  try {
    await sound.save(join(folder, 'one.wav'));
    expect(await read_audio(join(folder, 'one.wav'), 22_050)).toEqual(samples);
    await expect(sound.save(join(folder, 'one.mp3'))).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'path' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('puts pieces together, and is read as it is', async () => {
  const sound = new RawAudio([samples.subarray(0, 300), samples.subarray(300)], 16_000);
  expect(sound.data).toEqual(samples);
  expect(await read_audio(sound, 16_000)).toEqual(samples);
  await expect(read_audio(sound, 16_000, { signal: 5 as never })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'signal' });
});

it.each([
  [[samples, [0.5]], 16_000, 'audio'],
  [[], 16_000, 'audio'],
  [samples, 0, 'sampling_rate'],
  [samples, Number.NaN, 'sampling_rate'],
])('refuses what is no sound', (audio, rate, culprit) => {
  expect(() => new RawAudio(audio as Float32Array, rate)).toThrow(expect.objectContaining({ code: 'ARGUMENT', culprit }));
});
