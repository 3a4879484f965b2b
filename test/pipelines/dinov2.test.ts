/** DINOv2-small with real weights, where they are: three photographs, from their files to features, as transformers and Pillow have them. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createEngine, pipeline } from '../../dist/entry/node.js';
import { shared } from '../shared.js';

const model = join(process.env.HEED_MODELS ?? join(homedir(), '.cache/heed-models'), 'dinov2-small');
const pictures = shared('data/pictures');
const isThere = existsSync(join(model, 'model.safetensors')) && existsSync(join(pictures, 'expected.json'));

interface Expected {
  cls: number[];
  patch_mean: number[];
}

it.runIf(isThere)('features of photographs are transformers’, within 1e-3', async () => {
  const engine = await createEngine({ threads: 1 });
  const see = await pipeline('image-feature-extraction', model, { engine });
  const expected: Record<string, Expected> = JSON.parse(readFileSync(join(pictures, 'expected.json'), 'utf8')).pictures;
  expect(Object.keys(expected).length).toBe(3);
  for (const [name, { cls, patch_mean }] of Object.entries(expected)) {
    const { data, dims } = await see(join(pictures, `${name}.png`));
    expect(dims).toEqual([1, 257, 384]);
    for (let c = 0; c < 384; c++) {
      expect(Math.abs((data[c] as number) - (cls[c] as number))).toBeLessThan(1e-3);
      let sum = 0;
      for (let t = 1; t < 257; t++) sum += data[t * 384 + c] as number;
      expect(Math.abs(sum / 256 - (patch_mean[c] as number))).toBeLessThan(1e-3);
    }
  }
  see.dispose();
  await engine.dispose();
});
