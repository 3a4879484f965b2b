/**
 * WAV files (Microsoft's RIFF, and its extensions WAVE_FORMAT_EXTENSIBLE, RF64 and BW64 for files beyond 4 GiB): integers of 8 to 32 bits, floats of 32 and 64, A-law and
 * mu-law. A header is not trusted: a length that does not fit counts as "up to the end", as recorders write it before they know better.
 */
import { HeedError } from '../errors.js';
import { shown } from '../io/location.js';
import { checkRate, type Sound, unreadable } from './sound.js';

const textAt = (view: DataView, at: number): string =>
  at + 4 <= view.byteLength ? String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i))) : '';

/** `true` for the beginning of a WAV file. */
export function isWav(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return ['RIFF', 'RF64', 'BW64'].includes(textAt(view, 0)) && textAt(view, 8) === 'WAVE';
}

/** What a fmt chunk says. */
interface Layout {
  format: number;
  channels: number;
  rate: number;
  /** Bytes of a sample of one channel. */
  bytes: number;
}

type Reader = (view: DataView, at: number) => number;

/** G.711: sign, exponent and mantissa of 8 bits, as 14 bits (mu-law) or 13 (A-law). */
function muLaw(byte: number): number {
  const bits = ~byte & 255;
  const magnitude = (((bits & 15) << 3) + 132) << ((bits >> 4) & 7);
  return (bits & 128 ? 132 - magnitude : magnitude - 132) / 32_768;
}
function aLaw(byte: number): number {
  const bits = byte ^ 0x55;
  const [exponent, mantissa] = [(bits >> 4) & 7, bits & 15];
  const magnitude = exponent === 0 ? (mantissa << 4) + 8 : ((mantissa << 4) + 264) << (exponent - 1);
  return (bits & 128 ? magnitude : -magnitude) / 32_768;
}

const FLOAT = 3;
/** Formats by their numbers, each with a reader by the bytes of a sample. */
const formats: Readonly<Record<number, Readonly<Record<number, Reader>>>> = {
  1: {
    1: (view, at) => (view.getUint8(at) - 128) / 128,
    2: (view, at) => view.getInt16(at, true) / 32_768,
    3: (view, at) => (view.getUint8(at) + view.getInt16(at + 1, true) * 256) / 8_388_608,
    4: (view, at) => view.getInt32(at, true) / 2_147_483_648,
  },
  [FLOAT]: { 4: (view, at) => view.getFloat32(at, true), 8: (view, at) => view.getFloat64(at, true) },
  6: { 1: (view, at) => aLaw(view.getUint8(at)) },
  7: { 1: (view, at) => muLaw(view.getUint8(at)) },
};
const names: Readonly<Record<number, string>> = {
  2: 'ADPCM',
  17: 'IMA ADPCM',
  85: 'MP3',
  80: 'MPEG',
  49: 'GSM 6.10',
  65534: 'an extension',
};
const EXTENSIBLE = 65_534;
const MOST_CHANNELS = 64;

/** Reads a whole file. Throws FORMAT for what is no WAV file, UNSUPPORTED for samples of another kind. */
export function readWav(bytes: Uint8Array, name: string): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let layout: Layout | undefined;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const [id, told] = [textAt(view, at), view.getUint32(at + 4, true)];
    const begin = at + 8;
    if (id === 'fmt ') layout = layoutOf(view, begin, told, name);
    if (id === 'data') {
      if (!layout) throw unreadable(name, 'its samples come before it says what they are');
      // Streams have 0 or all ones for a length, and RF64 has it elsewhere.
      const isOpen = told === 0 || told > view.byteLength - begin;
      return samplesOf(view, begin, isOpen ? view.byteLength : begin + told, layout, name);
    }
    // Chunks begin at even places.
    at = begin + told + (told % 2);
  }
  throw unreadable(name, layout ? 'it has no samples' : 'it does not say what its samples are');
}

function layoutOf(view: DataView, at: number, length: number, name: string): Layout {
  if (length < 16 || at + length > view.byteLength) throw unreadable(name, `its fmt chunk has ${length} bytes`);
  const told = view.getUint16(at, true);
  // An extensible format is the first two bytes of a GUID.
  const format = told === EXTENSIBLE && length >= 40 ? view.getUint16(at + 24, true) : told;
  const [channels, rate, frame, bits] = [
    view.getUint16(at + 2, true),
    view.getUint32(at + 4, true),
    view.getUint16(at + 12, true),
    view.getUint16(at + 14, true),
  ];
  if (channels < 1 || channels > MOST_CHANNELS) throw unreadable(name, `it has ${channels} channels`);
  // Twelve bits, say, stand in the upper bits of two bytes.
  const bytes = frame > 0 && frame % channels === 0 ? frame / channels : Math.ceil(bits / 8);
  if (!formats[format]?.[bytes])
    throw new HeedError('UNSUPPORTED', `${shown(name)} has samples of ${names[format] ?? `format ${format}`} in ${bits} bits`, {
      culprit: name,
      cure: 'heed reads integers of 8, 16, 24 and 32 bits, floats of 32 and 64, A-law and mu-law: convert the file',
    });
  return { format, channels, rate: checkRate(rate, name), bytes };
}

function samplesOf(view: DataView, begin: number, end: number, { format, channels, rate, bytes }: Layout, name: string): Sound {
  const read = formats[format]?.[bytes] as Reader;
  const count = Math.floor((end - begin) / (channels * bytes));
  const all = Array.from({ length: channels }, () => new Float32Array(count));
  for (const [c, channel] of all.entries())
    for (let i = 0, at = begin + c * bytes; i < count; i++, at += channels * bytes) channel[i] = read(view, at);
  // What integers become is finite.
  const strange = format === FLOAT && all.some((channel) => channel.some((sample) => !Number.isFinite(sample)));
  if (strange) throw unreadable(name, 'a sample is no finite number');
  return { channels: all, rate };
}
