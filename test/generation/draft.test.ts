/** Guesses at the next tokens: with them greedy search writes what it writes without, bit by bit, in fewer steps. */
import { readFileSync } from 'node:fs';
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM, type CausalLM, DynamicCache, HeedError, type HostTensor, pipeline } from 'heed';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PromptLookUp } from '../../dist/generation/draft.js';
import { drained } from '../../dist/steps.js';
import { failureOf } from '../io/memory.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { hasSmollm2, smollm2 } from '../smollm2.js';
import { changed, engine, fixture, names, prompts, told } from './guesses.js';

afterAll(() => engine.dispose());

it('a model with convolutions neither guesses nor is guessed for', async () => {
  const [other, model] = await Promise.all(
    ['lfm2', 'llama'].map((name) => AutoModelForCausalLM.from_pretrained(fixture(`causal/${name}`), { engine })),
  );
  const asked = { input_ids: [[5, 9]], max_new_tokens: 4 };
  await expect(other?.generate({ ...asked, prompt_lookup_num_tokens: 3 })).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'model' });
  await expect(model?.generate({ ...asked, assistant_model: other })).rejects.toMatchObject({
    code: 'ARGUMENT',
    culprit: 'assistant_model',
  });
  for (const one of [other, model]) one?.dispose();
});

describe.each(names)('%s', (name) => {
  let model: CausalLM;
  beforeAll(async () => {
    model = await AutoModelForCausalLM.from_pretrained(changed(`causal/${name}`, { eos_token_id: 96 }), { engine });
  });
  afterAll(() => model.dispose());

  it('writes the same text, by the same scores', async () => {
    let saved = 0;
    for (const ids of prompts) {
      const options = { input_ids: [ids], max_new_tokens: 64 - 16 };
      const plain = await told(model, options);
      for (const own of [{ prompt_lookup_num_tokens: 5 }, { prompt_lookup_num_tokens: 12, max_matching_ngram_size: 1 }]) {
        const ahead = await told(model, { ...options, ...own });
        expect(ahead.tokens).toEqual(plain.tokens);
        expect(ahead.bits).toEqual(plain.bits);
        saved += plain.steps - ahead.steps;
      }
    }
    // Tiny models come to say the same again and again.
    expect(saved).toBeGreaterThan(10);
  });
});

describe('guesses', () => {
  it.each([
    ['dynamic', { rope_parameters: { rope_type: 'dynamic', factor: 4, rope_theta: 10000 }, max_position_embeddings: 24 }],
    [
      'longrope',
      {
        rope_parameters: {
          ...{ rope_type: 'longrope', factor: 4, rope_theta: 10000, original_max_position_embeddings: 20 },
          ...{ short_factor: Array(8).fill(1), long_factor: Array(8).fill(3) },
        },
        max_position_embeddings: 80,
      },
    ],
  ])('are not read across a length from which on positions turn otherwise: %s', async (_, config) => {
    const { head_dim = 16 } = JSON.parse(readFileSync(`${fixture('causal/llama')}/config.json`, 'utf8')) as { head_dim?: number };
    const sized = JSON.parse(
      JSON.stringify(config).replaceAll(/\[(1|3)(,\1)*\]/g, (_, x) => JSON.stringify(Array(head_dim / 2).fill(Number(x)))),
    );
    const model = await AutoModelForCausalLM.from_pretrained(changed('causal/llama', { ...sized, eos_token_id: 96 }), { engine });
    const room = config.max_position_embeddings;
    for (const ids of prompts) {
      const options = { input_ids: [ids], max_new_tokens: Math.min(48, room - ids.length) };
      const { steps, ...plain } = await told(model, options);
      const { steps: fewer, ...ahead } = await told(model, { ...options, prompt_lookup_num_tokens: 9 });
      expect(ahead).toEqual(plain);
      expect(fewer).toBeLessThanOrEqual(steps);
    }
    model.dispose();
  });

  it.each(['hf/bart', 't5'])('are of use where a source is read: %s', async (name) => {
    const model = await AutoModelForSeq2SeqLM.from_pretrained(fixture(name.includes('/') ? name : `hf/${name}`), { engine });
    const options = { input_ids: [[6, 59, 81]], max_new_tokens: 30, min_new_tokens: 30, forced_eos_token_id: undefined };
    const plain = await told(model, options);
    const ahead = await told(model, { ...options, prompt_lookup_num_tokens: 6 });
    expect([ahead.tokens, ahead.bits]).toEqual([plain.tokens, plain.bits]);
    expect(ahead.steps).toBeLessThan(plain.steps);
    model.dispose();
  });

  it('take nothing from the options, ends, streams and what is told', async () => {
    const write = await pipeline('text-generation', tinyWriter, { engine });
    const { model, tokenizer } = write;
    const input_ids = [tokenizer.encode('Hello Hello Hello')];
    const look = { prompt_lookup_num_tokens: 8 };
    const base = { input_ids, tokenizer, max_new_tokens: 30 };
    const text = tokenizer.decode(((await model.generate(base)).tolist() as number[][])[0] ?? []).slice(17);
    const variants: object[] = [
      { repetition_penalty: 1.3 },
      { frequency_penalty: 0.05, presence_penalty: 0.1 },
      { no_repeat_ngram_size: 3 },
      { stop_strings: [text.slice(9, 12), text.slice(20, 22)] },
      { eos_token_id: tokenizer.encode(text.slice(14, 15)) },
      { response_format: { type: 'regex', regex: '(ab){3,9}c' } },
      { stopping_criteria: (ids: number[][]) => ids.map((row) => row.length > 30) },
      { min_new_tokens: 30, max_new_tokens: 31 },
    ];
    for (const options of variants) {
      const plain = await model.generate({ ...base, ...options, return_dict_in_generate: true, logprobs: 2 });
      const heard: number[][] = [];
      const streamer = { put: ([row]: number[][]) => void heard.push(row as number[]), end: () => {} };
      const ahead = await model.generate({ ...base, ...options, ...look, streamer, return_dict_in_generate: true, logprobs: 2 });
      expect(ahead).toEqual(plain);
      expect(heard.flat()).toEqual((plain.sequences.tolist() as number[][])[0]);
      expect(heard.slice(1).every((row) => row.length === 1)).toBe(true);
    }
    write.dispose();
  });

  it('are made while a call is alone, and change nothing beside others; they end with it, and leave nothing behind', async () => {
    const model = await AutoModelForCausalLM.from_pretrained(changed('causal/llama', { eos_token_id: 96 }), { engine });
    const call = (i: number, more = {}) => model.generate({ input_ids: [prompts[i] as number[]], max_new_tokens: 40, ...more });
    const lists = async (results: Promise<HostTensor>[]) => (await Promise.all(results)).map((one) => one.tolist());
    const look = { prompt_lookup_num_tokens: 7 };
    const alone = await lists([call(0), call(2, { max_new_tokens: 9 }), call(3, { num_beams: 3 })]);
    const { used, storages } = engine.memory();
    expect(await lists([call(0, look), call(2, { ...look, max_new_tokens: 9 }), call(3, { num_beams: 3 })])).toEqual(alone);
    expect(engine.memory()).toMatchObject({ used, storages });
    const failing = {
      ...look,
      logits_processor: (ids: number[][]) => {
        if (ids[0]?.length === 30) throw new Error('mine');
      },
    };
    await expect(call(0, failing)).rejects.toThrow('mine');
    expect(await lists([call(0, look)])).toEqual([alone[0]]);
    expect(engine.memory()).toMatchObject({ used, storages });
    model.dispose();
  });

  it('are given up where memory does not hold them', async () => {
    const model = await AutoModelForCausalLM.from_pretrained(changed('causal/llama', { eos_token_id: 96 }), { engine });
    const options = { input_ids: [prompts[2] as number[]], max_new_tokens: 30 };
    const plain = (await model.generate(options)).tolist();
    const decode = model.module.decode.bind(model.module);
    let refused = 0;
    vi.spyOn(model.module, 'decode').mockImplementation(function* (ids, shape, state, wants) {
      if (shape[1] > 1 && state.length > 0) {
        refused++;
        throw new HeedError('MEMORY', 'full', { culprit: 'memory' });
      }
      return yield* decode(ids, shape, state, wants);
    });
    expect((await model.generate({ ...options, prompt_lookup_num_tokens: 7 })).tolist()).toEqual(plain);
    expect(refused).toBe(1);
    model.dispose();
  });

  it.each([
    ['beams', { num_beams: 2 }, 'prompt_lookup_num_tokens'],
    ['draws', { do_sample: true }, 'prompt_lookup_num_tokens'],
    ['several texts', { input_ids: [[4], [5]] }, 'prompt_lookup_num_tokens'],
    ['none at all', { prompt_lookup_num_tokens: 0 }, 'prompt_lookup_num_tokens'],
    [
      'a length of what is looked up, and nothing to look up',
      { prompt_lookup_num_tokens: undefined, max_matching_ngram_size: 2 },
      'max_matching_ngram_size',
    ],
  ])('are refused with %s', async (_, options, culprit) => {
    const model = await AutoModelForCausalLM.from_pretrained(fixture('causal/llama'), { engine });
    const given = { input_ids: [[4]], prompt_lookup_num_tokens: 3, ...options };
    expect(await failureOf(() => model.generate(given))).toMatchObject({ code: 'ARGUMENT', culprit });
    model.dispose();
  });

  it('follow the longest run that stands there already, its first place', () => {
    const found = (ids: number[], tokens = 3, ngram = 2, most = 99) => drained(new PromptLookUp({ tokens, ngram }).draft(ids, most));
    expect(found([1, 2, 3, 4, 5, 1, 2])).toEqual([3, 4, 5]);
    expect(found([1, 9, 8, 7, 2, 1, 5, 6, 2, 1])).toEqual([5, 6, 2]);
    expect(found([3, 1, 9, 1])).toEqual([9, 1]);
    expect(found([1, 2, 3, 4, 5, 1, 2], 3, 2, 1)).toEqual([3]);
    expect(found([1, 2, 3])).toEqual([]);
    expect(found([1])).toEqual([]);
  });
});

it.skipIf(!hasSmollm2)(
  'SmolLM2 repeats a text in fewer steps, and says the same',
  async () => {
    const write = await pipeline('text-generation', smollm2, { engine });
    const text = [{ role: 'user', content: 'Copy this: "Alice was beginning to get very tired of sitting by her sister on the bank."' }];
    const run = vi.spyOn(engine, 'run');
    const plain = await write(text, { max_new_tokens: 18 });
    const steps = run.mock.calls.length;
    const ahead = await write(text, { max_new_tokens: 18, prompt_lookup_num_tokens: 6 });
    expect(ahead).toEqual(plain);
    expect(run.mock.calls.length - steps).toBeLessThanOrEqual(steps / 2);
    run.mockRestore();
    write.dispose();
  },
  60_000,
);

it('what was guessed rightly is remembered, what was not is not', async () => {
  const model = await AutoModelForCausalLM.from_pretrained(fixture('causal/llama'), { engine });
  for (const ids of prompts) {
    const asked = { input_ids: [ids], max_new_tokens: 30 };
    const plain = ((await model.generate(asked)).tolist() as number[][])[0] as number[];
    const past_key_values = new DynamicCache();
    await model.generate({ ...asked, prompt_lookup_num_tokens: 5, past_key_values });
    expect(past_key_values.input_ids).toEqual(plain.slice(0, past_key_values.get_seq_length()));
    expect(past_key_values.get_seq_length()).toBe(plain.length - 1);
    const more = { input_ids: [plain], max_new_tokens: 10 };
    const alone = (await model.generate(more)).tolist();
    expect((await model.generate({ ...more, past_key_values })).tolist()).toEqual(alone);
    past_key_values.dispose();
  }
  model.dispose();
});
