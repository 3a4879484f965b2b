/** Pipelines of pictures: what the model says of the processor's pixels, in transformers.js's shapes. Models and processors are tiny; the pixels are checked where processors are. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AutoModel,
  AutoModelForDepthEstimation,
  AutoModelForImageClassification,
  AutoModelForObjectDetection,
  AutoTokenizer,
  CLIPTextModelWithProjection,
  createEngine,
  type Engine,
  type HostTensor,
  pipeline,
  RawImage,
  SiglipTextModel,
  semantic_search,
} from '../../dist/entry/node.js';
import { ImageProcessor } from '../../dist/image/processor.js';
import { JsonNode } from '../../dist/io/json.js';

const folder = fileURLToPath(new URL('../fixtures/vision', import.meta.url));
const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const settings = {
  ...{ image_processor_type: 'ViTImageProcessor', do_resize: true, size: { height: 24, width: 24 }, resample: 3 },
  ...{ do_rescale: true, rescale_factor: 1 / 255, do_normalize: true, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
};
const words = ['[PAD]', '[UNK]', '[BOS]', '[EOS]', 'this', 'is', 'a', 'photo', 'of', 'cat', 'dog', 'red', 'bus', 'an', 'image'];
const special = words
  .slice(0, 4)
  .map((content, id) => ({ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false }));
const tokenizer = {
  ...{ version: '1.0', truncation: null, padding: null, added_tokens: special, normalizer: { type: 'Lowercase' }, decoder: null },
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[BOS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[EOS]', type_id: 0 } },
    ],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '[BOS]': { id: '[BOS]', ids: [2], tokens: ['[BOS]'] }, '[EOS]': { id: '[EOS]', ids: [3], tokens: ['[EOS]'] } },
  },
  model: {
    ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
    vocab: Object.fromEntries(words.map((word, id) => [word, id])),
  },
};

/** A fixture's folder with a processor, and a tokenizer where its model reads texts. */
const files = (name: string, own: object = {}) => ({
  'config.json': new Uint8Array(readFileSync(`${folder}/${name}/config.json`)),
  'model.safetensors': new Uint8Array(readFileSync(`${folder}/${name}/model.safetensors`)),
  'preprocessor_config.json': bytes({ ...settings, ...own }),
  'tokenizer.json': bytes(tokenizer),
  'tokenizer_config.json': bytes({
    tokenizer_class: 'PreTrainedTokenizerFast',
    pad_token: '[PAD]',
    unk_token: '[UNK]',
    model_max_length: 20,
  }),
});

/** A picture of stripes, another for each seed. */
const picture = (seed: number, width = 40, height = 30) =>
  new RawImage(
    Uint8ClampedArray.from({ length: width * height * 3 }, (_, i) => ((i * (seed + 3)) % 251) ^ (Math.floor(i / 30) % 256)),
    width,
    height,
    3,
  );

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

const pixelsOf = (image: RawImage, own: object = {}) =>
  ImageProcessor.from(JsonNode.of('preprocessor_config.json', { ...settings, ...own })).run(engine, [image]).pixel_values;
const softmax = (row: readonly number[]) => {
  const powers = row.map((x) => Math.exp(x - Math.max(...row)));
  return powers.map((x) => x / powers.reduce((a, b) => a + b, 0));
};

describe('image-classification', () => {
  it('tells the labels of a picture, and of each of several', async () => {
    const classify = await pipeline('image-classification', files('vit_classify'), { engine });
    const model = await AutoModelForImageClassification.from_pretrained(files('vit_classify'), { engine });
    const images = [picture(1), picture(2, 17, 60)];
    const found = await classify(images, { top_k: null });
    for (const [i, image] of images.entries()) {
      const { logits } = await model({ pixel_values: pixelsOf(image) });
      const shares = softmax((logits.tolist() as number[][])[0] as number[]);
      const best = model.labels.map((label, l) => ({ label, score: shares[l] as number })).sort((a, b) => b.score - a.score);
      expect(found[i]?.map(({ label }) => label)).toEqual(best.map(({ label }) => label));
      for (const [l, { score }] of best.entries()) expect(found[i]?.[l]?.score).toBeCloseTo(score, 5);
    }
    expect(await classify(images[0] as RawImage)).toEqual(found[0]);
    expect(await classify(images, { top_k: 1 })).toEqual(found.map((all) => all.slice(0, 1)));
    expect(await classify([])).toEqual([]);
    expect(classify.task).toBe('image-classification');
    for (const made of [classify, model]) made.dispose();
  });

  it('refuses what it cannot do, by name', async () => {
    const classify = await pipeline('image-classification', files('vit_classify'), { engine });
    await expect(classify(picture(1), { top_k: 0 })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'top_k' });
    await expect(classify(picture(1), { topK: 1 } as object)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(classify(undefined as never)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'images' });
    await expect(classify('no_such_picture.png')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(classify(picture(1), { signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
    classify.dispose();
    const { 'preprocessor_config.json': _, ...without } = files('vit_classify');
    const before = engine.memory().used;
    await expect(pipeline('image-classification', without, { engine })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(engine.memory().used).toBe(before);
  });
});

describe('depth-estimation', () => {
  it('tells how far away each pixel is, at the size of the picture, and draws it', async () => {
    const measure = await pipeline('depth-estimation', files('depth_anything_metric_depth'), { engine });
    const model = await AutoModelForDepthEstimation.from_pretrained(files('depth_anything_metric_depth'), { engine });
    const images = [picture(1), picture(2, 24, 24)];
    const found = await measure(images);
    expect(found.map(({ predicted_depth, depth }) => [predicted_depth.dims, depth.size, depth.channels])).toEqual([
      [[30, 40], [40, 30], 1],
      [[24, 24], [24, 24], 1],
    ]);
    // A picture of the size that the model reads is told as the model tells it.
    const { predicted_depth: own } = await model({ pixel_values: pixelsOf(images[1] as RawImage) });
    for (const [i, x] of Array.from(own.data as Float32Array).entries()) expect(found[1]?.predicted_depth.data[i]).toBeCloseTo(x, 4);
    for (const { predicted_depth, depth } of found) {
      const all = Array.from(predicted_depth.data as Float32Array);
      const [least, most] = [Math.min(...all), Math.max(...all)];
      expect(most).toBeGreaterThan(least);
      expect([...depth.data]).toEqual(all.map((x) => Math.trunc(((x - least) / (most - least)) * 255)));
    }
    const [alone] = [await measure(images[0] as RawImage)];
    expect(alone.predicted_depth.data).toEqual(found[0]?.predicted_depth.data);
    await expect(measure(picture(1), { threshold: 1 } as object)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    for (const made of [measure, model]) made.dispose();
  });
});

describe('image-feature-extraction', () => {
  it('gives states, or a vector each', async () => {
    const see = await pipeline('image-feature-extraction', files('dinov2'), { engine });
    const model = await AutoModel.from_pretrained(files('dinov2'), { engine });
    const images = [picture(1), picture(2)];
    const [states, vectors] = [await see(images), await see(images, { pool: true })];
    expect([states.dims, vectors.dims]).toEqual([
      [2, 17, 32],
      [2, 32],
    ]);
    const told: number[] = [];
    await see(images, { onProgress: (done, total) => told.push(done, total) });
    expect(told.slice(-2)).toEqual([2, 2]);
    const { last_hidden_state, pooler_output } = await model({ pixel_values: pixelsOf(images[1] as RawImage) });
    const close = (got: HostTensor, want: HostTensor) => {
      const own = got.data.slice(got.data.length / 2);
      for (const [i, x] of Array.from(want.data as Float32Array).entries()) expect(own[i] as number).toBeCloseTo(x, 4);
    };
    close(states, last_hidden_state);
    close(vectors, pooler_output as HostTensor);
    for (const made of [see, model]) made.dispose();
  });

  it('says where pictures of several sizes cannot be one tensor', async () => {
    const see = await pipeline('image-feature-extraction', files('dinov2', { do_resize: false }), { engine });
    const images = [picture(1, 24, 24), picture(2, 36, 24)];
    await expect(see(images)).rejects.toMatchObject({ code: 'SHAPE', culprit: 'images' });
    expect((await see(images, { pool: true })).dims).toEqual([2, 32]);
    see.dispose();
  });

  it('of CLIP is its vector of a picture', async () => {
    const see = await pipeline('image-feature-extraction', files('clip'), { engine });
    expect((await see([picture(1), picture(2)])).dims).toEqual([2, 20]);
    see.dispose();
  });

  it('of one encoder of two alone is its states, or its vector', async () => {
    const see = await pipeline('image-feature-extraction', files('siglip_vision', { size: { height: 12, width: 12 } }), { engine });
    expect((await see([picture(1), picture(2)])).dims).toEqual([2, 4, 16]);
    expect((await see([picture(1), picture(2)], { pool: true })).dims).toEqual([2, 16]);
    see.dispose();
  });

  it.each([
    ['clip', CLIPTextModelWithProjection, 'text_embeds'],
    ['siglip', SiglipTextModel, 'pooler_output'],
  ] as const)('of %s is found by a text in the order of logits_per_text', async (name, Text, key) => {
    const images = Array.from({ length: 6 }, (_, i) => picture(i));
    const see = await pipeline('image-feature-extraction', files(name), { engine });
    const reader = (await Text.from_pretrained(files(name), { engine })) as unknown as (
      texts: object,
    ) => Promise<Record<string, HostTensor>>;
    const both = await AutoModel.from_pretrained(files(name), { engine });
    const words = await AutoTokenizer.from_pretrained(files(name));
    const { input_ids, attention_mask } = words(['a red bus', 'a photo of a cat'], { padding: true });
    const texts = name === 'clip' ? { input_ids, attention_mask } : { input_ids };
    const { [key]: questions } = await reader(texts);
    const hits = semantic_search(questions as HostTensor, await see(images), { top_k: 6 });
    const pixel_values = ImageProcessor.from(JsonNode.of('preprocessor_config.json', settings)).run(engine, images).pixel_values;
    const { logits_per_text } = (await both({ ...texts, pixel_values } as never)) as unknown as { logits_per_text: HostTensor };
    for (const [t, row] of (logits_per_text.tolist() as number[][]).entries()) {
      const order = row.map((_, i) => i).sort((a, b) => (row[b] as number) - (row[a] as number));
      expect(hits[t]?.map(({ corpus_id }) => corpus_id)).toEqual(order);
    }
    for (const made of [see, both]) made.dispose();
  });
});

describe.each(['clip', 'siglip'])('zero-shot-image-classification by %s', (name) => {
  it('weighs labels as the model weighs their texts', async () => {
    const classify = await pipeline('zero-shot-image-classification', files(name), { engine });
    const model = await AutoModel.from_pretrained(files(name), { engine });
    const labels = ['a cat', 'a red bus', 'dog'];
    const images = [picture(5), picture(6)];
    const found = await classify(images, labels);
    const padded = name === 'siglip' ? { padding: 'max_length' as const, max_length: 20 } : { padding: true };
    const { input_ids, attention_mask } = classify.tokenizer(
      labels.map((label) => `This is a photo of ${label}`),
      padded,
    );
    const texts = name === 'siglip' ? { input_ids } : { input_ids, attention_mask };
    for (const [i, image] of images.entries()) {
      const out = (await model({ ...texts, pixel_values: pixelsOf(image) })) as unknown as Record<string, HostTensor>;
      const [row = []] = (out.logits_per_image as HostTensor).tolist() as number[][];
      const scores = name === 'siglip' ? row.map((x) => 1 / (1 + Math.exp(-x))) : softmax(row);
      for (const { label, score } of found[i] ?? []) expect(score).toBeCloseTo(scores[labels.indexOf(label)] as number, 4);
      expect(found[i]?.map(({ score }) => score)).toEqual([...(found[i] ?? [])].map(({ score }) => score).sort((a, b) => b - a));
    }
    expect(await classify(images[0] as RawImage, labels)).toEqual(found[0]);
    const other = await classify(images[0] as RawImage, labels, { hypothesis_template: 'an image of {}' });
    expect(other).not.toEqual(found[0]);
    await expect(classify(images, [])).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'candidate_labels' });
    await expect(classify(images, labels, { hypothesis_template: 'none' })).rejects.toMatchObject({ culprit: 'hypothesis_template' });
    for (const made of [classify, model]) made.dispose();
  });
});

it('zero-shot-image-classification needs a model that reads texts, too', async () => {
  const before = engine.memory().used;
  await expect(pipeline('zero-shot-image-classification', files('vit'), { engine })).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
  expect(engine.memory().used).toBe(before);
});

describe('object-detection', () => {
  const own = { image_processor_type: 'YolosImageProcessor', size: { height: 24, width: 30 }, do_pad: false };

  /** The fixture's files, in which nothing, the last class, is less likely than it was. */
  const daring = () => {
    const given = files('yolos_detect', own);
    const all = given['model.safetensors'].slice();
    const view = new DataView(all.buffer);
    const length = Number(view.getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(all.subarray(8, 8 + length)));
    view.setFloat32(8 + length + header['class_labels_classifier.layers.2.bias'].data_offsets[1] - 4, -2, true);
    return { ...given, 'model.safetensors': all };
  };

  it('tells what is something, where in the picture, the likeliest first', async () => {
    const detect = await pipeline('object-detection', daring(), { engine });
    const model = await AutoModelForObjectDetection.from_pretrained(daring(), { engine });
    const image = picture(3, 100, 50);
    const found = await detect(image, { threshold: 0, percentage: true });
    const { logits, pred_boxes } = await model({ pixel_values: pixelsOf(image, own) });
    const [rows, boxes] = [logits, pred_boxes].map((x) => (x.tolist() as number[][][])[0] as number[][]) as [number[][], number[][]];
    const things = rows.flatMap((row, i) => {
      const scores = softmax(row);
      const best = scores.indexOf(Math.max(...scores));
      const [x = 0, y = 0, w = 0, h = 0] = boxes[i] as number[];
      return best === 3
        ? []
        : [{ label: model.labels[best], score: scores[best] as number, box: [x - w / 2, y - h / 2, x + w / 2, y + h / 2] }];
    });
    things.sort((a, b) => b.score - a.score);
    expect(found.length).toBe(things.length);
    expect(found.length).toBeGreaterThan(0);
    for (const [i, { label, score, box }] of found.entries()) {
      expect(label).toBe(things[i]?.label);
      expect(score).toBeCloseTo(things[i]?.score as number, 4);
      for (const [k, edge] of [box.xmin, box.ymin, box.xmax, box.ymax].entries()) expect(edge).toBeCloseTo(things[i]?.box[k] as number, 4);
    }
    const whole = await detect([image], { threshold: 0 });
    expect(whole[0]?.[0]?.box.xmax).toBe(Math.trunc((found[0]?.box.xmax as number) * 100));
    expect(whole[0]?.[0]?.box.ymin).toBe(Math.trunc((found[0]?.box.ymin as number) * 50));
    expect(await detect(image, { threshold: 1 })).toEqual([]);
    await expect(detect(image, { threshold: 2 })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'threshold' });
    for (const made of [detect, model]) made.dispose();
  });
});
