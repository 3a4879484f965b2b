/**
 * From samples to what models of sound read, as preprocessor_config.json describes it: log-mel spectrograms (WhisperFeatureExtractor), or the samples themselves, with mean 0 and
 * variance 1 where the model wants that (Wav2Vec2FeatureExtractor, which Moonshine has, too).
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { quote } from '../io/header.js';
import type { JsonNode } from '../io/json.js';
import { preprocessorOf } from '../io/preprocessor.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import { driven } from '../steps.js';
import { HostTensor } from '../tensor.js';
import { MelSpectrogram } from './mel.js';

/** Options of an extractor's call. */
export interface FeatureOptions extends Pick<OpenOptions, 'signal'> {
  /** 'max_length' fills up with silence to `max_length` samples, 'longest' to the longest of the sounds. Default: the config's way, 'max_length' for Whisper. */
  padding?: 'max_length' | 'longest' | undefined;
  /** Samples of 'max_length'. Default: what the config says, 30 seconds for Whisper. */
  max_length?: number | undefined;
  /** `true` where longer sounds are cut. Default as the config's class has it: true for Whisper. */
  truncation?: boolean | undefined;
  /** Samples a second of what is given: it must be the model's. */
  sampling_rate?: number | undefined;
  /** `true` for a mask, 1 where there is sound. Default: what the config says. */
  return_attention_mask?: boolean | undefined;
}

/** What a model of sound reads: `input_features` [B, mels, frames] or `input_values` [B, samples], float32; `attention_mask` int32, [B, frames] or [B, samples]. */
export type Features = Record<string, HostTensor>;

const optionNames = ['signal', 'padding', 'max_length', 'truncation', 'sampling_rate', 'return_attention_mask'];
/** Most samples of a sound: six hours at 48 kHz. */
const MOST_SAMPLES = 2 ** 30;

/** What the classes have in common, read from the config. */
interface Common {
  rate: number;
  padding: 'max_length' | 'longest';
  length: number | undefined;
  truncation: boolean;
  mask: boolean;
}

/** A kind of features: rows of samples of one length, and how many of each are sound → tensors. */
interface Kind extends Common {
  make(rows: readonly Float32Array[], lengths: readonly number[], mask: boolean): Generator<void, Features>;
}

const sizeOf = (config: JsonNode, key: string, absent: number): number => {
  const size = config.integer(key, MOST_SAMPLES, absent);
  if (size >= 1) return size;
  throw config.error(`${key} is ${size}`);
};

/** Whisper's: [B, feature_size, frames]. */
function whisper(config: JsonNode): Kind {
  const rate = sizeOf(config, 'sampling_rate', 16_000);
  const spec = {
    mels: sizeOf(config, 'feature_size', 80),
    fft: sizeOf(config, 'n_fft', 400),
    hop: sizeOf(config, 'hop_length', 160),
    rate,
  };
  for (const key of ['dither', 'do_normalize']) if (Number(config.get(key) ?? 0) !== 0) throw unsupported(config, key);
  const spectrogram = new MelSpectrogram(spec);
  return {
    ...{ rate, padding: 'max_length', length: rate * sizeOf(config, 'chunk_length', 30), truncation: true },
    mask: config.boolean('return_attention_mask', false),
    *make(rows, lengths, mask) {
      const found: Float32Array[] = [];
      for (const row of rows) found.push(yield* spectrogram.steps(row));
      const frames = Math.floor((rows[0]?.length ?? 0) / spec.hop);
      return {
        input_features: stacked(found, [spec.mels, frames]),
        ...(mask && {
          attention_mask: masks(
            lengths.map((length) => Math.min(frames, Math.ceil(length / spec.hop))),
            frames,
          ),
        }),
      };
    },
  };
}

/** Of zero mean and unit variance: [B, samples]. */
function wav2vec2(config: JsonNode): Kind {
  const normalizes = config.boolean('do_normalize', true);
  if (config.get('feature_size') !== undefined && sizeOf(config, 'feature_size', 1) !== 1) throw unsupported(config, 'feature_size');
  return {
    ...{ rate: sizeOf(config, 'sampling_rate', 16_000), padding: 'longest', length: undefined, truncation: false },
    mask: config.boolean('return_attention_mask', false),
    *make(rows, lengths, mask) {
      const values = normalizes ? rows.map((row, b) => normalized(row, lengths[b] as number)) : rows;
      const samples = rows[0]?.length ?? 0;
      return { input_values: stacked(values, [samples]), ...(mask && { attention_mask: masks(lengths, samples) }) };
    },
  };
}

/** (x − mean) / sqrt(variance + 1e-7) of the sound; 0 behind it. */
function normalized(row: Float32Array, length: number): Float32Array {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += row[i] as number;
  const mean = sum / length;
  let squares = 0;
  for (let i = 0; i < length; i++) squares += ((row[i] as number) - mean) * ((row[i] as number) - mean);
  const scale = 1 / Math.sqrt(squares / length + 1e-7);
  return row.map((sample, i) => (i < length ? (sample - mean) * scale : 0));
}

const stacked = (rows: readonly Float32Array[], shape: readonly number[]): HostTensor => {
  const size = shape.reduce((n, d) => n * d, 1);
  const data = new Float32Array(rows.length * size);
  for (const [b, row] of rows.entries()) data.set(row, b * size);
  return new HostTensor('float32', data, [rows.length, ...shape]);
};

const masks = (lengths: readonly number[], size: number): HostTensor => {
  const data = Int32Array.from({ length: lengths.length * size }, (_, i) => Number(i % size < (lengths[Math.floor(i / size)] as number)));
  return new HostTensor('int32', data, [lengths.length, size]);
};

const unsupported = (config: JsonNode, key: string): HeedError =>
  new HeedError('UNSUPPORTED', `${config.file}: ${key} is ${JSON.stringify(config.get(key))}, which heed does not have`, { culprit: key });

const kinds: Readonly<Record<string, (config: JsonNode) => Kind>> = {
  WhisperFeatureExtractor: whisper,
  Wav2Vec2FeatureExtractor: wav2vec2,
};

/** Whether settings are of a class that hears. */
export const hears = (config: JsonNode): boolean => Object.hasOwn(kinds, String(config.get('feature_extractor_type')));

/** Makes features of samples. AutoFeatureExtractor.from_pretrained loads one, which is a function: `await extractor(samples)`. */
export class AudioFeatureExtractor {
  readonly #runtime: Runtime;
  readonly #kind: Kind;

  private constructor(
    runtime: Runtime,
    /** preprocessor_config.json. */
    readonly config: Readonly<Record<string, unknown>>,
    kind: Kind,
  ) {
    this.#runtime = runtime;
    this.#kind = kind;
  }

  /** Reads preprocessor_config.json. Throws NOT_FOUND, FORMAT, UNSUPPORTED for a class that heed does not have. */
  static async load(runtime: Runtime, folder: Folder, options: OpenOptions = {}): Promise<CallableAudioFeatureExtractor> {
    return AudioFeatureExtractor.from(runtime, await preprocessorOf(folder, ['feature_extractor'], options));
  }

  /** Makes an extractor of the contents of a preprocessor_config.json. Throws FORMAT, UNSUPPORTED. */
  static from(runtime: Runtime, config: JsonNode): CallableAudioFeatureExtractor {
    const { file } = config;
    const name = config.string('feature_extractor_type');
    const make = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (!make)
      throw new HeedError('UNSUPPORTED', `${file}: heed has no feature extractor ${quote(name)}`, {
        culprit: 'feature_extractor_type',
        cure: `It has ${Object.keys(kinds).join(', ')}`,
      });
    const extractor = new AudioFeatureExtractor(runtime, config.value, make(config));
    const call = (sounds: Sounds, own?: FeatureOptions) => extractor.call(sounds, own);
    return Object.assign(call, {
      ...{ config: extractor.config, sampling_rate: extractor.sampling_rate, call },
    }) as unknown as CallableAudioFeatureExtractor;
  }

  /** Samples a second of what the model hears. */
  get sampling_rate(): number {
    return this.#kind.rate;
  }

  /** Features of a sound, or of several: float32 samples of one channel at the model's rate. Throws ARGUMENT, NUMERIC, or `signal.reason`. */
  async call(sounds: Sounds, options: FeatureOptions = {}): Promise<Features> {
    checkOptions(options, optionNames, 'The feature extractor');
    const { rate, mask: masked } = this.#kind;
    const { signal, padding = this.#kind.padding, truncation = this.#kind.truncation, return_attention_mask = masked } = options;
    const { max_length = this.#kind.length, sampling_rate = rate } = options;
    if (sampling_rate !== rate)
      throw new HeedError('ARGUMENT', `The sound has ${sampling_rate} samples a second, and the model hears ${rate}`, {
        culprit: 'sampling_rate',
        cure: `read_audio(sound, ${rate}) resamples`,
      });
    const all = soundsIn(sounds);
    if (!['max_length', 'longest'].includes(padding))
      throw new HeedError('ARGUMENT', `padding is ${kindOf(padding)}`, { culprit: 'padding', cure: "It is 'max_length' or 'longest'" });
    if (max_length !== undefined && !(Number.isSafeInteger(max_length) && max_length > 0 && max_length <= MOST_SAMPLES))
      throw new HeedError('ARGUMENT', `max_length is ${kindOf(max_length)}`, { culprit: 'max_length', cure: 'It is a number of samples' });
    const cut = all.map((sound) => (truncation && max_length !== undefined ? sound.slice(0, max_length) : sound));
    const longest = Math.max(1, ...cut.map(({ length }) => length));
    const size = padding === 'max_length' && max_length !== undefined ? Math.max(max_length, longest) : longest;
    const rows = cut.map((sound) => filled(sound, size));
    const lengths = cut.map(({ length }) => length);
    return driven(this.#kind.make(rows, lengths, return_attention_mask), this.#runtime.pause, signal);
  }
}

/** A sound, or several. */
export type Sounds = Float32Array | Float64Array | readonly (Float32Array | Float64Array)[];

/** A feature extractor, which is a function. */
export type CallableAudioFeatureExtractor = AudioFeatureExtractor & AudioFeatureExtractor['call'];

type Numbers = Float32Array | Float64Array;
const isNumbers = (value: unknown): value is Numbers => value instanceof Float32Array || value instanceof Float64Array;

/** Sounds as a list. Throws ARGUMENT for what is no sound, NUMERIC for a sample that is no finite number. */
function soundsIn(given: Sounds): readonly Numbers[] {
  const all: unknown = isNumbers(given) ? [given] : given;
  const strange = Array.isArray(all) ? all.find((sound) => !isNumbers(sound)) : all;
  if (!Array.isArray(all) || all.length === 0 || strange !== undefined)
    throw new HeedError('ARGUMENT', `A sound is ${kindOf(strange ?? all)}`, {
      culprit: 'sound',
      cure: 'Give a Float32Array of samples, or several; read_audio makes one of a file',
    });
  for (const [b, sound] of (all as Numbers[]).entries()) {
    const at = sound.findIndex((sample) => !Number.isFinite(sample));
    if (at >= 0) throw new HeedError('NUMERIC', `Sample ${at} of sound ${b} is ${sound[at]}`, { culprit: 'sound' });
  }
  return all;
}

/** A sound with silence behind it. */
function filled(sound: Numbers, size: number): Float32Array {
  const row = new Float32Array(size);
  row.set(sound);
  return row;
}
