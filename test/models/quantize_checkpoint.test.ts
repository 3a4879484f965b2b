/** Checkpoints in 8 bits, tensor by tensor: what a model of any family and task saves in 8 bits when it is loaded. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { folderAt } from '../../dist/io/folder.js';
import { readParts } from '../../dist/models/parts.js';
import { quantizeCheckpoint } from '../../dist/models/quantize_checkpoint.js';
import { someOf } from '../thorough.js';
import { readWeights, type Weights } from './files.js';
import { fixtures } from './fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'heed-'));
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

const weightsIn = (path: string): Weights => readWeights(readFileSync(join(path, 'model.safetensors')));
const configIn = (path: string) => JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));

it.each(someOf(fixtures))('$name', async ({ name, path, load, inputs }) => {
  const [out, saved] = [join(folder, name), join(folder, `${name} saved`)];
  const { storages } = engine.memory();
  const told = await quantizeCheckpoint(engine, await readParts(folderAt(engine.runtime, path)), out);
  expect(engine.memory().storages).toBeLessThanOrEqual(storages + 1); // scratch
  const model = await load(path, { engine });
  await model.save_pretrained(saved, { dtype: 'q8' });
  model.dispose();
  const [made, expected] = [weightsIn(out), weightsIn(saved)];
  expect(made).toMatchObject(expected);
  // What the task does without, and others do not.
  expect(Object.keys(made).filter((key) => !(key in expected) && !/pooler/.test(key))).toEqual([]);
  expect(configIn(saved)).toMatchObject(configIn(out));
  expect(readdirSync(out)).toEqual(expect.arrayContaining(readdirSync(saved)));
  // Copies of what is tied, and tables that are computed, where Hugging Face writes them.
  expect(told.left.filter((key) => !/(predictions|lm_head)\.bias$|embed_positions\.weight$/.test(key))).toEqual([]);
  const [first, second] = [await load(out, { engine }), await load(saved, { engine })];
  expect(await first(inputs)).toEqual(await second(inputs));
  for (const loaded of [first, second]) loaded.dispose();
});
