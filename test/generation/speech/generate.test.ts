/** What a model hears, token for token and time for time as transformers writes it, by every rule of Whisper's; and what it refuses. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type HostTensor } from '../../../dist/entry/node.js';
import type { SpeechGenerateOptions, SpeechGenerateOutput } from '../../../dist/generation/speech/asking.js';
import type { SpeechModel } from '../../../dist/generation/speech/model.js';
import { cases, soundOf, tinyModel } from './tiny.js';

const heardIn = (name: string) => soundOf(/^(long|silent|trusted)/.test(name) ? 'long' : 'short');

let engine: Engine;
let model: SpeechModel;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  model = await tinyModel(engine);
  // The engine keeps a scratch.
  await generate({ input_features: soundOf('short'), return_timestamps: true });
});
afterAll(() => engine.dispose());

const generate = (options: SpeechGenerateOptions) =>
  model.generate({ ...options, return_dict_in_generate: true }) as Promise<SpeechGenerateOutput>;

/** transformers' padding is as long as its longest row; rows are the same without it. */
const trimmed = (rows: unknown) => (rows as number[][]).map((row) => row.slice(0, row.findLastIndex((id) => id !== 0) + 1));

describe("transformers' answers", () => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (name, { options, sequences, token_timestamps, segments }) => {
    const before = engine.memory().used;
    const found = await generate({ ...options, input_features: heardIn(name) });
    expect(trimmed(found.sequences.tolist())).toEqual(trimmed(sequences));
    if (segments) {
      expect(found.segments?.map((row) => row.map(({ tokens }) => tokens))).toEqual(
        segments.map((row) => row.map(([, , tokens]) => tokens)),
      );
      for (const [b, row] of segments.entries())
        for (const [i, [start, end]] of row.entries()) {
          expect(found.segments?.[b]?.[i]?.start).toBeCloseTo(start, 4);
          expect(found.segments?.[b]?.[i]?.end).toBeCloseTo(end, 4);
        }
    }
    if (token_timestamps) {
      const times = found.token_timestamps as HostTensor;
      for (const [b, row] of trimmed(sequences).entries())
        for (const t of row.keys())
          expect(times.data[b * (times.dims[1] as number) + t], `${b}, ${t}`).toBeCloseTo(token_timestamps[b]?.[t] as number, 3);
    }
    expect(engine.memory().used).toBe(before);
  });
});

describe('temperatures', () => {
  const input_features = soundOf('long');

  it('above 0 draw, by a seed; the next is tried where a text is not likely enough', async () => {
    const drawn = (seed: number, temperature: number | number[]) =>
      generate({ input_features, language: 'en', temperature, seed, logprob_threshold: 0 }).then(({ sequences }) => sequences.tolist());
    expect(await drawn(3, 1)).toEqual(await drawn(3, 1));
    expect(await drawn(3, 1)).not.toEqual(await drawn(4, 1));
    const greedy = await generate({ input_features, language: 'en' });
    expect(await drawn(3, [0, 1])).not.toEqual(greedy.sequences.tolist());
  });

  it('stop where repetitions are few', async () => {
    const heard = (compression_ratio_threshold: number) =>
      generate({ input_features, language: 'en', temperature: [0, 1], seed: 3, compression_ratio_threshold }).then(({ sequences }) =>
        sequences.tolist(),
      );
    expect(await heard(100)).toEqual(await heard(200));
    expect(await heard(0.1)).not.toEqual(await heard(100));
  });
});

describe('what is told meanwhile', () => {
  it('are steps and segments', async () => {
    const [steps, segments] = [[] as [number, number][], [] as unknown[]];
    const onSegment = (segment: unknown) => void segments.push(segment);
    const found = await generate({ input_features: soundOf('long'), onProgress: (...told) => void steps.push(told), onSegment });
    expect(steps[0]).toEqual([0, 170]);
    expect(steps.at(-1)).toEqual([170, 170]);
    expect(segments).toEqual(found.segments?.[0]);
    expect(found.languages?.every((language) => [40, 41, 42].includes(language))).toBe(true);
  });

  it('ends with a signal', async () => {
    const abort = new AbortController();
    const before = engine.memory().used;
    const hearing = generate({ input_features: soundOf('long'), signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) });
    await expect(hearing).rejects.toThrow('enough');
    expect(engine.memory().used).toBe(before);
  });
});

describe('what cannot be', () => {
  const short = soundOf('short');
  it.each<[string, object, object]>([
    [
      'features of other channels',
      { input_features: { data: new Float32Array(480), dims: [1, 8, 60] } },
      { code: 'SHAPE', culprit: 'input_features' },
    ],
    ['numbers that are none', { input_features: { data: new Float32Array(960).fill(Number.NaN), dims: [1, 16, 60] } }, { code: 'NUMERIC' }],
    ['a language of another planet', { language: 'klingon' }, { code: 'ARGUMENT', culprit: 'language' }],
    ['languages for other sounds', { language: ['en'] }, { code: 'ARGUMENT', culprit: 'language' }],
    ['another task', { task: 'sing' }, { code: 'ARGUMENT', culprit: 'task' }],
    ['no temperature', { temperature: -1 }, { code: 'ARGUMENT', culprit: 'temperature' }],
    ['no temperatures', { temperature: [] }, { code: 'ARGUMENT', culprit: 'temperature' }],
    ['a threshold that is none', { logprob_threshold: 'low' }, { code: 'ARGUMENT', culprit: 'logprob_threshold' }],
    [
      'prompts before all without condition',
      { prompt_condition_type: 'all-segments' },
      { code: 'ARGUMENT', culprit: 'prompt_condition_type' },
    ],
    ['a prompt beyond the vocabulary', { prompt_ids: [97] }, { code: 'ARGUMENT', culprit: 'prompt_ids' }],
    ['several texts', { num_beams: 2, num_return_sequences: 2 }, { code: 'UNSUPPORTED', culprit: 'num_return_sequences' }],
    ['a mask of another sound', { attention_mask: [[1, 1]] }, { code: 'SHAPE', culprit: 'attention_mask' }],
    ['an option that is none', { lang: 'en' }, { code: 'UNSUPPORTED', culprit: 'lang' }],
    [
      'long sounds without times',
      { input_features: soundOf('long'), return_timestamps: false },
      { code: 'ARGUMENT', culprit: 'return_timestamps' },
    ],
  ])('%s', async (_, options, error) => {
    await expect(model.generate({ input_features: short, ...options })).rejects.toMatchObject(error);
  });
});
