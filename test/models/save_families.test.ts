/**
 * Models of every family, loaded and saved: in floats they are the files that Hugging Face wrote, in 8 bits what a float checkpoint becomes while it loads.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { HeedTransformer } from '../../dist/models/heed_transformer.js';
import { save_pretrained, trainBpe } from '../../dist/train/index.js';
import { amount, someOf } from '../thorough.js';
import { readWeights, type Weights } from './files.js';
import { type Fixture, fixtures, type LoadedFixture, translatorAt } from './fixtures.js';

let engine: Engine;
const folder = mkdtempSync(join(tmpdir(), 'heed-'));
const translatorPath = join(folder, 'translator');
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
  const sizes = { vocab_size: 30, d_model: 36, num_heads: 3, encoder_layers: 1, decoder_layers: 2, ffn_dim: 40, pad_token_id: 0 };
  const translator = new HeedTransformer(engine, { ...sizes, bos_token_id: 1, eos_token_id: 2, decoder_start_token_id: 1 }).init(1);
  await save_pretrained(translator, translatorPath, { tokenizer: await trainBpe(['a b a b', 'b c'], { vocabSize: 30 }) });
  translator.dispose();
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

const weightsIn = (path: string): Weights => readWeights(readFileSync(join(path, 'model.safetensors')));
const jsonIn = (path: string, file = 'config.json') => JSON.parse(readFileSync(join(path, file), 'utf8'));

const all = [...fixtures, translatorAt(translatorPath)];
/** Models of which some matrix was in 4 bits. */
const fourBits = new Set<string>();
const called = (name: string) => all.find((fixture) => fixture.name === name) as Fixture;

describe.each(someOf(all))('$name', ({ name, path, load, inputs }) => {
  const at = (kind: string) => join(folder, `${name} ${kind}`);
  const answer = (model: LoadedFixture) => model(inputs);

  it('is saved as Hugging Face wrote it: every tensor, by its name', async () => {
    const model = await load(path, { engine });
    await model.save_pretrained(at('floats'));
    // PEGASUS's file has sinusoids, which both libraries compute.
    const came = Object.entries(weightsIn(path)).filter(([key]) => name !== 'pegasus' || !key.includes('embed_positions'));
    expect(weightsIn(at('floats'))).toEqual(withoutCopies(Object.fromEntries(came)));
    expect(jsonIn(at('floats'))).toMatchObject(jsonIn(path));
    const files = (of: string) => readdirSync(of, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(json|txt)$/.test(file));
    expect(files(at('floats')).sort()).toEqual(
      files(path)
        .filter((file) => !file.startsWith('expected'))
        .sort(),
    );
    const again = await load(at('floats'), { engine });
    expect(await answer(again)).toEqual(await answer(model));
    for (const made of [model, again]) made.dispose();
  });

  it('stays in 8 bits where it is, and is then what it was, bit by bit; so is a float model that is saved in 8 bits', async () => {
    const [eighths, floats] = [await load(path, { engine, dtype: 'q8' }), await load(path, { engine })];
    await eighths.save_pretrained(at('q8'));
    await floats.save_pretrained(at('rounded'), { dtype: 'q8' });
    expect(weightsIn(at('rounded'))).toEqual(weightsIn(at('q8')));
    const { quantization_config, ...config } = jsonIn(at('q8'));
    expect(quantization_config).toEqual({ quant_method: 'heed', bits: 8, group_size: 32 });
    expect(config).toMatchObject(jsonIn(path));
    const again = await load(at('q8'), { engine });
    expect(await answer(again)).toEqual(await answer(eighths));
    // And once more, as it was read.
    await again.save_pretrained(at('q8 again'));
    expect(readFileSync(join(at('q8 again'), 'model.safetensors'))).toEqual(readFileSync(join(at('q8'), 'model.safetensors')));
    for (const made of [eighths, floats, again]) made.dispose();
  });

  it('stays in 4 bits where it is, bit by bit, and is widened exactly; tables have 8', async () => {
    const [fourths, floats] = [await load(path, { engine, dtype: 'q4' }), await load(path, { engine })];
    await fourths.save_pretrained(at('q4'));
    await floats.save_pretrained(at('rounded to 4'), { dtype: 'q4' });
    expect(weightsIn(at('rounded to 4'))).toEqual(weightsIn(at('q4')));
    const ofBytes = Object.values(weightsIn(at('q4'))).filter(({ dtype }) => dtype === 'U8');
    // Of a model whose rows are no whole blocks all is in 8 bits.
    expect(jsonIn(at('q4')).quantization_config).toEqual({ quant_method: 'heed', bits: ofBytes.length ? 4 : 8, group_size: 32 });
    expect(jsonIn(at('rounded to 4'))).toEqual(jsonIn(at('q4')));
    for (const { shape } of ofBytes) expect((shape[1] as number) % 20).toBe(0);
    if (ofBytes.length) fourBits.add(name);
    const again = await load(at('q4'), { engine });
    expect(await answer(again)).toEqual(await answer(fourths));
    await again.save_pretrained(at('q4 again'));
    expect(readFileSync(join(at('q4 again'), 'model.safetensors'))).toEqual(readFileSync(join(at('q4'), 'model.safetensors')));
    // Widened while it loads, or before it is saved: the same.
    const wide = await load(at('q4'), { engine, dtype: 'fp32' });
    await wide.save_pretrained(at('wide'));
    await again.save_pretrained(at('wide again'), { dtype: 'fp32' });
    expect(weightsIn(at('wide'))).toEqual(weightsIn(at('wide again')));
    for (const made of [fourths, floats, again, wide]) made.dispose();
  });

  it('gives in 8 bits what the float model of the rounded weights gives, within 1e-3 of its largest', async () => {
    const eighths = await load(path, { engine, dtype: 'q8' });
    await eighths.save_pretrained(at('widened'), { dtype: 'fp32' });
    const wide = await load(at('widened'), { engine });
    expect(jsonIn(at('widened'))).toMatchObject(jsonIn(path));
    expect(jsonIn(at('widened'))).not.toHaveProperty('quantization_config');
    const [got, want] = [numbersOf(await answer(eighths)), numbersOf(await answer(wide))];
    const most = Math.max(...want.map(Math.abs));
    expect(most).toBeGreaterThan(1e-3);
    expect(Math.max(...want.map((x, i) => Math.abs(x - (got[i] as number)))) / most).toBeLessThan(1e-3);
    for (const made of [eighths, wide]) made.dispose();
  });
});

it('has families of which matrices are in 4 bits', () => {
  expect(fourBits.size).toBeGreaterThan(amount(3, 0));
});

/** A head that scores words with a matrix of its own has its bias twice, where Hugging Face writes it. */
const withoutCopies = (weights: Weights): Weights =>
  Object.fromEntries(
    Object.entries(weights).filter(([name]) => !(`${name.replace(/bias$/, 'decoder.bias')}` in weights && name.endsWith('bias'))),
  );

/** Every number that a model gave. */
const numbersOf = (outputs: Awaited<ReturnType<LoadedFixture>>): number[] => Object.values(outputs).flatMap(({ data }) => Array.from(data));

it('of a checkpoint without what is optional is without it again', async () => {
  const { load } = called('bert');
  const model = await load(called('bert_mlm').path, { engine });
  await model.save_pretrained(join(folder, 'encoder'));
  expect(Object.keys(weightsIn(join(folder, 'encoder'))).filter((key) => /pooler|cls|bert\./.test(key))).toEqual([]);
  expect(jsonIn(join(folder, 'encoder')).architectures).toEqual(['BertModel']);
  (await load(join(folder, 'encoder'), { engine })).dispose();
  model.dispose();
});

it('refuses a dtype that there is not, an option that there is not, and work that was called off', async () => {
  const { load, path } = called('t5');
  const model = await load(path, { engine });
  const to = join(folder, 'never');
  await expect(model.save_pretrained(to, { dtype: 'q2' })).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'dtype' });
  await expect(model.save_pretrained(to, { dtpye: 'q8' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(model.save_pretrained(to, { signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
  expect(readdirSync(folder)).not.toContain('never');
  model.dispose();
});
