/** `fit` of a classifier of pictures: from pictures and labels to a model that tells them apart, in one call; the same options and the same result as of texts. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AutoModelForImageClassification,
  type ClassifierOptions,
  createEngine,
  type Engine,
  pipeline,
  RawImage,
} from '../../dist/entry/node.js';
import type { ImageExample, TrainingRecord } from '../../dist/train/index.js';
import { failureOf } from '../io/memory.js';
import { numbersOf, readWeights, type Weight } from '../models/files.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

const folder = fileURLToPath(new URL('../fixtures/vision', import.meta.url));
/** Bytes are divided by 255, and nothing else. */
const plain = { image_processor_type: 'ViTImageProcessor', do_resize: false, do_normalize: false };

/** A model of the fixtures as files, with an image processor. */
function filesOf(name: string, config: object = {}): Record<string, Uint8Array> {
  const text = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  const own = JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8'));
  return {
    'config.json': text({ ...own, ...config }),
    'model.safetensors': readFileSync(join(folder, name, 'model.safetensors')),
    'preprocessor_config.json': text(plain),
  };
}

const quarters = ['upper left', 'upper right', 'lower left', 'lower right'];
const load = (name = 'vit', options: ClassifierOptions = {}, config: object = {}) =>
  AutoModelForImageClassification.from_pretrained(filesOf(name, config), { engine, trainable: true, id2label: quarters, ...options });

/** Pictures of 24 × 24 pixels, one quarter of which is bright. */
const pictures = (count: number, seed = 0): (ImageExample & { image: RawImage })[] =>
  Array.from({ length: count }, (_, i) => {
    const quarter = i % 4;
    let state = Math.imul(i + seed + 1, 2654435761);
    const bytes = Uint8ClampedArray.from({ length: 576 * 3 }, (_, b) => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const p = Math.floor(b / 3);
      const bright = Math.floor(p / 288) * 2 + Math.floor((p % 24) / 12) === quarter;
      return (state >>> 25) + (bright ? 128 : 0);
    });
    return { image: new RawImage(bytes, 24, 24, 3), label: i % 8 < 4 ? quarter : (quarters[quarter] as string) };
  });
const settings = { epochs: 12, batchSize: 8, lr: 3e-3 };
const weightsOf = (model: Awaited<ReturnType<typeof load>>) => model.encoder.stateDict();

describe('a classifier of pictures', () => {
  it('learns to tell them apart, reports, and is a pipeline when it is saved', async () => {
    const model = await load();
    const unseen = pictures(16, 1000);
    const records: TrainingRecord[] = [];
    const result = await model.fit(pictures(160), { ...settings, validation: unseen, onLog: (record) => records.push(record) });
    expect(result).toMatchObject({ reason: 'epochs', step: 240, epoch: 12 });
    expect(result.validation).toMatchObject({ accuracy: 1, f1: 1 });
    expect(records.length).toBe(12);
    const images = unseen.map(({ image }) => image);
    const said = (await model.classify(images)) as { label: string; score: number }[];
    expect(said.map(({ label }) => label)).toEqual(images.map((_, i) => quarters[i % 4]));
    const [first] = images as [RawImage];
    const two = (await model.classify(first, { top_k: 2 })) as unknown as { label: string; score: number }[];
    expect(two.length).toBe(2);
    expect(two[0]).toEqual(said[0]);
    const out = mkdtempSync(join(tmpdir(), 'heed-'));
    await model.save_pretrained(out);
    const classify = await pipeline('image-classification', out, { engine });
    expect((await classify(first, { top_k: 2 })).map(({ label }) => label)).toEqual(two.map(({ label }) => label));
    classify.dispose();
    rmSync(out, { recursive: true });
    model.dispose();
  });

  it.each(['vit', 'deit', 'dinov2', 'clip', 'siglip'])('%s: the loss of its first step is PyTorch’s', async (kind) => {
    const name = `${kind}_classify`;
    const model = await load(name, { id2label: undefined });
    const { pixels, loss } = readWeights(readFileSync(join(folder, name, 'step.safetensors'))) as Record<string, Weight>;
    // Planes of channels become channels side by side.
    const examples = [1, 2].map((label, b) => {
      const data = Uint8ClampedArray.from(
        { length: 1728 },
        (_, i) => pixels?.bytes[b * 1728 + (i % 3) * 576 + Math.floor(i / 3)] as number,
      );
      return { image: { data, width: 24, height: 24 }, label };
    });
    const losses: number[] = [];
    await model.fit(examples, { epochs: 1, batchSize: 2, onProgress: ({ loss }) => losses.push(loss) });
    expect(losses).toEqual([expect.closeTo(numbersOf(loss as Weight)[0] as number, 5)]);
    model.dispose();
  });

  it.each(['clip', 'siglip'])('is put on an encoder of texts and pictures, %s, and saved as transformers has it', async (name) => {
    const model = await load(name);
    const { validation } = await model.fit(pictures(160), { ...settings, validation: pictures(8, 1000) });
    expect(validation?.accuracy).toBeGreaterThan(0.7);
    const out = mkdtempSync(join(tmpdir(), 'heed-'));
    await model.save_pretrained(out);
    const { architectures, model_type } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
    expect([architectures, model_type]).toEqual([[name === 'clip' ? 'CLIPForImageClassification' : 'SiglipForImageClassification'], name]);
    const again = await AutoModelForImageClassification.from_pretrained(out, { engine });
    const { image } = pictures(1, 5)[0] as { image: RawImage };
    expect(await again.classify(image)).toEqual(await model.classify(image));
    rmSync(out, { recursive: true });
    for (const made of [model, again]) made.dispose();
  });

  it('may keep its encoder as it came: the head alone learns', async () => {
    const model = await load('dinov2');
    const before = weightsOf(model);
    const losses: number[] = [];
    await model.fit(pictures(80), { ...settings, lr: 1e-2, freeze: true, onLog: ({ loss }) => losses.push(loss) });
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) - 0.05);
    const moved = Object.entries(weightsOf(model)).filter(([name, { data }]) => String(data) !== String(before[name]?.data));
    expect(moved.map(([name]) => name).sort()).toEqual(['head.out.bias', 'head.out.weight']);
    // Another time all of it.
    await model.fit(pictures(8), { ...settings, epochs: 1 });
    expect(String(weightsOf(model)['layers.0.linear1.weight']?.data)).not.toBe(String(before['layers.0.linear1.weight']?.data));
    model.dispose();
  });

  it('is the same again for the same seeds, with stochastic depth as well, and gives its memory back', async () => {
    const { used, storages } = engine.memory();
    const learned = async (seed: number, drop_path_rate: number) => {
      const model = await load('dinov2', {}, { drop_path_rate });
      await model.fit(pictures(24), { ...settings, epochs: 1, seed });
      const state = String(weightsOf(model)['head.out.weight']?.data);
      model.dispose();
      return state;
    };
    const all = [await learned(1, 0.3), await learned(1, 0.3), await learned(2, 0.3), await learned(1, 0)];
    expect(all[1]).toBe(all[0]);
    expect(new Set(all).size).toBe(3);
    expect(engine.memory()).toMatchObject({ used, storages });
  });

  it('finds several labels of a picture, or a number', async () => {
    const halves = await load('vit', { id2label: ['upper', 'left'], problem_type: 'multi_label_classification' });
    const of = (i: number) => [...(i % 4 < 2 ? ['upper'] : []), ...(i % 2 === 0 ? ['left'] : [])];
    const examples = pictures(160).map(({ image }, i) => ({ image, label: of(i) }));
    const { validation } = await halves.fit(examples, { ...settings, validation: examples.slice(0, 16) });
    expect(validation?.accuracy).toBe(1);
    halves.dispose();
    const number = await load('vit', { id2label: undefined, num_labels: 1 });
    const rows = pictures(160).map(({ image }, i) => ({ image, label: i % 4 }));
    const result = await number.fit(rows, { ...settings, lr: 5e-3, validation: rows.slice(0, 16) });
    expect(result.validation?.mae).toBeLessThan(0.6);
    expect(number.config.problem_type).toBe('regression');
    number.dispose();
  });
});

describe('what is wrong', () => {
  it.each<[string, unknown, object]>([
    ['examples', [], {}],
    ['examples', [{ label: 0 }], {}],
    ['examples', [{ image: null, label: 0 }], {}],
    ['examples', [{ image: 'a.png' }], {}],
    ['examples', [{ image: 'a.png', label: 'middle' }], {}],
    ['validation', [{ image: 'a.png', label: 0 }], { validation: [] }],
    ['freeze', [{ image: 'a.png', label: 0 }], { freeze: 1 }],
    ['image', [{ image: 7, label: 0 }], {}],
  ])('with %s is said (%j, %j)', async (culprit, list, options) => {
    const model = await load();
    const error = await failureOf(() => model.fit(list as never, options));
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit });
    model.dispose();
  });

  it('with a file names its example, and the model can be trained afterwards', async () => {
    const model = await load();
    const list = [...pictures(3), { image: new Uint8Array([1, 2, 3]), label: 0 }];
    expect((await failureOf(() => model.fit(list))).message).toMatch(/Example 3 of examples: /);
    expect((await failureOf(() => model.fit(pictures(1), { max_length: 3 } as object))).code).toBe('UNSUPPORTED');
    await model.fit(pictures(4), { ...settings, epochs: 1 });
    const fixed = await load('vit_classify', { trainable: false, id2label: undefined });
    expect(await failureOf(() => fixed.fit(pictures(1)))).toMatchObject({ culprit: 'trainable' });
    for (const made of [model, fixed]) made.dispose();
  });

  it('ends with its signal between two steps', async () => {
    const model = await load();
    const [reason, abort] = [new Error('enough'), new AbortController()];
    const onProgress = ({ step }: { step: number }) => step === 2 && abort.abort(reason);
    await expect(model.fit(pictures(40), { ...settings, signal: abort.signal, onProgress: onProgress as never })).rejects.toBe(reason);
    expect(model.encoder.training).toBe(false);
    model.dispose();
  });
});
