/** WebP files: what their chunks say, the first picture of a moving one, and pictures turned upright. */
import { decodeWith, narrowed } from './codec.js';
import { orientationOf, upright } from './exif.js';
import { malformedImage } from './malformed.js';
import type { Pixels } from './resample.js';

const malformed = (why: string) => malformedImage('WebP', why);

const textAt = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
const at24 = (bytes: Uint8Array, at: number) => ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)) >>> 0;

/** Whether bytes begin as a WebP file does. */
export const isWebp = (bytes: Uint8Array): boolean => textAt(bytes, 0) === 'RIFF' && textAt(bytes, 8) === 'WEBP';

type Chunks = ReadonlyMap<string, Uint8Array>;

/** The first chunk of each type. Throws FORMAT where one is longer than the file. */
function chunksOf(bytes: Uint8Array, from: number): Chunks {
  const found = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const type = textAt(bytes, at);
    if (at + 8 + length > bytes.length) throw malformed(`it ends within the chunk ${type}`);
    if (!found.has(type)) found.set(type, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length + (length & 1);
  }
  return found;
}

/** A picture's chunk: its size, and whether it has opacity. */
function pictureOf(chunks: Chunks): { type: string; width: number; height: number; isClear: boolean } {
  const lossy = chunks.get('VP8 ');
  if (lossy && lossy.length >= 10)
    return { type: 'VP8 ', width: at24(lossy, 6) & 0x3fff, height: at24(lossy, 8) & 0x3fff, isClear: chunks.has('ALPH') };
  const lossless = chunks.get('VP8L');
  if (!lossless || lossless.length < 5) throw malformed('it has no picture');
  const [low, high] = [at24(lossless, 1), at24(lossless, 2)];
  return { type: 'VP8L', width: (low & 0x3fff) + 1, height: ((high >> 6) & 0x3fff) + 1, isClear: ((lossless[4] as number) & 0x10) !== 0 };
}

/** Width and height of a WebP file, as it lies: of its canvas, or of its picture where that is larger. Throws FORMAT. */
export function webpSize(bytes: Uint8Array): { width: number; height: number } {
  const chunks = chunksOf(bytes, 12);
  const canvas = chunks.get('VP8X');
  const frame = chunks.get('ANMF');
  const { width, height } = pictureOf(frame ? chunksOf(frame, 16) : chunks);
  if (!width || !height) throw malformed('it has no pixels');
  if (!canvas) return { width, height };
  return { width: Math.max(width, at24(canvas, 4) + 1), height: Math.max(height, at24(canvas, 7) + 1) };
}

/** A file of one picture. */
function fileOf(chunks: Chunks, width: number, height: number): Uint8Array {
  const header = new Uint8Array(10);
  header[0] = chunks.has('ALPH') ? 0x10 : 0;
  for (const [at, edge] of [
    [4, width - 1],
    [7, height - 1],
  ] as const)
    header.set([edge & 255, (edge >> 8) & 255, edge >> 16], at);
  const parts = [
    ['VP8X', header] as const,
    ...['ALPH', 'VP8 ', 'VP8L'].flatMap((type) => (chunks.has(type) ? [[type, chunks.get(type) as Uint8Array] as const] : [])),
  ];
  const length = parts.reduce((sum, [, data]) => sum + 8 + data.length + (data.length & 1), 4);
  const made = new Uint8Array(length + 8);
  const view = new DataView(made.buffer);
  const enter = (at: number, type: string, size: number) => {
    for (let i = 0; i < 4; i++) made[at + i] = type.charCodeAt(i);
    view.setUint32(at + 4, size, true);
  };
  enter(0, 'RIFF', length);
  for (let i = 0; i < 4; i++) made[8 + i] = 'WEBP'.charCodeAt(i);
  let at = 12;
  for (const [type, data] of parts) {
    enter(at, type, data.length);
    made.set(data, at + 8);
    at += 8 + data.length + (data.length & 1);
  }
  return made;
}

/** Decodes a WebP file, upright, to 4 channels where it has opacity, else 3. Rejects with FORMAT. */
export async function decodeWebp(bytes: Uint8Array): Promise<Pixels> {
  const chunks = chunksOf(bytes, 12);
  const exif = chunks.get('EXIF');
  const frame = chunks.get('ANMF');
  if (frame) return upright(await firstOf(chunks, frame), exif ? orientationOf(exif) : 1);
  const { isClear } = pictureOf(chunks);
  const decoded = await decodeWith('webp', bytes);
  return upright(isClear ? decoded : narrowed(decoded, 3), exif ? orientationOf(exif) : 1);
}

/** The first picture of a moving file, on its canvas, which is transparent around it. */
async function firstOf(chunks: Chunks, frame: Uint8Array): Promise<Pixels> {
  const own = chunksOf(frame, 16);
  const canvas = chunks.get('VP8X');
  const { width, height, isClear } = pictureOf(own);
  const decoded = await decodeWith('webp', fileOf(own, width, height));
  const [W, H] = canvas ? [at24(canvas, 4) + 1, at24(canvas, 7) + 1] : [width, height];
  const [left, top] = [2 * at24(frame, 0), 2 * at24(frame, 3)];
  if (left + width > W || top + height > H) throw malformed('its picture is larger than its canvas');
  if (W === width && H === height) return isClear ? decoded : narrowed(decoded, 3);
  const data = new Uint8ClampedArray(W * H * 4);
  for (let y = 0; y < height; y++) data.set(decoded.data.subarray(y * width * 4, (y + 1) * width * 4), ((top + y) * W + left) * 4);
  return { data, width: W, height: H, channels: 4 };
}
