/** examples/picture-worker as its users have it, served by workerd: pictures of every format, nonsense, and DINOv2-small in 8 bits in the memory of an isolate. */
import { readFileSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AutoModelForImageClassification, createEngine, pipeline, RawImage } from 'heed';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../consumers/packed.js';
import { BuiltWorker, wanted } from './workerd.js';

const pictures = join(root, 'test/fixtures/image/files');
const dino = join(homedir(), '.cache/heed-models/dinov2-small');
const processor = { image_processor_type: 'ViTImageProcessor', size: { height: 24, width: 24 } };

describe.skipIf(!wanted)('the Worker of examples/picture-worker', () => {
  let worker: BuiltWorker;
  let model = '';

  beforeAll(async () => {
    worker = await BuiltWorker.of('picture-worker');
    model = join(worker.folder, 'assets/model');
    for (const file of ['config.json', 'model.safetensors'])
      await cp(join(root, 'test/fixtures/vision/vit_classify', file), join(model, file));
    await writeFile(join(model, 'preprocessor_config.json'), JSON.stringify(processor));
  }, 60_000);

  afterEach(() => worker.stop());
  afterAll(() => worker.remove());

  const post = (url: string, body: Uint8Array | string) => fetch(url, { method: 'POST', body: body as never });
  type Labels = { label: string; score: number }[];
  const labelsOf = async (response: Response): Promise<Labels> => {
    const said = (await response.json()) as { labels: Labels };
    expect(response.status, JSON.stringify(said)).toBe(200);
    return said.labels;
  };

  it('has at most 60 lines', async () => {
    expect((await readFile(join(worker.folder, 'worker.js'), 'utf8')).trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  });

  it('answers what the pipeline says here, of files of every format, several at once from the first on; the model is loaded once', async () => {
    let loads = 0;
    const assets = await worker.assetsFrom(async (path) => {
      if (path.endsWith('.safetensors')) loads++;
      return 200;
    });
    const url = await worker.serve(assets);
    const files = ['palette.png', 'progressive.jpg', 'lossy.webp', 'flat.gif'].map((name) => readFileSync(join(pictures, name)));
    const answers = await Promise.all(files.map(async (file) => labelsOf(await post(`${url}?top_k=2`, file))));
    expect(loads).toBe(1);
    const engine = await createEngine({ threads: 1 });
    const classify = await pipeline('image-classification', model, { engine });
    for (const [i, labels] of (await classify(files, { top_k: 2 })).entries()) {
      expect(answers[i]?.map(({ label }) => label)).toEqual(labels.map(({ label }) => label));
      for (const [j, { score }] of labels.entries()) expect(Math.abs(score - (answers[i]?.[j]?.score ?? Number.NaN))).toBeLessThan(1e-5);
    }
    await engine.dispose();
    assets.close();
  });

  it('says that a model cannot be loaded, and tries again when it is asked again', async () => {
    let failures = 1;
    const assets = await worker.assetsFrom(async (path) => (path.endsWith('.safetensors') && failures-- > 0 ? 500 : 200));
    const url = await worker.serve(assets);
    const file = readFileSync(join(pictures, 'palette.png'));
    const response = await post(url, file);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'NOT_FOUND', message: expect.stringContaining('model.safetensors') } });
    expect(await labelsOf(await post(url, file))).toHaveLength(3);
    assets.close();
  });

  it('refuses what it cannot answer, and goes on', async () => {
    const url = await worker.serve();
    const status = async (response: Promise<Response>) => {
      const { error } = (await (await response).json()) as { error: { code: string } };
      expect(Object.keys(error)).toEqual(['code', 'message']);
      return [(await response).status, error.code];
    };
    const png = readFileSync(join(pictures, 'palette.png'));
    // A header of 50,000 x 50,000 pixels is a bomb.
    const bomb = Uint8Array.from(png);
    new DataView(bomb.buffer).setUint32(16, 50_000);
    new DataView(bomb.buffer).setUint32(20, 50_000);
    expect(await status(post(url, 'nonsense'))).toEqual([400, 'FORMAT']);
    expect(await status(post(url, png.subarray(0, 60)))).toEqual([400, 'FORMAT']);
    expect((await status(post(url, bomb)))[0]).toBe(400);
    expect(await status(post(`${url}?top_k=0`, png))).toEqual([400, 'ARGUMENT']);
    expect(await status(post(url, new Uint8Array(2_000_001)))).toEqual([413, 'TOO_LARGE']);
    expect(await status(fetch(url))).toEqual([405, 'METHOD']);
    expect(await status(fetch(`${url}model/config.json`))).toEqual([404, 'NOT_FOUND']);
    expect(await labelsOf(await post(url, png))).toHaveLength(3);
  });

  const there = (() => {
    try {
      return readFileSync(join(dino, 'config.json')).length > 0;
    } catch {
      return false;
    }
  })();
  it.skipIf(!there)(
    'answers with DINOv2-small in 8 bits and a head for 1,000 classes in less than the 128 MB of an isolate, above a workerd without it',
    async () => {
      await rm(model, { recursive: true });
      const engine = await createEngine({ threads: 1 });
      const made = await AutoModelForImageClassification.from_pretrained(dino, { engine, trainable: true, num_labels: 1000 });
      await made.save_pretrained(model, { dtype: 'q8' });
      await engine.dispose();
      const { url, pid } = await worker.start();
      const resident = (what: 'VmRSS' | 'VmHWM') =>
        (Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024) / 1e6;
      await fetch(url); // starts the isolate
      const idle = resident('VmRSS');
      const photograph = await RawImage.read(join(pictures, 'progressive.jpg'));
      // The largest picture that the Worker takes.
      const large = await (await photograph.resize(2000, 1000)).toBlob();
      for (const file of [readFileSync(join(pictures, 'progressive.jpg')), new Uint8Array(await large.arrayBuffer())])
        expect(await labelsOf(await post(url, file))).toHaveLength(5);
      const above = resident('VmHWM') - idle;
      expect(above).toBeGreaterThan(24);
      expect(above).toBeLessThan(128);
    },
    60_000,
  );
});
