/** Configs of Depth Anything that cannot be followed are refused before a weight is read, and blocks may be counted from the last. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AutoModelForDepthEstimation, createEngine, type Engine, HostTensor } from '../../dist/entry/node.js';

const folder = fileURLToPath(new URL('../fixtures/vision/depth_anything_depth', import.meta.url));
const config = JSON.parse(readFileSync(`${folder}/config.json`, 'utf8'));
const load = (own: object, backbone: object = {}) =>
  AutoModelForDepthEstimation.from_pretrained(
    {
      'config.json': new TextEncoder().encode(
        JSON.stringify({ ...config, ...own, backbone_config: { ...config.backbone_config, ...backbone } }),
      ),
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
  ['fewer planes than blocks', { neck_hidden_sizes: [4, 6] }, {}, 'FORMAT'],
  ['a block that there is not', {}, { out_indices: [1, 2, 3, 5] }, 'FORMAT'],
  ['a plane that there is not', { head_in_index: 4 }, {}, 'FORMAT'],
  ['a factor of nothing', { reassemble_factors: [4, 2, 1, 0] }, {}, 'FORMAT'],
  ['patches of two sizes', { patch_size: 7 }, {}, 'UNSUPPORTED'],
  ['another backbone', {}, { model_type: 'swin' }, 'UNSUPPORTED'],
  ['another kind of depth', { depth_estimation_type: 'angle' }, {}, 'UNSUPPORTED'],
])('refuses %s', async (_, own, backbone, code) => {
  const before = engine.memory().used;
  await expect(load(own, backbone)).rejects.toMatchObject({ code });
  expect(engine.memory().used).toBe(before);
});

it('counts blocks from the last', async () => {
  const pixel_values = new HostTensor(
    'float32',
    Float32Array.from({ length: 3 * 24 * 24 }, (_, i) => Math.sin(i)),
    [1, 3, 24, 24],
  );
  const [model, same] = [await load({}), await load({}, { out_indices: [-4, -3, -2, -1] })];
  expect((await same({ pixel_values })).predicted_depth.data).toEqual((await model({ pixel_values })).predicted_depth.data);
  for (const made of [model, same]) made.dispose();
});
