/** Files of pictures: the pixels that Pillow reads of them, in every kind of file, or a refusal by name. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HeedError, RawImage } from '../../dist/entry/node.js';
import { fixture, noise, readFixture, sha256 } from './pictures.js';

interface Told {
  size: [number, number];
  mode: string;
  rgb: string;
  rgba: string;
}
const { files } = readFixture<{ files: Record<string, Told> }>('files.json');
const bytesOf = (name: string) => new Uint8Array(readFileSync(fixture(`files/${name}`)));

/** What Pillow reads otherwise, or heed does not read. */
const apart = ['cmyk.jpg', 'grey16.png'];

describe('RawImage.read', () => {
  it.each(Object.entries(files).filter(([name]) => !apart.includes(name)))('reads %s as Pillow does', async (name, told) => {
    const image = await RawImage.read(fixture(`files/${name}`));
    expect(image.size).toEqual(told.size);
    expect(sha256(image.clone().rgb().data).slice(0, 16)).toBe(told.rgb);
    expect(sha256(image.clone().rgba().data).slice(0, 16)).toBe(told.rgba);
    if (name.endsWith('.jpg')) expect(image.channels).toBe(told.mode === 'L' ? 1 : 3);
    if (told.mode === 'RGBA' && !name.startsWith('moving')) expect(image.channels).toBe(4);
  });

  it('leaves no global behind', async () => {
    await RawImage.read(bytesOf('420.jpg'));
    expect('ImageData' in globalThis).toBe(false);
  });

  it('takes the upper byte of 16 bits', async () => {
    const { data, channels, width, height } = await RawImage.read(bytesOf('grey16.png'));
    expect([channels, width, height]).toEqual([1, 37, 27]);
    expect(Array.from(data.subarray(0, 5))).toEqual([0, 6, 12, 18, 24]);
  });

  it('refuses inks, other formats and what is no picture by name', async () => {
    await expect(RawImage.read(bytesOf('cmyk.jpg'))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('CMYK'),
    });
    const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
    await expect(RawImage.read(ascii('BM______'))).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('BMP') });
    await expect(RawImage.read(ascii('\0\0\0 ftypavif'))).rejects.toThrow(/AVIF/);
    await expect(RawImage.read(ascii('<svg xmlns='))).rejects.toThrow(/SVG/);
    await expect(RawImage.read(ascii('hello'))).rejects.toMatchObject({ code: 'FORMAT' });
    await expect(RawImage.read(new Uint8Array(0))).rejects.toMatchObject({ code: 'FORMAT' });
    await expect(RawImage.read(7 as never)).rejects.toMatchObject({ code: 'ARGUMENT' });
    const file = fixture('files/cmyk.jpg');
    await expect(RawImage.read(file)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      culprit: file,
      message: expect.stringContaining(file),
    });
    await expect(RawImage.read(fixture('files/none.png'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('refuses a picture by its header, before it takes memory, unless it may be so large', async () => {
    const bytes = bytesOf('rgb.png');
    const [width, height] = [60_000, 60_000];
    const bomb = await new RawImage(noise(1, 3), 1, 1, 3).toBlob();
    const header = new Uint8Array(await bomb.arrayBuffer());
    const view = new DataView(header.buffer);
    view.setUint32(16, width);
    view.setUint32(20, height);
    view.setUint32(29, crc(header.subarray(12, 29)));
    await expect(RawImage.read(header)).rejects.toMatchObject({ code: 'UNSUPPORTED', shape: [height, width] });
    // Nor does it take memory where it may: pixels are counted as they come.
    await expect(RawImage.read(header, { maxPixels: 1e10 })).rejects.toMatchObject({ code: 'FORMAT' });
    view.setUint32(16, 1);
    view.setUint32(20, 65_536);
    view.setUint32(29, crc(header.subarray(12, 29)));
    await expect(RawImage.read(header, { maxPixels: 1e10 })).rejects.toMatchObject({ code: 'UNSUPPORTED', shape: [65_536, 1] });
    await expect(RawImage.read(bytes, { maxPixels: 37 * 27 - 1 })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect((await RawImage.read(bytes, { maxPixels: 37 * 27 })).size).toEqual([37, 27]);
    await expect(RawImage.read(bytes, { maxPixels: -1 })).rejects.toMatchObject({ code: 'ARGUMENT' });
    await expect(RawImage.read(bytes, { signal: 5 as never })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'signal' });
  });

  it.each(['rgb.png', '420.jpg', 'progressive.jpg', 'lossy.webp', 'lossless.webp', 'flat.gif'])('refuses the half of %s', async (name) => {
    const bytes = bytesOf(name);
    await expect(RawImage.read(bytes.subarray(0, bytes.length >> 1))).rejects.toMatchObject({ code: 'FORMAT' });
    // The decoder serves the next file.
    expect((await RawImage.read(bytes)).size).toEqual([37, 27]);
  });

  it('reads bytes, buffers, blobs, pixels and canvases alike', async () => {
    const bytes = bytesOf('rgba.png');
    const image = await RawImage.read(bytes);
    const canvas = { width: 37, height: 27, getContext: () => ({ getImageData: () => image }) };
    const inputs = [bytes.buffer, new Blob([bytes]), { data: image.data, width: 37, height: 27 }, canvas, { ...image }, image];
    for (const input of inputs) expect({ ...(await RawImage.read(input)) }).toEqual({ ...image });
    expect(await RawImage.read(image)).toBe(image);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(RawImage.read(bytes, { signal })).rejects.toThrow('enough');
  });
});

describe('RawImage', () => {
  it('writes what it reads, in 1, 3 and 4 channels', async () => {
    for (const channels of [1, 3, 4] as const) {
      const image = new RawImage(noise(channels, 13 * 7 * channels), 13, 7, channels);
      const again = await RawImage.read(await image.toBlob());
      expect({ ...again }).toEqual({ ...image });
    }
    const image = new RawImage(noise(1, 3), 1, 1, 3);
    await expect(image.toBlob('image/jpeg')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(image.save('a.jpg')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('crops, pads and centers', async () => {
    const image = new RawImage(Uint8Array.of(1, 2, 3, 4, 5, 6), 3, 2, 1);
    expect([...(await image.crop([1, 0, 2, 1])).data]).toEqual([2, 3, 5, 6]);
    expect([...(await image.pad([1, 0, 0, 1])).data]).toEqual([0, 1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0]);
    expect([...(await image.center_crop(1, 4)).data]).toEqual([0, 2, 5, 0]);
    await expect(image.pad([2 ** 45, 0, 0, 0])).rejects.toMatchObject({ code: 'MEMORY', culprit: 'size' });
    await expect(image.center_crop(2 ** 40, 2 ** 10)).rejects.toMatchObject({ code: 'MEMORY', culprit: 'size' });
    await expect(image.crop([0, 0, 3, 1])).rejects.toMatchObject({ code: 'ARGUMENT' });
    for (const given of [undefined, 1, [1, 2, 3], 'left'] as never[]) {
      await expect(image.crop(given)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'crop' });
      await expect(image.pad(given)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'pad' });
    }
  });

  it('goes through tensors', () => {
    const image = new RawImage(noise(5, 24), 4, 2, 3);
    for (const format of ['CHW', 'HWC'] as const) expect({ ...RawImage.fromTensor(image.toTensor(format), format) }).toEqual({ ...image });
    expect(image.toTensor().dims).toEqual([3, 2, 4]);
    expect(() => RawImage.fromTensor(image.toTensor('HWC'))).toThrow(HeedError);
  });

  it('refuses pixels that do not fill it', () => {
    expect(() => new RawImage(noise(1, 5), 2, 1, 3)).toThrow(expect.objectContaining({ code: 'SHAPE', shape: [1, 2, 3] }));
    expect(() => new RawImage(noise(1, 4), 2, 1, 2 as never)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }));
    for (const tensor of [undefined, null, {}, 3])
      expect(() => RawImage.fromTensor(tensor as never)).toThrow(expect.objectContaining({ code: 'SHAPE', culprit: 'tensor' }));
  });
});

/** CRC-32, bit by bit. */
function crc(bytes: Uint8Array): number {
  let rest = -1;
  for (const byte of bytes) {
    rest ^= byte;
    for (let k = 0; k < 8; k++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return (rest ^ -1) >>> 0;
}
