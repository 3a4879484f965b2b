/** Features of sound as transformers has them, of made sounds and of the real recording; padding, masks, and what is refused. */
import { readFileSync } from 'node:fs';
import { AutoFeatureExtractor, read_audio } from 'heed';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../dist/tensor.js';
import { failureOf } from '../io/memory.js';
import { itWith, shared } from '../shared.js';
import { expected, sound } from './sounds.js';

const folder = (config: object) => ({
  'preprocessor_config.json': new TextEncoder().encode(JSON.stringify(config)),
  'config.json': new TextEncoder().encode('{}'),
});
const extractorOf = (config: object) => AutoFeatureExtractor.from_pretrained(folder(config));
const whisperConfig = (feature_size = 80) => ({
  feature_extractor_type: 'WhisperFeatureExtractor',
  feature_size,
  sampling_rate: 16_000,
  hop_length: 160,
  n_fft: 400,
  chunk_length: 30,
});

describe('Whisper', () => {
  it.each(expected.whisper)(
    '$mels mels of $n samples, $options, are transformers’ within 1e-5',
    async ({ mels, n, options, shape, every, values }) => {
      const extractor = await extractorOf(whisperConfig(mels));
      const { input_features } = await extractor(sound(n, mels), options);
      const { data, dims } = input_features as HostTensor;
      expect(dims).toEqual([1, ...shape]);
      for (const [i, value] of values.entries())
        expect(Math.abs((data[i * every] as number) - value), String(i * every)).toBeLessThan(1e-5);
    },
  );

  it('several sounds are each what it is alone; the mask says what is sound', async () => {
    const extractor = await extractorOf(whisperConfig());
    const sounds = [sound(1600, 1), sound(16_000, 2)];
    const { input_features, attention_mask } = await extractor(sounds, { return_attention_mask: true });
    const size = 80 * 3000;
    for (const [b, one] of sounds.entries()) {
      const alone = (await extractor(one)).input_features as HostTensor;
      expect(
        Buffer.compare(
          Buffer.from((input_features as HostTensor).data.slice(b * size, (b + 1) * size).buffer),
          Buffer.from(alone.data.buffer),
        ),
      ).toBe(0);
    }
    expect(attention_mask?.dims).toEqual([2, 3000]);
    const mask = attention_mask?.tolist() as number[][];
    expect(mask.map((row) => row.reduce((sum, one) => sum + one))).toEqual([10, 100]);
  });

  itWith('data/speech')('the recording’s are those of the real feature extractor within 1e-5', async () => {
    const { features } = JSON.parse(readFileSync(shared('data/speech/expected.json'), 'utf8'));
    const extractor = await extractorOf(whisperConfig());
    const { input_features } = await extractor(await read_audio(shared('data/speech/jfk.wav'), 16_000));
    const data = (input_features as HostTensor).data as Float32Array;
    // The file has five decimals.
    for (const [t, frame] of [
      [0, features.first_frame],
      [500, features.frame_500],
    ] as const)
      for (const [m, value] of frame.entries()) expect(Math.abs((data[m * 3000 + t] as number) - value)).toBeLessThan(1e-5);
    expect(data.reduce((sum, x) => sum + x, 0) / data.length).toBeCloseTo(features.mean, 6);
  });
});

describe('wav2vec 2.0', () => {
  it.each(expected.wav2vec2)(
    'do_normalize $do_normalize: values and mask of two sounds are transformers’',
    async ({ do_normalize, shape, every, values, mask }) => {
      const extractor = await extractorOf({
        feature_extractor_type: 'Wav2Vec2FeatureExtractor',
        do_normalize,
        return_attention_mask: true,
        feature_size: 1,
        sampling_rate: 16_000,
      });
      const { input_values, attention_mask } = await extractor([sound(3000, 1), sound(2000, 2)]);
      expect(input_values?.dims).toEqual(shape);
      for (const [i, value] of values.entries()) expect(Math.abs((input_values?.data[i * every] as number) - value)).toBeLessThan(1e-5);
      expect(((attention_mask as HostTensor).tolist() as number[][]).map((row) => row.reduce((sum, one) => sum + one))).toEqual(mask);
    },
  );
});

describe('is refused', () => {
  it.each<[string, object, object]>([
    ['an unknown class', { feature_extractor_type: 'ClapFeatureExtractor' }, { code: 'UNSUPPORTED', culprit: 'feature_extractor_type' }],
    ['dither', { ...whisperConfig(), dither: 0.1 }, { code: 'UNSUPPORTED', culprit: 'dither' }],
    ['no frames', { ...whisperConfig(), hop_length: 0 }, { code: 'FORMAT' }],
  ])('a config with %s', async (_, config, error) => {
    expect(await failureOf(() => extractorOf(config))).toMatchObject(error);
  });

  it.each<[string, unknown, object, object]>([
    ['a list of numbers', [1, 2, 3], {}, { code: 'ARGUMENT', culprit: 'sound' }],
    ['no sound', [], {}, { code: 'ARGUMENT', culprit: 'sound' }],
    ['bytes', new Uint8Array(9), {}, { code: 'ARGUMENT', culprit: 'sound' }],
    ['a sample that is no number', Float32Array.of(0, Number.NaN), {}, { code: 'NUMERIC' }],
    ['another rate', new Float32Array(9), { sampling_rate: 44_100 }, { code: 'ARGUMENT', culprit: 'sampling_rate' }],
    ['a padding that there is not', new Float32Array(9), { padding: 'both' }, { code: 'ARGUMENT', culprit: 'padding' }],
    ['an option that there is not', new Float32Array(9), { pading: 'longest' }, { code: 'UNSUPPORTED' }],
  ])('%s', async (_, given, options, error) => {
    const extractor = await extractorOf(whisperConfig());
    expect(await failureOf(() => extractor(given as Float32Array, options))).toMatchObject(error);
  });

  it('work that is called off, with its reason', async () => {
    const extractor = await extractorOf(whisperConfig());
    const controller = new AbortController();
    const working = extractor(new Float32Array(480_000).fill(0.1), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(working).rejects.toThrow('enough');
  });
});
