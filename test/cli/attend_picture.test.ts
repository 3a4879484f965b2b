/** `heed attend` of a picture: the weights of the model's class token, as numbers and drawn over the picture, whatever kind of model it is. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModel, createEngine, type Engine, type HostTensor, RawImage } from '../../dist/entry/node.js';
import { ImageProcessor } from '../../dist/image/processor.js';
import { JsonNode } from '../../dist/io/json.js';
import { tinyPath } from '../models/files.js';
import { run } from './command.js';

const fixtures = fileURLToPath(new URL('../fixtures/vision', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heed-'));
const settings = {
  ...{ image_processor_type: 'ViTImageProcessor', size: { height: 24, width: 24 }, resample: 3 },
  ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
};
/** Models, and how many tokens stand before their patches. */
const models = { vit: 1, dinov2_with_registers: 4, clip: 1, siglip: 0, yolos_detect: 1 };
const picture = join(folder, 'stripes.png');
const even = join(folder, 'even.png');
const attend = (name: string, ...args: string[]) => attendTo(picture, name, ...args);
const attendTo = (picture: string, name: string, ...args: string[]) =>
  run(['attend', picture, '--deterministic', '--model', join(folder, name), ...args]);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  for (const name of [...Object.keys(models), 'swin2sr', 'detr']) {
    cpSync(join(fixtures, name), join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'preprocessor_config.json'), JSON.stringify(settings));
  }
  await new RawImage(
    Uint8ClampedArray.from({ length: 60 * 50 * 3 }, (_, i) => (i * 7) % 251),
    60,
    50,
    3,
  ).save(picture);
  await new RawImage(new Uint8Array(60 * 50 * 3).fill(100), 60, 50, 3).save(even);
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

/** The weights of a model that is an encoder of pictures alone. */
async function weights(name: string): Promise<HostTensor[]> {
  const model = await AutoModel.from_pretrained(join(folder, name), { engine });
  const processor = ImageProcessor.from(JsonNode.of('preprocessor_config.json', settings));
  const { pixel_values } = processor.run(engine, [await RawImage.read(picture)]);
  const { attentions } = await model({ pixel_values }, { output_attentions: true });
  model.dispose();
  return attentions;
}

describe('heed attend of a picture', () => {
  it('--json prints the weights, and where patches stand among tokens', async () => {
    const [{ code, stdout, stderr }, attentions] = [await attend('vit', '--json'), await weights('vit')];
    expect([code, stderr]).toEqual([0, '']);
    const told = JSON.parse(stdout);
    expect(told).toEqual({
      image: picture,
      patches: [4, 4],
      first: 1,
      attentions: attentions.map((each) => (each.tolist() as unknown[])[0]),
    });
  });

  it.each(Object.entries(models))(
    '--out draws heads over the picture as %s sees it, and --rollout one of all layers',
    async (name, first) => {
      const [heads, all] = [join(folder, 'heads.png'), join(folder, 'all.png')];
      expect(await attend(name, '--out', heads)).toEqual({ code: 0, stdout: '', stderr: `heed: wrote ${heads}\n` });
      const { code, stdout } = await attendTo(even, name, '--out', all, '--rollout', '--json');
      expect(code).toBe(0);
      const told = JSON.parse(stdout) as { first: number; patches: number[]; rollout: number[][] };
      expect([told.first, told.patches]).toEqual([first, [4, 4]]);
      expect(told.rollout.flat()).toHaveLength(16);
      const [sheet, one] = [await RawImage.read(heads), await RawImage.read(all)];
      // Ten times 24 pixels are the first to be 224 at least; four heads, two beside each other, with white between.
      expect([one.size, sheet.size]).toEqual([
        [240, 240],
        [484, 484],
      ]);
      expect([...sheet.data.subarray(241 * 3, 243 * 3)]).toEqual(Array(6).fill(255));
      // Over a picture of one grey the middle of a patch is the brighter the more it is attended to.
      const grey = one.clone().grayscale();
      const flat = told.rollout.flat();
      const middles = flat.map((_, i) => grey.data[(Math.floor(i / 4) * 60 + 30) * 240 + (i % 4) * 60 + 30] as number);
      const ranked = flat.map((_, i) => i).sort((i, j) => (flat[i] as number) - (flat[j] as number));
      for (const [n, i] of ranked.entries())
        if (n > 0) expect(middles[i]).toBeGreaterThanOrEqual((middles[ranked[n - 1] as number] as number) - 1);
      expect(Math.max(...middles) - Math.min(...middles)).toBeGreaterThan(10);
    },
  );

  it('--layer chooses the layer', async () => {
    const out = (n: string) => join(folder, `layer-${n}.png`);
    for (const n of ['1', '2']) expect((await attend('vit', '--out', out(n), '--layer', n)).code).toBe(0);
    expect((await attend('vit', '--out', out('last'))).code).toBe(0);
    expect(readFileSync(out('last'))).toEqual(readFileSync(out('2')));
    expect(readFileSync(out('1'))).not.toEqual(readFileSync(out('2')));
  });

  it.each([
    ['a layer that there is not', 'vit', ['--json', '--layer', '3'], /2 layers.*\[ARGUMENT\]/],
    ['a layer beside all', 'vit', ['--json', '--layer', '1', '--rollout'], /--rollout.*\[ARGUMENT\]/],
    ['another file than a PNG', 'vit', ['--out', join(folder, 'x.html')], /PNG.*\[UNSUPPORTED\]/],
    ['tokens to cut after', 'vit', ['--json', '--max-tokens', '4'], /--max-tokens.*\[ARGUMENT\]/],
    ['a model that attends within windows', 'swin2sr', ['--json'], /all patches.*\[UNSUPPORTED\]/],
    ['a model whose tokens are queries', 'detr', ['--json'], /all patches.*\[UNSUPPORTED\]/],
    ['a layer of a model of texts', tinyPath, ['--json', '--layer', '1'], /--layer.*\[ARGUMENT\]/],
  ])('refuses %s', async (_, name, args, message) => {
    const model = name === tinyPath ? tinyPath : join(folder, name);
    const { code, stdout, stderr } = await run(['attend', picture, '--model', model, ...args]);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(message)]);
  });

  it('reads the picture of standard input', async () => {
    const args = ['--json', '--rollout', '--deterministic', '--model', join(folder, 'vit')];
    const [named, piped] = [await run(['attend', picture, ...args]), await run(['attend', '-', ...args], readFileSync(picture))];
    expect(JSON.parse(piped.stdout)).toEqual({ ...JSON.parse(named.stdout), image: '-' });
  });
});
