/** Memory that cannot grow, and files that ask for more than there is: an error that says so, and an engine that works on. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { EncoderModel, type Model } from '../../dist/models/model.js';
import { failureOf } from '../io/memory.js';
import { bertFiles, type Config, engineOver, type Files, randomBert, tinyFiles, tinyWeights, writeWeights } from '../models/files.js';

const engines: Engine[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(engines.splice(0).map((engine) => engine.dispose()));
});

async function engineWith(files: Files, maximum?: number): Promise<Engine> {
  const engine = await engineOver(files, { threads: 1, deterministic: true, memory: { maximum } });
  engines.push(engine);
  return engine;
}

const held = (engine: Engine) => {
  const { used, storages } = engine.memory();
  return { used, storages };
};
const row = (T: number, B = 1) => Array.from({ length: B }, () => Array.from({ length: T }, (_, t) => 2 + (t % 40)));
const states = async (model: Model, T: number, B = 1) => Array.from((await model({ input_ids: row(T, B) })).last_hidden_state.data);

const large = bertFiles(randomBert({ C: 128, H: 2, F: 512, L: 3, V: 1000, positions: 512 }));
const small = tinyFiles();
/** The large model in `m`, the small one in `s`. */
const both = { ...large, ...Object.fromEntries(Object.entries(small).map(([name, bytes]) => [name.replace(/^m/, 's'), bytes])) };

describe('memory that cannot grow', () => {
  it('refuses a model by name, then takes a smaller one', async () => {
    const engine = await engineWith(both, 2 << 20);
    const error = await failureOf(() => EncoderModel.load(engine, 'm'));
    expect(error).toMatchObject({ code: 'MEMORY', culprit: 'memory' });
    expect(error.cure).toMatch(/maximum/);
    expect(engine.memory()).toMatchObject({ used: 0, storages: 0, size: 1 << 20 });
    const model = await EncoderModel.load(engine, 's');
    const free = await EncoderModel.load(await engineWith(both), 's');
    expect(await states(model, 9)).toEqual(await states(free, 9));
  });

  it('refuses a forward, then runs a smaller one', async () => {
    const engine = await engineWith(both, 5 << 20);
    const model = await EncoderModel.load(engine, 'm');
    const want = await states(model, 5);
    const before = held(engine);
    for (let i = 0; i < 3; i++) {
      expect(await failureOf(() => states(model, 512, 8))).toMatchObject({ code: 'MEMORY', culprit: 'memory' });
      expect(held(engine).storages).toBeLessThanOrEqual(before.storages + 1); // scratch
      expect(await states(model, 5)).toEqual(want);
    }
  });

  it('fails only the calls that are too large for it', async () => {
    const engine = await engineWith(both, 5 << 20);
    const model = await EncoderModel.load(engine, 'm');
    const want = await states(model, 5);
    const results = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => (i % 3 ? states(model, 5) : states(model, 512, 8))));
    for (const [i, result] of results.entries())
      expect(result).toMatchObject(i % 3 ? { value: want } : { reason: { code: 'MEMORY', culprit: 'memory' } });
  });

  it('because the runtime refuses, at any moment, ends in MEMORY and leaves nothing behind', async () => {
    const engine = await engineWith(both);
    const model = await EncoderModel.load(engine, 'm');
    const want = await states(model, 64, 4);
    const before = held(engine);
    const { allocate } = engine.heap;
    for (let last = 0; ; last++) {
      let count = 0;
      const spy = vi
        .spyOn(engine.heap, 'allocate')
        .mockImplementation((bytes) => allocate.call(engine.heap, count++ === last ? 2 ** 40 : bytes));
      const result = await states(model, 64, 4).catch((error) => error.code);
      spy.mockRestore();
      expect(held(engine)).toEqual(before);
      if (count <= last) {
        expect(result).toEqual(want);
        expect(last).toBeGreaterThan(20);
        break;
      }
      expect(result).toBe('MEMORY');
    }
    expect(await states(model, 64, 4)).toEqual(want);
  });
});

describe('a config that lies about sizes', () => {
  it.each<Config>([
    { vocab_size: 1 << 24 },
    { max_position_embeddings: 1 << 24 },
    { type_vocab_size: 1 << 24 },
    { intermediate_size: 1 << 24 },
    { hidden_size: 1 << 24 },
    { hidden_size: 1 << 24, intermediate_size: 1 << 24, vocab_size: 1 << 24, num_hidden_layers: 1024 },
    { num_hidden_layers: 1024 },
    { num_hidden_layers: 1_000_000 },
    { num_hidden_layers: 2 ** 53 },
  ])('%j is refused by name before anything is made of it', async (config) => {
    const engine = await engineWith(tinyFiles(config));
    const error = await failureOf(() => EncoderModel.load(engine, 'm'));
    expect(error.code).toMatch(/FORMAT|MODEL_MISMATCH/);
    expect(error.culprit).toBeTruthy();
    expect(engine.memory()).toMatchObject({ used: 0, peak: 0, size: 1 << 20 });
  });

  it('is refused before any of the shards is read', async () => {
    const all = Object.entries(tinyWeights());
    const shard = (i: number) => `${'abc'[Math.floor((3 * i) / all.length)]}.safetensors`;
    const { 'm/model.safetensors': _, ...files } = tinyFiles({ vocab_size: 1 << 24 });
    for (const [i] of all.entries()) files[`m/${shard(i)}`] = writeWeights(Object.fromEntries(all.filter((_, j) => shard(j) === shard(i))));
    const weight_map = Object.fromEntries(all.map(([name], i) => [name, shard(i)]));
    files['m/model.safetensors.index.json'] = JSON.stringify({ weight_map, metadata: { total_size: 2 ** 53 } });
    const engine = await engineWith(files);
    expect(await failureOf(() => EncoderModel.load(engine, 'm'))).toMatchObject({
      code: 'MODEL_MISMATCH',
      culprit: expect.stringMatching(/word/),
    });
    expect(engine.memory()).toMatchObject({ peak: 0, size: 1 << 20 });
    const last = all.at(-1)?.[0] as string;
    files['m/config.json'] = tinyFiles()['m/config.json'] as string;
    files['m/c.safetensors'] = writeWeights(
      Object.fromEntries(all.filter(([name], j) => shard(j) === shard(all.length - 1) && name !== last)),
    );
    expect(await failureOf(() => EncoderModel.load(engine, 'm'))).toMatchObject({ code: 'FORMAT', culprit: last });
    expect(engine.memory()).toMatchObject({ peak: 0, size: 1 << 20 });
  });
});
