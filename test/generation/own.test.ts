/** What a call brings along beside its form: stop strings, biases, processors and criteria of its own, and what it is told of probabilities. */
import {
  AutoModelForCausalLM,
  type HostTensor,
  InterruptableStoppingCriteria,
  LogitsProcessor,
  StoppingCriteria,
  TextStreamer,
} from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { failureOf } from '../io/memory.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { dispose, engine, input_ids, model, plain, plainText, start, texts, tokenizer, tokens, write } from './writer.js';

afterAll(dispose);

const schema = {
  type: 'object',
  properties: { n: { type: 'integer', minimum: 0, maximum: 99 }, ok: { type: 'boolean' } },
  required: ['n', 'ok'],
};
const _json = { type: 'json_schema', json_schema: { schema }, whitespace: false } as const;

describe('stop_strings', () => {
  it('end a text with the token that completes one, which stays', async () => {
    const stop = plainText.slice(3, 6);
    const [text] = await texts({ stop_strings: [stop, 'never written'] });
    expect(text).toBe(plainText.slice(0, plainText.indexOf(stop) + 3));
    expect(await texts({ stop_strings: stop, num_beams: 1 })).toEqual([text]);
    const [{ generated_text } = { generated_text: '' }] = await write('Hello', { stop_strings: stop, max_new_tokens: 12 });
    expect(generated_text).toBe(`Hello${text}`);
  });

  it('may begin in the prompt, and end beams as well', async () => {
    const first = plainText[0] as string;
    expect(await texts({ stop_strings: `o${first}` })).toEqual([first]);
    const beams = await texts({ num_beams: 4, num_return_sequences: 4, stop_strings: ['a', 'e', 'i', '%', plainText[2] as string] });
    const endings = beams.map((text) => /[aei%]/.test(text.slice(0, -1)));
    expect(endings).not.toContain(true);
  });

  it('are not shown by streams, of which nothing else is lost', async () => {
    for (const stop of [plainText.slice(3, 6), plainText.slice(0, 2), `o${plainText[0]}`, plainText.slice(7, 8)]) {
      let shown = '';
      const streamer = new TextStreamer(tokenizer, { skip_prompt: true, callback_function: (piece) => (shown += piece) });
      const [text = ''] = await texts({ stop_strings: [stop], streamer });
      const whole = `Hello${text}`;
      expect(whole.endsWith(stop)).toBe(true);
      expect(shown).toBe(whole.slice(5, Math.max(5, whole.length - stop.length)));
    }
  });

  it('need the tokenizer', async () => {
    const { code, culprit } = await failureOf(() => model.generate({ input_ids, stop_strings: 'x' }));
    expect([code, culprit]).toEqual(['ARGUMENT', 'tokenizer']);
  });
});

describe('penalties and biases', () => {
  const [first] = plain[0] as [number];
  /** The scores that the first steps chose by, and those of the model. */
  const told = async (options: object) => {
    const given = {
      input_ids,
      max_new_tokens: 4,
      return_dict_in_generate: true,
      output_scores: true,
      output_logits: true,
      ...options,
    } as const;
    const { sequences, scores = [], logits = [] } = await model.generate(given);
    return { ids: (sequences.tolist() as number[][])[0]?.slice(start) as number[], scores, logits };
  };

  it('take from what was generated, once or as often as it was', async () => {
    const { ids, scores, logits } = await told({ presence_penalty: 0.5, frequency_penalty: 0.25 });
    for (const [step, { data }] of scores.entries()) {
      const want = Float32Array.from((logits[step] as HostTensor).data as Float32Array);
      for (const id of new Set(ids.slice(0, step)))
        want[id] = (want[id] as number) - 0.5 - 0.25 * ids.slice(0, step).filter((one) => one === id).length;
      expect(data).toEqual(want);
    }
    // The prompt's tokens lose nothing.
    expect(scores[0]?.data).toEqual(logits[0]?.data);
  });

  it('are added by tokens', async () => {
    const { scores, logits } = await told({ logit_bias: { [first]: -1.5, 7: 2 } });
    const want = Float32Array.from(logits[0]?.data as Float32Array);
    want[first] = (want[first] as number) - 1.5;
    want[7] = (want[7] as number) + 2;
    expect(scores[0]?.data).toEqual(want);
    expect(await tokens({ logit_bias: { 9: 100 }, max_new_tokens: 3 })).toEqual([[9, 9, 9]]);
  });

  it.each([
    ['a bias of a token that is none', { logit_bias: { 97: 1 } }, 'logit_bias'],
    ['a bias by a name', { logit_bias: { one: 1 } }, 'logit_bias'],
    ['a bias by no name', { logit_bias: { '': 1 } }, 'logit_bias'],
    ['a list of biases', { logit_bias: [1, 2] }, 'logit_bias'],
    ['a bias that is no number', { logit_bias: { 1: Number.POSITIVE_INFINITY } }, 'logit_bias'],
    ['a penalty that is none', { presence_penalty: '1' }, 'presence_penalty'],
    ['min_p without drawing', { min_p: 0.1 }, 'min_p'],
    ['typical_p without drawing', { typical_p: 0.5 }, 'typical_p'],
    ['min_p above 1', { min_p: 1.1, do_sample: true }, 'min_p'],
    ['an empty stop string', { stop_strings: ['a', ''] }, 'stop_strings'],
    ['probabilities of no number', { logprobs: true, return_dict_in_generate: true }, 'logprobs'],
    ['probabilities that nobody gets', { logprobs: 1 }, 'logprobs'],
    ['probabilities of beams', { logprobs: 1, return_dict_in_generate: true, num_beams: 2 }, 'logprobs'],
    ['a processor that is none', { logits_processor: [3] }, 'logits_processor'],
    ['a criterion that is none', { stopping_criteria: 'stop' }, 'stopping_criteria'],
  ])('are refused: %s', async (_, options, culprit) => {
    expect(await failureOf(() => model.generate({ input_ids, ...options } as never))).toMatchObject({ code: 'ARGUMENT', culprit });
  });
});

describe('a draw', () => {
  it('takes tokens that min_p and typical_p leave', async () => {
    const draw = { do_sample: true, top_k: 0, temperature: 2, num_return_sequences: 16, seed: 1 };
    expect(await tokens({ ...draw, min_p: 1 })).toEqual(Array.from({ length: 16 }, () => plain[0]));
    const narrow = new Set((await tokens({ ...draw, typical_p: 0.2 })).map(String));
    const wide = new Set((await tokens(draw)).map(String));
    expect(narrow.size).toBeLessThanOrEqual(wide.size);
    expect(await tokens({ ...draw, typical_p: 0.2 })).not.toEqual(await tokens(draw));
  });
});

describe('a logits_processor', () => {
  it('changes scores in place, or gives others, as a function or a class; beams hear of each row', async () => {
    const seen: number[][] = [];
    const only = (input_ids: number[][], { data, dims }: HostTensor<Float32Array>) => {
      seen.push(...input_ids);
      expect(dims).toEqual([1, 97]);
      data.fill(Number.NEGATIVE_INFINITY);
      data[50 + (input_ids[0]?.length as number)] = 1;
      return undefined;
    };
    const want = [50 + start, 51 + start, 52 + start];
    expect(await tokens({ logits_processor: [only], max_new_tokens: 3 })).toEqual([want]);
    expect(seen.at(-1)).toEqual([...(input_ids[0] as number[]), ...want.slice(0, 2)]);
    expect(await tokens({ logits_processor: only, max_new_tokens: 3, num_beams: 2 })).toEqual([want]);
    class Other extends LogitsProcessor {
      constructor(readonly token: number) {
        super();
      }
      override _call(_: number[][], logits: HostTensor<Float32Array>) {
        const data = logits.data.map((_, i) => (i === this.token ? 1 : 0));
        return Object.assign(Object.create(Object.getPrototypeOf(logits)), logits, { data }) as HostTensor;
      }
    }
    expect(await tokens({ logits_processor: [new Other(11)], max_new_tokens: 2 })).toEqual([[11, 11]]);
  });

  it('that throws, or gives other scores, ends its own call alone', async () => {
    const failing = (given: number[][]) => {
      if ((given[0]?.length as number) > start + 2) throw new RangeError('mine');
      return undefined;
    };
    const [fails, short, goes] = await Promise.allSettled([
      tokens({ logits_processor: failing }),
      tokens({ logits_processor: () => ({ data: new Float32Array(3) }) }),
      tokens({}),
    ]);
    expect(fails).toMatchObject({ status: 'rejected', reason: { message: 'mine' } });
    expect(short).toMatchObject({ status: 'rejected', reason: { code: 'SHAPE', culprit: 'logits_processor' } });
    expect(goes).toEqual({ status: 'fulfilled', value: plain });
  });
});

describe('a stopping criterion', () => {
  it('ends rows, as a function or a class, and with beams', async () => {
    const long = (count: number) => (given: number[][]) => given.map((row) => row.length >= start + count);
    expect(await tokens({ stopping_criteria: long(4) })).toEqual([plain[0]?.slice(0, 4)]);
    expect(await tokens({ stopping_criteria: [long(9), (given: number[][]) => (given[0]?.length as number) > start + 1] })).toEqual([
      plain[0]?.slice(0, 2),
    ]);
    class Never extends StoppingCriteria {
      override _call(given: number[][]) {
        return given.map(() => false);
      }
    }
    expect(await tokens({ stopping_criteria: new Never() })).toEqual(plain);
    expect((await tokens({ stopping_criteria: long(3), num_beams: 3 }))[0]).toHaveLength(3);
    const thrown = tokens({
      stopping_criteria: () => {
        throw new Error('mine');
      },
    });
    await expect(thrown).rejects.toThrow('mine');
    expect(await tokens({})).toEqual(plain);
  });

  it('can be told to from outside, and keeps what was written', async () => {
    const stop = new InterruptableStoppingCriteria();
    let heard = 0;
    const streamer = { put: () => void (++heard === 4 && stop.interrupt()), end: () => {} };
    expect(await tokens({ stopping_criteria: stop, streamer })).toEqual([plain[0]?.slice(0, 3)]);
    stop.reset();
    expect(await tokens({ stopping_criteria: stop })).toEqual(plain);
  });
});

describe('logprobs', () => {
  it("are the model's own, of each token and the best others", async () => {
    const options = { input_ids, max_new_tokens: 5, do_sample: true, temperature: 4, seed: 2, top_k: 0, num_return_sequences: 2 };
    const asked = { return_dict_in_generate: true, output_logits: true, logprobs: 3 } as const;
    const { sequences, logprobs = [], logits = [] } = await model.generate({ ...options, ...asked });
    for (const [row, ids] of (sequences.tolist() as number[][]).entries()) {
      expect(logprobs[row]?.map(({ token }) => token)).toEqual(ids.slice(start));
      for (const [step, { token, logprob, top }] of (logprobs[row] ?? []).entries()) {
        const scores = ((logits[step] as HostTensor).tolist() as number[][])[row] as number[];
        const total = Math.log(scores.reduce((sum, x) => sum + Math.exp(x), 0));
        expect(logprob).toBeCloseTo((scores[token] as number) - total, 4);
        const best = [...scores.keys()].sort((a, b) => (scores[b] as number) - (scores[a] as number)).slice(0, 3);
        expect(top.map(({ token }) => token)).toEqual(best);
        for (const { token, logprob } of top) expect(logprob).toBeCloseTo((scores[token] as number) - total, 4);
      }
    }
    const none = await model.generate({ input_ids, max_new_tokens: 2, return_dict_in_generate: true, logprobs: 0 });
    expect(none.logprobs?.[0]?.map(({ top }) => top)).toEqual([[], []]);
    expect((await model.generate({ input_ids, return_dict_in_generate: true })).logprobs).toBeUndefined();
  });

  it('come with what text-generation gives', async () => {
    const [one] = await write('Hello', { max_new_tokens: 3, logprobs: 2 });
    expect(one?.logprobs?.map(({ token }) => token)).toEqual(plain[0]?.slice(0, 3));
  });
});

it('a model without an end of its own ends an answer with the tokenizer’s', async () => {
  const { eos_token_id: _, ...config } = JSON.parse(new TextDecoder().decode(tinyWriter['config.json'])) as Record<string, unknown>;
  const files = { ...tinyWriter, 'config.json': new TextEncoder().encode(JSON.stringify(config)) };
  const endless = await AutoModelForCausalLM.from_pretrained(files, { engine });
  const response_format = { type: 'choice', choices: ['ab'] } as const;
  const ids = (await endless.generate({ input_ids, tokenizer, response_format, max_new_tokens: 9 })).tolist() as number[][];
  expect(ids[0]?.slice(start)).toEqual([...tokenizer.encode('ab'), tokenizer.eos_token_id]);
  endless.dispose();
});
