/** EXIF: how a camera was held, and pictures turned upright. */
import type { Pixels } from './resample.js';

const ORIENTATION = 0x0112;

/** Orientation in an EXIF block, 1 to 8; 1, upright, where it tells none. */
export function orientationOf(block: Uint8Array): number {
  const prefix = String.fromCharCode(...block.subarray(0, 6)) === 'Exif\0\0' ? 6 : 0;
  const tiff = new DataView(block.buffer, block.byteOffset + prefix, block.byteLength - prefix);
  if (tiff.byteLength < 8) return 1;
  const order = tiff.getUint16(0);
  const little = order === 0x4949;
  if (!little && order !== 0x4d4d) return 1;
  const at = tiff.getUint32(4, little);
  if (at + 2 > tiff.byteLength) return 1;
  const count = tiff.getUint16(at, little);
  for (let entry = at + 2, i = 0; i < count && entry + 12 <= tiff.byteLength; i++, entry += 12) {
    if (tiff.getUint16(entry, little) !== ORIENTATION) continue;
    const value = tiff.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** Turns a picture upright. */
export function upright(picture: Pixels, orientation: number): Pixels {
  if (orientation === 1) return picture;
  const { data, width, height, channels } = picture;
  const isTurned = orientation >= 5;
  const [W, H] = isTurned ? [height, width] : [width, height];
  const [fromRight, fromBelow] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)];
  const out = new Uint8ClampedArray(data.length);
  for (let y = 0, o = 0; y < H; y++)
    for (let x = 0; x < W; x++) {
      const [column, row] = isTurned ? [y, x] : [x, y];
      const from = (fromBelow ? height - 1 - row : row) * width + (fromRight ? width - 1 - column : column);
      for (let c = 0; c < channels; c++) out[o++] = data[from * channels + c] as number;
    }
  return { data: out, width: W, height: H, channels };
}
