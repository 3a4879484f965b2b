/** Eleven seconds of speech with real weights: texts, stretches and words as transformers hears them, in every format. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createEngine,
  type Engine,
  pipeline,
  read_audio,
  type SpeechRecognitionOptions,
  type SpeechRecognizer,
} from '../../../dist/entry/node.js';
import { hasWhisperTiny, recording, recordingExpected, whisperTiny } from '../../whisper_tiny.js';

/** What transformers 5.24 makes of the recording four times in a row with num_beams=1, by chunk_length_s and stride_length_s. */
const pieces = JSON.parse(readFileSync(new URL('../../fixtures/speech/pieces.json', import.meta.url), 'utf8')) as {
  options: SpeechRecognitionOptions;
  answer: object;
}[];

interface Told {
  text: string;
  timestamp: [number, number];
}
interface Expected {
  text: string;
  tokens: number[];
  timestamp_tokens: number[];
  words: Told[];
  segments: Told[];
  four_times: Told[];
}

describe.skipIf(!hasWhisperTiny)('Whisper tiny.en', () => {
  const expected = (hasWhisperTiny ? JSON.parse(readFileSync(recordingExpected, 'utf8')) : {}) as Expected;
  let engine: Engine;
  let recognize: SpeechRecognizer;
  beforeAll(async () => {
    engine = await createEngine({ threads: 2 });
    recognize = await pipeline('automatic-speech-recognition', whisperTiny, { engine });
  }, 180_000);
  afterAll(() => engine.dispose());

  it('writes the recording, token for token', async () => {
    const { text } = await recognize(recording);
    expect(text).toBe(expected.text);
    const input_features = await recognize.ears.features(await read_audio(recording, 16_000), false);
    const tokens = async (return_timestamps: boolean) => (await recognize.model.generate({ input_features, return_timestamps })).tolist();
    expect(await tokens(false)).toEqual([expected.tokens]);
    expect(await tokens(true)).toEqual([expected.timestamp_tokens]);
  }, 180_000);

  // transformers' pipeline keeps five beams.
  it('tells when stretches and words were said, as transformers does', async () => {
    expect((await recognize(recording, { return_timestamps: true, num_beams: 5 })).chunks).toEqual(expected.segments);
    const { chunks = [] } = await recognize(recording, { return_timestamps: 'word', num_beams: 5 });
    expect(chunks.map(({ text }) => text)).toEqual(expected.words.map(({ text }) => text));
    for (const [i, { timestamp }] of chunks.entries())
      for (const edge of [0, 1] as const) expect(timestamp[edge], `${i}`).toBeCloseTo(expected.words[i]?.timestamp[edge] as number, 1.7);
  }, 180_000);

  it('hears a long sound window after window, or in pieces that overlap', async () => {
    const once = await read_audio(recording, 16_000);
    const four = new Float32Array(4 * (once.length + 16_000));
    for (let i = 0; i < 4; i++) four.set(once, i * (once.length + 16_000));
    expect((await recognize(four, { return_timestamps: true, num_beams: 5 })).chunks).toEqual(expected.four_times);
    for (const { options, answer } of pieces) expect(await recognize(four, options)).toEqual(answer);
  }, 300_000);

  it('writes the same in 8 bits', async () => {
    const rounded = await pipeline('automatic-speech-recognition', whisperTiny, { engine, dtype: 'q8' });
    expect((await rounded(recording)).text).toBe(expected.text);
    rounded.dispose();
  }, 180_000);
});
