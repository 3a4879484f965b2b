/** What is said in sounds, by OpenAI's client: what the task's pipeline hears, in each format. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createEngine, pipeline } from 'heed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasWhisperTiny, recording, whisperTiny } from '../whisper_tiny.js';
import { clientOf, post, serve } from './serving.js';

const ctc = fileURLToPath(new URL('../fixtures/ctc/group', import.meta.url));
const engine = await createEngine({ threads: 1, deterministic: true });
const server = await serve({ models: { hearer: ctc } });
const client = clientOf(server);
afterAll(async () => {
  await server.close();
  await engine.dispose();
});

describe('/v1/audio/transcriptions', () => {
  const told = JSON.parse(readFileSync(`${ctc}/told.json`, 'utf8')) as {
    samples: number[];
    word: { text: string; chunks: { text: string; timestamp: [number, number] }[] };
  };
  let file: File;
  beforeAll(() => {
    const samples = Float32Array.from(told.samples);
    const header = new DataView(new ArrayBuffer(44));
    const word = (at: number, text: string) => {
      for (let i = 0; i < 4; i++) header.setUint8(at + i, text.charCodeAt(i));
    };
    for (const [at, text] of [
      [0, 'RIFF'],
      [8, 'WAVE'],
      [12, 'fmt '],
      [36, 'data'],
    ] as const)
      word(at, text);
    for (const [at, value] of [
      [4, 36 + samples.byteLength],
      [16, 16],
      [24, 16_000],
      [28, 64_000],
      [40, samples.byteLength],
    ] as const)
      header.setUint32(at, value, true);
    for (const [at, value] of [
      [20, 3],
      [22, 1],
      [32, 4],
      [34, 32],
    ] as const)
      header.setUint16(at, value, true);
    file = new File([header, samples], 'said.wav');
  });
  const asked = () => ({ model: 'hearer', file });

  it('writes down what is said, in each format', async () => {
    const { text, chunks } = told.word;
    expect(await client.audio.transcriptions.create(asked())).toEqual({ text: text.trim() });
    expect(await client.audio.transcriptions.create({ ...asked(), response_format: 'text' })).toBe(`${text.trim()}\n`);
    expect(await client.audio.transcriptions.create({ ...asked(), response_format: 'srt' })).toMatch(/^1\n00:00:00,\d{3} --> /);
    expect(await client.audio.transcriptions.create({ ...asked(), response_format: 'vtt' })).toMatch(/^WEBVTT\n/);
    const verbose = { ...asked(), response_format: 'verbose_json' as const, timestamp_granularities: ['word' as const] };
    expect(await client.audio.transcriptions.create(verbose)).toMatchObject({
      ...{ text: text.trim(), duration: told.samples.length / 16_000 },
      words: chunks.map(({ text, timestamp: [start, end] }) => ({ word: text.trim(), start, end })),
    });
  });

  it('refuses a path in place of a file, what is no sound, and what the model does not do', async () => {
    const form = (fields: Record<string, string | Blob>) => {
      const body = new FormData();
      for (const [name, value] of Object.entries(fields)) body.append(name, value);
      return server.fetch(new Request('http://localhost/v1/audio/transcriptions', { method: 'POST', body }));
    };
    expect(await (await form({ model: 'hearer', file: '/etc/passwd' })).json()).toMatchObject({ error: { param: 'file' } });
    for (const file of [new Blob(['no sound']), new Blob([])]) expect((await form({ model: 'hearer', file })).status).toBe(400);
    expect(await (await form({ model: 'hearer', file, wings: '2' })).json()).toMatchObject({ error: { code: 'unknown_parameter' } });
    await expect(client.audio.transcriptions.create({ ...asked(), prompt: 'Bern' })).rejects.toMatchObject({
      status: 400,
      param: 'prompt',
    });
    await expect(client.audio.translations.create(asked())).rejects.toMatchObject({ status: 400 });
    expect((await post(server, '/v1/audio/transcriptions', { model: 'hearer' })).status).toBe(415);
  });
});

it.skipIf(!hasWhisperTiny)(
  'hears with a prompt what the pipeline does',
  async () => {
    const recognize = await pipeline('automatic-speech-recognition', whisperTiny, { engine });
    const ids = recognize.tokenizer.encode('<|startofprev|> ASK NOT', { add_special_tokens: false });
    const { text } = await recognize(recording, { prompt_ids: [...ids] });
    const own = await serve({ models: { whisper: whisperTiny } });
    const file = new File([readFileSync(recording)], 'jfk.wav');
    const heard = await clientOf(own).audio.transcriptions.create({ model: 'whisper', file, prompt: 'ASK NOT' });
    expect(heard.text).toBe(text.trim());
    await expect(clientOf(own).audio.translations.create({ model: 'whisper', file })).rejects.toMatchObject({ status: 400, param: 'task' });
    await own.close();
  },
  120_000,
);
