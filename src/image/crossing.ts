/** A picture as plain data, which crosses from a worker. */
import { RawImage } from './raw_image.js';

/** For `registerResult`. */
export const pictures = {
  name: 'picture',
  is: (value: unknown): value is RawImage => value instanceof RawImage,
  pack: ({ data, width, height, channels }: RawImage) => ({ data, width, height, channels }),
  unpack: (value: Record<string, unknown>): RawImage => {
    const { data, width, height, channels } = value as unknown as RawImage;
    return new RawImage(data, width, height, channels);
  },
};
