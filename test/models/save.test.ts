/** A model's folder, written and read again. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AutoTokenizer, createEngine, type Engine, tensor } from '../../dist/entry/node.js';
import { HeedTransformer } from '../../dist/models/heed_transformer.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { Linear } from '../../dist/nn/index.js';
import { save_pretrained, trainBpe } from '../../dist/train/index.js';
import { parseSafetensors } from '../runtimes/fixtures.js';

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'heed-save-'));
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});
const json = async (...path: string[]) => JSON.parse(await readFile(join(folder, ...path), 'utf8'));

const sizes = { d_model: 8, num_heads: 2, encoder_layers: 1, decoder_layers: 1, ffn_dim: 12 };
const config = { ...sizes, vocab_size: 20, pad_token_id: 0 };

it('has the configuration, the weights, in training or not, and the tokenizer', async () => {
  const model = new HeedTransformer(engine, config).init(1);
  const tokenizer = await trainBpe(['a b a b', 'b c'], { vocabSize: 20 });
  for (const [name, mode] of Object.entries({ inference: model, training: new HeedTransformer(engine, config).init(1).train() })) {
    await save_pretrained(mode, join(folder, name), { tokenizer, config: { note: 'ours' } });
    expect((await readdir(join(folder, name))).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    expect(await json(name, 'config.json')).toEqual({ ...config, model_type: 'heed-transformer', note: 'ours' });
    expect(await json(name, 'tokenizer.json')).toEqual(JSON.parse(JSON.stringify(tokenizer)));
    const tensors = parseSafetensors(await readFile(join(folder, name, 'model.safetensors')));
    const state = model.stateDict();
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(state).sort());
    for (const [key, { data, dims }] of Object.entries(state)) expect(tensors[key]).toMatchObject({ data, dims });
  }
});

it('is loaded again as it was', async () => {
  const model = new HeedTransformer(engine, config).init(3);
  await save_pretrained(model, join(folder, 'again'));
  const { module } = await loadPretrained(engine, join(folder, 'again'), 'encoder-decoder');
  const ids = (...row: number[]) => tensor(engine, Int32Array.from(row), [1, row.length]);
  const logits = [model, module].map((each) => engine.scope(() => each.forward(ids(3, 4, 5), ids(1, 6)).toHost().data));
  expect(logits[1]).toEqual(logits[0]);
});

it("with dtype 'q8' is loaded again as one that was rounded while it loaded", async () => {
  const model = new HeedTransformer(engine, config).init(3);
  await save_pretrained(model, join(folder, 'floats'));
  await save_pretrained(model, join(folder, 'eighths'), { dtype: 'q8' });
  const file = await readFile(join(folder, 'eighths', 'model.safetensors'), 'latin1');
  expect(file).toMatch(/"embedding\.weight":\{"dtype":"I8"/);
  expect(file).toMatch(/"embedding\.weight\.scale":\{"dtype":"F16"/);
  const loaded = [
    await loadPretrained(engine, join(folder, 'floats'), 'encoder-decoder', { dtype: 'q8' }),
    await loadPretrained(engine, join(folder, 'eighths'), 'encoder-decoder'),
  ];
  const ids = (...row: number[]) => tensor(engine, Int32Array.from(row), [1, row.length]);
  const logits = loaded.map(({ module }) => engine.scope(() => module.forward(ids(3, 4, 5), ids(1, 6)).toHost().data));
  expect(logits[1]).toEqual(logits[0]);
  await expect(save_pretrained(model, join(folder, 'halves'), { dtype: 'q2' as 'q8' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

it("copies another folder's tokenizer, and takes other tensors than the parameters", async () => {
  const model = new HeedTransformer(engine, config).init(1);
  await save_pretrained(model, join(folder, 'first'), { tokenizer: { version: '1.0' } });
  await writeFile(join(folder, 'first', 'tokenizer_config.json'), '{"eos_token":"</s>"}');
  const tensors = [{ name: 'x', dtype: 'I8' as const, shape: [2], bytes: Uint8Array.of(1, 2) }];
  await save_pretrained(model, join(folder, 'second'), { tokenizer: join(folder, 'first'), tensors });
  expect(await json('second', 'tokenizer.json')).toEqual({ version: '1.0' });
  expect(await json('second', 'tokenizer_config.json')).toEqual({ eos_token: '</s>' });
  const bytes = await readFile(join(folder, 'second', 'model.safetensors'));
  expect([...bytes.subarray(-2)]).toEqual([1, 2]);
});

it('writes a tokenizer that was loaded, as it is by then', async () => {
  const tokenizer = await AutoTokenizer.from_pretrained('models/translator-en-zh');
  tokenizer.padding_side = 'left';
  await save_pretrained(new HeedTransformer(engine, config).init(1), join(folder, 'loaded'), { tokenizer });
  const again = await AutoTokenizer.from_pretrained(join(folder, 'loaded'));
  expect(again.padding_side).toBe('left');
  expect(again.encode('I love music.')).toEqual(tokenizer.encode('I love music.'));
});

it('refuses what cannot be', async () => {
  const model = new HeedTransformer(engine, config).init(1);
  await expect(save_pretrained(new Linear(engine, 2, 2).init(1), join(folder, 'x'))).rejects.toMatchObject({ culprit: 'config' });
  await expect(save_pretrained(model, '')).rejects.toMatchObject({ culprit: 'folder' });
  await expect(save_pretrained(model, join(folder, 'x'), { dtype: 'q9' } as never)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(save_pretrained(model, join(folder, 'x'), { tokenizer: join(folder, 'none') })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(save_pretrained(model, join(folder, 'x'), { tokenizer: 5 } as never)).rejects.toMatchObject({ culprit: 'tokenizer' });
  expect(await readdir(folder)).not.toContain('x');
});

it.each(['float32', 'q8'] as const)(
  'in 8 bits is loaded as what 8 bits make of it, and says so in config.json: from a model in %s, which is as it was',
  async (held) => {
    const model = new HeedTransformer(engine, config).init(4).to(held);
    const at = join(folder, `q8-${held}`);
    await save_pretrained(model, at, held === 'q8' ? {} : { dtype: 'q8' });
    expect([...model.namedParameters()][0]?.[1].dtype).toBe(held);
    expect((await json(`q8-${held}`, 'config.json')).quantization_config).toEqual({ quant_method: 'heed', bits: 8, group_size: 32 });
    const { module, config: read } = await loadPretrained(engine, at, 'encoder-decoder');
    expect(module.stateDict()).toEqual(model.to('q8').stateDict());
    // And back to floats, without a trace.
    const wide = join(folder, `wide-${held}`);
    await save_pretrained(Object.assign(module, { config: read.value }), wide, { dtype: 'fp32' });
    expect(await json(`wide-${held}`, 'config.json')).not.toHaveProperty('quantization_config');
    const again = await loadPretrained(engine, wide, 'encoder-decoder');
    expect(again.module.stateDict()).toEqual(module.stateDict());
  },
);
