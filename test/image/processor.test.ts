/** Image processors: photographs to the hash, and what each kind of configuration makes of a picture, as transformers makes it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AutoImageProcessor, RawImage } from '../../dist/entry/node.js';
import { itWith, shared } from '../shared.js';
import { noise, readFixture, sha256 } from './pictures.js';

const bytesOf = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const processorOf = (config: object) =>
  AutoImageProcessor.from_pretrained({ 'config.json': bytesOf({}), 'preprocessor_config.json': bytesOf(config) });

const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const dinov2 = {
  image_processor_type: 'BitImageProcessor',
  ...{ do_resize: true, size: { shortest_edge: 256 }, resample: 3, do_center_crop: true, crop_size: { height: 224, width: 224 } },
  ...{ do_rescale: true, rescale_factor: 0.00392156862745098, do_normalize: true, ...imagenet, do_convert_rgb: true },
};

interface Expected {
  resized: [number, number];
  resized_sha256: string;
  crop_sha256: string;
  pixel_mean: number;
}

describe('photographs', () => {
  itWith('data/pictures/expected.json')('are read, resized and cut to the hash', async () => {
    const { pictures } = JSON.parse(readFileSync(shared('data/pictures/expected.json'), 'utf8')) as { pictures: Record<string, Expected> };
    const processor = await processorOf(dinov2);
    expect(Object.keys(pictures)).toHaveLength(3);
    for (const [name, { resized, resized_sha256, crop_sha256, pixel_mean }] of Object.entries(pictures)) {
      const image = (await RawImage.read(shared(`data/pictures/${name}.png`))).rgb();
      const small = await image.resize(...resized, { resample: 'bicubic' });
      expect(sha256(small.data)).toBe(resized_sha256);
      expect(sha256((await small.center_crop(224, 224)).data)).toBe(crop_sha256);
      const { pixel_values, original_sizes } = await processor(image);
      expect(pixel_values.dims).toEqual([1, 3, 224, 224]);
      expect(original_sizes).toEqual([[image.height, image.width]]);
      expect(pixel_values.data.reduce((sum, x) => sum + x, 0) / pixel_values.data.length).toBeCloseTo(pixel_mean, 6);
    }
  });
});

interface Case {
  kind: string;
  config: object;
  seeds: number[];
  dims: number[];
  sum: string;
  mask?: string;
}
const { sizes, cases } = readFixture<{ sizes: [number, number][]; cases: Case[] }>('processors.json');
const digest = ({ buffer }: { buffer: ArrayBufferLike }) => sha256(new Uint8Array(buffer)).slice(0, 16);

describe('processors', () => {
  it.each(cases.map((one, i) => [`${one.kind} ${i}`, one] as const))(
    'give the bits of transformers: %s',
    async (_, { kind, config, seeds, dims, sum, mask }) => {
      const processor = await processorOf({ image_processor_type: `${kind}ImageProcessor`, ...config });
      const images = seeds.map((seed) => {
        const [width, height] = sizes[seed % 2] as [number, number];
        return new RawImage(noise(seed, width * height * 3), width, height, 3);
      });
      const { pixel_values, pixel_mask } = await processor(images);
      expect(pixel_values.dims).toEqual(dims);
      expect(digest(pixel_values.data)).toBe(sum);
      expect(pixel_mask && digest(pixel_mask.data)).toBe(mask);
    },
  );
});

describe('AutoImageProcessor', () => {
  it('makes a batch of pictures of several sizes', async () => {
    const processor = await processorOf(dinov2);
    const [tall, wide] = [new RawImage(noise(1, 30 * 70), 30, 70, 1), new RawImage(noise(2, 90 * 40 * 4), 90, 40, 4)];
    const both = await processor([tall, wide]);
    expect(both.pixel_values.dims).toEqual([2, 3, 224, 224]);
    expect(both.reshaped_input_sizes).toEqual([
      [224, 224],
      [224, 224],
    ]);
    const alone = await processor(wide);
    expect(both.pixel_values.data.subarray(3 * 224 * 224)).toEqual(alone.pixel_values.data);
    expect([tall.channels, wide.channels]).toEqual([1, 4]);
  });

  it('refuses what it is not, by name', async () => {
    await expect(processorOf({ image_processor_type: 'FuyuImageProcessor' })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/FuyuImageProcessor.*ViT/),
    });
    await expect(processorOf({ ...dinov2, size: { shortest: 3 } })).rejects.toMatchObject({ code: 'FORMAT' });
    await expect(processorOf({ ...dinov2, image_std: [1, 0, 1] })).rejects.toMatchObject({ code: 'FORMAT' });
    await expect(processorOf({ ...dinov2, resample: 9 })).rejects.toThrow(/resample must be/);
  });

  it('does not put pictures of different sizes into one batch where the model has no padding', async () => {
    const processor = await processorOf({ image_processor_type: 'CLIPImageProcessor', do_center_crop: false, size: 8 });
    const images = [new RawImage(noise(1, 300), 10, 10, 3), new RawImage(noise(2, 600), 20, 10, 3)];
    await expect(processor(images)).rejects.toMatchObject({ code: 'SHAPE', shape: [8, 16] });
    await expect(processor([])).rejects.toMatchObject({ code: 'ARGUMENT' });
  });
});
