/** DETR and SegFormer from the bytes of pictures to boxes and masks: what transformers' processors, models and post-processing say of the same pictures. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForObjectDetection, createEngine, type Engine, pipeline, RawImage } from '../../dist/entry/node.js';
import { ImageProcessor } from '../../dist/image/processor.js';
import { JsonNode } from '../../dist/io/json.js';
import { noise, sha256 } from '../image/pictures.js';

const folder = fileURLToPath(new URL('../fixtures/vision', import.meta.url));
interface Found {
  label: string;
  score?: number;
  box?: [number, number, number, number];
  pixels?: number;
  sum?: string;
}
interface Case {
  processor: object;
  found: Found[][];
  threshold?: number;
  logits?: number[];
  pred_boxes?: number[];
}
const { pictures, cases } = JSON.parse(readFileSync(`${folder}/pipelines.json`, 'utf8')) as {
  pictures: [seed: number, width: number, height: number][];
  cases: Record<string, Case>;
};

/** Squares of 8 × 8 pixels, as pipelines.py draws them. */
const images = pictures.map(([seed, width, height]) => {
  const columns = Math.ceil(width / 8);
  const squares = noise(seed, columns * Math.ceil(height / 8) * 3);
  const pixel = (i: number) =>
    (Math.floor(Math.floor(i / 3) / width / 8) * columns + Math.floor((Math.floor(i / 3) % width) / 8)) * 3 + (i % 3);
  return new RawImage(
    Uint8ClampedArray.from({ length: width * height * 3 }, (_, i) => squares[pixel(i)] as number),
    width,
    height,
    3,
  );
});

const files = (name: string) => ({
  'config.json': new Uint8Array(readFileSync(`${folder}/${name}/config.json`)),
  'model.safetensors': new Uint8Array(readFileSync(`${folder}/${name}/model.safetensors`)),
  'preprocessor_config.json': new TextEncoder().encode(JSON.stringify((cases[name] as Case).processor)),
});

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
});
afterAll(() => engine.dispose());

describe.each(['detr_detect', 'detr_basic_detect'])('object-detection by %s', (name) => {
  const { found: expected, threshold, processor, ...scores } = cases[name] as Case;

  it('finds what transformers finds, where it finds it', async () => {
    const detect = await pipeline('object-detection', files(name), { engine });
    const found = await detect(images, { threshold });
    expect(
      found.map((things) => things.map(({ label, box: { xmin, ymin, xmax, ymax } }) => ({ label, box: [xmin, ymin, xmax, ymax] }))),
    ).toEqual(expected.map((things) => things.map(({ label, box }) => ({ label, box }))));
    for (const [i, { score }] of found.flat().entries()) expect(score).toBeCloseTo(expected.flat()[i]?.score as number, 4);
    detect.dispose();
  });

  it('says of a batch of unequal pictures what transformers says', async () => {
    const model = await AutoModelForObjectDetection.from_pretrained(files(name), { engine });
    const inputs = ImageProcessor.from(JsonNode.of('preprocessor_config.json', processor)).run(engine, images);
    expect(inputs.pixel_mask?.data.includes(0n)).toBe(true);
    const out = await model(inputs);
    for (const key of ['logits', 'pred_boxes'] as const) {
      const want = scores[key] as number[];
      expect(out[key].data.length).toBe(want.length);
      for (const [i, x] of want.entries()) expect(Math.abs((out[key].data[i] as number) - x), `${key} ${i}`).toBeLessThan(1e-4);
    }
    model.dispose();
  });
});

describe('image-segmentation', () => {
  it('draws the masks that transformers draws, pixel for pixel', async () => {
    const segment = await pipeline('image-segmentation', files('segformer_segment'), { engine });
    const found = await segment(images);
    const expected = cases.segformer_segment?.found as Found[][];
    const summed = found.map((segments) =>
      segments.map(({ label, mask }) => ({
        label,
        pixels: mask.data.reduce((n, x) => n + Number(x === 255), 0),
        sum: sha256(mask.data).slice(0, 16),
      })),
    );
    expect(summed).toEqual(expected);
    for (const [i, segments] of found.entries())
      for (const { score, mask } of segments)
        expect([score, mask.width, mask.height, mask.channels]).toEqual([null, images[i]?.width, images[i]?.height, 1]);
    expect(await segment(images[1] as RawImage, { subtask: 'semantic' })).toEqual(found[1]);
    segment.dispose();
  });

  it('makes masks of other sizes where asked, and each pixel is of one kind', async () => {
    const segment = await pipeline('image-segmentation', files('segformer_segment'), { engine });
    const [first = [], second = []] = await segment(images, {
      target_sizes: [
        [5, 9],
        [100, 3],
      ],
    });
    expect([first[0]?.mask.size, second[0]?.mask.size]).toEqual([
      [9, 5],
      [3, 100],
    ]);
    for (const [segments, n] of [
      [first, 45],
      [second, 300],
    ] as const)
      for (let i = 0; i < n; i++) expect(segments.filter(({ mask }) => mask.data[i] === 255).length).toBe(1);
    segment.dispose();
  });

  it('refuses what it cannot do, by name', async () => {
    const segment = await pipeline('image-segmentation', files('segformer_segment'), { engine });
    await expect(segment(images, { subtask: 'panoptic' } as object)).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'subtask' });
    await expect(segment(images, { threshold: 0.5 } as object)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    for (const target_sizes of [
      [[1, 2]],
      [
        [1, 2],
        [0, 3],
      ],
      7,
      [
        [1, 2],
        [1.5, 2],
      ],
    ])
      await expect(segment(images, { target_sizes } as object)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'target_sizes' });
    await expect(segment(images, { signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
    expect(await segment([])).toEqual([]);
    segment.dispose();
    const before = engine.memory().used;
    const { 'preprocessor_config.json': own } = files('segformer_segment');
    await expect(
      pipeline('image-segmentation', { ...files('detr_detect'), 'preprocessor_config.json': own }, { engine }),
    ).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
    expect(engine.memory().used).toBe(before);
  });
});
