/** Models out of GGUF files: SmolLM2 says what transformers says of the same weights, and files that are no model's are refused by name. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForCausalLM, AutoTokenizer, type CausalLM, createEngine, type Engine, estimate } from '../dist/entry/node.js';
import { ggufReader } from '../dist/gguf.js';
import { folderFor } from '../dist/io/find.js';
import { folderAt } from '../dist/io/folder.js';
import { readJson } from '../dist/io/json.js';
import { readParts } from '../dist/models/parts.js';
import { quantizeCheckpoint } from '../dist/models/quantize_checkpoint.js';
import { gguf, partsOf } from './io/gguf_file.js';
import { failureOf } from './io/memory.js';
import { hasSmollm2Expected, smollm2, smollm2Expected } from './smollm2.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2 });
});
afterAll(() => engine.dispose());

describe.skipIf(!hasSmollm2Expected)('SmolLM2 in Q4_1', () => {
  const { prompts, chats, template } = hasSmollm2Expected ? JSON.parse(readFileSync(smollm2Expected, 'utf8')) : {};
  let model: CausalLM;
  beforeAll(async () => {
    model = await AutoModelForCausalLM.from_pretrained(smollm2, { engine });
  }, 60_000);
  afterAll(() => model.dispose());

  it('keeps its weights as the file has them', async () => {
    const dtypes = new Map<string, number>();
    for (const [, parameter] of model.module.namedParameters()) dtypes.set(parameter.dtype, (dtypes.get(parameter.dtype) ?? 0) + 1);
    expect(Object.fromEntries(dtypes)).toEqual({ q8: 1, q4: 150, float32: 61 });
    const { parameters, weights } = await estimate(smollm2);
    expect(parameters).toBe(134_515_008);
    expect(weights).toBeLessThan(100e6);
  });

  it('has the scores that transformers gives for the dequantised weights, and makes its choices', async () => {
    for (const { text, ids, greedy, gap, logits_max, top10, logits_every_997th } of prompts) {
      const { logits } = await model({ input_ids: [[...ids, ...greedy]] });
      const V = logits.dims[2] as number;
      const at = (token: number) => logits.data.subarray((ids.length - 1 + token) * V, (ids.length + token) * V) as Float32Array;
      const near = (token: number, score: number) =>
        expect(Math.abs((at(0)[token] as number) - score), text).toBeLessThan(2e-2 * logits_max);
      for (const [token, score] of top10) near(token, score);
      for (const [i, score] of logits_every_997th.entries()) near(997 * i, score);
      for (const [i, token] of greedy.entries())
        if (gap[i] >= 0.1) expect(at(i).indexOf(at(i).reduce((a, b) => Math.max(a, b))), text).toBe(token);
    }
  }, 120_000);

  it("is saved under Hugging Face's names, tokenizer and all, and loads as the same", async () => {
    const out = mkdtempSync(join(tmpdir(), 'heed-gguf-'));
    try {
      const { ids, logits_max } = prompts[0];
      const scores = async (of: CausalLM) => (await of({ input_ids: [ids] })).logits.data as Float32Array;
      await model.save_pretrained(join(out, 'as it is'));
      const same = await AutoModelForCausalLM.from_pretrained(join(out, 'as it is'), { engine });
      expect(await scores(same)).toEqual(await scores(model));
      same.dispose();
      await model.save_pretrained(out, { dtype: 'fp32' });
      const again = await AutoModelForCausalLM.from_pretrained(out, { engine });
      const [one, other] = [await scores(model), await scores(again)];
      const far = one.reduce((most, x, i) => Math.max(most, Math.abs(x - (other[i] as number))), 0);
      expect(far).toBeLessThan(2e-2 * logits_max);
      expect((await AutoTokenizer.from_pretrained(out)).encode(prompts[0].text)).toEqual(ids);
      again.dispose();
    } finally {
      rmSync(out, { recursive: true });
    }
    const parts = await readParts(ggufReader(folderAt(engine.runtime, smollm2)));
    await expect(quantizeCheckpoint(engine, parts, out)).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'model' });
  }, 120_000);

  it('writes, stops where its files say, and has its chats', async () => {
    const tokenizer = await AutoTokenizer.from_pretrained(smollm2);
    expect(tokenizer.chat_template).toBe(template);
    for (const { messages, text } of chats)
      expect(tokenizer.apply_chat_template(messages, { add_generation_prompt: true, tokenize: false })).toBe(text);
    const [prompt] = prompts;
    const [row] = (await model.generate({ input_ids: [prompt.ids], max_new_tokens: 64 })).tolist() as number[][];
    const end = prompt.greedy.indexOf(2) + 1;
    expect(row?.slice(prompt.ids.length)).toEqual(prompt.greedy.slice(0, end));
  }, 60_000);
});

describe('a Llama in K-quants', () => {
  const at = (name: string) => fileURLToPath(new URL(`fixtures/gguf/${name}`, import.meta.url));
  const { ids, logits, long, plain, scaled } = JSON.parse(readFileSync(at('llama_k.json'), 'utf8')) as {
    ids: number[];
    logits: number[][];
    long: number[];
    plain: number[];
    scaled: Record<string, { keys: Record<string, string | number>; tensors: Record<string, number[]>; logits: number[] }>;
  };
  const expected = logits.flat();
  /** How far scores are from those of torch, as a share of what those vary. */
  const farness = async (dtype?: 'fp32' | 'q8') => {
    const model = await AutoModelForCausalLM.from_pretrained(at('llama_k.gguf'), { engine, ...(dtype && { dtype }) });
    const dtypes = new Set([...model.module.namedParameters()].map(([key, parameter]) => `${key} ${parameter.dtype}`));
    const { data } = (await model({ input_ids: [ids] })).logits;
    model.dispose();
    const rms = (values: readonly number[]) => Math.hypot(...values) / Math.sqrt(values.length);
    return { dtypes, far: rms(expected.map((value, i) => value - (data[i] as number))) / rms(expected) };
  };

  it('has the scores that torch has of the dequantised weights, where all are float32', async () => {
    expect((await farness('fp32')).far).toBeLessThan(1e-5);
  });

  it('as it is differs by what rounding Q2_K, Q5_K, Q6_K and Q5_1 takes', async () => {
    const { dtypes, far } = await farness();
    for (const one of ['embeddings.word.weight q8', 'layers.0.self_attn.in_proj_weight q8', 'layers.1.self_attn.in_proj_weight q4'])
      expect(dtypes).toContain(one);
    expect(far).toBeGreaterThan(1e-5);
    expect(far).toBeLessThan(0.03);
  });

  /** The same file with more keys and small tensors. */
  const withMore = (more: Record<string, string | number>, vectors: Record<string, number[]>) => {
    const { keys, tensors, data } = partsOf(new Uint8Array(readFileSync(at('llama_k.gguf'))));
    const own = Object.entries(more).map(([key, value]) => [`llama.${key}`, fieldOf(value)] as const);
    const pieces = Object.values(vectors).map((values) => new Uint8Array(Float32Array.from(values).buffer));
    const added = Object.entries(vectors).map(([name, { length }], i) => ({
      name,
      sizes: [length],
      type: 0,
      offset: data.length + 32 * i,
    }));
    return gguf({ keys: [...keys, ...own], tensors: [...tensors, ...added], data: new Uint8Array(Buffer.concat([data, ...pieces])) });
  };
  const fieldOf = (value: string | number): readonly [number, unknown] =>
    typeof value === 'string' ? [8, value] : [6, [...new Uint8Array(Float32Array.of(value).buffer)]];
  const lastScores = async (file: Uint8Array) => {
    const model = await AutoModelForCausalLM.from_pretrained({ 'a.gguf': file }, { engine, dtype: 'fp32' });
    const { data, dims } = (await model({ input_ids: [long] })).logits;
    model.dispose();
    return Array.from(data.slice(-(dims[2] as number)) as Float32Array);
  };
  const furthest = (some: readonly number[], others: readonly number[]) =>
    some.reduce((most, value, i) => Math.max(most, Math.abs(value - (others[i] as number))), 0);

  it.each(Object.keys(scaled))('has rotary positions that are scaled as transformers has them: %s', async (name) => {
    const { keys, tensors, logits: wanted } = scaled[name] as (typeof scaled)[string];
    const own = await lastScores(withMore(keys, tensors));
    expect(furthest(wanted, plain)).toBeGreaterThan(0.1);
    expect(furthest(own, wanted)).toBeLessThan(1e-4);
  });

  it.each<[string, Record<string, string | number>, Record<string, number[]>, string, RegExp]>([
    ['a way that heed does not have', { 'rope.scaling.type': 'ntk' }, {}, 'UNSUPPORTED', /ntk/],
    [
      'two ways at once',
      { 'rope.scaling.type': 'yarn', 'rope.scaling.factor': 2 },
      { 'rope_freqs.weight': Array(8).fill(2) },
      'UNSUPPORTED',
      /"yarn" and/,
    ],
    ['too few factors', {}, { 'rope_freqs.weight': [1, 2, 3] }, 'FORMAT', /8 factors/],
    ['a factor of 0', {}, { 'rope_freqs.weight': [1, 2, 3, 4, 0, 6, 7, 8] }, 'FORMAT', /8 factors/],
  ])('with positions that are scaled by %s is refused', async (_, keys, tensors, code, message) => {
    const file = withMore(keys, tensors);
    expect(await failureOf(() => lastScores(file))).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('a GGUF file', () => {
  const key = (name: string, value: string | number): readonly [string, readonly [number, unknown]] => [
    name,
    [typeof value === 'string' ? 8 : 4, value],
  ];
  const load = (
    keys: (readonly [string, readonly [number, unknown]])[],
    tensors: { name: string; sizes: number[]; type: number; offset: number }[] = [],
  ) => {
    const file = gguf({ keys, tensors, data: 64 });
    return AutoModelForCausalLM.from_pretrained({ 'a.gguf': file }, { engine });
  };
  const llama = [
    key('general.architecture', 'llama'),
    ...Object.entries({
      block_count: 1,
      embedding_length: 8,
      feed_forward_length: 8,
      context_length: 16,
      'attention.head_count': 2,
      vocab_size: 4,
    }).map(([name, value]) => key(`llama.${name}`, value)),
  ];

  it.each([
    ['another architecture', [key('general.architecture', 'mamba')], 'UNSUPPORTED', /"mamba"/],
    ['no architecture', [], 'FORMAT', /does not name an architecture/],
    ['an architecture whose weights have other names there', [key('general.architecture', 'bert')], 'UNSUPPORTED', /of bert in GGUF/],
    ['sizes that are texts', [key('general.architecture', 'llama'), key('llama.block_count', 'one')], 'FORMAT', /block_count/],
    ['no tensors', llama, 'MODEL_MISMATCH', /1 layers|has no/],
    ['positions scaled by what heed does not have', [...llama, key('llama.rope.scaling.type', 'su')], 'UNSUPPORTED', /by "su"/],
  ] as const)('of %s is refused', async (_, keys, code, message) => {
    const error = await failureOf(() => load([...keys]));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  /** Tokens, their kinds, merges and a template: a list is of one type. */
  const vocabulary = (tokens: readonly string[]) => [
    key('tokenizer.ggml.model', 'gpt2'),
    key('tokenizer.ggml.pre', 'gpt-2'),
    ['tokenizer.ggml.tokens', [9, [8, tokens]]] as const,
    ['tokenizer.ggml.token_type', [9, [5, tokens.map((token) => (token.startsWith('<') ? 3 : 1))]]] as const,
    ['tokenizer.ggml.merges', [9, [8, ['a b']]]] as const,
  ];

  it('of an architecture that heed does not have has its tokenizer all the same', async () => {
    const file = gguf({ keys: [key('general.architecture', 'mamba'), ...vocabulary(['a', 'b', 'ab', '<|eot_id|>'])] });
    const tokenizer = await AutoTokenizer.from_pretrained({ 'a.gguf': file });
    expect(tokenizer.encode('ab<|eot_id|>ba')).toEqual([2, 3, 1, 0]);
  });

  it.each([
    ['by its own id', [key('tokenizer.ggml.eot_token_id', 1)], [2, 1]],
    ['by the name of a token', [], [2, 3]],
  ])('ends turns of a chat %s', async (_, more, ends) => {
    const keys = [...llama, ...vocabulary(['a', 'b', '<e>', '<|im_end|>']), key('tokenizer.ggml.eos_token_id', 2), ...more];
    const folder = ggufReader(await folderFor(engine.runtime, { 'a.gguf': gguf({ keys }) }));
    expect(await readJson(folder, 'generation_config.json')).toEqual({ eos_token_id: ends });
  });

  it('of a kind of blocks that heed does not have is refused before anything is read', async () => {
    const error = await failureOf(() =>
      load(llama, [
        { name: 'token_embd.weight', sizes: [8, 4], type: 0, offset: 0 },
        { name: 'output_norm.weight', sizes: [8], type: 99, offset: 32 },
      ]),
    );
    expect(['MODEL_MISMATCH', 'DTYPE', 'FORMAT']).toContain(error.code);
  });
});
