/** response_format: the form of an answer, beside all else that changes scores. */
import { registerResponseFormats } from 'heed';
import { constrain } from 'heed/structured';
import { afterAll, describe, expect, it } from 'vitest';
import { failureOf } from '../io/memory.js';
import { dispose, input_ids, model, plain, start, texts, tokenizer, tokens, write } from './writer.js';

afterAll(dispose);

const schema = {
  type: 'object',
  properties: { n: { type: 'integer', minimum: 0, maximum: 99 }, ok: { type: 'boolean' } },
  required: ['n', 'ok'],
};
const json = { type: 'json_schema', json_schema: { schema }, whitespace: false } as const;

describe('response_format', () => {
  it.each([
    ['greedy', {}],
    ['drawn', { do_sample: true, top_k: 0, temperature: 3, num_return_sequences: 4, seed: 5 }],
    ['of beams', { num_beams: 3, num_return_sequences: 3 }],
    ['of beams that are drawn', { num_beams: 3, do_sample: true, seed: 2 }],
    ['behind penalties and biases', { presence_penalty: 2, repetition_penalty: 1.5, logit_bias: { 60: 50 } }],
  ])('holds every answer to the form: %s', async (_, options) => {
    for (const text of await texts({ ...options, response_format: json, max_new_tokens: 24 })) {
      const answer = JSON.parse(text) as { n: number; ok: boolean };
      expect(Object.keys(answer)).toEqual(['n', 'ok']);
      expect(answer.n >= 0 && answer.n <= 99 && Number.isInteger(answer.n)).toBe(true);
    }
    for (const text of await texts({ ...options, response_format: { type: 'choice', choices: ['yes', 'no'] } }))
      expect(['yes', 'no']).toContain(text);
    for (const text of await texts({ ...options, response_format: { type: 'regex', regex: '[a-c]{2}\\d' } }))
      expect(text).toMatch(/^[a-c]{2}\d$/);
  });

  it('is the best of the choices for beams that are wide enough', async () => {
    const choices = ['ab', 'cd', 'xy', 'QR'];
    const scoreOf = async (choice: string) => {
      const ids = [...(input_ids[0] as number[]), ...tokenizer.encode(choice), tokenizer.eos_token_id as number];
      const { logits } = await model({ input_ids: [ids] });
      const V = logits.dims[2] as number;
      let sum = 0;
      for (let t = start; t < ids.length; t++) {
        const row = Array.from(logits.data.slice((t - 1) * V, t * V));
        sum += (row[ids[t] as number] as number) - Math.log(row.reduce((all, x) => all + Math.exp(x), 0));
      }
      return sum;
    };
    const scores = await Promise.all(choices.map(scoreOf));
    const best = choices[scores.indexOf(Math.max(...scores))];
    expect(await texts({ response_format: { type: 'choice', choices }, num_beams: 8, early_stopping: 'never' })).toEqual([best]);
  });

  it('leaves what is written beside it as it is', async () => {
    const [free, held] = await Promise.all([tokens({}), texts({ response_format: { type: 'choice', choices: ['one', 'two'] } })]);
    expect(free).toEqual(plain);
    expect(['one', 'two']).toContain(held[0]);
  });

  it('goes on with rows that ended while steps are told', async () => {
    const told = await model.generate({
      ...{ input_ids: [[4], [9]], tokenizer, response_format: { type: 'choice', choices: ['a', 'bcdefg'] }, max_new_tokens: 9 },
      ...{ do_sample: true, temperature: 5, top_k: 0, seed: 3, num_return_sequences: 4 },
      ...{ return_dict_in_generate: true, output_scores: true },
    });
    const lengths = (told.sequences.tolist() as number[][]).map((row) => row.indexOf(tokenizer.eos_token_id as number));
    expect(new Set(lengths)).toEqual(new Set([2, 7]));
  });

  it('is an option of text-generation, of texts and conversations', async () => {
    const response_format = { type: 'choice', choices: ['left', 'right'] } as const;
    const options = { response_format, return_full_text: false, max_new_tokens: 9 };
    for (const [{ generated_text }] of (await write(['a', 'b'], options)) as [{ generated_text: string }][])
      expect(['left', 'right']).toContain(generated_text);
    const [answer] = await write([{ role: 'user', content: 'Where?' }], options);
    expect(['left', 'right']).toContain(answer?.generated_text.at(-1)?.content);
  });

  it('takes what constrain makes, and refuses what cannot be', async () => {
    const made = constrain(tokenizer, { type: 'choice', choices: ['here'] }, { eos_token_id: 2 });
    expect(await tokens({ response_format: made, eos_token_id: 2 })).toEqual([[...tokenizer.encode('here'), 2]]);
    const refused = async (options: object) => {
      const { code, culprit } = await failureOf(() => model.generate({ input_ids, ...options }));
      return [code, culprit];
    };
    expect(await refused({ response_format: json })).toEqual(['ARGUMENT', 'tokenizer']);
    expect(await refused({ response_format: { type: 'xml' }, tokenizer })).toEqual(['ARGUMENT', 'response_format']);
    expect(await refused({ response_format: json, tokenizer: 5 })).toEqual(['ARGUMENT', 'tokenizer']);
    registerResponseFormats(undefined as never);
    try {
      expect(await refused({ response_format: json, tokenizer })).toEqual(['UNSUPPORTED', 'response_format']);
    } finally {
      registerResponseFormats(constrain);
    }
  });
});
