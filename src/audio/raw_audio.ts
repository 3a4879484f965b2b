/** RawAudio: samples with their rate, and WAV files of them, in transformers.js's names. Reading files is read.ts's business. */
import { HeedError, kindOf } from '../errors.js';
import type { Runtime } from '../runtime/types.js';
import { isRate, joined } from './sound.js';

/** Bytes of a WAV file's header, and of a sample. */
const [HEADER, SAMPLE] = [44, 4];
/** A RIFF file's length has 32 bits. */
const MOST_SAMPLES = Math.floor((2 ** 32 - HEADER) / SAMPLE);

let home: Runtime | undefined;
/** Sets where sounds are saved. Each entry does. */
export const setAudioHome = (runtime: Runtime): void => {
  home = runtime;
};

/**
 * A sound: samples of one channel, and their rate.
 * @example
 * ```js
 * const sound = new RawAudio(await read_audio('speech.mp3', 16_000), 16_000);
 * await sound.save('speech.wav');
 * ```
 */
export class RawAudio {
  /** Samples of one channel, −1 to 1; pieces of them become one. */
  readonly audio: Float32Array;
  /** Samples a second. */
  readonly sampling_rate: number;

  /** Makes a sound of samples, or of pieces that follow each other. Throws ARGUMENT. */
  constructor(audio: Float32Array | readonly Float32Array[], sampling_rate: number) {
    const pieces: readonly unknown[] = Array.isArray(audio) ? audio : [audio];
    const strange = pieces.find((piece) => !(piece instanceof Float32Array));
    if (strange !== undefined || pieces.length === 0)
      throw new HeedError('ARGUMENT', `A sound's samples are ${pieces.length ? kindOf(strange) : 'an empty list'}`, {
        culprit: 'audio',
        cure: 'Give a Float32Array, or several',
      });
    if (!isRate(sampling_rate))
      throw new HeedError('ARGUMENT', `A sound's sampling_rate is ${kindOf(sampling_rate)}`, {
        culprit: 'sampling_rate',
        cure: 'It is a number of samples a second, from 1000 to 768000',
      });
    this.audio = joined(pieces as readonly Float32Array[]);
    this.sampling_rate = sampling_rate;
  }

  /** The samples. */
  get data(): Float32Array {
    return this.audio;
  }

  /** Encodes the sound as a WAV file of float32 samples, which loses nothing. Throws MEMORY for more than 4 GiB. */
  toWav(): ArrayBuffer {
    const { audio, sampling_rate: rate } = this;
    if (audio.length > MOST_SAMPLES)
      throw new HeedError('MEMORY', `A WAV file holds ${MOST_SAMPLES} samples, the sound has ${audio.length}`, {
        culprit: 'audio',
        shape: [audio.length],
        cure: 'Write it in parts',
      });
    const bytes = SAMPLE * audio.length;
    const view = new DataView(new ArrayBuffer(HEADER + bytes));
    const text = (at: number, word: string) => [...word].forEach((letter, i) => void view.setUint8(at + i, letter.charCodeAt(0)));
    const long = (at: number, n: number) => view.setUint32(at, n, true);
    const short = (at: number, n: number) => view.setUint16(at, n, true);
    text(0, 'RIFF');
    long(4, HEADER - 8 + bytes);
    text(8, 'WAVEfmt ');
    long(16, 16);
    short(20, 3); // floats
    short(22, 1); // one channel
    long(24, Math.round(rate));
    long(28, Math.round(rate) * SAMPLE);
    short(32, SAMPLE);
    short(34, 8 * SAMPLE);
    text(36, 'data');
    long(40, bytes);
    for (const [i, sample] of audio.entries()) view.setFloat32(HEADER + SAMPLE * i, sample, true);
    return view.buffer as ArrayBuffer;
  }

  /** The same as a Blob. */
  toBlob(): Blob {
    return new Blob([this.toWav()], { type: 'audio/wav' });
  }

  /** Writes the sound as a WAV file. Rejects with UNSUPPORTED for a name that ends otherwise, and where there are no files; STORAGE. */
  async save(path: string): Promise<void> {
    if (!/\.wav$/i.test(path))
      throw new HeedError('UNSUPPORTED', `Sounds are written as WAV files, not as ${kindOf(path)}`, {
        culprit: 'path',
        cure: 'Name it .wav',
      });
    if (!home)
      throw new HeedError('UNSUPPORTED', 'No runtime is bound to sounds', {
        culprit: 'RawAudio',
        cure: 'RawAudio is an export of heed, not of heed/core',
      });
    await home.writeFile(path, [new Uint8Array(this.toWav())]);
  }
}
