/** Many calls at once, given up at any moment, on engines that come and go: each is right, or ends in its own reason. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { createEngine, HeedError } from '../../dist/entry/node.js';
import { EncoderModel, type Model, type ModelInputs } from '../../dist/models/model.js';
import { FeatureExtractionPipeline, type FeatureExtractor } from '../../dist/pipelines/feature_extraction.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { WorkerHandle } from '../../dist/runtime/types.js';
import { Random } from '../cases/random.js';
import { tinyPath } from '../models/files.js';

const options = { deterministic: true, inlineBelow: 0 };
let engine: Engine;
let model: Model;
let extractor: FeatureExtractor;
beforeAll(async () => {
  engine = await createEngine({ ...options, threads: 2 });
  model = await EncoderModel.load(engine, tinyPath);
  extractor = await FeatureExtractionPipeline.load(engine, tinyPath);
  await model(inputs(7));
});
afterAll(() => engine.dispose());
afterEach(() => vi.restoreAllMocks());

const inputs = (seed: number): ModelInputs => {
  const random = new Random(seed);
  return { input_ids: Array.from({ length: 1 + (seed % 3) }, () => Array.from({ length: 3 + (seed % 20) }, () => random.below(97))) };
};
const statesOf = async (by: Model, seed: number, signal?: AbortSignal) =>
  Array.from((await by(inputs(seed), { signal })).last_hidden_state.data);
const texts = (seed: number) =>
  Array.from({ length: 1 + (seed % 9) }, (_, i) => 'the cat sat on 42 mats '.repeat(1 + ((seed * 7 + i) % 5)));
const vectorsOf = async (by: FeatureExtractor, seed: number, signal?: AbortSignal) =>
  Array.from((await by(texts(seed), { pooling: 'mean', signal })).data);
const held = (of: Engine) => {
  const { used, storages } = of.memory();
  return { used, storages };
};
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const reason = { my: 'reason' };

describe('a forward that is given up', () => {
  it('in any of its launches ends in the reason, and the next one gives the same bits', async () => {
    const all = { output_attentions: true, output_hidden_states: true };
    const want = await model(inputs(20), all);
    const before = held(engine);
    const { launch } = engine;
    for (let last = 0; ; last++) {
      const controller = new AbortController();
      let count = 0;
      vi.spyOn(engine, 'launch').mockImplementation((...args) => {
        if (count++ === last) controller.abort(reason);
        launch.apply(engine, args);
      });
      const result = await model(inputs(20), { ...all, signal: controller.signal }).catch((error) => error);
      vi.restoreAllMocks();
      await engine.run(function* () {}); // behind what is left of it
      expect(held(engine)).toEqual(before);
      if (count <= last) {
        expect(last).toBeGreaterThan(20);
        expect(result).toEqual(want);
        break;
      }
      expect(result).toBe(reason);
      expect(await model(inputs(20), all)).toEqual(want);
    }
  });
});

describe('64 calls at once', () => {
  it.each<[string, (seed: number, signal?: AbortSignal) => Promise<number[]>]>([
    ['a model', (seed, signal) => statesOf(model, seed, signal)],
    ['a pipeline', (seed, signal) => vectorsOf(extractor, seed, signal)],
  ])('of %s, of which some are given up, are right or end in their reasons', async (_, call) => {
    const want: number[][] = [];
    for (let seed = 0; seed < 64; seed++) want.push(await call(seed));
    const before = held(engine);
    const random = new Random(1);
    const controllers = want.map(() => new AbortController());
    const calls = want.map((_, seed) => call(seed, controllers[seed]?.signal));
    for (const [seed, controller] of controllers.entries())
      if (seed % 3 === 0) setTimeout(() => controller.abort({ seed }), random.below(seed));
    controllers[63]?.abort({ seed: 63 });
    const results = await Promise.allSettled(calls);
    await engine.run(function* () {});
    for (const [seed, result] of results.entries())
      if (result.status === 'fulfilled') expect(result.value).toEqual(want[seed]);
      else expect(result.reason).toEqual({ seed });
    for (const seed of [1, 2, 4, 5]) expect(results[seed]?.status).toBe('fulfilled');
    expect(results[63]?.status).toBe('rejected');
    expect(held(engine)).toEqual(before);
  });

  it('while models load and go on the same engine are right', async () => {
    const want: number[][] = [];
    for (let seed = 0; seed < 32; seed++) want.push(await statesOf(model, seed));
    const before = held(engine);
    const passing = want.map(async (_, seed) => {
      const own = await EncoderModel.load(engine, tinyPath);
      const states = await statesOf(own, seed);
      own.dispose();
      return states;
    });
    const calls = want.map((_, seed) => statesOf(model, seed));
    expect(await Promise.all(calls)).toEqual(want);
    expect(await Promise.all(passing)).toEqual(want);
    expect(held(engine)).toEqual(before);
  });
});

describe('two engines at once', () => {
  it('give the bits that each gives alone', async () => {
    const others = await Promise.all([1, 3].map((threads) => createEngine({ ...options, threads })));
    const models = await Promise.all(others.map((other) => EncoderModel.load(other, tinyPath)));
    const want: number[][] = [];
    for (let seed = 0; seed < 24; seed++) want.push(await statesOf(model, seed));
    for (let round = 0; round < 3; round++) {
      const calls = [model, ...models].map((one) => Promise.all(want.map((_, seed) => statesOf(one, seed))));
      for (const got of await Promise.all(calls)) expect(got).toEqual(want);
    }
    await Promise.all(others.map((other) => other.dispose()));
    expect(await statesOf(model, 3)).toEqual(want[3]);
  });
});

describe('an engine that is disposed of', () => {
  it.each([0, 1, 3, 6, 12])('%i ms after calls and loads began ends each of them, and holds nothing of theirs', async (ms) => {
    const lost = await createEngine({ ...options, threads: 2 });
    const { storages } = lost.memory();
    const own = await FeatureExtractionPipeline.load(lost, tinyPath);
    const calls = Array.from({ length: 24 }, (_, seed) => [
      statesOf(own.model, seed),
      vectorsOf(own, seed),
      EncoderModel.load(lost, tinyPath),
    ]).flat();
    const settled = Promise.allSettled<unknown>(calls);
    await after(ms);
    await lost.dispose();
    for (const result of await settled)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'HeedError', code: 'ENGINE_LOST', culprit: 'engine' });
      else if (result.value instanceof Function) (result.value as unknown as Model).dispose();
    own.dispose();
    expect(lost.memory().storages).toBeLessThanOrEqual(storages);
    await expect(statesOf(own.model, 1)).rejects.toMatchObject({ code: 'ENGINE_LOST' });
  });
});

describe('a thread that dies', () => {
  it.each([0, 1, 5, 20])('%i ms after calls began fails one call at most; the others are right, and later ones too', async (ms) => {
    const threads: WorkerHandle[] = [];
    const startWorker: typeof nodeRuntime.startWorker = (init) => {
      const thread = nodeRuntime.startWorker(init);
      threads.push(thread);
      return thread;
    };
    const { Engine } = await import('../../dist/engine/engine.js');
    const lossy = await Engine.create({ ...nodeRuntime, startWorker }, { ...options, threads: 3, deadline: 200 });
    const own = await EncoderModel.load(lossy, tinyPath);
    const want: number[][] = [];
    for (let seed = 0; seed < 40; seed++) want.push(await statesOf(model, seed));
    const calls = Promise.allSettled(want.map((_, seed) => statesOf(own, seed)));
    await after(ms);
    for (const thread of threads) thread.terminate();
    const results = [...(await calls)];
    // A thread takes its time to end: the calls may all be over by then, and the next one misses it.
    await Promise.all(threads.map(({ ended }) => ended));
    const later = [1, 2, 3, 4];
    for (const seed of later) results.push(...(await Promise.allSettled([statesOf(own, seed)])));
    for (const [seed, result] of results.entries())
      if (result.status === 'fulfilled') expect(result.value).toEqual(want[seed < 40 ? seed : (later[seed - 40] as number)]);
      else {
        expect(result.reason).toBeInstanceOf(HeedError);
        expect(result.reason).toMatchObject({ code: 'ENGINE_LOST', culprit: 'thread' });
      }
    expect(results.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1);
    for (const seed of later) expect(await statesOf(own, seed)).toEqual(want[seed]);
    await lossy.dispose();
  });
});
