/**
 * PNG files: every kind of the specification (grey, colours, palettes; 1 to 16 bits; transparency; interlaced), to 8-bit pixels and back. The runtime's own zlib streams do the
 * compression, and no more is taken out of a file than its header's size asks for.
 */
import { HeedError } from '../errors.js';
import { orientationOf, upright } from './exif.js';
import { malformedImage } from './malformed.js';
import type { Pixels } from './resample.js';

/** Samples of a pixel, and channels of the picture that comes of it, by colour type. */
const colours: Readonly<Record<number, { samples: number; channels: number; depths: readonly number[] }>> = {
  0: { samples: 1, channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, channels: 3, depths: [8, 16] },
  3: { samples: 1, channels: 3, depths: [1, 2, 4, 8] },
  4: { samples: 2, channels: 4, depths: [8, 16] },
  6: { samples: 4, channels: 4, depths: [8, 16] },
};

/** First column and row, and steps between columns and rows, of each pass of an interlaced picture. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10];

/** Bytes of lines between two turns of the event loop: some hundredths of a second. */
const AT_ONCE = 1 << 21;

const malformed = (why: string) => malformedImage('PNG', why);

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

/** Whether bytes begin as a PNG file does. */
export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte);

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Chunks of a file: type, contents. Throws FORMAT where one is longer than the file, or is not what its checksum says; that of pixels is zlib's. */
function* chunksOf(bytes: Uint8Array): Generator<[type: string, data: Uint8Array]> {
  const view = viewOf(bytes);
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw malformed('it ends within a chunk');
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const isCritical = /^[A-Z]/.test(type) || type === 'tRNS';
    if (isCritical && type !== 'IDAT' && crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end))
      throw malformed(`the checksum of ${type} is wrong`);
    yield [type, bytes.subarray(at + 8, end)];
    if (type === 'IEND') return;
    at = end + 4;
  }
}

function headerOf(data: Uint8Array): Header {
  if (data.length !== 13) throw malformed('its header has another length');
  const [width, height] = [viewOf(data).getUint32(0), viewOf(data).getUint32(4)];
  const [depth = 0, colour = 0, compression, filter, interlace = 0] = data.subarray(8);
  if (!width || !height) throw malformed('it has no pixels');
  if (!colours[colour]?.depths.includes(depth)) throw malformed(`it has colour type ${colour} at ${depth} bits`);
  if (compression || filter || interlace > 1) throw malformed('its compression, filter or interlacing is unknown');
  return { width, height, depth, colour, interlaced: interlace === 1 };
}

/** Width and height of a PNG file. Throws FORMAT. */
export function pngSize(bytes: Uint8Array): { width: number; height: number } {
  for (const [type, data] of chunksOf(bytes)) {
    if (type !== 'IHDR') break;
    return headerOf(data);
  }
  throw malformed('it does not begin with a header');
}

/** Decodes a PNG file, to 1 channel for grey, 3 for colours, 4 where there is transparency; of 16 bits the upper 8. Rejects with FORMAT. */
export async function decodePng(bytes: Uint8Array): Promise<Pixels> {
  let header: Header | undefined;
  let palette = new Uint8Array(0);
  let transparency: Uint8Array | undefined;
  let orientation = 1;
  const parts: Uint8Array[] = [];
  for (const [type, data] of chunksOf(bytes)) {
    if (type === 'IHDR') header ??= headerOf(data);
    else if (type === 'PLTE') palette = new Uint8Array(data);
    else if (type === 'tRNS') transparency = data;
    else if (type === 'IDAT') parts.push(data);
    else if (type === 'eXIf') orientation = orientationOf(data);
    else if (/^[A-Z]/.test(type) && type !== 'IEND') throw malformed(`it has an unknown chunk ${type}`);
  }
  if (!header) throw malformed('it has no header');
  const { width, height, depth, colour, interlaced } = header;
  const { samples } = colours[colour] as (typeof colours)[number];
  const passes = (interlaced ? ADAM7 : [[0, 0, 1, 1] as const])
    .map(([x, y, dx, dy]) => ({ x, y, dx, dy, columns: Math.ceil((width - x) / dx), rows: Math.ceil((height - y) / dy) }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
    .map((pass) => ({ ...pass, stride: Math.ceil((pass.columns * samples * depth) / 8) }));
  const raw = await inflated(
    parts,
    passes.reduce((sum, { rows, stride }) => sum + rows * (stride + 1), 0),
  );
  const paint = painter(header, palette, transparency);
  const back = Math.max(1, (samples * depth) >> 3);
  let [at, rested] = [0, 0];
  for (const { x, y, dx, dy, columns, rows, stride } of passes) {
    let above: Uint8Array = new Uint8Array(stride);
    const values = new Uint16Array(columns * samples);
    for (let row = 0; row < rows; row++) {
      const line = raw.subarray(at + 1, at + 1 + stride);
      unfilter(raw[at] as number, line, above, back);
      spread(line, depth, values);
      paint.line(values, (y + row * dy) * width + x, dx);
      above = line;
      at += stride + 1;
      if (at - rested < AT_ONCE) continue;
      rested = at;
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  return upright({ data: paint.data, width, height, channels: paint.channels }, orientation);
}

/** Takes as many bytes out of zlib's stream as there should be. Rejects with FORMAT where there are fewer. */
async function inflated(parts: readonly Uint8Array[], size: number): Promise<Uint8Array> {
  const reader = new Blob([...parts] as BlobPart[]).stream().pipeThrough(new DecompressionStream('deflate')).getReader();
  let out = new Uint8Array(0);
  let length = 0;
  try {
    while (length < size) {
      const { done, value } = await reader.read();
      if (done) break;
      // Memory grows with what has come, not with what a header promises.
      if (length + value.length > out.length) {
        const larger = new Uint8Array(Math.min(size, Math.max(length + value.length, 2 * out.length)));
        larger.set(out.subarray(0, length));
        out = larger;
      }
      const piece = value.subarray(0, size - length);
      out.set(piece, length);
      length += piece.length;
    }
    // The checksum is behind the last byte.
    if (length === size && !(await reader.read()).done) await reader.cancel();
  } catch (cause) {
    throw malformed(`its pixels cannot be decompressed (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  if (length < size) throw malformed('it has too few pixels');
  return out;
}

/** Paeth's predictor: whichever of the left, the upper and the upper left is nearest to left + upper - upper left. */
function paeth(a: number, b: number, c: number): number {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** Adds the neighbours back that a line was stored without. `back` is the distance of the left neighbour, in bytes. */
function unfilter(kind: number, line: Uint8Array, above: Uint8Array, back: number): void {
  if (kind > 4) throw malformed(`a line has filter ${kind}`);
  if (kind === 0) return;
  for (let i = 0; i < line.length; i++) {
    const left = i < back ? 0 : (line[i - back] as number);
    const up = above[i] as number;
    const corner = i < back ? 0 : (above[i - back] as number);
    const guess = kind === 1 ? left : kind === 2 ? up : kind === 3 ? (left + up) >> 1 : paeth(left, up, corner);
    line[i] = (line[i] as number) + guess;
  }
}

/** Unpacks samples of 1 to 16 bits, as they are. */
function spread(line: Uint8Array, depth: number, values: Uint16Array): void {
  if (depth === 8) values.set(line);
  else if (depth === 16) for (let i = 0; i < values.length; i++) values[i] = ((line[2 * i] as number) << 8) | (line[2 * i + 1] as number);
  else
    for (let i = 0, bit = 0; i < values.length; i++, bit += depth)
      values[i] = ((line[bit >> 3] as number) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/** Makes the picture, and paints lines of samples into it: the first at a pixel, the next `step` pixels further. */
function painter({ width, height, depth, colour }: Header, palette: Uint8Array, transparency: Uint8Array | undefined) {
  const { samples, channels: opaque } = colours[colour] as (typeof colours)[number];
  const isIndexed = colour === 3;
  if (isIndexed && (palette.length === 0 || palette.length % 3)) throw malformed('it has no palette');
  const channels = transparency && colour <= 3 ? 4 : opaque;
  const data = new Uint8ClampedArray(width * height * channels);
  // The one colour that is transparent, at full depth.
  const key = !isIndexed && colour <= 2 && transparency && Array.from({ length: samples }, (_, i) => sampleAt(transparency, i));
  const to8 = (value: number) => (depth === 16 ? value >> 8 : depth === 8 ? value : (value * 255) / ((1 << depth) - 1));
  const line = (values: Uint16Array, first: number, step: number) => {
    for (let i = 0, out = first * channels; i < values.length; i += samples, out += step * channels) {
      if (isIndexed) {
        const index = values[i] as number;
        if (index * 3 >= palette.length) throw malformed('a pixel is beyond its palette');
        for (let c = 0; c < 3; c++) data[out + c] = palette[index * 3 + c] as number;
        if (transparency) data[out + 3] = transparency[index] ?? 255;
        continue;
      }
      const colours = samples < 3 ? 1 : 3;
      for (let c = 0; c < Math.min(3, channels); c++) data[out + c] = to8(values[i + Math.min(c, colours - 1)] as number);
      if (colour >= 4) data[out + 3] = to8(values[i + samples - 1] as number);
      else if (key) data[out + 3] = key.every((value, c) => value === values[i + c]) ? 0 : 255;
    }
  };
  return { data, channels, line };
}

const sampleAt = (bytes: Uint8Array, i: number) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0);

/** CRC-32, of PNG's specification. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const made = new Uint8Array(data.length + 12);
  const view = viewOf(made);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) made[4 + i] = type.charCodeAt(i);
  made.set(data, 8);
  view.setUint32(data.length + 8, crc32(made.subarray(4, data.length + 8)));
  return made;
}

/** Encodes a picture of 1, 3 or 4 channels as a PNG file. Throws ARGUMENT for other ones. */
export async function encodePng({ data, width, height, channels }: Pixels): Promise<Blob> {
  const colour = [undefined, 0, undefined, 2, 6][channels];
  if (colour === undefined) throw new HeedError('ARGUMENT', `A picture of ${channels} channels cannot be a PNG file`, { culprit: 'image' });
  const stride = width * channels;
  const raw = new Uint8Array(height * (stride + 1));
  for (let row = 0, at = 0; row < height; row++) {
    raw[at++] = row ? 4 : 1;
    for (let i = 0, from = row * stride; i < stride; i++, from++) {
      const left = i < channels ? 0 : (data[from - channels] as number);
      const up = row ? (data[from - stride] as number) : 0;
      const corner = row && i >= channels ? (data[from - stride - channels] as number) : 0;
      raw[at++] = (data[from] as number) - (row ? paeth(left, up, corner) : left);
    }
  }
  const packed = new Response(new Blob([raw as BlobPart]).stream().pipeThrough(new CompressionStream('deflate')));
  const header = new Uint8Array(13);
  viewOf(header).setUint32(0, width);
  viewOf(header).setUint32(4, height);
  header.set([8, colour], 8);
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', new Uint8Array(await packed.arrayBuffer())),
    chunk('IEND', new Uint8Array(0)),
  ];
  return new Blob(parts as BlobPart[], { type: 'image/png' });
}
