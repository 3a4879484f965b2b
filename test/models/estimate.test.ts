/**
 * What `estimate` says before a model is loaded is what the engine says afterwards: weights, activations and the size of the memory, for every family, in floats
 * and in 8 bits, with one thread and two.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForSeq2SeqLM,
  AutoModelForSequenceClassification,
  createEngine,
  type Engine,
  estimate,
} from '../../dist/entry/node.js';
import { BUFFER } from '../../dist/io/staging.js';
import { failureOf } from '../io/memory.js';
import { itWith, shared } from '../shared.js';
import { tinyPath } from './files.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/hf/${name}`, import.meta.url));

const encoders = { AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification };
type Run = (
  path: string,
  engine: Engine,
  dtype: 'fp32' | 'q8',
  rows: number[][],
) => Promise<{ loaded: number; run: () => Promise<unknown> }>;

const encoder =
  (auto: keyof typeof encoders): Run =>
  async (path, engine, dtype, rows) => {
    const model = await encoders[auto].from_pretrained(path, { engine, dtype });
    return { loaded: engine.memory().used, run: () => model({ input_ids: rows, attention_mask: rows }) };
  };
const translator: Run = async (path, engine, dtype, rows) => {
  const model = await AutoModelForSeq2SeqLM.from_pretrained(path, { engine, dtype });
  const count = rows[0]?.length;
  const options = { num_beams: 1, do_sample: false, max_new_tokens: count, min_new_tokens: count };
  return { loaded: engine.memory().used, run: () => model.generate({ input_ids: rows, attention_mask: rows, ...options }) };
};

const tiny = { batch: 3, tokens: 12 };
const families: [name: string, path: string, run: Run, sizes: { batch: number; tokens: number }][] = [
  ['BERT', tinyPath, encoder('AutoModel'), tiny],
  ['BERT that sorts texts', fixture('bert_classify'), encoder('AutoModelForSequenceClassification'), tiny],
  ['BERT that fills masks', fixture('bert_mlm'), encoder('AutoModelForMaskedLM'), tiny],
  ['Marian', fixture('marian'), translator, tiny],
  ['BART', fixture('bart'), translator, tiny],
  ['T5', fixture('t5'), translator, tiny],
  ['gated T5', fixture('t5_gated'), translator, tiny],
];
const place = 'models/all-MiniLM-L6-v2';
const miniLM = shared(place);

/** A thread's control block, and what kernels borrow while weights are packed, are not the weights'. */
const OWN = 8192;

const compared = (
  name: string,
  path: string,
  run: Run,
  sizes: { batch: number; tokens: number },
  test = it as typeof it | typeof it.skip,
) =>
  test.each([
    ['fp32', 1],
    ['fp32', 2],
    ['q8', 1],
    ['q8', 2],
  ] as const)(`${name} in %s with threads: %i`, async (dtype, threads) => {
    const said = await estimate(path, { ...sizes, dtype, engine: { threads } });
    expect(said).toMatchObject({ ...sizes, dtype });
    const engine = await createEngine({ threads });
    const rows = Array.from({ length: sizes.batch }, () => Array<number>(sizes.tokens).fill(1));
    const model = await run(path, engine, dtype, rows);
    const { loaded } = model;
    expect(said.loading - 2 * BUFFER).toBe(engine.memory().size);
    await model.run();
    const { peak, size } = engine.memory();
    expect(loaded - said.weights).toBeGreaterThanOrEqual(0);
    expect(loaded - said.weights).toBeLessThanOrEqual(OWN);
    expect(Math.abs(said.activations - (peak - loaded))).toBeLessThanOrEqual(512);
    expect(said.memory).toBe(size);
    await engine.dispose();
  });

describe('the estimate is what the engine then takes', () => {
  for (const [name, path, run, sizes] of families) compared(name, path, run, sizes);
  compared('MiniLM', miniLM, encoder('AutoModel'), { batch: 2, tokens: 128 }, itWith(place));
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
  expect(await failureOf(() => estimate(tinyPath, { tokens: 1.5 }))).toMatchObject({ code: 'ARGUMENT', culprit: 'tokens' });
  expect(await failureOf(() => estimate(tinyPath, { tokens: 5000 }))).toMatchObject({ code: 'ARGUMENT', culprit: 'input_ids' });
  expect(await failureOf(() => estimate(tinyPath, { dtype: 'q4' as 'q8' }))).toMatchObject({ code: 'UNSUPPORTED', culprit: 'dtype' });
  expect(await failureOf(() => estimate(tinyPath, { tokns: 1 } as never))).toMatchObject({ code: 'UNSUPPORTED' });
  expect(await failureOf(() => estimate(join(tinyPath, 'nowhere')))).toMatchObject({ code: 'NOT_FOUND' });
});
