/** What may be asked of a generation: every value that an option cannot have, every pair that cannot be, and what prevails where several say something. */
import { describe, expect, it } from 'vitest';
import { type GenerationConfig, generationOptionNames, readGenerationConfig } from '../../dist/generation/config.js';
import { planOf, startsOf } from '../../dist/generation/plan.js';
import { JsonNode } from '../../dist/io/json.js';

const limits = { V: 10, positions: 64 };
const planned = (own: GenerationConfig, options: GenerationConfig, starts: number[][]) =>
  planOf(own, options, startsOf(own, options, starts), limits);
const plan = (options: GenerationConfig, own: GenerationConfig = {}, starts: number[][] = [[]]) =>
  planned({ decoder_start_token_id: 0, eos_token_id: 2, ...own }, options, starts);
const failure = (options: object, own?: GenerationConfig) => {
  try {
    plan(options as GenerationConfig, own);
  } catch (error) {
    return error as { code: string; culprit: string };
  }
  return undefined;
};

describe('an option', () => {
  it.each(generationOptionNames)('%s must be what it is', (name) => {
    const hostile = ['x', -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, {}, [[]], [-1], [1.5], ['x'], null, 2n, () => 1, 2 ** 53];
    for (const value of hostile) {
      const error = failure({ [name]: value });
      // Some of them are fine for some: a length penalty of −1, say.
      if (error) expect([error.code, error.culprit]).toEqual(['ARGUMENT', error.culprit === 'num_return_sequences' ? error.culprit : name]);
    }
    expect(hostile.filter((value) => failure({ [name]: value })).length).toBeGreaterThanOrEqual(8);
    expect(failure({ [name]: undefined })).toBeUndefined();
  });

  it.each<[string, GenerationConfig, string]>([
    ['more sequences than beams', { num_beams: 2, num_return_sequences: 3 }, 'num_return_sequences'],
    ['two sequences of greedy search', { num_return_sequences: 2 }, 'num_return_sequences'],
    ['two lengths', { max_length: 9, max_new_tokens: 9 }, 'max_length'],
    ['two least lengths', { min_length: 3, min_new_tokens: 3 }, 'min_length'],
    ['at least more than at most', { min_length: 9, max_length: 8 }, 'min_length'],
    ['at least more than at most, counted otherwise', { min_length: 9, max_new_tokens: 3 }, 'min_length'],
    ['as many new ones as the whole may have', { min_new_tokens: 8, max_length: 8 }, 'min_new_tokens'],
    ['at least more than there are by default', { min_new_tokens: 200 }, 'min_new_tokens'],
    ['as many new tokens at least', { min_new_tokens: 9, max_new_tokens: 8 }, 'min_new_tokens'],
    ['no room for a token', { max_length: 1 }, 'max_length'],
    ['more than there are positions', { max_length: 65 }, 'max_length'],
    ['more new ones than there are positions', { max_new_tokens: 64 }, 'max_new_tokens'],
    ['a temperature without drawing', { temperature: 2 }, 'temperature'],
    ['a temperature that scores divided by are not finite', { do_sample: true, temperature: 1e-38 }, 'temperature'],
    ['a seed without drawing', { seed: 2 }, 'seed'],
    ['top_k without drawing', { top_k: 2 }, 'top_k'],
    ['top_p without drawing', { top_p: 0.5 }, 'top_p'],
    ['early stopping without beams', { early_stopping: true }, 'early_stopping'],
    ['a length penalty without beams', { length_penalty: 2 }, 'length_penalty'],
    ['a first token that is suppressed', { forced_bos_token_id: 3, suppress_tokens: [3] }, 'forced_bos_token_id'],
    ['a last token that is suppressed', { forced_eos_token_id: [3, 4], suppress_tokens: [3, 4, 5] }, 'forced_eos_token_id'],
    ['an end that is no token', { eos_token_id: [2, 10] }, 'eos_token_id'],
    ['bad words that are no tokens', { bad_words_ids: [[1, 10]] }, 'bad_words_ids'],
    ['a start that is no token', { decoder_start_token_id: 10 }, 'decoder_start_token_id'],
  ])('cannot contradict another: %s', (_, options, culprit) => {
    expect(failure(options)).toMatchObject({ code: 'ARGUMENT', culprit });
  });

  it.each<[string, GenerationConfig, GenerationConfig, string]>([
    ['than the call’s max_length', { max_length: 8 }, { min_length: 9 }, 'min_length'],
    ['than the call’s max_new_tokens', { max_new_tokens: 3 }, { min_new_tokens: 4 }, 'min_new_tokens'],
    ['than the files’ own', {}, { min_length: 9, max_length: 8 }, 'min_length'],
    ['than there are positions', {}, { min_length: 65, max_length: 70 }, 'min_length'],
  ])('of a model’s files cannot ask for more %s', (_, options, own, culprit) => {
    expect(failure(options, own)).toMatchObject({ code: 'ARGUMENT', culprit });
    expect(failure({ ...options, min_length: 0 }, own)?.culprit).toBe(own.min_new_tokens ? culprit : undefined);
    expect(failure({ ...options, min_new_tokens: 1 }, own)).toBeUndefined();
  });
});

describe('a plan', () => {
  it('takes the call’s word before the model’s, and lengths by what is nearer', () => {
    expect(plan({}).max_length).toBe(21);
    expect(plan({}, { max_length: 30 }).max_length).toBe(30);
    expect(plan({}, { max_length: 500 }).max_length).toBe(64);
    expect(plan({ max_new_tokens: 5 }, { max_length: 30 }).max_length).toBe(6);
    expect(plan({ max_length: 7 }, { max_new_tokens: 30 }).max_length).toBe(7);
    expect(plan({ max_new_tokens: 5 }, {}, [[0, 3, 4]]).max_length).toBe(8);
    expect(plan({ num_beams: 2 }, { num_beams: 4, length_penalty: 2 })).toMatchObject({ num_beams: 2, length_penalty: 2 });
    expect(plan({ num_beams: 1 }, { num_beams: 4, length_penalty: 2, early_stopping: true }).num_beams).toBe(1);
    expect(plan({ min_new_tokens: 4 }, { min_length: 9 }).min_length).toBe(5);
  });

  it('starts with the start token, unless it is there', () => {
    expect(plan({}, {}, [[], []]).prompts).toEqual([[0], [0]]);
    expect(plan({}, {}, [[3, 4]]).prompts).toEqual([[0, 3, 4]]);
    expect(plan({}, {}, [[0, 4]]).prompts).toEqual([[0, 4]]);
    expect(() => planned({}, {}, [[]])).toThrow(expect.objectContaining({ code: 'ARGUMENT', culprit: 'decoder_start_token_id' }));
    expect(planned({ bos_token_id: 5 }, {}, [[]]).prompts).toEqual([[5]]);
  });

  it('fills rows up with the padding token, or the end', () => {
    expect(plan({}).pad_token_id).toBe(2);
    expect(plan({ pad_token_id: 7 }).pad_token_id).toBe(7);
  });
});

describe('a model’s files', () => {
  const read = (config: object, generation?: object) =>
    readGenerationConfig(JsonNode.of('config.json', config), generation && JsonNode.of('generation_config.json', generation));

  it('say it in generation_config.json alone, in old ones in config.json', () => {
    const old = { num_beams: 4, max_length: 50, eos_token_id: 1, pad_token_id: 0, decoder_start_token_id: 3, forced_eos_token_id: 1 };
    expect(read(old)).toEqual(old);
    expect(read(old, { eos_token_id: [2], pad_token_id: null })).toEqual({ eos_token_id: [2] });
    expect(read(old, {})).toEqual({});
  });

  it('may not ask for what heed does not have, nor for what cannot be', () => {
    expect(() => read({}, { penalty_alpha: 0.6 })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', culprit: 'penalty_alpha' }));
    expect(read({}, { penalty_alpha: null, diversity_penalty: 0, use_cache: true, transformers_version: '5' })).toEqual({});
    expect(() => read({}, { num_beams: 'four' })).toThrow(expect.objectContaining({ code: 'FORMAT' }));
  });
});
