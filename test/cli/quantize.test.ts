/** `heed quantize`: what it writes is what a model that was loaded saves in 8 bits; and what it refuses, before it writes anything. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AutoModel,
  AutoModelForCausalLM,
  AutoModelForMaskedLM,
  AutoModelForSeq2SeqLM,
  AutoModelForSequenceClassification,
  AutoTokenizer,
  createEngine,
  type Engine,
  estimate,
  pipeline,
} from '../../dist/entry/node.js';
import { failureOf } from '../io/memory.js';
import { readWeights, tinyConfig, tinyPath, tinyWeights, type Weight, type Weights, weightOf, writeWeights } from '../models/files.js';
import { itWith, shared } from '../shared.js';
import { run } from './command.js';

const folder = mkdtempSync(join(tmpdir(), 'heed-'));
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/hf/${name}`, import.meta.url));
const weightsIn = (path: string): Weights => readWeights(readFileSync(join(path, 'model.safetensors')));
const configIn = (path: string) => JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
const filesIn = (path: string) =>
  readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(path, name)).isFile());
const bytesIn = (path: string) => filesIn(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);

describe('what it writes', () => {
  it.each([
    ['BERT', tinyPath, AutoModel],
    ['BERT that sorts texts', fixture('bert_classify'), AutoModelForSequenceClassification],
    ['ELECTRA, in rows as short as it has positions', fixture('electra_mlm'), AutoModelForMaskedLM],
    ['Marian', fixture('marian'), AutoModelForSeq2SeqLM],
    ['Llama', fixture('../causal/llama'), AutoModelForCausalLM],
    ['Llama that embeds', fixture('../embedding_decoders/embed'), AutoModel],
    ['Llama that sorts texts', fixture('../embedding_decoders/classify'), AutoModelForSequenceClassification],
  ])("is what save_pretrained writes with dtype: 'q8': %s", async (name, path, auto) => {
    const { code, stdout, stderr } = await run(['quantize', path, '--out', at(`${name} quantized`), '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const model = await auto.from_pretrained(path, { engine });
    await model.save_pretrained(at(name), { dtype: 'q8' });
    model.dispose();
    expect(weightsIn(at(`${name} quantized`))).toEqual(weightsIn(at(name)));
    expect(configIn(at(`${name} quantized`))).toEqual(configIn(at(name)));
    expect(filesIn(at(`${name} quantized`))).toEqual(expect.arrayContaining(filesIn(at(name))));
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({
      before: statSync(join(path, 'model.safetensors')).size,
      bytes: bytesIn(at(`${name} quantized`)),
      left: [],
    });
    expect(said.cosine).toBeGreaterThan(0.99);
    expect(said.cosine).toBeLessThanOrEqual(1);
    const quantized = Object.values(weightsIn(at(name))).filter(({ dtype }) => dtype === 'I8');
    expect([said.quantized, said.quantized + said.kept]).toEqual([quantized.length, Object.keys(weightsIn(path)).length]);
  });

  it.each([
    ['a model that sees', fixture('../vision/dinov2'), { pictures: 8 }],
    ['a model that reads and sees', fixture('../vision/clip'), { texts: 8, pictures: 8 }],
    ['a model that makes pictures', fixture('../vision/swin2sr_direct_upscale'), { pictures: 8 }],
    ['a model that hears', fixture('../ctc/group'), { sounds: 8 }],
    ['a model that writes what it hears', fixture('../speech/whisper'), { sounds: 8 }],
  ])('is compared on noise: %s', async (name, path, counts) => {
    const { code, stdout, stderr } = await run(['quantize', path, '--out', at(name), '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const { cosine, ...said } = JSON.parse(stdout);
    expect(cosine).toBeGreaterThan(0.99);
    expect(cosine).toBeLessThan(1);
    const kinds = ['texts', 'pictures', 'sounds'].flatMap((kind) => (kind in said ? [[kind, said[kind]]] : []));
    expect(Object.fromEntries(kinds)).toEqual(counts);
    const { stdout: told } = await run(['quantize', path, '--out', at(name), '--force']);
    expect(told).toContain(
      Object.entries(counts)
        .map(([kind, n]) => `${n} ${kind}`)
        .join(' and '),
    );
  });

  it.each([
    ['BERT in 4 bits', tinyPath, AutoModel],
    ['Marian in 4 bits', fixture('marian'), AutoModelForSeq2SeqLM],
    ['GPT-2 in 4 bits', fixture('../causal/gpt2'), AutoModelForCausalLM],
    ['Qwen3 in 4 bits', fixture('../causal/qwen3'), AutoModelForCausalLM],
  ])("is what save_pretrained writes with dtype: 'q4': %s", async (name, path, auto) => {
    const { code, stdout, stderr } = await run(['quantize', path, '--out', at(`${name} quantized`), '--dtype', 'q4', '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const model = await auto.from_pretrained(path, { engine, dtype: 'q4' });
    await model.save_pretrained(at(name));
    model.dispose();
    expect(weightsIn(at(`${name} quantized`))).toEqual(weightsIn(at(name)));
    expect(configIn(at(`${name} quantized`))).toEqual(configIn(at(name)));
    expect(configIn(at(name)).quantization_config.bits).toBe(4);
    const said = JSON.parse(stdout);
    const counted = ['I8', 'U8', 'F32'].map((kind) => Object.values(weightsIn(at(name))).filter(({ dtype }) => dtype === kind).length);
    expect([said.quantized, said.halved, said.kept]).toEqual(counted);
    expect(said.halved).toBeGreaterThan(0);
    expect(said.cosine).toBeGreaterThan(0.9);
  });

  it.each([
    ['BERT', tinyPath, AutoModel, 'embeddings.word_embeddings.weight'],
    ['Marian', fixture('marian'), AutoModelForSeq2SeqLM, 'model.shared.weight'],
    ['GPT-2', fixture('../causal/gpt2'), AutoModelForCausalLM, 'transformer.wte.weight'],
    ['Qwen3', fixture('../causal/qwen3'), AutoModelForCausalLM, 'lm_head.weight'],
  ])('has tables and outputs in 4 bits too where that is asked for: %s', async (name, path, auto, table) => {
    const out = at(`${name} all in 4`);
    const { code, stdout, stderr } = await run(['quantize', path, '--out', out, '--dtype', 'q4', '--embeddings', 'q4', '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const options = { engine, dtype: 'q4', embedding_dtype: 'q4' } as const;
    const model = await auto.from_pretrained(path, options);
    await model.save_pretrained(at(`${name} all in 4, saved`));
    const held = engine.memory().used;
    model.dispose();
    expect(weightsIn(out)).toEqual(weightsIn(at(`${name} all in 4, saved`)));
    expect(weightsIn(out)[table]?.dtype).toBe('U8');
    expect(weightsIn(at(`${name} in 4 bits`))[table]?.dtype).toBe('I8');
    expect(JSON.parse(stdout).cosine).toBeGreaterThan(0.9);
    // As the folder has it, without a word of what it is in.
    const again = await auto.from_pretrained(out, { engine });
    expect(engine.memory().used).toBe(held);
    await again.save_pretrained(at(`${name} all in 4, again`));
    expect(weightsIn(at(`${name} all in 4, again`))).toEqual(weightsIn(out));
    again.dispose();
    const { weights } = await estimate(path, { dtype: 'q4', embedding_dtype: 'q4' });
    expect(weights).toBeLessThan((await estimate(path, { dtype: 'q4' })).weights);
  });

  it('refuses bits of tables that say nothing', async () => {
    const { code, stderr } = await run(['quantize', tinyPath, '--out', at('eight and four'), '--embeddings', 'q4']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/embedding_dtype would have no effect.*\[ARGUMENT\]/)]);
    for (const options of [{ embedding_dtype: 'q4' }, { dtype: 'q4', embedding_dtype: 'fp32' }] as const)
      expect(await failureOf(() => AutoModel.from_pretrained(tinyPath, { engine, ...options } as never))).toMatchObject({
        ...{ code: 'ARGUMENT', culprit: 'embedding_dtype' },
      });
  });

  it("tells of a language model's perplexity on the lines of a file, as its scores have it", async () => {
    const path = modelOf('speaks', configIn(fixture('../causal/llama')), weightsIn(fixture('../causal/llama')));
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(tinyPath, file), join(path, file));
    writeFileSync(at('lines.txt'), 'the cat sat\n\non the mat\r\n');
    const { code, stdout } = await run(['quantize', path, '--out', at('speaks q4'), '--dtype', 'q4', '--text', at('lines.txt'), '--json']);
    expect(code).toBe(0);
    const { texts, perplexity } = JSON.parse(stdout);
    expect(texts).toBe(2);
    const tokenizer = await AutoTokenizer.from_pretrained(path);
    for (const [key, from] of Object.entries({ before: path, after: at('speaks q4') })) {
      const model = await AutoModelForCausalLM.from_pretrained(from, { engine });
      const losses: number[] = [];
      for (const line of ['the cat sat', 'on the mat']) {
        const ids = tokenizer.encode(line);
        const { logits } = await model({ input_ids: [ids] });
        const V = logits.dims[2] as number;
        for (let t = 1; t < ids.length; t++) {
          const scores = Array.from(logits.data).slice((t - 1) * V, t * V);
          losses.push(Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - (scores[ids[t] as number] as number));
        }
      }
      expect(perplexity.tokens).toBe(losses.length);
      expect(perplexity[key]).toBeCloseTo(Math.exp(losses.reduce((sum, loss) => sum + loss, 0) / losses.length), 3);
      model.dispose();
    }
    writeFileSync(at('empty.txt'), '\n');
    expect((await run(['quantize', path, '--out', at('never'), '--text', at('empty.txt')])).stderr).toMatch(/holds no text.*\[ARGUMENT\]/);
  });

  it('keeps every head that some task reads, and leaves out what no model does', async () => {
    const sorts = Object.entries(weightsIn(fixture('bert_classify'))).filter(([name]) => /^classifier\.|pooler/.test(name));
    const copy = weightsIn(fixture('bert_mlm'))['bert.embeddings.word_embeddings.weight'] as Weight;
    const weights = { ...weightsIn(fixture('bert_mlm')), ...Object.fromEntries(sorts), 'cls.predictions.decoder.weight': copy };
    const path = modelOf('two heads', configIn(fixture('bert_classify')), weights);
    const { code } = await run(['quantize', path, '--out', at('two heads q8'), '--no-check']);
    expect(code).toBe(0);
    const names = Object.keys(weightsIn(at('two heads q8')));
    expect(names).toEqual(expect.arrayContaining(['classifier.weight', 'classifier.weight.scale', 'cls.predictions.bias']));
    expect(names).not.toContain('cls.predictions.decoder.weight');
    for (const auto of [AutoModel, AutoModelForMaskedLM]) (await auto.from_pretrained(at('two heads q8'), { engine })).dispose();
  });

  it('is told in lines', async () => {
    const { code, stdout } = await run(['quantize', tinyPath, '--out', at('told')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^.*told: \d+\.\d kB in all, of weights that were 85\.2 kB\n15 tensors in 8 bits, \d+ in float32\ncosine .*at least 0\.99\d+\n$/,
    );
    expect(filesIn(at('told'))).toEqual(expect.arrayContaining(['modules.json', join('1_Pooling', 'config.json'), 'tokenizer.json']));
  });
});

/** A model's folder of this config and these weights. */
function modelOf(name: string, config: object, weights: Weights): string {
  const path = mkdtempSync(at(name.replaceAll(' ', '-')));
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  writeFileSync(join(path, 'model.safetensors'), writeWeights(weights));
  return path;
}

describe('what it refuses', () => {
  const failed = async (args: string[]) => {
    const { code, stdout, stderr } = await run(['quantize', ...args]);
    expect([code, stdout]).toEqual([1, '']);
    return stderr;
  };

  it('a folder that holds a model, unless it is told to; and the model itself in any case', async () => {
    const out = modelOf('taken', { note: 'mine' }, {});
    expect(await failed([tinyPath, '--out', out])).toMatch(/holds a model already.*--force.*\[ARGUMENT\]/);
    expect(configIn(out)).toEqual({ note: 'mine' });
    expect((await run(['quantize', tinyPath, '--out', out, '--force', '--no-check'])).code).toBe(0);
    expect(configIn(out).quantization_config.bits).toBe(8);
    const own = modelOf('own', tinyConfig(), tinyWeights());
    symlinkSync(own, `${own}-link`);
    for (const out of [own, `${own}/`, join(own, '..', basename(own)), `${own}-link`])
      for (const model of [own, pathToFileURL(own).href])
        expect(await failed([model, '--out', out, '--force'])).toMatch(/is the model itself.*\[ARGUMENT\]/);
  });

  it('what is in 8 bits already, what is no model, and weights that are no numbers: nothing is written', async () => {
    await run(['quantize', tinyPath, '--out', at('eighths'), '--no-check']);
    expect(await failed([at('eighths'), '--out', at('out')])).toMatch(/in 8 bits already.*\[ARGUMENT\]/);
    expect(await failed([at('nowhere'), '--out', at('out')])).toMatch(/\[NOT_FOUND\]/);
    const weights = tinyWeights();
    const name = 'encoder.layer.0.output.dense.weight';
    const wrong = { ...weights, [name]: weightOf(new Float32Array(32 * 40).fill(Number.NaN), [32, 40]) };
    expect(await failed([modelOf('nan', tinyConfig(), wrong), '--out', at('out')])).toMatch(/output\.dense.*\[NUMERIC\]/);
    const { [name]: _, ...missing } = weights;
    expect(await failed([modelOf('missing', tinyConfig(), missing), '--out', at('out')])).toMatch(/output\.dense.*\[MODEL_MISMATCH\]/);
    expect(existsSync(at('out'))).toBe(false);
  });
});

itWith('models/all-MiniLM-L6-v2')('MiniLM has less than 24 MiB with all its files, and vectors within a cosine of 0.999', async () => {
  const path = shared('models/all-MiniLM-L6-v2');
  const { code } = await run(['quantize', path, '--out', at('minilm'), '--no-check']);
  expect(code).toBe(0);
  expect(bytesIn(at('minilm'))).toBeLessThan(24 * 2 ** 20);
  const expected: { text: string; mean: number[] }[] = JSON.parse(readFileSync(join(path, 'expected.json'), 'utf8'));
  const extractor = await pipeline('feature-extraction', at('minilm'), { engine });
  const texts = expected.map(({ text }) => text);
  const { data } = await extractor(texts, { pooling: 'mean', normalize: true, max_length: 512 });
  const cosines = expected.map(({ mean }, i) => mean.reduce((sum, x, c) => sum + x * (data[i * 384 + c] as number), 0));
  expect(cosines).toHaveLength(40);
  expect(Math.min(...cosines)).toBeGreaterThan(0.999);
  extractor.dispose();
});
