/**
 * Options of a generation, under transformers' names: the valid values and the default of every option. A model's own
 * options are in generation_config.json, or, for old checkpoints, in config.json; a call's options override them. An unknown option throws.
 */
import { HeedError, kindOf } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { MOST_DRAFTED } from './draft.js';

/** Ids of tokens that end a text, or may: one or several. */
export type TokenIds = number | readonly number[];

/**
 * Options of `generate` under transformers' names, as a model's generation_config.json also has them. Invalid values, options that contradict
 * each other and options without effect throw ARGUMENT.
 */
export interface GenerationConfig {
  /** Number of tokens of a sequence, the decoder's first included. Default: 20 more than the decoder starts with, or as many as the model has positions. */
  max_length?: number | undefined;
  /** Number of tokens to generate; instead of max_length. */
  max_new_tokens?: number | undefined;
  /** Number of tokens that a sequence has before it may end, the decoder's first included. Default 0. */
  min_length?: number | undefined;
  /** Tokens to be generated before a sequence may end; instead of min_length. */
  min_new_tokens?: number | undefined;
  /** Number of beams. 1, the default: greedy search, or sampling. More: beam search, which with do_sample draws continuations. */
  num_beams?: number | undefined;
  /** Exponent of the length by which beam search divides sums of log-probabilities. Default 1. */
  length_penalty?: number | undefined;
  /** End of beam search. true: with num_beams finished sequences. false (default): when a better one is unlikely; 'never': when there can be none. */
  early_stopping?: boolean | 'never' | undefined;
  /** Number of sequences for each prompt or source: at most num_beams, or any number with do_sample. Default 1. */
  num_return_sequences?: number | undefined;
  /** Length of token sequences that must not occur twice. 0: any may. */
  no_repeat_ngram_size?: number | undefined;
  /** No run of so many tokens of the source. */
  encoder_no_repeat_ngram_size?: number | undefined;
  /** Above 1: tokens that are there already become less likely (Keskar et al., arXiv 1909.05858, §4.1). */
  repetition_penalty?: number | undefined;
  /** Number subtracted from the score of each token that was already generated: above 0 for more variety. Default 0. */
  presence_penalty?: number | undefined;
  /** Number subtracted from a token's score for each time that the token was generated. Default 0. */
  frequency_penalty?: number | undefined;
  /** Numbers added to tokens' scores, by token id: `{ 42: -100 }`. */
  logit_bias?: Readonly<Record<number, number>> | undefined;
  /** Sequences of tokens that must not be generated. */
  bad_words_ids?: readonly (readonly number[])[] | undefined;
  /** Token to generate first, for example that of a language. */
  forced_bos_token_id?: number | undefined;
  /** Token, or tokens, forced at the end where max_length ends a sequence. */
  forced_eos_token_id?: TokenIds | undefined;
  /** Tokens that are never generated. */
  suppress_tokens?: readonly number[] | undefined;
  /** Tokens that are not generated first. */
  begin_suppress_tokens?: readonly number[] | undefined;
  /** Token, or tokens, each of which ends a sequence. */
  eos_token_id?: TokenIds | undefined;
  /** Strings, each of which ends a sequence, whatever its tokens; the string stays at the end. `generate` then needs the tokenizer. */
  stop_strings?: string | readonly string[] | undefined;
  /** Token that pads sequences that have ended. Default: the first of eos_token_id, else 0. */
  pad_token_id?: number | undefined;
  /** Token that the decoder starts with where there is no decoder_start_token_id. */
  bos_token_id?: number | undefined;
  /** Token that the decoder starts with. Default: bos_token_id; ARGUMENT where there is neither. */
  decoder_start_token_id?: number | undefined;
  /** `true`: tokens are drawn by their probability; see temperature, top_k, top_p, seed. */
  do_sample?: boolean | undefined;
  /** Divisor of scores before tokens are drawn: below 1 for the likelier ones, above 1 for variety. Default 1. With do_sample. */
  temperature?: number | undefined;
  /** Number of most probable tokens to draw from. Default 50; 0: all. */
  top_k?: number | undefined;
  /** Probability of the smallest set of most probable tokens to draw from (Holtzman et al., arXiv 1904.09751). */
  top_p?: number | undefined;
  /** Draw from tokens with at least so much of the probability of the most probable one (Nguyen et al., arXiv 2407.01082). */
  min_p?: number | undefined;
  /** Probability of the set of tokens to draw from, those whose surprise is nearest to the entropy (Meister et al., arXiv 2202.00666). */
  typical_p?: number | undefined;
  /** Seed of random numbers: equal seeds draw equal tokens. Default: another seed for each call. */
  seed?: number | undefined;
  /** Largest number of tokens that greedy search guesses at once, by what followed the last tokens earlier in the text; the output stays the same. For one text. */
  prompt_lookup_num_tokens?: number | undefined;
  /** Largest number of last tokens that are looked up. Default 2. With prompt_lookup_num_tokens. */
  max_matching_ngram_size?: number | undefined;
  /** `true`: scores are normalised to log-probabilities again after all other options. */
  renormalize_logits?: boolean | undefined;
}

interface Kind {
  fits(value: unknown): boolean;
  /** "It must be …" */
  what: string;
}

/** Largest value of a count: no sequence has more tokens. */
const MOST = 2 ** 31 - 1;
const isWhole = (value: unknown, least: number): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= MOST;
const isToken = (value: unknown): boolean => isWhole(value, 0);
const isListOf = (value: unknown, fits: (entry: unknown) => boolean): boolean => Array.isArray(value) && value.every(fits);
const count = (least: number, most?: number): Kind => ({
  fits: (value) => isWhole(value, least) && (most === undefined || value <= most),
  what: most === undefined ? `a whole number from ${least} on` : `a whole number from ${least} to ${most}`,
});
/** Largest number of beams; each beam is a row of the batch. */
const MOST_BEAMS = 1024;
const MOST_SEQUENCES = 65536;
const token: Kind = { fits: isToken, what: 'the id of a token' };
const tokens: Kind = { fits: (value) => isListOf(value, isToken), what: 'a list of ids of tokens' };
const oneOrMore: Kind = {
  fits: (value) => isToken(value) || (isListOf(value, isToken) && (value as unknown[]).length > 0),
  what: 'the id of a token, or a list of them',
};
const flag: Kind = { fits: (value) => typeof value === 'boolean', what: 'true or false' };
const finite: Kind = { fits: Number.isFinite, what: 'a number' };
const positive: Kind = { fits: (value) => Number.isFinite(value) && Math.fround(value as number) > 0, what: 'a number above 0' };
/** Scores that it is added to stay finite in float32. */
const penalty: Kind = { fits: (value) => Number.isFinite(value) && Math.abs(value as number) <= 1e30, what: 'a number up to 1e30' };
const share: Kind = { fits: (value) => typeof value === 'number' && value > 0 && value <= 1, what: 'a number above 0 and up to 1' };
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '' && value.length <= 1000;
/** Scores that are divided by it stay finite in float32. */
const warmth: Kind = { fits: (value) => Number.isFinite(value) && (value as number) >= 1e-30, what: 'a number from 1e-30 on' };

// Marked as pure, like everything made of it: bundles that generate nothing leave it out.
const kinds = /* @__PURE__ */ ((): Readonly<Record<keyof GenerationConfig, Kind>> => ({
  max_length: count(1),
  max_new_tokens: count(1),
  min_length: count(0),
  min_new_tokens: count(0),
  num_beams: count(1, MOST_BEAMS),
  length_penalty: finite,
  early_stopping: { fits: (value) => typeof value === 'boolean' || value === 'never', what: "true, false or 'never'" },
  num_return_sequences: count(1, MOST_SEQUENCES),
  no_repeat_ngram_size: count(0),
  encoder_no_repeat_ngram_size: count(0),
  repetition_penalty: positive,
  presence_penalty: penalty,
  frequency_penalty: penalty,
  logit_bias: {
    fits: (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.entries(value).every(([id, bias]) => /^\d+$/.test(id) && isToken(Number(id)) && penalty.fits(bias)),
    what: 'an object with a number for each id of a token',
  },
  bad_words_ids: {
    fits: (value) => isListOf(value, (entry) => isListOf(entry, isToken) && (entry as unknown[]).length > 0),
    what: 'a list of lists of ids of tokens, none of them empty',
  },
  forced_bos_token_id: token,
  forced_eos_token_id: oneOrMore,
  suppress_tokens: tokens,
  begin_suppress_tokens: tokens,
  eos_token_id: oneOrMore,
  stop_strings: {
    fits: (value) => isText(value) || (isListOf(value, isText) && (value as unknown[]).length > 0),
    what: 'a text of up to 1,000 characters, or a list of them',
  },
  pad_token_id: token,
  bos_token_id: token,
  decoder_start_token_id: token,
  do_sample: flag,
  temperature: warmth,
  top_k: count(0),
  top_p: share,
  min_p: { fits: (value) => typeof value === 'number' && value >= 0 && value <= 1, what: 'a number from 0 to 1' },
  typical_p: share,
  seed: { fits: Number.isSafeInteger, what: 'a whole number of up to 53 bits' },
  prompt_lookup_num_tokens: count(1, MOST_DRAFTED),
  max_matching_ngram_size: count(1),
  renormalize_logits: flag,
}))();

export const generationOptionNames = /* @__PURE__ */ Object.keys(kinds) as (keyof GenerationConfig)[];

/** transformers' options that change the output and that heed does not have, with their neutral values. */
const missing: Readonly<Record<string, unknown>> = {
  constraints: undefined,
  diversity_penalty: 0,
  dola_layers: undefined,
  encoder_repetition_penalty: 1,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  exponential_decay_length_penalty: undefined,
  force_words_ids: undefined,
  guidance_scale: 1,
  max_time: undefined,
  num_beam_groups: 1,
  penalty_alpha: undefined,
  remove_invalid_values: false,
  sequence_bias: undefined,
  top_h: undefined,
  watermarking_config: undefined,
};

/** Throws ARGUMENT for a value that an option cannot have. */
export function checkGenerationValues(options: GenerationConfig): void {
  for (const name of generationOptionNames) {
    const value = options[name];
    if (value === undefined || kinds[name].fits(value)) continue;
    throw new HeedError('ARGUMENT', `generate: ${name} is ${kindOf(value)}`, { culprit: name, cure: `It must be ${kinds[name].what}` });
  }
}

/** The options that a JSON object has: one of a model's files, or a part of one. Throws FORMAT for values that they cannot have. */
export function generationConfigIn(node: JsonNode): GenerationConfig {
  const found: Record<string, unknown> = {};
  for (const name of generationOptionNames) {
    const value = node.get(name);
    if (value === undefined) continue;
    if (!kinds[name].fits(value)) throw node.error(`must have ${kinds[name].what} for ${name}`);
    found[name] = value;
  }
  return found;
}

/**
 * A model's own options: generation_config.json's alone where there is one, else config.json's, as in transformers: options missing in the former have
 * transformers' default, whatever config.json says. Throws FORMAT, and UNSUPPORTED for an option that heed does not have.
 */
export function readGenerationConfig(config: JsonNode, generation: JsonNode | undefined): GenerationConfig {
  const node = generation ?? config;
  for (const [name, neutral] of Object.entries(missing)) {
    const value = node.get(name);
    if (value === undefined || value === neutral) continue;
    throw new HeedError('UNSUPPORTED', `${node.file} asks for ${name}, which heed does not have`, {
      culprit: name,
      cure: `Take it out of the file, or set it to ${neutral ?? null}`,
    });
  }
  return generationConfigIn(node);
}
