/** AutoProcessor: what stands before a model and behind it, from the files of models that see, that hear, and that read texts beside, as transformers 4 and 5 save them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  AutoFeatureExtractor,
  AutoImageProcessor,
  AutoModelForCTC,
  AutoProcessor,
  AutoTokenizer,
  createEngine,
  pipeline,
  RawImage,
} from '../dist/entry/node.js';

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));
const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const file = (path: string) => new Uint8Array(readFileSync(`${fixtures}${path}`));

const sees = { image_processor_type: 'CLIPImageProcessor', size: { shortest_edge: 16 }, crop_size: { height: 16, width: 16 } };
const words = ['[PAD]', '[UNK]', 'a', 'cat', 'red', 'dog'];
const reads = {
  'tokenizer.json': bytes({
    ...{ version: '1.0', normalizer: null, pre_tokenizer: { type: 'Whitespace' }, decoder: null, post_processor: null, added_tokens: [] },
    model: { type: 'WordLevel', unk_token: '[UNK]', vocab: Object.fromEntries(words.map((word, id) => [word, id])) },
  }),
  'tokenizer_config.json': bytes({
    ...{ tokenizer_class: 'PreTrainedTokenizerFast', pad_token: '[PAD]', unk_token: '[UNK]', model_max_length: 6 },
  }),
};
const picture = new RawImage(
  Uint8ClampedArray.from({ length: 20 * 30 * 3 }, (_, i) => (7 * i) % 251),
  20,
  30,
  3,
);

describe('of a model that sees and reads', () => {
  const files = { ...reads, 'preprocessor_config.json': bytes(sees) };

  it('gives pictures and texts together, or one of them', async () => {
    const processor = await AutoProcessor.from_pretrained(files);
    const { pixel_values } = await (await AutoImageProcessor.from_pretrained(files))(picture);
    const both = await processor(picture, ['a cat', 'a red dog']);
    expect(both.pixel_values).toEqual(pixel_values);
    expect(both.input_ids.tolist()).toEqual([
      [2, 3, 0],
      [2, 4, 5],
    ]);
    expect(both.attention_mask.tolist()).toEqual([
      [1, 1, 0],
      [1, 1, 1],
    ]);
    expect((await processor([picture, picture])).pixel_values.dims).toEqual([2, 3, 16, 16]);
    expect(Object.keys(await processor(null, 'a dog', { padding: 'max_length', max_length: 4 }))).not.toContain('pixel_values');
    expect((await processor(null, 'a dog', { padding: 'max_length', max_length: 4 })).input_ids.tolist()).toEqual([[2, 5, 0, 0]]);
    expect(processor.batch_decode([[2, 3]])).toEqual([processor.tokenizer?.decode([2, 3])]);
    expect(processor.decode([4])).toBe('red');
    expect(processor.feature_extractor).toBeUndefined();
    await expect(processor(picture, 5 as unknown as string)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'texts' });
    await expect(processor(picture, 'a', { paddings: true } as object)).rejects.toMatchObject({ culprit: 'paddings' });
  });

  it('fills texts up to the most tokens where the class was trained so', async () => {
    const own = bytes({
      ...sees,
      image_processor_type: 'SiglipImageProcessor',
      processor_class: 'SiglipProcessor',
      size: { height: 8, width: 8 },
    });
    const processor = await AutoProcessor.from_pretrained({ ...files, 'preprocessor_config.json': own });
    expect((await processor(picture, 'a cat')).input_ids.tolist()).toEqual([[2, 3, 0, 0, 0, 0]]);
  });

  it('reads processor_config.json, where transformers 5 saves all of it', async () => {
    const saved = { ...reads, 'processor_config.json': bytes({ image_processor: sees, processor_class: 'CLIPProcessor' }) };
    const [one, other] = [await AutoProcessor.from_pretrained(saved), await AutoProcessor.from_pretrained(files)];
    expect((await one(picture)).pixel_values).toEqual((await other(picture)).pixel_values);
    expect((await (await AutoImageProcessor.from_pretrained(saved))(picture)).pixel_values).toEqual((await one(picture)).pixel_values);
  });

  it('does without a tokenizer, and says so where texts come', async () => {
    const processor = await AutoProcessor.from_pretrained({ 'preprocessor_config.json': bytes(sees) });
    expect((await processor(picture)).pixel_values.dims).toEqual([1, 3, 16, 16]);
    expect(processor.tokenizer).toBeUndefined();
    await expect(processor(null as never)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'images' });
    await expect(processor(picture, 'a cat')).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'tokenizer' });
  });
});

describe('of a model that hears', () => {
  const { word, samples } = JSON.parse(readFileSync(`${fixtures}ctc/group/told.json`, 'utf8')) as {
    word: { text: string };
    samples: number[];
  };
  const sound = Float32Array.from(samples);

  it('gives samples, and writes what letters are, as the pipeline does', async () => {
    const engine = await createEngine({ threads: 1 });
    const processor = await AutoProcessor.from_pretrained(`${fixtures}ctc/group`);
    const model = await AutoModelForCTC.from_pretrained(`${fixtures}ctc/group`, { engine });
    const { input_values } = await processor(sound, { sampling_rate: 16_000 });
    const { logits } = await model({ input_values: input_values as NonNullable<typeof input_values> });
    const best = (logits.tolist() as number[][][]).map((steps) => steps.map((scores) => scores.indexOf(Math.max(...scores))));
    expect(processor.batch_decode(best)).toEqual([word.text]);
    const recognize = await pipeline('automatic-speech-recognition', `${fixtures}ctc/group`, { engine });
    expect(await recognize(sound)).toEqual({ text: word.text });
    const third = processor(sound as never, null, { padding: true });
    await expect(third).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'options' });
    await expect(processor(sound, { sampling_rate: 8000 })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'sampling_rate' });
    await engine.dispose();
  });

  it('is read from processor_config.json, too', async () => {
    const own = JSON.parse(readFileSync(`${fixtures}ctc/group/preprocessor_config.json`, 'utf8')) as object;
    const files = {
      ...{ 'processor_config.json': bytes({ feature_extractor: own, processor_class: 'Wav2Vec2Processor' }) },
      ...{ 'vocab.json': file('ctc/group/vocab.json'), 'tokenizer_config.json': bytes({ tokenizer_class: 'Wav2Vec2CTCTokenizer' }) },
    };
    const processor = await AutoProcessor.from_pretrained(files);
    const extractor = await AutoFeatureExtractor.from_pretrained(files);
    expect(await processor(sound)).toEqual(await extractor(sound));
    expect(processor.tokenizer?.encode('TEA')).toEqual((await AutoTokenizer.from_pretrained(files)).encode('TEA'));
    expect(processor.feature_extractor?.sampling_rate).toBe(16_000);
  });
});

it('refuses a folder without settings, and a class that is not there', async () => {
  await expect(AutoProcessor.from_pretrained(reads)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const strange = { 'preprocessor_config.json': bytes({ feature_extractor_type: 'EncodecFeatureExtractor' }) };
  await expect(AutoProcessor.from_pretrained(strange)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});
