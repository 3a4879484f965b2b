/**
 * What `estimate` says before a model is loaded is what the engine says afterwards: weights, activations and the size of the memory, for every family, in floats
 * and in 8 bits, with one thread and two.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEngine, estimate } from '../../dist/entry/node.js';
import { BUFFER } from '../../dist/io/staging.js';
import { failureOf } from '../io/memory.js';
import { itWith, shared } from '../shared.js';
import { tinyPath } from './files.js';
import { type Fixture, fixtures } from './fixtures.js';

const place = 'models/all-MiniLM-L6-v2';
const miniLM = shared(place);

/** A thread's control block, and what kernels borrow while weights are packed, are not the weights'. */
const OWN = 8192;

/** Loads a fixture, and lets it do the heaviest that it does for users. */
async function compare(
  { path, load }: Pick<Fixture, 'path' | 'load'>,
  dtype: 'fp32' | 'q8' | 'q4',
  threads: number,
  batch: number,
  tokens: number,
) {
  const said = await estimate(path, { batch, tokens, dtype, engine: { threads } });
  expect(said).toMatchObject({ batch, tokens, dtype });
  const engine = await createEngine({ threads });
  const model = await load(path, { engine, dtype });
  const { used: loaded, size: loading } = engine.memory();
  expect(said.loading - 2 * BUFFER).toBe(loading);
  const rows = Array.from({ length: batch }, () => Array<number>(tokens).fill(3));
  const inputs = { input_ids: rows, attention_mask: rows };
  const written = { num_beams: 1, do_sample: false, max_new_tokens: tokens, min_new_tokens: tokens };
  await (model.generate ? model.generate({ ...inputs, ...written }) : model(inputs));
  const { peak, size } = engine.memory();
  expect(loaded - said.weights).toBeGreaterThanOrEqual(0);
  expect(loaded - said.weights).toBeLessThanOrEqual(OWN);
  expect(Math.abs(said.activations - (peak - loaded))).toBeLessThanOrEqual(1024);
  expect(said.memory).toBe(size);
  await engine.dispose();
}

describe('the estimate is what the engine then takes', () => {
  describe.each(fixtures)('$name', (fixture) => {
    it.each([
      ['fp32', 1],
      ['q8', 1],
      ['q8', 2],
    ] as const)('in %s with threads: %i', (dtype, threads) => compare(fixture, dtype, threads, 3, 12));
  });

  const { load } = fixtures[0] as Fixture;
  itWith(place)('MiniLM in fp32', () => compare({ path: miniLM, load }, 'fp32', 2, 2, 128));
  itWith(place)('MiniLM in q8', () => compare({ path: miniLM, load }, 'q8', 2, 2, 128));
  itWith(place)('MiniLM in q4', () => compare({ path: miniLM, load }, 'q4', 1, 2, 128));
});

it('counts parameters and bytes of files', async () => {
  const said = await estimate(tinyPath);
  const file = readFileSync(join(tinyPath, 'model.safetensors'));
  expect(said.download).toBe(file.length);
  expect(said).toMatchObject({ architecture: 'bert', dtype: 'fp32', parameters: 20304, batch: 1 });
  // As many tokens as there are positions, where those are fewer than 128.
  expect(said.tokens).toBe(JSON.parse(readFileSync(join(tinyPath, 'config.json'), 'utf8')).max_position_embeddings);
});

itWith(place)('says that MiniLM in 8 bits fits into an isolate of 128 MB, with room for what JavaScript takes', async () => {
  const said = await estimate(miniLM, { dtype: 'q8', batch: 8, tokens: 128, engine: { threads: 1 } });
  expect(said.memory).toBeLessThan(56e6);
  expect(said.loading).toBeLessThan(36e6);
});

it('reads the header of the weights, and no weight', async () => {
  const bytes = readFileSync(join(tinyPath, 'model.safetensors'));
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const asked: number[] = [];
  const weights = {
    size: bytes.length,
    slice: (from: number, to: number) => ({
      arrayBuffer: async () => {
        asked.push(to);
        // Behind the header is nothing that could be weights.
        return Uint8Array.from(bytes.subarray(from, to), (byte, i) => (from + i < end ? byte : 255)).buffer;
      },
    }),
  };
  const files = { 'config.json': readFileSync(join(tinyPath, 'config.json')), 'model.safetensors': weights };
  expect(await estimate(files)).toEqual(await estimate(tinyPath));
  expect(Math.max(...asked)).toBeLessThanOrEqual(1 << 16);
});

it('refuses what cannot be', async () => {
  expect(await failureOf(() => estimate(tinyPath, { batch: 0 }))).toMatchObject({ code: 'ARGUMENT', culprit: 'batch' });
  expect((await failureOf(() => estimate(tinyPath, { batch: 1e9 }))).message).toContain(`from 1 to ${1 << 20}`);
  for (const options of [null, 'q8', 8])
    expect(await failureOf(() => estimate(tinyPath, options as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'options' });
  expect(await failureOf(() => estimate(tinyPath, { tokens: 1.5 }))).toMatchObject({ code: 'ARGUMENT', culprit: 'tokens' });
  expect(await failureOf(() => estimate(tinyPath, { tokens: 5000 }))).toMatchObject({ code: 'ARGUMENT', culprit: 'input_ids' });
  expect(await failureOf(() => estimate(tinyPath, { batch: 1 << 20, tokens: 512 }))).toMatchObject({ code: 'ARGUMENT', culprit: 'batch' });
  expect(await failureOf(() => estimate(tinyPath, { dtype: 'q2' as 'q8' }))).toMatchObject({ code: 'UNSUPPORTED', culprit: 'dtype' });
  expect(await failureOf(() => estimate(tinyPath, null as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'options' });
  expect(await failureOf(() => estimate(tinyPath, { engine: 3 as never }))).toMatchObject({ code: 'ARGUMENT', culprit: 'options' });
  expect(await failureOf(() => estimate(tinyPath, { tokns: 1 } as never))).toMatchObject({ code: 'UNSUPPORTED' });
  expect(await failureOf(() => estimate(join(tinyPath, 'nowhere')))).toMatchObject({ code: 'NOT_FOUND' });
});
