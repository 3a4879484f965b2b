/** CLIP and SigLIP: each side alone has the vectors of both together, in a checkpoint of its own too. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AutoModel,
  AutoModelForImageClassification,
  CLIPTextModelWithProjection,
  CLIPVisionModelWithProjection,
  createEngine,
  type Engine,
  SiglipTextModel,
  SiglipVisionModel,
} from '../../dist/entry/node.js';
import type { HostTensor } from '../../dist/tensor.js';
import { readWeights, type Weight } from './files.js';
import { apart, folder, host, inputsOf, type Loaded, load, tensors } from './vision.js';

describe('a model of two encoders', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads: 1, deterministic: true });
  });
  afterAll(() => engine.dispose());

  /** Rows scaled to length 1. */
  const units = ({ data, dims }: HostTensor) => {
    const C = dims[1] as number;
    return Array.from(data, (x, i) => {
      const row = data.slice(Math.floor(i / C) * C, Math.floor(i / C) * C + C) as Float32Array;
      return (x as number) / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    });
  };
  const closeTo = (got: ArrayLike<number | bigint>, want: ArrayLike<number | bigint>) => {
    expect(got.length).toBe(want.length);
    for (let i = 0; i < got.length; i++) expect(Number(got[i])).toBeCloseTo(Number(want[i]), 4);
  };

  it.each([
    ['clip', CLIPTextModelWithProjection, CLIPVisionModelWithProjection, 'text_embeds', 'image_embeds'],
    ['siglip', SiglipTextModel, SiglipVisionModel, 'pooler_output', 'pooler_output'],
  ] as const)(
    '%s: each side alone has the vectors of both together, and weights of its own alone',
    async (name, Text, Vision, textKey, imageKey) => {
      const path = join(folder, name);
      const { pixel_values, ...texts } = inputsOf(name);
      const both = (await load(name, path, { engine })) as Loaded;
      const { text_embeds, image_embeds } = (await both(inputsOf(name))) as Record<string, HostTensor>;
      const before = engine.memory().used;
      const text = (await Text.from_pretrained(path, { engine })) as unknown as Loaded;
      const image = (await Vision.from_pretrained(path, { engine })) as unknown as Loaded;
      const own = engine.memory().used - before;
      const words = (await text(texts)) as Record<string, HostTensor>;
      const seen = (await image({ pixel_values }, { output_attentions: true })) as Record<string, HostTensor>;
      closeTo(units(words[textKey] as HostTensor), text_embeds?.data as Float32Array);
      closeTo(units(seen[imageKey] as HostTensor), image_embeds?.data as Float32Array);
      expect((seen.attentions as unknown as HostTensor[]).length).toBe(2);
      expect((seen.last_hidden_state as HostTensor).dims).toEqual([2, name === 'clip' ? 17 : 16, 40]);
      // Of both there is one matrix more, or two numbers.
      expect(own).toBeLessThanOrEqual(before);
      closeTo(((await both(texts)) as Record<string, HostTensor>).text_embeds?.data as Float32Array, text_embeds?.data as Float32Array);
      closeTo(
        ((await both({ pixel_values })) as Record<string, HostTensor>).image_embeds?.data as Float32Array,
        image_embeds?.data as Float32Array,
      );
      await expect(both({})).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'input_ids' });
      await expect(both(inputsOf(name), { output_attentions: true })).rejects.toMatchObject({ code: 'ARGUMENT' });
      await expect(text({ pixel_values })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
      const out = mkdtempSync(join(tmpdir(), 'heed-'));
      await image.save_pretrained(out);
      const saved = readWeights(readFileSync(join(out, 'model.safetensors')));
      const came = Object.entries(tensors(name, 'model')).filter(([key]) => /^vis/.test(key));
      expect(saved).toEqual(Object.fromEntries(came));
      rmSync(out, { recursive: true });
      for (const made of [both, text, image]) made.dispose();
    },
  );

  it('may stand alone, and then is not the other', async () => {
    const path = join(folder, 'clip_vision');
    const bare = await AutoModel.from_pretrained(path, { engine });
    const { last_hidden_state, pooler_output } = await bare({ pixel_values: host(tensors('clip_vision').pixel_values as Weight) });
    expect(apart(last_hidden_state, tensors('clip_vision').last_hidden_state as Weight)).toBeLessThan(1e-4);
    expect(pooler_output?.dims).toEqual([2, 16]);
    bare.dispose();
    await expect(CLIPTextModelWithProjection.from_pretrained(path, { engine })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(CLIPVisionModelWithProjection.from_pretrained(join(folder, 'clip_vision_bare'), { engine })).rejects.toMatchObject({
      code: 'MODEL_MISMATCH',
    });
    await expect(AutoModelForImageClassification.from_pretrained(path, { engine, trainable: true })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/clip_vision_model/),
    });
  });

  it('is what a side is of: an encoder of pictures alone has none', async () => {
    await expect(CLIPVisionModelWithProjection.from_pretrained(join(folder, 'vit'), { engine })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
  });
});
