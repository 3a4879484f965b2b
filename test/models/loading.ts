/** Loads tiny models for tests, over files in memory, in engines that end with the test. */
import { afterEach, expect } from 'vitest';
import type { Engine, EngineOptions } from '../../dist/engine/engine.js';
import { EncoderModel, type Model } from '../../dist/models/model.js';
import type { PretrainedOptions } from '../../dist/models/options.js';
import { failureOf } from '../io/memory.js';
import { engineOver, type Files } from './files.js';

const engines: Engine[] = [];
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.dispose())));

export async function engineWith(files: Files, options?: EngineOptions): Promise<Engine> {
  const engine = await engineOver(files, options);
  engines.push(engine);
  return engine;
}

export const load = async (files: Files, options?: PretrainedOptions): Promise<Model> =>
  EncoderModel.load(await engineWith(files), 'm', options);

export const inputs = { input_ids: [[2, 17, 40, 60, 3, 0, 0]], attention_mask: [[1, 1, 1, 1, 1, 0, 0]] };
export const states = async (model: Model): Promise<number[]> => Array.from((await model(inputs)).last_hidden_state.data);

/** Loading fails, says so, and the engine holds no more than before. */
export async function failure(files: Files, options: PretrainedOptions = {}) {
  const engine = await engineWith(files);
  const { used, storages } = engine.memory();
  const error = await failureOf(() => EncoderModel.load(engine, 'm', options));
  expect(engine.memory()).toMatchObject({ used, storages });
  return error;
}
