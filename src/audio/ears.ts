/** What a pipeline that hears needs beside a model: sound from anywhere, and features of it. */
import type { Folder } from '../io/folder.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import type { HostTensor } from '../tensor.js';
import { AudioFeatureExtractor } from './feature_extractor.js';
import { type AudioSource, bindReadAudio } from './read.js';

/** Reads and hears at a model's rate. */
export interface Ears {
  /** Samples a second. */
  readonly sampling_rate: number;
  /** A sound's samples at that rate, one channel; `rate` is that of samples that are given as numbers, `maxSeconds` how long the sound may be. */
  read(sound: AudioSource, rate: number | undefined, signal: AbortSignal | undefined, maxSeconds?: number): Promise<Float32Array>;
  /** Features [1, channels, frames] of a window, filled up with silence, or, where it is the `whole` sound, of all that there are. */
  features(samples: Float32Array, whole: boolean): Promise<HostTensor>;
}

/** Ears of a model's folder. Throws NOT_FOUND, FORMAT, UNSUPPORTED for its preprocessor_config.json. */
export async function loadEars(runtime: Runtime, folder: Folder, options: OpenOptions = {}): Promise<Ears> {
  const extractor = await AudioFeatureExtractor.load(runtime, folder, options);
  const read = bindReadAudio(runtime);
  return {
    sampling_rate: extractor.sampling_rate,
    read: (sound, from, signal, maxSeconds) => read(sound, extractor.sampling_rate, { from, signal, maxSeconds }),
    async features(samples, whole) {
      const { input_features, input_values } = await extractor(samples, whole ? { padding: 'longest', truncation: false } : {});
      return (input_features ?? input_values) as HostTensor;
    },
  };
}

/** The samples of a sound, or of each of several, one after the other. */
export async function heardBy(
  ears: Ears,
  sounds: AudioSource | readonly AudioSource[],
  rate: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const samples: Float32Array[] = [];
  for (const sound of (Array.isArray(sounds) ? sounds : [sounds]) as readonly AudioSource[])
    samples.push(await ears.read(sound, rate, signal));
  return samples;
}
