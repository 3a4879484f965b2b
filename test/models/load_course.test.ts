/** While a model loads: what memory it takes and gives back, aborts, progress, and the options of from_pretrained. */
import { describe, expect, it } from 'vitest';
import { bind } from '../../dist/bind.js';
import type { Engine } from '../../dist/engine/engine.js';
import type { ProgressEvent } from '../../dist/io/progress.js';
import { EncoderModel } from '../../dist/models/model.js';
import type { PretrainedOptions } from '../../dist/models/options.js';
import { failureOf } from '../io/memory.js';
import { bertFiles, numbersOf, randomBert, tinyFiles, tinyWeights, type Weights } from './files.js';
import { narrowed } from './halves.js';
import { engineWith, failure, inputs, load, states } from './loading.js';

describe('memory', () => {
  it.each(['F32', 'F16'])('that is too small for the weights, or for what converts them, ends in MEMORY (%s)', async (dtype) => {
    const made = randomBert({ C: 128, H: 2, F: 512, L: 2, V: 1000, positions: 64 });
    const weights = dtype === 'F32' ? made.weights : narrowed(made.weights, 'F16').halves;
    const files = bertFiles({ ...made, weights });
    const bytes = Object.values(made.weights).reduce((sum, weight) => sum + weight.bytes.length, 0);
    const outcomes: string[] = [];
    for (let maximum = bytes - (2 << 16); outcomes.at(-1) !== 'loaded'; maximum += 1 << 16) {
      const engine = await engineWith(files, { threads: 1, memory: { maximum } });
      const outcome = await EncoderModel.load(engine, 'm').then(
        () => 'loaded',
        (error) => error.code,
      );
      outcomes.push(outcome);
      if (outcome !== 'loaded') expect(engine.memory()).toMatchObject({ used: 0, storages: 0 });
    }
    expect(new Set(outcomes)).toEqual(new Set(['MEMORY', 'loaded']));
    expect(outcomes.length).toBeGreaterThan(4);
  });

  it('comes back when a model is disposed of, and is used again by the next', async () => {
    const engine = await engineWith(tinyFiles(), { threads: 2 });
    const warm = await EncoderModel.load(engine, 'm');
    await warm(inputs);
    warm.dispose();
    const before = engine.memory();
    for (let i = 0; i < 20; i++) {
      const models = await Promise.all([EncoderModel.load(engine, 'm'), EncoderModel.load(engine, 'm')]);
      const [a, b] = await Promise.all(models.map(states));
      expect(a).toEqual(b);
      for (const model of models) {
        model.dispose();
        model.dispose();
      }
      expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
    }
    expect(engine.memory().size).toBeLessThanOrEqual(before.size + (1 << 20));
  });

  it('of one model is not touched by the end of another', async () => {
    const engine = await engineWith(tinyFiles());
    const [a, b] = [await EncoderModel.load(engine, 'm'), await EncoderModel.load(engine, 'm')];
    const want = await states(a);
    a.dispose();
    expect(await states(b)).toEqual(want);
  });

  it('of a model that was disposed of is not read: its calls are refused', async () => {
    const model = await load(tinyFiles());
    model.dispose();
    expect((await failureOf(() => model(inputs))).code).toMatch(/MODEL_MISMATCH|ARGUMENT/);
  });
});

describe('an abort', () => {
  const reason = { my: 'reason' };

  it('beforehand rejects with the reason', async () => {
    const engine = await engineWith(tinyFiles());
    await expect(EncoderModel.load(engine, 'm', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(engine.memory().storages).toBe(0);
  });

  it('at any tensor rejects with the reason and gives the memory back', async () => {
    const engine = await engineWith(tinyFiles());
    const count = Object.keys(tinyWeights()).length;
    for (let at = 1; at <= count; at++) {
      const controller = new AbortController();
      let seen = 0;
      const progress_callback = (event: ProgressEvent) => {
        if (event.status === 'progress' && event.file === 'model.safetensors' && ++seen === at) controller.abort(reason);
      };
      const loading = EncoderModel.load(engine, 'm', { signal: controller.signal, progress_callback });
      if (at < count) await expect(loading).rejects.toBe(reason);
      else (await loading).dispose(); // nothing was left to give up
      expect(engine.memory()).toMatchObject({ used: 0, storages: 0 });
    }
  });
});

describe('progress_callback', () => {
  /** As users load: the files are told of by whoever makes the folder, and the model when it is there. */
  const from = (engine: Engine, progress_callback: (event: ProgressEvent) => void) =>
    bind(engine.runtime).auto('AutoModel', EncoderModel).from_pretrained('m', { engine, progress_callback });

  it('hears of each file in turn, of bytes that grow up to the total, then that the model is ready', async () => {
    const events: ProgressEvent[] = [];
    const engine = await engineWith(tinyFiles());
    await from(engine, (event) => void events.push(event));
    expect(events.at(-1)).toEqual({ status: 'ready', model: 'm' });
    const of = (file: string) => events.filter((event) => 'file' in event && event.file === file).map(({ status }) => status);
    expect(of('config.json')).toEqual(['initiate', 'download', 'progress', 'done']);
    const tensors = Object.values(tinyWeights());
    expect(of('model.safetensors')).toEqual(['initiate', 'download', ...tensors.map(() => 'progress'), 'done']);
    const total = tensors.reduce((sum, { bytes }) => sum + bytes.length, 0);
    let before = 0;
    for (const event of events) {
      if ('name' in event) expect(event.name).toBe('m');
      if (event.status !== 'progress' || event.file !== 'model.safetensors') continue;
      expect(event.total).toBe(total);
      expect(event.loaded).toBeGreaterThan(before);
      expect(event.progress).toBeCloseTo((100 * event.loaded) / total, 6);
      before = event.loaded;
    }
    expect(before).toBe(total);
    const all = events.filter((event) => event.status === 'progress_total');
    // Of all files together it hears when the weights are among them, so that a bar never goes back.
    expect(all.every(({ files, progress }, i) => 'model.safetensors' in files && progress >= (all[i - 1]?.progress ?? 0))).toBe(true);
    expect(all.length).toBe(tensors.length);
    expect(all.at(-1)).toMatchObject({ progress: 100, files: { 'config.json': {}, 'model.safetensors': { loaded: total, total } } });
  });

  it.each(['initiate', 'download', 'progress', 'progress_total', 'done', 'ready'])(
    'that throws at %s ends the load with what it threw, and frees the memory',
    async (at) => {
      const engine = await engineWith(tinyFiles());
      const error = new Error('mine');
      const progress_callback = (event: ProgressEvent) => {
        if (event.status === at && (at === 'ready' || !('file' in event) || event.file === 'model.safetensors')) throw error;
      };
      await expect(from(engine, progress_callback)).rejects.toBe(error);
      expect(engine.memory()).toMatchObject({ used: 0, storages: 0 });
    },
  );
});

describe('options of from_pretrained', () => {
  it.each<[string, object, string]>([
    ['quantized', { quantized: true }, 'quantized'],
    ['revisions', { revisions: 'main' }, 'revisions'],
    ['device', { device: 'webgpu' }, 'device'],
    ['dtype', { dtype: 'q2' }, 'dtype'],
  ])('that heed does not have throw: %s', async (_, options, culprit) => {
    expect(await failure(tinyFiles(), options as PretrainedOptions)).toMatchObject({ code: 'UNSUPPORTED', culprit });
  });

  it('that say what heed does anyway are accepted', async () => {
    const model = await load(tinyFiles(), { device: 'wasm', dtype: 'fp32' });
    expect(numbersOf(tinyWeights()['pooler.dense.bias'] as Weights[string])).toEqual(model.encoder.stateDict()['pooler.bias']?.data);
  });
});
