/**
 * What a generation can be asked for, under transformers' names: every option with what it must be and what it is when nobody says. A model's own
 * wishes stand in generation_config.json, or, in old checkpoints, in config.json; the call's come first. An option that nobody reads throws.
 */
import { HeedError, kindOf } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { MOST_DRAFTED } from './draft.js';

/** Ids of tokens that end a text, or may: one or several. */
export type TokenIds = number | readonly number[];

/**
 * How a text is written, under transformers' names: options of `generate`, and what a model's generation_config.json has. ARGUMENT is
 * thrown for values that cannot be and for options that contradict each other, or have no effect.
 */
export interface GenerationConfig {
  /** Tokens of a sequence, the decoder's first included. Default: 20 more than the decoder starts with, or as many as the model has positions. */
  max_length?: number | undefined;
  /** Tokens to be generated; instead of max_length. */
  max_new_tokens?: number | undefined;
  /** Tokens that a sequence has before it may end, the decoder's first included. Default 0. */
  min_length?: number | undefined;
  /** Tokens to be generated before a sequence may end; instead of min_length. */
  min_new_tokens?: number | undefined;
  /** 1, the default: greedy, or sampling. More: beam search, which with do_sample draws what goes on. */
  num_beams?: number | undefined;
  /** Beam search compares sums of log-probabilities, divided by length ** length_penalty. Default 1. */
  length_penalty?: number | undefined;
  /** true: ends with num_beams finished sequences. false (default): when a better one is unlikely; 'never': when there can be none. */
  early_stopping?: boolean | 'never' | undefined;
  /** Sequences for each source: at most num_beams, or any number with do_sample. Default 1. */
  num_return_sequences?: number | undefined;
  /** No run of so many tokens comes twice. 0: any may. */
  no_repeat_ngram_size?: number | undefined;
  /** No run of so many tokens of the source. */
  encoder_no_repeat_ngram_size?: number | undefined;
  /** Above 1: tokens that are there already become less likely (Keskar et al., arXiv 1909.05858, §4.1). */
  repetition_penalty?: number | undefined;
  /** What a token that was generated already loses of its score: above 0 for more variety. Default 0. */
  presence_penalty?: number | undefined;
  /** The same, as often as the token was generated. Default 0. */
  frequency_penalty?: number | undefined;
  /** What is added to tokens' scores, by their ids: `{ 42: -100 }`. */
  logit_bias?: Readonly<Record<number, number>> | undefined;
  /** Runs of tokens that must not come. */
  bad_words_ids?: readonly (readonly number[])[] | undefined;
  /** What is generated first: a language's token, say. */
  forced_bos_token_id?: number | undefined;
  /** What comes last where max_length ends a sequence. */
  forced_eos_token_id?: TokenIds | undefined;
  /** Tokens that never come. */
  suppress_tokens?: readonly number[] | undefined;
  /** Tokens that do not come first. */
  begin_suppress_tokens?: readonly number[] | undefined;
  /** What ends a sequence: one token, or any of several. */
  eos_token_id?: TokenIds | undefined;
  /** A text, or several, that end a sequence, whatever tokens they are written with. They stay at its end. `generate` then needs the tokenizer. */
  stop_strings?: string | readonly string[] | undefined;
  /** What sequences that have ended are filled up with. Default: the first of eos_token_id, else 0. */
  pad_token_id?: number | undefined;
  /** What the decoder starts with where there is no decoder_start_token_id. */
  bos_token_id?: number | undefined;
  /** What the decoder starts with. Default: bos_token_id; ARGUMENT where there is neither. */
  decoder_start_token_id?: number | undefined;
  /** Whether tokens are drawn by their probability; see temperature, top_k, top_p, seed. */
  do_sample?: boolean | undefined;
  /** Scores are divided by it before tokens are drawn: below 1 for the likelier ones, above 1 for variety. Default 1. With do_sample. */
  temperature?: number | undefined;
  /** Draw from the so many most probable tokens. Default 50; 0: from all. */
  top_k?: number | undefined;
  /** Draw from the most probable tokens that have this probability together (Holtzman et al., arXiv 1904.09751). */
  top_p?: number | undefined;
  /** Draw from tokens with at least so much of the probability of the most probable one (Nguyen et al., arXiv 2407.01082). */
  min_p?: number | undefined;
  /** Draw from the tokens whose surprise is nearest to what is expected, and that have this probability together (Meister et al., arXiv 2202.00666). */
  typical_p?: number | undefined;
  /** What is drawn follows from it. Default: another one each time. */
  seed?: number | undefined;
  /** Greedy search may guess up to so many tokens at once, by what followed the last ones before; the text stays the same. For one text. */
  prompt_lookup_num_tokens?: number | undefined;
  /** How many of the last tokens are looked up at most. Default 2. With prompt_lookup_num_tokens. */
  max_matching_ngram_size?: number | undefined;
  /** Whether scores are made to be log-probabilities again after all of the above. */
  renormalize_logits?: boolean | undefined;
}

interface Kind {
  fits(value: unknown): boolean;
  /** "It must be …" */
  what: string;
}

/** What a count may be: no sequence has more tokens. */
const MOST = 2 ** 31 - 1;
const isWhole = (value: unknown, least: number): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= MOST;
const isToken = (value: unknown): boolean => isWhole(value, 0);
const isListOf = (value: unknown, fits: (entry: unknown) => boolean): boolean => Array.isArray(value) && value.every(fits);
const count = (least: number, most?: number): Kind => ({
  fits: (value) => isWhole(value, least) && (most === undefined || value <= most),
  what: most === undefined ? `a whole number from ${least} on` : `a whole number from ${least} to ${most}`,
});
/** Each is a row of the batch. */
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

// Marked as pure, like what is made of it: bundles that generate nothing do without.
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
      Object.entries(value).every(([id, bias]) => isToken(Number(id)) && id.trim() === id && penalty.fits(bias)),
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

/** Names of transformers' that change what comes out and that heed does not have, with the value that changes nothing. */
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
 * A model's own wishes: generation_config.json's alone where there is one, else config.json's, as transformers has it: what the former leaves out has
 * transformers' default, whatever the latter says. Throws FORMAT, and UNSUPPORTED for a wish that heed cannot grant.
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
