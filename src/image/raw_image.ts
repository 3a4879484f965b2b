/** RawImage: 8-bit pixels and what is done to them, in transformers.js's names. Files are decode.ts's business, what programs give source.ts's. */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { HostTensor } from '../host/tensor.js';
import type { BlobLike } from '../io/given.js';
import { imageHome } from './home.js';
import { encodePng } from './png.js';
import { type Pixels, type Resampling, resample, resamplingOf } from './resample.js';
import { type CanvasLike, checkReadOptions, drawn, type ImageInput, pixelsOf, type ReadImageOptions } from './source.js';

export type { ImageInput, ReadImageOptions };

/** Options of `RawImage.resize`. */
export interface ResizeOptions {
  /** Filter: 'nearest', 'bilinear', 'bicubic', 'lanczos', 'box' or 'hamming', or Pillow's number. Default 'bilinear'. */
  resample?: Resampling | number | undefined;
}

/** Order of axes: channels outermost, or innermost. */
export type ImageFormatOfTensor = 'CHW' | 'HWC';

/** Checks a number of pixels. Throws ARGUMENT. */
function extent(value: unknown, name: string, least = 1): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw new HeedError('ARGUMENT', `${name} is ${kindOf(value)}`, { culprit: name, cure: `Give a whole number from ${least} on` });
}

/** Checks that there are four numbers of pixels. Throws ARGUMENT. */
function four(name: string, given: readonly [number, number, number, number], what: string): readonly [number, number, number, number] {
  if (Array.isArray(given) && given.length === 4) return given;
  throw new HeedError('ARGUMENT', `${name} is ${kindOf(given)}`, { culprit: name, cure: `Give [${what}]` });
}

/** Throws UNSUPPORTED for a path of a file that pictures are not written as. */
export function expectPng(path: string): void {
  if (typeof path === 'string' && /\.png$/i.test(path)) return;
  throw new HeedError('UNSUPPORTED', `Pictures are written as PNG files, not as ${kindOf(path)}`, {
    culprit: 'path',
    cure: 'Name it .png',
  });
}

/**
 * A picture: 8-bit pixels, rows from the top, channels side by side. Methods that give a picture of other dimensions return a new one; `rgb`, `rgba` and `grayscale` change
 * this one, and return it.
 * @example
 * ```js
 * const image = await RawImage.read('cat.jpg');
 * const small = await image.resize(224, 224, { resample: 'bicubic' }); // the bytes that Pillow gives
 * await small.save('small.png');
 * ```
 */
export class RawImage {
  /** Bytes, [height, width, channels]. */
  data: Uint8ClampedArray;
  /** Number of columns. */
  width: number;
  /** Number of rows. */
  height: number;
  /** Number of channels: 1 for grey, 3 for red, green and blue, 4 with opacity behind them. */
  channels: 1 | 3 | 4;

  /** Makes a picture of bytes [height, width, channels]. Throws ARGUMENT, SHAPE. */
  constructor(data: Uint8ClampedArray | Uint8Array, width: number, height: number, channels: 1 | 3 | 4) {
    extent(width, 'width');
    extent(height, 'height');
    if (![1, 3, 4].includes(channels))
      throw new HeedError('ARGUMENT', `A picture has 1, 3 or 4 channels, not ${kindOf(channels)}`, { culprit: 'channels' });
    if (!(data instanceof Uint8ClampedArray || data instanceof Uint8Array))
      throw new HeedError('ARGUMENT', `The pixels are ${kindOf(data)}`, { culprit: 'data', cure: 'Give a Uint8ClampedArray' });
    if (data.length !== width * height * channels)
      throw new HeedError('SHAPE', `${data.length} bytes do not fill a picture [${height}, ${width}, ${channels}]`, {
        culprit: 'data',
        shape: [height, width, channels],
      });
    this.data = data instanceof Uint8ClampedArray ? data : new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
    this.width = width;
    this.height = height;
    this.channels = channels;
  }

  /**
   * Reads a picture: from a path or address, bytes or a Blob of a PNG, JPEG, WebP or GIF file, ImageData, a canvas, an ImageBitmap, or pixels with width and height. A RawImage
   * is returned as it is. Rejects with NOT_FOUND, NETWORK, FORMAT, UNSUPPORTED for another format or too many pixels, ARGUMENT, or `signal.reason`.
   */
  static async read(input: ImageInput, options: ReadImageOptions = {}): Promise<RawImage> {
    if (input instanceof RawImage) return input;
    checkReadOptions(options);
    return pictureOf(await pixelsOf(input, options));
  }

  /** Reads a picture from a Blob or File. */
  static fromBlob(blob: BlobLike, options?: ReadImageOptions): Promise<RawImage> {
    return RawImage.read(blob, options);
  }

  /** Reads a picture from an address. */
  static fromURL(url: string | URL, options?: ReadImageOptions): Promise<RawImage> {
    return RawImage.read(url, options);
  }

  /** Copies the pixels of a canvas: 4 channels. */
  static fromCanvas(canvas: CanvasLike): RawImage {
    return pictureOf(drawn(canvas));
  }

  /** Makes a picture of a tensor of bytes, [C, H, W] or [H, W, C]; values of other types are rounded and clipped to 0 … 255. Throws SHAPE. */
  static fromTensor(tensor: HostTensor, format: ImageFormatOfTensor = 'CHW'): RawImage {
    const { data, dims = [] } = Object(tensor) as HostTensor;
    const [height, width, channels] = format === 'CHW' ? [dims[1], dims[2], dims[0]] : dims;
    if (dims.length !== 3 || !width || !height || ![1, 3, 4].includes(channels as number))
      throw new HeedError('SHAPE', `A tensor [${dims}] is no picture`, {
        culprit: 'tensor',
        shape: dims,
        cure: `Give [${[...format].join(', ')}] with 1, 3 or 4 channels`,
      });
    const [C, plane] = [channels as 1 | 3 | 4, width * height];
    const out = new Uint8ClampedArray(data.length);
    if (format === 'HWC') out.set(data);
    else for (let i = 0; i < plane; i++) for (let c = 0; c < C; c++) out[i * C + c] = data[c * plane + i] as number;
    return new RawImage(out, width, height, C);
  }

  /** Width and height. */
  get size(): [width: number, height: number] {
    return [this.width, this.height];
  }

  /** Copies the picture. */
  clone(): RawImage {
    return new RawImage(this.data.slice(), this.width, this.height, this.channels);
  }

  /** Changes this picture to 1 channel, its luma as Pillow rounds it; opacity is dropped. */
  grayscale(): this {
    return this.#become(1, (out, o, data, i) => {
      // ITU-R 601-2, 16 bits behind the point.
      out[o] = ((data[i] as number) * 19595 + (data[i + 1] as number) * 38470 + (data[i + 2] as number) * 7471 + 0x8000) >> 16;
    });
  }

  /** Changes this picture to red, green and blue; opacity is dropped, not blended. */
  rgb(): this {
    const step = this.channels === 1 ? 0 : 1;
    return this.#become(3, (out, o, data, i) => {
      for (let c = 0; c < 3; c++) out[o + c] = data[i + c * step] as number;
    });
  }

  /** Changes this picture to red, green, blue and opacity, which is 255 where there was none. */
  rgba(): this {
    const step = this.channels === 1 ? 0 : 1;
    return this.#become(4, (out, o, data, i) => {
      for (let c = 0; c < 3; c++) out[o + c] = data[i + c * step] as number;
      out[o + 3] = 255;
    });
  }

  /** Changes this picture to a number of channels: 1, 3 or 4. Throws ARGUMENT. */
  convert(channels: 1 | 3 | 4): this {
    if (channels === 1) return this.grayscale();
    if (channels === 3) return this.rgb();
    if (channels === 4) return this.rgba();
    throw new HeedError('ARGUMENT', `A picture has 1, 3 or 4 channels, not ${kindOf(channels)}`, { culprit: 'channels' });
  }

  #become(channels: 1 | 3 | 4, paint: (out: Uint8ClampedArray, o: number, data: Uint8ClampedArray, i: number) => void): this {
    const { data, channels: C } = this;
    if (C === channels) return this;
    const out = new Uint8ClampedArray((data.length / C) * channels);
    for (let i = 0, o = 0; i < data.length; i += C, o += channels) paint(out, o, data, i);
    this.data = out;
    this.channels = channels;
    return this;
  }

  /** Resizes, to the bytes that Pillow gives. The colours of transparent pixels do not bleed. Rejects with ARGUMENT, MEMORY. */
  async resize(width: number, height: number, options: ResizeOptions = {}): Promise<RawImage> {
    checkOptions(options, ['resample'], 'RawImage.resize');
    const { resample: filter = 'bilinear' } = options;
    extent(width, 'width');
    extent(height, 'height');
    const name = resamplingOf(filter);
    const out = resample(await imageHome().engine(), this, width, height, name);
    return new RawImage(out, width, height, this.channels);
  }

  /** Copies what lies between two corners, both included. Rejects with ARGUMENT for corners outside. */
  async crop(corners: readonly [left: number, top: number, right: number, bottom: number]): Promise<RawImage> {
    const [left, top, right, bottom] = four('crop', corners, 'left, top, right, bottom');
    const fits = corners.every((corner) => Number.isSafeInteger(corner) && corner >= 0) && right < this.width && bottom < this.height;
    if (fits && left <= right && top <= bottom) return this.framed(left, top, right - left + 1, bottom - top + 1);
    const cure = `Corners are 0, 0 to ${this.width - 1}, ${this.height - 1}, both included`;
    throw new HeedError('ARGUMENT', `There is no part [${corners.map(kindOf)}] of the picture`, { culprit: 'crop', cure });
  }

  /** Copies the middle; where the picture is smaller, black is around it. */
  async center_crop(width: number, height: number): Promise<RawImage> {
    extent(width, 'width');
    extent(height, 'height');
    return this.centered(width, height);
  }

  /** Adds pixels of 0 at each side. */
  async pad(sides: readonly [left: number, right: number, top: number, bottom: number]): Promise<RawImage> {
    const [left, right, top, bottom] = four('pad', sides, 'left, right, top, bottom');
    for (const [name, value] of Object.entries({ left, right, top, bottom })) extent(value, name, 0);
    return this.framed(-left, -top, this.width + left + right, this.height + top + bottom);
  }

  /** The middle, as transformers' center_crop chooses it. */
  centered(width: number, height: number): RawImage {
    // Python's // rounds down, where padding rounds up.
    return this.framed(Math.floor((this.width - width) / 2), Math.floor((this.height - height) / 2), width, height);
  }

  /** Copies a frame, which may reach beyond the picture, where it is 0. */
  framed(left: number, top: number, width: number, height: number): RawImage {
    const C = this.channels;
    const out = blank(width, height, C);
    const [from, to] = [Math.max(0, left), Math.min(this.width, left + width)];
    if (from < to)
      for (let y = Math.max(0, top); y < Math.min(this.height, top + height); y++)
        out.set(this.data.subarray((y * this.width + from) * C, (y * this.width + to) * C), ((y - top) * width + from - left) * C);
    return new RawImage(out, width, height, C);
  }

  /** Returns the bytes as a tensor, uint8: [C, H, W], or [H, W, C]. */
  toTensor(format: ImageFormatOfTensor = 'CHW'): HostTensor<Uint8Array> {
    const { data, width, height, channels: C } = this;
    if (format === 'HWC') return new HostTensor('uint8', new Uint8Array(data), [height, width, C]);
    const plane = width * height;
    const out = new Uint8Array(data.length);
    for (let i = 0; i < plane; i++) for (let c = 0; c < C; c++) out[c * plane + i] = data[i * C + c] as number;
    return new HostTensor('uint8', out, [C, height, width]);
  }

  /** Encodes the picture as a PNG file. Rejects with UNSUPPORTED for another type. */
  async toBlob(type = 'image/png'): Promise<Blob> {
    if (type === 'image/png') return encodePng(this);
    throw new HeedError('UNSUPPORTED', `Pictures are not written as ${kindOf(type)}`, { culprit: 'type', cure: 'Use image/png' });
  }

  /** Writes the picture as a PNG file. Rejects with UNSUPPORTED for a name that ends otherwise, and where there are no files; STORAGE. */
  async save(path: string): Promise<void> {
    expectPng(path);
    const bytes = new Uint8Array(await (await this.toBlob()).arrayBuffer());
    await imageHome().runtime.writeFile(path, [bytes]);
  }
}

/** Returns bytes of 0 for a picture. Throws MEMORY where JavaScript has no room for them. */
export function blank(width: number, height: number, channels: number): Uint8ClampedArray {
  try {
    return new Uint8ClampedArray(width * height * channels);
  } catch (cause) {
    throw new HeedError('MEMORY', `A picture of ${width} x ${height} pixels takes more memory than JavaScript gives`, {
      ...{ culprit: 'size', shape: [height, width, channels] },
      ...{ cure: 'Make it smaller', cause },
    });
  }
}

const pictureOf = ({ data, width, height, channels }: Pixels): RawImage => new RawImage(data, width, height, channels as 1 | 3 | 4);
