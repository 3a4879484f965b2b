/** pipeline('automatic-speech-recognition') over a tiny model: its forms, pieces that overlap, several sounds, what it tells meanwhile and what it refuses. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Ears, type Engine } from '../../../dist/entry/node.js';
import type { CallableTokenizer } from '../../../dist/index.js';
import { SpeechRecognitionPipeline, type Transcription } from '../../../dist/pipelines/speech/recognition.js';
import { HostTensor } from '../../../dist/tensor.js';
import { cases, soundOf, tinyModel } from '../../generation/speech/tiny.js';

/** Sixteen samples are a step of features. */
const RATE = 1600;
const long = soundOf('long');
const STEPS = 170;

const decode = (tokens: readonly number[]) => tokens.map((token) => ` w${token}`).join('');
const tokenizer = {
  decode,
  id_to_token: (id: number) => ({ 40: '<|en|>', 41: '<|de|>', 42: '<|ja|>' })[id],
} as unknown as CallableTokenizer;

/** Features of the fixture's sound: samples count where in it they stand. */
const ears: Ears = {
  sampling_rate: RATE,
  read: async (sound) => {
    if (sound instanceof Float32Array) return sound;
    throw new Error('This is no sound');
  },
  features: async (samples, whole) => {
    const [first, count] = [Math.round((samples[0] as number) / 16), samples.length / 16];
    const steps = whole ? count : 60;
    const data = new Float32Array(16 * steps);
    for (let c = 0; c < 16; c++) data.set(long.data.subarray(c * STEPS + first, c * STEPS + first + Math.min(steps, count)), c * steps);
    return new HostTensor('float32', data, [1, 16, steps]);
  },
};
const sound = (from = 0, steps = STEPS) => Float32Array.from({ length: 16 * steps }, (_, i) => 16 * from + i);

let engine: Engine;
let recognize: SpeechRecognitionPipeline;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  recognize = new SpeechRecognitionPipeline(tokenizer, (await tinyModel(engine)) as never, ears);
});
afterAll(() => engine.dispose());

const one = (options: object = {}, of = sound()) => recognize.call(of, { language: 'en', ...options }) as Promise<Transcription>;
const segmentsOf = (name: string) => cases.find((found) => found.name === name)?.segments?.[0] ?? [];
const wordsIn = (tokens: readonly number[]) => decode(tokens.filter((token) => token < 59));

describe('a sound', () => {
  it('is a text; with timestamps stretches that are the segments of generate', async () => {
    const segments = segmentsOf('long');
    const text = segments.map(([, , tokens]) => wordsIn(tokens)).join('');
    expect(await one()).toEqual({ text, language: 'en' });
    const { chunks = [], ...rest } = await one({ return_timestamps: true });
    expect(rest).toEqual({ text, language: 'en' });
    expect(chunks.map((chunk) => chunk.text).join('')).toBe(text);
    expect(chunks.slice(0, 3)).toEqual(
      segments
        .slice(0, 3)
        .map(([start, end, tokens]) => ({ text: wordsIn(tokens), timestamp: [expect.closeTo(start, 2), expect.closeTo(end, 2)] })),
    );
    for (const { timestamp } of chunks) expect(timestamp[1]).toBeGreaterThanOrEqual(timestamp[0]);
    expect(chunks.at(-1)?.timestamp[1]).toBeLessThanOrEqual(STEPS / 100);
  });

  it('has words with times that join into its text', async () => {
    const { text, chunks = [] } = await one({ return_timestamps: 'word' });
    expect(chunks.map((chunk) => chunk.text).join('')).toBe(text);
    expect(chunks.length).toBe(text.split(' w').length - 1);
  });

  it('reads files, so that a page may give addresses of its own', () => {
    expect(recognize.reads).toBe('files');
  });

  it('is the same beside others', async () => {
    const several = (await recognize.call([sound(), sound(30, 60), sound()], { language: 'en' })) as Transcription[];
    expect(several).toEqual([await one(), await one({}, sound(30, 60)), await one()]);
    expect(await recognize.call([])).toEqual([]);
  });

  it('has its language told, where nobody says it', async () => {
    const { language } = (await recognize.call(sound(0, 60))) as Transcription;
    expect(['en', 'de', 'ja']).toContain(language);
  });
});

describe('pieces that overlap', () => {
  it('are cut as asked', async () => {
    const pieces: [number, number][] = [];
    const hears: Ears = {
      ...ears,
      features: (samples, whole) => {
        pieces.push([Math.round((samples[0] as number) / 16), samples.length / 16]);
        return ears.features(samples, whole);
      },
    };
    const own = new SpeechRecognitionPipeline(tokenizer, recognize.model, hears);
    const cut = async (options: object) => {
      pieces.length = 0;
      await own.call(sound(), { language: 'en', ...options });
      return [...pieces];
    };
    expect(await cut({ chunk_length_s: 0.6, stride_length_s: [0.1, 0.1] })).toEqual([
      [0, 60],
      [40, 60],
      [80, 60],
      [120, 50],
    ]);
    expect(await cut({ chunk_length_s: 0.6 })).toEqual([
      [0, 60],
      [40, 60],
      [80, 60],
      [120, 50],
    ]);
    expect(await cut({ chunk_length_s: 0.5, stride_length_s: 0 })).toEqual([
      [0, 50],
      [50, 50],
      [100, 50],
      [150, 20],
    ]);
    expect(await cut({})).toEqual([[0, 170]]);
  });

  it('begin as the first of them does, and have times in order', async () => {
    const { text, chunks = [] } = await one({ chunk_length_s: 0.6, return_timestamps: true });
    const first = await one({}, sound(0, 60));
    expect(text.split(' ').slice(0, 3)).toEqual(first.text.split(' ').slice(0, 3));
    expect(chunks.length).toBeGreaterThan(1);
    for (const { timestamp } of chunks) expect(timestamp[1]).toBeGreaterThanOrEqual(timestamp[0]);
    const words = await one({ chunk_length_s: 0.6, return_timestamps: 'word' });
    expect(words.chunks?.map((word) => word.text).join('')).toBe(words.text);
  });
});

describe('what is told meanwhile', () => {
  it('are samples, and stretches', async () => {
    const [told, chunks] = [[] as [number, number][], [] as unknown[]];
    const found = await one({
      return_timestamps: true,
      onProgress: (...some: [number, number]) => void told.push(some),
      onChunk: (chunk: unknown) => void chunks.push(chunk),
    });
    expect(told.at(-1)).toEqual([16 * STEPS, 16 * STEPS]);
    expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).sort((a, b) => a - b));
    expect(chunks.slice(0, 3)).toEqual(found.chunks?.slice(0, 3));
  });
});

it.each<[string, object, string]>([
  ['timestamps of letters', { return_timestamps: 'char' }, 'return_timestamps'],
  ['pieces longer than a window', { chunk_length_s: 1 }, 'chunk_length_s'],
  ['pieces shorter than a sample', { chunk_length_s: 1e-5 }, 'chunk_length_s'],
  ['overlaps that leave less than a sample', { chunk_length_s: 0.5, stride_length_s: 0.249_99 }, 'stride_length_s'],
  ['overlaps that leave nothing', { chunk_length_s: 0.5, stride_length_s: 0.25 }, 'stride_length_s'],
  ['overlaps without pieces', { stride_length_s: 0.25 }, 'stride_length_s'],
  ['stretches of pieces', { chunk_length_s: 0.5, onChunk: () => {} }, 'onChunk'],
  ['a language of another planet', { language: 'klingon' }, 'language'],
])('%s: refused', async (_, options, culprit) => {
  await expect(one(options)).rejects.toMatchObject({ code: 'ARGUMENT', culprit });
});
