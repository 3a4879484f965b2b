/** `heed see`, `heed detect` and `heed upscale`: what the pipelines give, for people, for programs, as frames on a picture, and as a picture. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEngine, type Engine, pipeline, RawImage } from '../../dist/entry/node.js';
import { run } from './command.js';

const fixtures = fileURLToPath(new URL('../fixtures/vision', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heed-'));
const settings = {
  ...{ resample: 3, do_rescale: true, rescale_factor: 1 / 255, do_pad: false },
  ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
};
const kinds = {
  vit_classify: ['ViTImageProcessor', 24, 24],
  yolos_detect: ['YolosImageProcessor', 24, 30],
  swin2sr_direct_upscale: ['Swin2SRImageProcessor', 8, 8],
  detr_detect: ['DetrImageProcessor', 24, 40],
} as const;
const picture = join(folder, 'stripes.png');
const model = (name: keyof typeof kinds) => join(folder, name);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  for (const [name, [image_processor_type, height, width]] of Object.entries(kinds)) {
    cpSync(join(fixtures, name), join(folder, name), { recursive: true });
    writeFileSync(
      join(folder, name, 'preprocessor_config.json'),
      JSON.stringify({ ...settings, image_processor_type, size: { height, width } }),
    );
  }
  const pixels = Uint8ClampedArray.from({ length: 60 * 50 * 3 }, (_, i) => (i * 7) % 251);
  await new RawImage(pixels, 60, 50, 3).save(picture);
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

it('see prints the labels of each picture', async () => {
  const classify = await pipeline('image-classification', model('vit_classify'), { engine });
  const labels = await classify(picture);
  const args = ['see', picture, picture, '--deterministic', '--model', model('vit_classify')];
  const { code, stdout } = await run([...args, '--json']);
  expect(code).toBe(0);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { image: picture, labels },
    { image: picture, labels },
  ]);
  const bars = await run([...args, '--top-k', '1']);
  expect(bars.stdout).toContain(labels[0]?.label);
  expect(bars.stdout).not.toContain(labels[1]?.label);
  classify.dispose();
});

it('see refuses a template without labels, and pictures that are not there', async () => {
  const args = ['see', picture, '--model', model('vit_classify')];
  expect(await run([...args, '--template', 'a {}'])).toMatchObject({ code: 1, stderr: expect.stringContaining('--labels') });
  expect(await run(['see', 'none.png', '--model', model('vit_classify')])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('none.png'),
  });
});

it('see tells of pictures that cannot be read, and goes on to the next', async () => {
  const broken = join(folder, 'broken.png');
  writeFileSync(broken, 'no picture');
  const args = ['see', broken, picture, 'none.png', '--json', '--deterministic', '--model', model('vit_classify')];
  const { code, stdout, stderr } = await run(args);
  expect(code).toBe(1);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(stdout).image).toBe(picture);
  expect(stderr).toMatch(/^heed: .*broken\.png.*\[\w+\]\nheed: .*none\.png.*\[NOT_FOUND\]\n$/);
});

it('- is the picture of standard input', async () => {
  const bytes = readFileSync(picture);
  const see = (path: string, input?: Uint8Array) =>
    run(['see', path, '--json', '--deterministic', '--model', model('vit_classify')], input);
  const [named, piped] = [await see(picture), await see('-', bytes)];
  expect(JSON.parse(piped.stdout)).toEqual({ ...JSON.parse(named.stdout), image: '-' });
  const detect = (path: string, input?: Uint8Array) =>
    run(['detect', path, '--threshold', '0', '--deterministic', '--model', model('yolos_detect')], input);
  expect((await detect('-', bytes)).stdout).toBe((await detect(picture)).stdout);
  expect(await see('-')).toMatchObject({ code: 1, stdout: '' });
});

it('upscale writes what the pipeline makes', async () => {
  const upscale = await pipeline('image-to-image', model('swin2sr_direct_upscale'), { engine });
  const want = await upscale(picture, { tile: 24 });
  const out = join(folder, 'large.png');
  const args = ['--out', out, '--tile', '24', '--deterministic', '--model', model('swin2sr_direct_upscale')];
  expect(await run(['upscale', '-', ...args], readFileSync(picture))).toEqual({ code: 0, stdout: '', stderr: `heed: wrote ${out}\n` });
  const made = await RawImage.read(out);
  expect({ ...made }).toEqual({ ...want });
  expect(made.size).toEqual([120, 100]);
  expect(await run(['upscale', picture, ...args.slice(2)])).toMatchObject({ code: 2, stderr: expect.stringContaining('--out') });
  expect(await run(['upscale', picture, ...args, '--tile', '7'])).toMatchObject({ code: 1, stderr: expect.stringContaining('tile') });
  upscale.dispose();
});

it.each(['upscale', 'detect'])('%s refuses to write anything but PNG before it looks for the model', async (name) => {
  const { code, stderr } = await run([name, picture, '--out', join(folder, 'x.jpg'), '--model', join(folder, 'nowhere')]);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/PNG.*x\.jpg.*\[UNSUPPORTED\]/)]);
});

it.each(['yolos_detect', 'detr_detect'] as const)('detect prints what is where, and draws it: %s', async (name) => {
  const detect = await pipeline('object-detection', model(name), { engine });
  const threshold = 0;
  const found = await detect(picture, { threshold });
  const out = join(folder, 'boxes.png');
  const args = ['detect', picture, '--threshold', '0', '--deterministic', '--model', model(name)];
  const { code, stdout } = await run([...args, '--json', '--out', out]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(found);
  expect(found.length).toBeGreaterThan(0);
  const [before, after] = [await RawImage.read(picture), await RawImage.read(out)];
  expect([after.width, after.height, after.channels]).toEqual([60, 50, 3]);
  expect(after.data).not.toEqual(before.data);
  expect((await run(args)).stdout.split('\n')).toHaveLength(found.length + 1);
  expect(await run([...args.slice(0, 2), '--threshold', '2'])).toMatchObject({ code: 2 });
  detect.dispose();
});
