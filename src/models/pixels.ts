/** Pixels as image processors give them, checked. */
import { HeedError, kindOf } from '../errors.js';
import { sizeOf } from '../tensor.js';
import type { PixelInputs } from './inputs.js';

/** Pictures outside of the engine. */
export interface Pixels {
  /** [B][c][H][W] */
  pixels: Float32Array;
  dims: readonly [B: number, channels: number, height: number, width: number];
}

const wrong = (code: 'ARGUMENT' | 'NUMERIC' | 'SHAPE', is: string, shape: readonly number[], culprit = 'pixel_values') =>
  new HeedError(code, `${culprit} ${is}`, { culprit, shape, cure: "Give what the model's image processor gives" });

/** Throws SHAPE for what are no pictures of so many channels, whose sides have so many pixels at least. */
export function expectPictures(shape: readonly number[], channels: number, least: number): void {
  const [, c = 0, H = 0, W = 0] = shape;
  if (shape.length !== 4 || c !== channels || H < least || W < least)
    throw wrong('SHAPE', `is [${shape}], and must be [pictures, ${channels}, height, width], sides of ${least} pixels at least`, shape);
}

/** Pixels that a user gives. Throws ARGUMENT for what is no tensor of numbers, what `expectPictures` throws, NUMERIC for numbers that are not finite. */
export function readPixels({ pixel_values }: Partial<PixelInputs>, channels: number, least: number): Pixels {
  const { data, dims } = Object(pixel_values) as Partial<PixelInputs['pixel_values']>;
  const shape = Array.isArray(dims) ? dims : [];
  const isFull = dims === shape && shape.every((d) => Number.isSafeInteger(d) && d >= 0) && data?.length === sizeOf(shape);
  if (!isFull || !data || typeof data[0] === 'bigint') throw wrong('ARGUMENT', `is ${kindOf(pixel_values)}`, shape);
  expectPictures(shape, channels, least);
  const pixels = data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>);
  const strange = pixels.findIndex((value) => !Number.isFinite(value));
  if (strange >= 0) throw wrong('NUMERIC', `has ${pixels[strange]} at ${strange}`, shape);
  return { pixels, dims: shape as unknown as Pixels['dims'] };
}

/** What is beside the pictures of a batch, 1 each of [B][H][W]; undefined where nothing is. Throws SHAPE where a mask is not the pictures', ARGUMENT for a picture without a pixel. */
export function paddingOf({ pixel_mask }: Partial<PixelInputs>, [B, , H, W]: Pixels['dims']): Uint8Array | undefined {
  if (pixel_mask === undefined || pixel_mask === null) return undefined;
  const { data, dims } = Object(pixel_mask) as Partial<NonNullable<PixelInputs['pixel_mask']>>;
  if (!Array.isArray(dims) || dims.join() !== [B, H, W].join() || data?.length !== B * H * W)
    throw wrong(
      'SHAPE',
      `is ${Array.isArray(dims) ? `[${dims}] of ${data?.length} numbers` : kindOf(pixel_mask)}, and must be [${[B, H, W]}]`,
      Array.isArray(dims) ? dims : [],
      'pixel_mask',
    );
  const beside = Uint8Array.from(data, (one) => Number(Number(one) === 0));
  for (let b = 0; b < B; b++)
    if (beside.subarray(b * H * W, (b + 1) * H * W).every((one) => one))
      throw wrong('ARGUMENT', `has no pixel of picture ${b}`, dims, 'pixel_mask');
  return beside.includes(1) ? beside : undefined;
}
