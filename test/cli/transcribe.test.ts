/** `heed transcribe`: subtitles as players read them, what the command prints of a recording where its model is, and what it refuses. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawAudio } from '../../dist/entry/node.js';
import { srt, vtt } from '../../dist/pipelines/speech/subtitles.js';
import { hasWhisperTiny, recording, recordingExpected, whisperTiny } from '../whisper_tiny.js';
import { run } from './command.js';

const chunks = [
  { text: ' One & two', timestamp: [0, 1.5] as [number, number] },
  { text: ' <three>', timestamp: [3599.999, 3661.02] as [number, number] },
];

it('writes SubRip and WebVTT', () => {
  expect(srt(chunks)).toBe('1\n00:00:00,000 --> 00:00:01,500\nOne & two\n\n2\n00:59:59,999 --> 01:01:01,020\n<three>\n');
  expect(vtt(chunks)).toBe('WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nOne &amp; two\n\n00:59:59.999 --> 01:01:01.020\n&lt;three&gt;\n');
  expect([srt([]), vtt([])]).toEqual(['', 'WEBVTT\n']);
});

it.each([
  [['a.wav', '--words'], 1, '--format srt, vtt or json'],
  [['a.wav', 'b.wav', '--format', 'srt'], 1, 'one file'],
  [['a.wav', '--format', 'doc'], 2, 'srt'],
  [['a.wav', '--chunk', '0'], 2, 'above 0'],
  [[], 2, 'file'],
])('refuses %s', async (args, code, told) => {
  const done = await run(['transcribe', ...args]);
  expect(done).toMatchObject({ code, stdout: '' });
  expect(done.stderr).toContain(told);
});

describe('with a model that scores letters', () => {
  const model = fileURLToPath(new URL('../fixtures/ctc/group', import.meta.url));
  const { word, samples } = JSON.parse(readFileSync(join(model, 'told.json'), 'utf8')) as {
    word: { text: string; chunks: typeof chunks };
    samples: number[];
  };
  const wav = new Uint8Array(new RawAudio(Float32Array.from(samples), 16_000).toWav());
  const folder = mkdtempSync(join(tmpdir(), 'heed-transcribe-'));
  const [sound, broken] = [join(folder, 'one.wav'), join(folder, 'broken.wav')];
  beforeAll(() => {
    writeFileSync(sound, wav);
    writeFileSync(broken, wav.subarray(0, 30));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('prints letters, words with their times, and subtitles', async () => {
    const transcribe = (...args: string[]) => run(['transcribe', sound, '--model', model, ...args]);
    expect(await transcribe()).toMatchObject({ code: 0, stdout: `${word.text}\n` });
    const { code, stdout } = await transcribe('--words', '--format', 'json');
    expect({ code, ...(JSON.parse(stdout) as object) }).toEqual({ code: 0, file: sound, text: word.text, chunks: word.chunks });
    expect(await transcribe('--format', 'srt')).toMatchObject({ code: 0, stdout: srt(word.chunks) });
    expect(await transcribe('--language', 'de')).toMatchObject({ code: 1, stdout: '' });
  }, 60_000);

  it('hears standard input, and goes on behind a file that is none, with exit code 1', async () => {
    expect(await run(['transcribe', '-', '--model', model], wav)).toMatchObject({ code: 0, stdout: `${word.text}\n` });
    const { code, stdout, stderr } = await run(['transcribe', broken, join(folder, 'nowhere.wav'), sound, '--model', model]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: `${word.text}\n` });
    expect(stderr).toMatch(/broken\.wav.*\[FORMAT\]\n(.*\n)*.*nowhere\.wav.*\[NOT_FOUND\]\n/);
    const alone = await run(['transcribe', '-', '--model', model], wav.subarray(0, 30));
    expect(alone).toMatchObject({ code: 1, stdout: '' });
    expect(alone.stderr).toContain('standard input');
  }, 60_000);
});

describe.skipIf(!hasWhisperTiny)('of a recording', () => {
  const { text, segments } = (hasWhisperTiny ? JSON.parse(readFileSync(recordingExpected, 'utf8')) : {}) as {
    text: string;
    segments: typeof chunks;
  };
  const transcribe = (...args: string[]) => run(['transcribe', recording, '--model', whisperTiny, ...args]);

  it('prints its text, and subtitles of five beams', async () => {
    expect(await transcribe()).toMatchObject({ code: 0, stdout: `${text.trim()}\n` });
    expect(await transcribe('--format', 'vtt', '--beams', '5')).toMatchObject({ code: 0, stdout: vtt(segments) });
  }, 120_000);

  it('says what no English model does', async () => {
    const { code, stderr } = await transcribe('--translate');
    expect(code).toBe(1);
    expect(stderr).toContain('[UNSUPPORTED]');
  }, 60_000);
});
