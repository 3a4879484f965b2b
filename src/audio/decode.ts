/**
 * From a file's bytes to sound. WAV files are read here; MP3, Ogg Vorbis, Opus, FLAC, M4A and others by a decoder that somebody registers, by the package `audio-decode` where it is
 * installed, or in a page by the browser's own.
 */
import { HeedError, kindOf } from '../errors.js';
import { shown } from '../io/location.js';
import type { Runtime } from '../runtime/types.js';
import { checkRate, type Sound, unreadable } from './sound.js';
import { isWav, readWav } from './wav.js';

/** Result of a decoder: what `audio-decode` gives, or an AudioBuffer. */
export interface DecodedAudio {
  /** Samples of each channel, −1 to 1, as audio-decode has them. */
  readonly channelData?: readonly Float32Array[];
  /** Samples a second. */
  readonly sampleRate: number;
  /** Number of channels of an AudioBuffer. */
  readonly numberOfChannels?: number;
  /** Samples of a channel of an AudioBuffer. */
  getChannelData?(channel: number): Float32Array;
}

/** Decoder of whole files, whatever their format. */
export type AudioDecoder = (bytes: Uint8Array) => Promise<DecodedAudio>;

let registered: AudioDecoder | undefined;

/**
 * Sets what decodes files that are no WAV files.
 * @example
 * ```js
 * import decode from 'audio-decode';
 * registerAudioDecoder(decode);
 * ```
 */
export function registerAudioDecoder(decoder: AudioDecoder): void {
  if (typeof decoder !== 'function')
    throw new HeedError('ARGUMENT', `registerAudioDecoder: the decoder is ${kindOf(decoder)}`, {
      culprit: 'decoder',
      cure: "It is a function of bytes: audio-decode's default export, for one",
    });
  registered = decoder;
}

/** Files by how they begin, for messages. */
const kinds: readonly (readonly [name: string, begins: RegExp])[] = [
  ['FLAC', /^fLaC/],
  ['Ogg', /^OggS/],
  ['MP3', /^(ID3|\xff[\xe2-\xff])/],
  ['AAC', /^\xff[\xf0\xf1\xf8\xf9]/],
  ['MP4 or M4A', /^.{4}ftyp/s],
  ['Matroska or WebM', /^.\x45\xdf\xa3/s],
  ['AIFF', /^FORM.{4}AIF/s],
  ['AMR', /^#!AMR/],
];
const LONGEST_BEGINNING = 12;

/** What a file is, by its first bytes; undefined where that is nothing known. */
const kindOfFile = (bytes: Uint8Array): string | undefined => {
  const begin = String.fromCharCode(...bytes.subarray(0, LONGEST_BEGINNING));
  return kinds.find(([, begins]) => begins.test(begin))?.[0];
};

/** audio-decode, where it is installed. */
const installedIn = async (runtime: Runtime): Promise<AudioDecoder | undefined> =>
  ((await runtime.installed('audio-decode')) as { default?: AudioDecoder } | undefined)?.default;

/** The browser's decoder, in a page: workers have none. */
function browsers(rate: number): AudioDecoder | undefined {
  const Context = (globalThis as { OfflineAudioContext?: new (channels: number, length: number, rate: number) => BrowserDecoder })
    .OfflineAudioContext;
  return Context && ((bytes) => new Context(1, 1, rate).decodeAudioData(bytes.slice().buffer));
}
interface BrowserDecoder {
  decodeAudioData(bytes: ArrayBuffer): Promise<DecodedAudio>;
}

/** Sound of a whole file. A `runtime` that has packages finds audio-decode. `rate` is what is wanted, which a browser's decoder resamples to by itself. Throws FORMAT, or UNSUPPORTED where nothing decodes it. */
export async function decodeSound(runtime: Runtime, bytes: Uint8Array, name: string, rate: number): Promise<Sound> {
  if (isWav(bytes)) return readWav(bytes, name);
  if (bytes.length === 0) throw unreadable(name, 'it is empty');
  const kind = kindOfFile(bytes);
  const decoder = registered ?? (await installedIn(runtime)) ?? browsers(rate);
  if (!decoder)
    throw new HeedError('UNSUPPORTED', `${shown(name)} is ${kind ? `a file of ${kind}` : 'no WAV file'}, and nothing here decodes it`, {
      culprit: name,
      cure: 'npm install audio-decode; in bundles, registerAudioDecoder(decode) of it as well',
    });
  let decoded: DecodedAudio;
  try {
    decoded = await decoder(bytes);
  } catch (cause) {
    throw unreadable(name, `it cannot be decoded${kind ? ` as ${kind}` : ', and begins like no sound that is known'}`, cause);
  }
  return soundOf(decoded, name);
}

/** What a decoder gave, or an AudioBuffer, as sound. Throws FORMAT where it is none. */
export function soundOf(decoded: DecodedAudio, name: string): Sound {
  const { channelData, numberOfChannels = 0, sampleRate } = decoded;
  const channels = channelData ?? Array.from({ length: numberOfChannels }, (_, c) => decoded.getChannelData?.(c));
  const length = channels[0]?.length;
  const fits = (channel: unknown): channel is Float32Array => channel instanceof Float32Array && channel.length === length;
  if (channels.length === 0 || !channels.every(fits)) throw unreadable(name, 'it holds no sound');
  if (channels.some((channel) => channel.some((sample) => !Number.isFinite(sample))))
    throw unreadable(name, 'a sample is no finite number');
  return { channels, rate: checkRate(sampleRate, name) };
}
