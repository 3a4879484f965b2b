/** Encoders of pictures with every head: equal to what Hugging Face's say, at the size they are for and at another; as good in 8 bits, saved and loaded again. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, estimate } from '../../dist/entry/node.js';
import type { HostTensor } from '../../dist/tensor.js';
import { readWeights } from './files.js';
import { cases, expectHuggingFace, folder, inputsOf, json, load, prefixes, tensors, unread } from './vision.js';

describe.each([1, 2])('what Hugging Face says (%i threads)', (threads) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads, deterministic: true, inlineBelow: 0 });
    // The engine's own scratch memory grows with the first launches.
    for (const name of ['clip', 'dinov2']) {
      const model = await load(name, join(folder, name), { engine });
      await model(inputsOf(name), name === 'clip' ? {} : { output_attentions: true });
      model.dispose();
    }
  });
  afterAll(() => engine.dispose());

  it.each(cases)('of %s', async (name) => {
    const before = engine.memory();
    const model = await load(name, join(folder, name), { engine });
    await expectHuggingFace(model, name);
    model.dispose();
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });
});

describe('every checkpoint', () => {
  let engine: Engine;
  let out: string;
  beforeAll(async () => {
    engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
    out = mkdtempSync(join(tmpdir(), 'heed-'));
  });
  afterAll(async () => {
    rmSync(out, { recursive: true });
    await engine.dispose();
  });

  it.each(cases)('is saved as it came: %s', async (name) => {
    const model = await load(name, join(folder, name), { engine });
    await model.save_pretrained(join(out, name));
    model.dispose();
    const [saved, came] = [readWeights(readFileSync(join(out, name, 'model.safetensors'))), tensors(name, 'model')];
    // A table without rows is none.
    const kept = Object.entries(came).filter(([key, { shape }]) => !unread(name, key) && !shape.includes(0));
    const prefix = prefixes[name] ?? '';
    expect(saved).toEqual(Object.fromEntries(kept.map(([key, weight]) => [prefix + key, weight])));
    expect(JSON.parse(readFileSync(join(out, name, 'config.json'), 'utf8')).architectures).toEqual(json(name).architectures);
    const again = await load(name, join(out, name), { engine });
    await expectHuggingFace(again, name);
    again.dispose();
  });

  it.each(cases)('of %s is estimated before it is loaded', async (name) => {
    const { parameters, weights, activations, architecture } = await estimate(join(folder, name), { engine: { threads: 1 } });
    // As AutoModel loads it, which projects nothing of one encoder alone.
    const isAlone = /^clip_(text|vision)$/.test(name);
    const came = Object.entries(tensors(name, 'model')).filter(([key]) => !unread(name, key) && !(isAlone && key.includes('_projection')));
    expect(parameters).toBe(came.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0));
    expect(architecture).toBe(json(name).model_type);
    const before = engine.memory().used;
    const model = await load(isAlone ? 'vit' : name, join(folder, name), { engine });
    expect(engine.memory().used - before).toBeLessThanOrEqual(weights);
    expect(activations).toBeGreaterThan(0);
    model.dispose();
  });

  it.each(cases.flatMap((name) => ['q8', 'q4'].map((dtype) => [name, dtype] as const)))(
    'of %s says in %s what it says with the weights that they stand for',
    async (name, dtype) => {
      const model = await load(name, join(folder, name), { engine, dtype });
      await model.save_pretrained(join(out, 'wide'), { dtype: 'fp32' });
      const wide = await load(name, join(out, 'wide'), { engine });
      const [got, want] = [await model(inputsOf(name)), await wide(inputsOf(name))];
      for (const [key, { data }] of Object.entries(want as Record<string, HostTensor>)) {
        const numbers = Array.from(data as Float32Array);
        const scale = Math.max(...numbers.map(Math.abs));
        const off = numbers.map((x, i) => Math.abs(x - ((got[key] as HostTensor).data[i] as number)));
        expect(Math.max(...off) / scale, key).toBeLessThan(dtype === 'q8' ? 3e-3 : 3e-2);
      }
      await model.save_pretrained(join(out, 'small'));
      const small = await load(name, join(out, 'small'), { engine });
      for (const [key, { data }] of Object.entries((await small(inputsOf(name))) as Record<string, HostTensor>))
        expect(data, key).toEqual((got[key] as HostTensor).data);
      for (const made of [model, wide, small]) made.dispose();
    },
  );
});

describe('pictures that are none', () => {
  it('are refused by name', async () => {
    const engine = await createEngine({ threads: 1 });
    const model = await load('vit', join(folder, 'vit'), { engine });
    const of = (...dims: number[]) => ({ data: new Float32Array(dims.reduce((a, b) => a * b, 1)), dims });
    for (const pixel_values of [of(3, 24, 24), of(1, 1, 24, 24), of(1, 3, 5, 24), of(1, 3, 24, 0)])
      await expect(model({ pixel_values })).rejects.toMatchObject({ code: 'SHAPE', culprit: 'pixel_values' });
    for (const pixel_values of [
      undefined,
      7,
      'cat',
      { data: new BigInt64Array(1728), dims: [1, 3, 24, 24] },
      { data: new Float32Array(3), dims: [1, 3, 24, 24] },
      { dims: [1, 3, 24, 24] },
    ])
      await expect(model({ pixel_values })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'pixel_values' });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const pixel_values = { data: new Float32Array(1728).fill(value, 1000), dims: [1, 3, 24, 24] };
      await expect(model({ pixel_values })).rejects.toMatchObject({ code: 'NUMERIC', culprit: 'pixel_values', shape: [1, 3, 24, 24] });
    }
    await expect(model({ input_ids: [[1]] })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    const { last_hidden_state } = (await model({ pixel_values: of(0, 3, 24, 24) })) as Record<string, HostTensor>;
    expect(last_hidden_state?.dims).toEqual([0, 17, 32]);
    await engine.dispose();
  });
});
