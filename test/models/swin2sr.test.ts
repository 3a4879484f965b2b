/** Swin2SR with every upsampler, on weights that are sines; what vision.test.ts checks of all models of pictures is not repeated here. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModel, AutoModelForImageToImage, createEngine, type Engine, HostTensor, writeSafetensors } from '../../dist/entry/node.js';
import { numbersOf, readWeights, type Weight } from './files.js';

const folder = fileURLToPath(new URL('../fixtures/upsamplers', import.meta.url));
const tiny = fileURLToPath(new URL('../fixtures/vision/swin2sr', import.meta.url));
const { models } = JSON.parse(readFileSync(`${folder}/models.json`, 'utf8')) as {
  models: Record<string, { config: object; shapes: Record<string, number[]> }>;
};
const expected = readWeights(readFileSync(`${folder}/expected.safetensors`));

/** The weights that upsamplers.py gives its models. */
async function weightsOf(shapes: Record<string, number[]>): Promise<Uint8Array> {
  const tensors = Object.keys(shapes)
    .sort()
    .map((name, k) => {
      const dims = shapes[name] as number[];
      const size = dims.reduce((a, b) => a * b, 1);
      const [width, base] = [Math.max(1, size / (dims[0] as number)), /norm.*weight$/.test(name) ? 1 : 0];
      const data = Float32Array.from({ length: size }, (_, i) => base + Math.sin(0.37 * (k + 1) * (i + 1)) / Math.sqrt(width));
      return [name, new HostTensor('float32', data, dims)] as const;
    });
  return writeSafetensors(Object.fromEntries(tensors));
}

const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const host = ({ bytes, shape }: Weight) => new HostTensor('float32', new Float32Array(bytes.slice().buffer), [...shape]);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

describe('what Hugging Face makes of a picture', () => {
  it.each(Object.keys(models))('by %s', async (name) => {
    const { config, shapes } = models[name] as (typeof models)[string];
    const files = { 'config.json': bytes(config), 'model.safetensors': await weightsOf(shapes) };
    const model = await AutoModelForImageToImage.from_pretrained(files, { engine });
    const { reconstruction } = await model({ pixel_values: host(expected[`${name}.pixel_values`] as Weight) });
    const want = expected[`${name}.reconstruction`] as Weight;
    expect(reconstruction.dims).toEqual(want.shape);
    const off = numbersOf(want).map((x, i) => Math.abs(x - (reconstruction.data[i] as number)));
    expect(Math.max(...off)).toBeLessThan(1e-4);
    model.dispose();
  });
});

const config = JSON.parse(readFileSync(`${tiny}/config.json`, 'utf8'));
const load = (own: object, options: object = {}) =>
  AutoModel.from_pretrained(
    { 'config.json': bytes({ ...config, ...own }), 'model.safetensors': new Uint8Array(readFileSync(`${tiny}/model.safetensors`)) },
    { engine, ...options },
  );

describe('a picture', () => {
  it('that does not fill windows is mirrored, and what is around it is cut off', async () => {
    const model = await load({});
    const numbers = (H: number, W: number, at: (y: number, x: number) => number) =>
      new HostTensor(
        'float32',
        Float32Array.from({ length: 3 * H * W }, (_, i) => Math.sin(1 + at(Math.floor(i / W) % H, i % W) + 100 * Math.floor(i / (H * W)))),
        [1, 3, H, W],
      );
    const mirror = (i: number, edge: number) => (i < edge ? i : 2 * (edge - 1) - i);
    const [{ last_hidden_state: got }, { last_hidden_state: whole }] = [
      await model({ pixel_values: numbers(6, 9, (y, x) => 10 * y + x) }),
      await model({ pixel_values: numbers(8, 12, (y, x) => 10 * mirror(y, 6) + mirror(x, 9)) }),
    ];
    expect(got.dims).toEqual([1, 12, 6, 9]);
    const cut = Array.from(got.data, (_, i) => whole.data[(Math.floor(i / 54) * 8 + (Math.floor(i / 9) % 6)) * 12 + (i % 9)]);
    expect(Array.from(got.data)).toEqual(cut);
    const { last_hidden_state: dot } = await model({ pixel_values: numbers(1, 1, () => 0) });
    expect(dot.dims).toEqual([1, 12, 1, 1]);
    model.dispose();
  });

  it('that is none is refused by name', async () => {
    const model = await load({});
    const of = (...dims: number[]) => ({ data: new Float32Array(dims.reduce((a, b) => a * b, 1)), dims });
    for (const pixel_values of [of(3, 8, 8), of(1, 1, 8, 8), of(1, 3, 0, 8), of(0, 3, 8, 8)])
      await expect(model({ pixel_values })).rejects.toMatchObject({ code: 'SHAPE', culprit: 'pixel_values' });
    model.dispose();
  });
});

describe('a config', () => {
  it.each([
    ['heads that do not divide the channels', { num_heads: [2, 5] }, 'FORMAT'],
    ['heads of too few stages', { num_heads: [2] }, 'FORMAT'],
    ['no stages', { depths: [], num_heads: [] }, 'FORMAT'],
    ['more blocks than there can be', { depths: [1000, 1000] }, 'FORMAT'],
    ['more blocks than the checkpoint has', { depths: [500, 1] }, 'MODEL_MISMATCH'],
    ['a hidden layer without channels', { mlp_ratio: 0.01 }, 'FORMAT'],
    ['a range of nothing', { img_range: 0 }, 'FORMAT'],
    ['patches of several pixels', { patch_size: 2 }, 'UNSUPPORTED'],
    ['windows larger than pictures', { window_size: 16 }, 'UNSUPPORTED'],
    ['positions of its own', { use_absolute_embeddings: true }, 'UNSUPPORTED'],
    ['another convolution', { resi_connection: '2conv' }, 'UNSUPPORTED'],
    ['an upsampler that there is not', { upsampler: 'dream' }, 'UNSUPPORTED'],
    ['an upscale that it cannot be', { upscale: 6 }, 'FORMAT'],
  ])('with %s is refused', async (_, own, code) => {
    const before = engine.memory().used;
    await expect(load(own)).rejects.toMatchObject({ code });
    expect(engine.memory().used).toBe(before);
  });

  it('is not for training', async () => {
    await expect(load({}, { trainable: true })).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'trainable' });
  });
});
