/** Files of pictures, by their first bytes: which format it is, how large the picture is, and its decoder. */
import { HeedError } from '../errors.js';
import { decodeGif, gifSize, isGif } from './gif.js';
import { decodeJpeg, isJpeg, jpegSize } from './jpeg.js';
import { decodePng, isPng, pngSize } from './png.js';
import type { Pixels } from './resample.js';
import { decodeWebp, isWebp, webpSize } from './webp.js';

/** A kind of file. */
export interface ImageFormat {
  /** Whether bytes begin as its files do. */
  fits(bytes: Uint8Array): boolean;
  /** Reads width and height, before any memory is taken for pixels. Throws FORMAT. */
  size(bytes: Uint8Array): { readonly width: number; readonly height: number };
  /** Decodes to pixels, upright. Rejects with FORMAT, UNSUPPORTED. */
  decode(bytes: Uint8Array): Promise<Pixels>;
}

const formats: readonly ImageFormat[] = [
  { fits: isPng, size: pngSize, decode: decodePng },
  { fits: isJpeg, size: jpegSize, decode: decodeJpeg },
  { fits: isWebp, size: webpSize, decode: decodeWebp },
  { fits: isGif, size: gifSize, decode: async (bytes) => decodeGif(bytes) },
];

/** Text of bytes, one character each. */
const asciiAt = (bytes: Uint8Array, from: number, length: number): string => String.fromCharCode(...bytes.subarray(from, from + length));

/** Formats that are refused by name. */
const others: readonly [name: string, fits: (bytes: Uint8Array) => boolean][] = [
  ['AVIF or HEIC', (bytes) => asciiAt(bytes, 4, 4) === 'ftyp'],
  ['BMP', (bytes) => asciiAt(bytes, 0, 2) === 'BM'],
  ['TIFF', (bytes) => ['II*\0', 'MM\0*'].includes(asciiAt(bytes, 0, 4))],
  ['JPEG XL', (bytes) => asciiAt(bytes, 0, 2) === '\xff\x0a' || asciiAt(bytes, 4, 4) === 'JXL '],
  ['JPEG 2000', (bytes) => asciiAt(bytes, 4, 4) === 'jP  '],
  ['icon', (bytes) => asciiAt(bytes, 0, 4) === '\0\0\x01\0'],
  ['PDF', (bytes) => asciiAt(bytes, 0, 4) === '%PDF'],
  ['SVG', (bytes) => /^[\s\ufeff\xef\xbb\xbf]*<(svg|\?xml|!doctype svg)/i.test(asciiAt(bytes, 0, 64))],
];

/** Most pixels of a picture, unless a program asks for more: a quarter of a gigabyte of colours, as Pillow warns of. */
export const MAX_PIXELS = 89_478_485;

/** Most pixels of a side, as JPEG files have them: a line takes some time, however short it is. */
const MAX_SIDE = 65_535;

/** Decodes a file of at most `maxPixels` pixels. Rejects with UNSUPPORTED for another format or a larger picture, FORMAT. */
export async function decodeImage(bytes: Uint8Array, maxPixels = MAX_PIXELS): Promise<Pixels> {
  const format = formats.find(({ fits }) => fits(bytes));
  if (!format) {
    const name = others.find(([, fits]) => fits(bytes))?.[0];
    if (name)
      throw new HeedError('UNSUPPORTED', `Pictures in ${name} files cannot be read`, {
        culprit: 'image',
        cure: 'Convert it to PNG, JPEG, WebP or GIF',
      });
    throw new HeedError('FORMAT', bytes.length ? 'The file is no picture of a known format' : 'The file is empty', { culprit: 'image' });
  }
  const { width, height } = format.size(bytes);
  if (Math.max(width, height) > MAX_SIDE)
    throw new HeedError('UNSUPPORTED', `The picture has ${width} x ${height} pixels, and a side has ${MAX_SIDE} at most`, {
      culprit: 'image',
      shape: [height, width],
    });
  if (width * height > maxPixels)
    throw new HeedError('UNSUPPORTED', `The picture has ${width} x ${height} pixels, and the limit is ${maxPixels}`, {
      culprit: 'image',
      shape: [height, width],
      cure: 'Give a higher maxPixels, if you trust the file',
    });
  return format.decode(bytes);
}
