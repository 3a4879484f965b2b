/** Pictures through a model in tiles: what the model makes of a small one as a whole, and of a large one without a seam. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForImageToImage, createEngine, type Engine, pipeline, RawImage, writeSafetensors } from '../../dist/entry/node.js';
import { ImageProcessor } from '../../dist/image/processor.js';
import { JsonNode } from '../../dist/io/json.js';
import { tilesOf } from '../../dist/pipelines/tiles.js';
import { HostTensor } from '../../dist/tensor.js';
import { readWeights } from '../models/files.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/vision/${name}`, import.meta.url));
const settings = { image_processor_type: 'Swin2SRImageProcessor', do_rescale: true, rescale_factor: 1 / 255, do_pad: true, pad_size: 4 };
const files = (name: string, own: object = {}, weights = new Uint8Array(readFileSync(`${fixture(name)}/model.safetensors`))) => ({
  'config.json': new Uint8Array(readFileSync(`${fixture(name)}/config.json`)),
  'model.safetensors': weights,
  'preprocessor_config.json': new TextEncoder().encode(JSON.stringify({ ...settings, ...own })),
});
const direct = () => files('swin2sr_direct_upscale');

/** A model of the same size whose last convolution is 0: each pixel becomes itself and the mean of its channel. */
async function brightening(): Promise<ReturnType<typeof files>> {
  const tensors = readWeights(readFileSync(`${fixture('swin2sr_restore_upscale')}/model.safetensors`));
  const entries = Object.entries(tensors).map(([key, { bytes, shape }]) => {
    const data = new Float32Array(bytes.slice().buffer);
    return [key, new HostTensor('float32', key.startsWith('final_convolution') ? data.fill(0) : data, [...shape])] as const;
  });
  return files('swin2sr_restore_upscale', {}, await writeSafetensors(Object.fromEntries(entries)));
}

const picture = (width: number, height: number, channels: 1 | 3 | 4 = 3) =>
  new RawImage(
    Uint8ClampedArray.from({ length: width * height * channels }, (_, i) => (i * 29 + ((i * i) % 83)) % 120),
    width,
    height,
    channels,
  );

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

describe('tiles', () => {
  it.each([
    [5, 8, 2],
    [8, 8, 2],
    [9, 8, 4],
    [23, 8, 3],
    [23, 8, 0],
    [100, 16, 8],
  ])('of %i pixels by %i that share %i cover all, and their weights add up to 1', (edge, length, overlap) => {
    for (const times of [1, 3]) {
      const tiles = tilesOf(edge, length, overlap, times);
      const sums = new Float64Array(edge * times);
      for (const [i, { start, weights }] of tiles.entries()) {
        expect(weights.length).toBe(Math.min(edge, length) * times);
        for (const [at, weight] of weights.entries()) {
          expect(weight).toBeGreaterThan(0);
          sums[start * times + at] = (sums[start * times + at] as number) + weight;
        }
        const next = tiles[i + 1];
        if (next) expect(start + length - next.start).toBeGreaterThanOrEqual(overlap);
      }
      for (const sum of sums) expect(sum).toBeCloseTo(1, 5);
    }
  });
});

describe('image-to-image', () => {
  it('makes of a small picture what the model makes of it, without what the processor put around it', async () => {
    const upscale = await pipeline('image-to-image', direct(), { engine });
    const model = await AutoModelForImageToImage.from_pretrained(direct(), { engine });
    const image = picture(11, 6);
    const made = await upscale(image);
    const processor = ImageProcessor.from(JsonNode.of('preprocessor_config.json', settings));
    const { reconstruction } = await model({ pixel_values: processor.run(engine, [image]).pixel_values });
    const [, , H, W] = reconstruction.dims as [number, number, number, number];
    expect([made.width, made.height, made.channels, H, W]).toEqual([22, 12, 3, 16, 24]);
    const want = Uint8ClampedArray.from({ length: 22 * 12 * 3 }, (_, i) => {
      const [c, x, y] = [i % 3, Math.floor(i / 3) % 22, Math.floor(i / 66)];
      return 255 * (reconstruction.data[(c * H + y) * W + x] as number);
    });
    for (const [i, byte] of made.data.entries()) expect(Math.abs(byte - (want[i] as number))).toBeLessThanOrEqual(1);
    expect(upscale.task).toBe('image-to-image');
    // Grey pictures have the same grey in three channels, opacity beside is resized by itself.
    expect((await upscale(new RawImage(new Uint8Array(12), 4, 3, 1))).channels).toBe(3);
    const [clear, opaque] = await upscale([picture(7, 6, 4), picture(7, 6, 4).rgb()]);
    expect(clear?.channels).toBe(4);
    expect(clear?.clone().rgb().data).toEqual(opaque?.data);
    const opacity = new RawImage(
      Uint8ClampedArray.from({ length: 42 }, (_, i) => picture(7, 6, 4).data[4 * i + 3] as number),
      7,
      6,
      1,
    );
    const resized = await opacity.resize(14, 12, { resample: 'bicubic' });
    expect(resized.data).toEqual(clear?.data.filter((_, i) => i % 4 === 3));
    for (const one of [upscale, model]) one.dispose();
  });

  it('shows no seam: pixels that do not depend on others are the same in tiles of any size', async () => {
    const brighten = await pipeline('image-to-image', await brightening(), { engine });
    for (const [width, height] of [
      [37, 21],
      [9, 40],
      [8, 8],
    ] as const) {
      const image = picture(width, height);
      const mean = [0.4488, 0.4371, 0.404];
      const want = Uint8ClampedArray.from(image.data, (byte, i) => byte + 255 * (mean[i % 3] as number));
      for (const options of [{}, { tile: 8 }, { tile: 9, overlap: 0 }, { tile: 16, overlap: 7 }]) {
        const made = await brighten(image, options);
        expect(made.size).toEqual([width, height]);
        for (const [i, byte] of made.data.entries()) expect(Math.abs(byte - (want[i] as number))).toBeLessThanOrEqual(1);
      }
    }
    brighten.dispose();
  });

  it('blends what tiles say where they overlap, takes no memory for more of them, and tells how far it is', async () => {
    const upscale = await pipeline('image-to-image', direct(), { engine });
    const image = picture(20, 8);
    const shares: number[] = [];
    const whole = await upscale(image, { tile: 8, overlap: 4, onProgress: (done, total) => void shares.push(done / total) });
    expect(shares).toEqual(expect.arrayContaining([0.25, 0.5, 0.75, 1]));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.length).toBeGreaterThan(4);
    const parts = await Promise.all([0, 4, 8, 12].map(async (x) => upscale(await image.crop([x, 0, x + 7, 7]))));
    for (const [i, byte] of whole.data.entries()) {
      const [c, x, y] = [i % 3, Math.floor(i / 3) % 40, Math.floor(i / 120)];
      const sharing = parts.flatMap((part, t) => {
        const at = x - 8 * t;
        return at >= 0 && at < 16 ? [part.data[(y * 16 + at) * 3 + c] as number] : [];
      });
      expect(byte).toBeGreaterThanOrEqual(Math.min(...sharing) - 1);
      expect(byte).toBeLessThanOrEqual(Math.max(...sharing) + 1);
      // A place in the first tile alone, a quarter of the way into what it shares with the second, and its middle.
      const share = x < 8 ? 0 : x < 16 ? (x - 7.5) / 8 : undefined;
      if (share === undefined) continue;
      const [one, two = one] = sharing as [number, number?];
      // Tiles are clipped before they are blended here, and behind it there.
      if ([one, two].every((value) => value > 0 && value < 255))
        expect(Math.abs(byte - (one * (1 - share) + two * share))).toBeLessThanOrEqual(1.01);
    }
    const { size } = engine.memory();
    await upscale(picture(60, 60), { tile: 8 });
    expect(engine.memory().size).toBe(size);
    upscale.dispose();
  });

  it('ends where it is told to, and refuses what is no tile, a processor that makes pictures smaller, and a model for another task', async () => {
    const upscale = await pipeline('image-to-image', direct(), { engine });
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    await expect(upscale(picture(30, 30), { tile: 8, signal: stop.signal, onProgress })).rejects.toThrow('enough');
    for (const [options, culprit] of [
      [{ tile: 7 }, 'tile'],
      [{ tile: 'all' }, 'tile'],
      [{ tile: 16, overlap: 9 }, 'overlap'],
      [{ overlap: -1 }, 'overlap'],
    ] as const)
      await expect(upscale(picture(9, 9), options as never)).rejects.toMatchObject({ code: 'ARGUMENT', culprit });
    await expect(upscale(picture(9, 9), { tiles: 8 } as never)).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'tiles' });
    await expect(upscale(undefined as never)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'images' });
    expect(await upscale([])).toEqual([]);
    const own = { image_processor_type: 'ViTImageProcessor', size: { height: 4, width: 4 } };
    const small = await pipeline('image-to-image', files('swin2sr_direct_upscale', own), { engine });
    await expect(small(picture(9, 9))).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
    await expect(pipeline('image-to-image', files('vit'), { engine })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    for (const one of [upscale, small]) one.dispose();
  });
});

it('says of a tile that memory has no room for that it is a picture', async () => {
  const small = await createEngine({ threads: 1, memory: { maximum: 32 << 20 } });
  const upscale = await pipeline('image-to-image', direct(), { engine: small });
  const failure = upscale(picture(400, 400), { tile: 400 });
  await expect(failure).rejects.toMatchObject({
    code: 'MEMORY',
    culprit: 'pixel_values',
    message: expect.stringMatching(/smaller pictures or tiles/),
  });
  await small.dispose();
});
