/** Sound in every runtime: a second of it is resampled and heard with the same bits, and models write the same tokens, transformers' where the fixture has them. */
import { turn } from '../../src/exact.js';
import { assert, type Check, type Checks, type Env } from './check.js';
import { Digest, parseSafetensors, readBytes, readJson } from './fixtures.js';

/** Samples a second, of the file and of the model. */
const [FROM, TO] = [44_100, 16_000];

/** Sines with the same bits everywhere, of two pitches, one louder and louder. */
const second = (): Float32Array =>
  Float32Array.from({ length: FROM }, (_, i) => 0.4 * turn(440 * i, FROM)[1] + (0.3 * i * turn(1733 * i, FROM)[0]) / FROM);

const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const whisperSettings = { 'preprocessor_config.json': bytes({ feature_extractor_type: 'WhisperFeatureExtractor', feature_size: 80 }) };

/** The digests of its samples at the model's rate, and of its spectrogram. They change when either is computed in another order, and only then. */
const [SAMPLES, FEATURES] = ['d4f85f3b', '93a79aae'];

const hearsAlike: Check = async ({ RawAudio, read_audio, AutoProcessor }) => {
  const file = new RawAudio(second(), FROM).toBlob();
  const samples = await read_audio(file, TO);
  assert(samples.length === TO, `${samples.length} samples`);
  const processor = await AutoProcessor.from_pretrained(whisperSettings);
  const { input_features } = await processor(samples, { padding: 'longest', truncation: false });
  assert(input_features?.dims.join() === '1,80,100', `features are [${input_features?.dims}]`);
  const found = [samples, input_features.data as Float32Array].map((numbers) => {
    const digest = new Digest();
    digest.add(numbers);
    return digest.hex;
  });
  assert(found.join() === [SAMPLES, FEATURES].join(), `the digests are ${found}, not ${[SAMPLES, FEATURES]}`);
};

/** Where models live: in a page's worker, or where the program is. */
const settings = ({ threads, page }: Env) => {
  const engine = { threads: threads ? 2 : 1, deterministic: true, inlineBelow: 0 };
  return (page ? [true, false] : [false]).map((worker) => ({ worker, engine }));
};

/** What the tiny Whisper writes of a spectrogram of sines. */
const WHISPER = '18 18 73 73 73 73 73 18 18 18 18 18';

const writesAlike: Check = async ({ AutoModelForSpeechSeq2Seq, createEngine }, env) => {
  const engine = await createEngine({ threads: 1 });
  const folder = env.locate('fixtures/speech/moonshine');
  const { generated } = (await readJson(engine, `${folder}/generate.json`)) as { generated: { greedy: { sequences: number[][] } } };
  const { samples } = parseSafetensors(await readBytes(engine, `${folder}/expected.safetensors`));
  await engine.dispose();
  assert(samples, 'the fixture has no samples');
  const heard = { data: Float32Array.from(samples.data, (x) => x / 2048), dims: [2, 16_000] };
  const lines = Float32Array.from({ length: 16 * 60 }, (_, i) => turn((i % 60) * (1 + Math.floor(i / 60)), 60)[1]);
  for (const setting of settings(env)) {
    const moonshine = await AutoModelForSpeechSeq2Seq.from_pretrained(folder, setting);
    const tokens = (await moonshine.generate({ input_values: heard })).data.join();
    assert(tokens === generated.greedy.sequences.flat().join(), `Moonshine, ${JSON.stringify(setting)}: ${tokens}`);
    moonshine.dispose();
    const whisper = await AutoModelForSpeechSeq2Seq.from_pretrained(env.locate('fixtures/speech/whisper'), setting);
    const written = (await whisper.generate({ input_features: { data: lines, dims: [1, 16, 60] }, max_new_tokens: 12 })).data.join(' ');
    assert(written === WHISPER, `Whisper, ${JSON.stringify(setting)}: ${written}, not ${WHISPER}`);
    whisper.dispose();
  }
};

export const soundChecks: Checks = {
  'a second of sound is heard with the same bits': hearsAlike,
  'models that hear write the same tokens': writesAlike,
};
