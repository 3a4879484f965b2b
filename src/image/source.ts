/** What a program may give as a picture, and the pixels of it. The types ask for no more than is used, so that they fit any runtime's. */
import { checkOptions, expectSignal, HeedError, kindOf, shown } from '../errors.js';
import { addressOf, type BlobLike } from '../io/given.js';
import { readAll } from '../io/json.js';
import { decodeImage } from './decode.js';
import { imageHome } from './home.js';
import type { Pixels } from './resample.js';

/** A canvas, on or off the screen. */
export interface CanvasLike {
  /** Number of columns. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** Returns what draws on it. */
  getContext(kind: '2d'): {
    /** Returns a part of its pixels. */
    getImageData(x: number, y: number, width: number, height: number): PixelsLike;
  } | null;
}

/** ImageData, or any pixels: channels are counted where they are not given. */
export interface PixelsLike {
  /** Bytes, [height, width, channels]. */
  readonly data: Uint8ClampedArray | Uint8Array;
  /** Number of columns. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** Number of channels: 1, 3 or 4. */
  readonly channels?: number | undefined;
}

/** An ImageBitmap, which is drawn to be read. */
export interface BitmapLike {
  /** Number of columns. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** Frees it. */
  close(): void;
}

/** A URL. */
export interface AddressLike {
  /** The address. */
  readonly href: string;
}

/** A picture, in any form: a path or address, a file's bytes, pixels, a canvas, an ImageBitmap. */
export type ImageInput = string | AddressLike | BlobLike | Uint8Array | ArrayBuffer | PixelsLike | CanvasLike | BitmapLike;

/** Options of reading a picture. */
export interface ReadImageOptions {
  /** Most pixels of a file, by its header: larger ones are refused before memory is taken. Default 89,478,485. */
  maxPixels?: number | undefined;
  /** Signal that aborts the reading: it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Throws ARGUMENT for options that are none. */
export function checkReadOptions(options: ReadImageOptions): void {
  checkOptions(options, ['maxPixels', 'signal'], 'RawImage.read');
  const { maxPixels = 1, signal } = options;
  expectSignal(signal);
  if (typeof maxPixels !== 'number' || !(maxPixels > 0))
    throw new HeedError('ARGUMENT', `maxPixels is ${kindOf(maxPixels)}`, { culprit: 'maxPixels', cure: 'Give a number above 0' });
}

const has = (value: object, ...names: string[]) => names.every((name) => (value as Record<string, unknown>)[name] !== undefined);

/** The kinds of input, the test for each, and its pixels. */
const kinds: readonly { fits(input: object): boolean; pixels(input: never, options: ReadImageOptions): Promise<Pixels> | Pixels }[] = [
  { fits: (input) => input instanceof Uint8Array, pixels: (input: Uint8Array, { maxPixels }) => decodeImage(input, maxPixels) },
  {
    fits: (input) => input instanceof ArrayBuffer,
    pixels: (input: ArrayBuffer, { maxPixels }) => decodeImage(new Uint8Array(input), maxPixels),
  },
  { fits: (input) => has(input, 'data', 'width', 'height'), pixels: counted },
  { fits: (input) => has(input, 'getContext', 'width', 'height'), pixels: (input: CanvasLike) => drawn(input) },
  {
    fits: (input) => has(input, 'size', 'slice'),
    pixels: async (input: BlobLike, { maxPixels }) =>
      decodeImage(new Uint8Array(await input.slice(0, input.size).arrayBuffer()), maxPixels),
  },
  { fits: (input) => has(input, 'close', 'width', 'height'), pixels: copied },
];

/** Returns the pixels of an input. */
export async function pixelsOf(input: ImageInput, options: ReadImageOptions): Promise<Pixels> {
  const { signal, maxPixels } = options;
  signal?.throwIfAborted();
  const address = addressOf(input);
  if (address !== undefined) {
    const { runtime } = imageHome();
    const stream = await runtime.open(runtime.resolve(address), { signal });
    try {
      const bytes = await readAll(stream);
      return await decodeImage(bytes, maxPixels).catch((error: unknown) => {
        throw named(error, shown(address));
      });
    } finally {
      await stream.close();
    }
  }
  const kind = typeof input === 'object' && input !== null ? kinds.find(({ fits }) => fits(input)) : undefined;
  if (kind) return kind.pixels(input as never, options);
  throw new HeedError('ARGUMENT', `${kindOf(input)} is no picture`, {
    culprit: 'image',
    cure: 'Give a path, an address, bytes, a Blob, ImageData, a canvas, an ImageBitmap or a RawImage',
  });
}

/** The error of a decoder, with the file's name: a program may have read many. */
function named(error: unknown, file: string): unknown {
  if (!(error instanceof HeedError)) return error;
  const { code, message, cure, shape, cause } = error;
  const what = cure ? message.slice(0, -`. ${cure}`.length) : message;
  return new HeedError(code, `${file}: ${what}`, { culprit: file, ...(shape && { shape }), ...(cure && { cure }), cause });
}

function counted({ data, width, height, channels = data.length / (width * height) }: PixelsLike): Pixels {
  return { data, width, height, channels };
}

/** Returns the pixels of a canvas. Throws ARGUMENT for one that is drawn on otherwise. */
export function drawn(canvas: CanvasLike): Pixels {
  const { width, height } = canvas;
  const data = canvas.getContext('2d')?.getImageData(0, 0, width, height).data;
  if (data) return { data, width, height, channels: 4 };
  throw new HeedError('ARGUMENT', 'The canvas has no 2d context', { culprit: 'image', cure: 'Give its pixels as ImageData' });
}

function copied(bitmap: BitmapLike): Pixels {
  if (typeof OffscreenCanvas === 'undefined')
    throw new HeedError('UNSUPPORTED', 'An ImageBitmap cannot be read here', { culprit: 'image', cure: 'Give a file or pixels' });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext('2d')?.drawImage(bitmap as ImageBitmap, 0, 0);
  return drawn(canvas as unknown as CanvasLike);
}
