/** Sound from wherever it is, as models hear it: one channel, float32, at the model's rate. */
import { checkOptions, expectSignal, HeedError, kindOf } from '../errors.js';
import { addressOf, type FileLike, givenFolder, isFile, type ModelFile } from '../io/given.js';
import { readFile } from '../io/json.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import { driven } from '../steps.js';
import { type DecodedAudio, decodeSound, soundOf } from './decode.js';
import { resampleSteps } from './resample.js';
import { isRate, mono } from './sound.js';

/** Samples with their rate, by transformers' names. */
export interface SampledAudio {
  /** Samples of one channel, −1 to 1. */
  readonly array?: Float32Array | Float64Array;
  /** The same under other names. */
  readonly raw?: Float32Array | Float64Array;
  /** The same again, as transformers.js's RawAudio has it. */
  readonly audio?: Float32Array | Float64Array;
  /** Samples a second. */
  readonly sampling_rate: number;
}

/** Anything that is sound: a path or URL, a Blob, bytes of a file, samples, an AudioBuffer. */
export type AudioSource = ModelFile | Float32Array | Float64Array | SampledAudio | DecodedAudio;

/** Options of reading. */
export interface ReadAudioOptions extends Pick<OpenOptions, 'signal'> {
  /** Samples a second of samples that are given without: default what is wanted. */
  from?: number | undefined;
  /** Seconds of the longest sound that is read. Default: any. */
  maxSeconds?: number | undefined;
}

const isSamples = (value: unknown): value is Float32Array | Float64Array => value instanceof Float32Array || value instanceof Float64Array;

/**
 * Reads sound: a path or URL, a Blob, bytes of a file, samples, an AudioBuffer. Channels are averaged, and samples resampled. Returns float32 samples at
 * `sampling_rate`. Throws NOT_FOUND, FORMAT, UNSUPPORTED for a format that nothing decodes, NETWORK, ARGUMENT for a sound that is too long, MEMORY for rates so far apart that the result has no room, or `signal.reason`.
 */
export type ReadAudio = (source: AudioSource, sampling_rate: number, options?: ReadAudioOptions) => Promise<Float32Array>;

/** `read_audio` on a runtime. */
export const bindReadAudio =
  (runtime: Runtime): ReadAudio =>
  async (source, sampling_rate, options = {}) => {
    checkOptions(options, ['signal', 'from', 'maxSeconds'], 'read_audio');
    const { signal, from = sampling_rate, maxSeconds = Number.POSITIVE_INFINITY } = options;
    if (typeof maxSeconds !== 'number' || !(maxSeconds > 0))
      throw new HeedError('ARGUMENT', `read_audio: maxSeconds is ${kindOf(maxSeconds)}`, {
        culprit: 'maxSeconds',
        cure: 'It is a number above 0',
      });
    expectSignal(signal);
    signal?.throwIfAborted();
    checkRateOf('sampling_rate', sampling_rate);
    checkRateOf('from', from);
    const { samples, rate } = await samplesOf(runtime, source, sampling_rate, from, signal);
    // Before it is brought to another rate, which may make hours of few bytes.
    if (samples.length > maxSeconds * rate)
      throw new HeedError('ARGUMENT', `The sound takes ${Math.round(samples.length / rate)} seconds, and the limit is ${maxSeconds}`, {
        culprit: 'sound',
        shape: [samples.length],
        cure: 'Give it in parts',
      });
    return driven(resampleSteps(samples, rate, sampling_rate), runtime.pause, signal);
  };

function checkRateOf(name: string, rate: unknown): void {
  if (isRate(rate)) return;
  throw new HeedError('ARGUMENT', `read_audio: ${name} is ${kindOf(rate)}`, {
    culprit: name,
    cure: 'It is a number of samples a second, from 1000 to 768000; 16000 for most models',
  });
}

async function samplesOf(
  runtime: Runtime,
  source: AudioSource,
  wanted: number,
  from: number,
  signal: AbortSignal | undefined,
): Promise<{ samples: Float32Array; rate: number }> {
  if (isSamples(source)) return { samples: finite(source), rate: from };
  const { array, raw, audio, sampling_rate, sampleRate } = Object(source) as Partial<SampledAudio & DecodedAudio>;
  const own = array ?? raw ?? audio;
  if (isSamples(own)) {
    checkRateOf('sampling_rate', sampling_rate);
    return { samples: finite(own), rate: sampling_rate as number };
  }
  if (typeof sampleRate === 'number') {
    const sound = soundOf(source as DecodedAudio, 'The sound');
    return { samples: mono(sound), rate: sound.rate };
  }
  const address = addressOf(source);
  if (address === undefined && !(typeof source === 'object' && source !== null && isFile(source)))
    throw new HeedError('ARGUMENT', `A sound is ${kindOf(source)}`, {
      culprit: 'sound',
      cure: 'Give a path, a URL, a Blob, bytes of a file, a Float32Array of samples, or { array, sampling_rate }',
    });
  const name = address ?? (source as Partial<FileLike>).name ?? 'the sound';
  const bytes = (await readFile(givenFolder(runtime, { [name]: source as ModelFile }), name, { signal })) as Uint8Array;
  signal?.throwIfAborted();
  const sound = await decodeSound(runtime, bytes, name, wanted);
  return { samples: mono(sound), rate: sound.rate };
}

/** Samples as float32. Throws NUMERIC for one that is no finite number. */
function finite(samples: Float32Array | Float64Array): Float32Array {
  const strange = samples.findIndex((sample) => !Number.isFinite(sample));
  if (strange >= 0)
    throw new HeedError('NUMERIC', `Sample ${strange} of a sound is ${samples[strange]}`, {
      culprit: 'sound',
      cure: 'Samples are numbers from -1 to 1',
    });
  return samples instanceof Float32Array ? samples : Float32Array.from(samples);
}
