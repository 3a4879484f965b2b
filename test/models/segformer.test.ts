/** Configs of SegFormer that cannot be followed are refused before a weight is read, and pictures that are too small by name. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AutoModelForSemanticSegmentation, createEngine, type Engine, HostTensor } from '../../dist/entry/node.js';

const folder = fileURLToPath(new URL('../fixtures/vision/segformer_segment', import.meta.url));
const config = JSON.parse(readFileSync(`${folder}/config.json`, 'utf8'));
const load = (own: object) =>
  AutoModelForSemanticSegmentation.from_pretrained(
    {
      'config.json': new TextEncoder().encode(JSON.stringify({ ...config, ...own })),
      'model.safetensors': new Uint8Array(readFileSync(`${folder}/model.safetensors`)),
    },
    { engine },
  );

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

it.each([
  ['fewer widths than stages', { hidden_sizes: [8, 12] }, 'FORMAT'],
  ['stages without layers', { depths: [1, 0, 1] }, 'FORMAT'],
  ['strides of nothing', { strides: [4, 2, 0] }, 'FORMAT'],
  ['heads that cannot share the channels', { num_attention_heads: [1, 5, 4] }, 'FORMAT'],
  ['another activation', { hidden_act: 'prelu' }, 'UNSUPPORTED'],
  ['more layers than tensors', { depths: [1, 9000, 1] }, 'MODEL_MISMATCH'],
  ['more stages than there are weights for', { num_encoder_blocks: 4, hidden_sizes: [8, 12, 32, 8], depths: [1, 2, 1, 1] }, 'FORMAT'],
])('refuses %s', async (_, own, code) => {
  const before = engine.memory().used;
  await expect(load(own)).rejects.toMatchObject({ code });
  expect(engine.memory().used).toBe(before);
});

it('refuses pictures without a square of keys, and of other channels', async () => {
  const model = await load({});
  const of = (...dims: number[]) => ({ pixel_values: new HostTensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims) });
  for (const [H, W] of [
    [1, 1],
    [12, 13],
    [64, 12],
  ] as const)
    await expect(model(of(1, 3, H, W))).rejects.toMatchObject({
      code: 'SHAPE',
      culprit: 'pixel_values',
      message: expect.stringMatching(/sides of 13 pixels/),
    });
  expect((await model(of(1, 3, 13, 13))).logits.dims).toEqual([1, 4, 4, 4]);
  await expect(model(of(1, 4, 32, 32))).rejects.toMatchObject({ code: 'SHAPE', culprit: 'pixel_values' });
  expect((await model(of(1, 3, 16, 19))).logits.dims).toEqual([1, 4, 4, 5]);
  model.dispose();
});
