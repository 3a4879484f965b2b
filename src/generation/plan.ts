/**
 * The plan of one generation: a model's and a call's options merged, checked against each other and against the model, lengths computed, every setting
 * of the search defined. Contradictions throw here, before anything is computed.
 */
import { HeedError } from '../errors.js';
import { checkGenerationValues, type GenerationConfig, type TokenIds } from './config.js';
import type { LookUp } from './draft.js';

/** Limits of a model. */
export interface Limits {
  /** Number of tokens that the output layer scores. */
  V: number;
  /** Longest sequence in tokens; Infinity: any. */
  positions: number;
}

export interface Plan {
  /** First tokens of each example: decoder_start_token_id and the tokens that the call gave; of one length, at least 1. */
  prompts: readonly (readonly number[])[];
  /** Length of the prompts. */
  prompt: number;
  /** Length of the whole sequence. */
  max_length: number;
  min_length: number;
  num_beams: number;
  length_penalty: number;
  early_stopping: boolean | 'never';
  num_return_sequences: number;
  no_repeat_ngram_size: number;
  encoder_no_repeat_ngram_size: number;
  repetition_penalty: number;
  presence_penalty: number;
  frequency_penalty: number;
  logit_bias: readonly (readonly [id: number, bias: number])[];
  bad_words_ids: readonly (readonly number[])[];
  forced_bos_token_id: number | undefined;
  forced_eos_token_id: readonly number[];
  suppress_tokens: readonly number[];
  begin_suppress_tokens: readonly number[];
  eos_token_id: readonly number[];
  stop_strings: readonly string[];
  pad_token_id: number;
  renormalize_logits: boolean;
  /** `true` where guesses of the next tokens can be checked: in greedy search, for one text. */
  mayDraft: boolean;
  /** Settings of prompt look-up, if the call asks for it. */
  lookUp: LookUp | undefined;
  /** Settings of draws; undefined: the most probable token is taken. */
  sampling: Sampling | undefined;
}

/** Settings of draws. */
export interface Sampling {
  temperature: number;
  top_k: number;
  top_p: number;
  min_p: number;
  typical_p: number;
  seed: number;
  /** Number of tokens that stay in the draw regardless of the other settings; beams need one that does not end them. */
  least: number;
}

/** Default number of new tokens, as in transformers. */
export const DEFAULT_NEW_TOKENS = 20;

/** Options that need do_sample. */
const drawing = ['temperature', 'top_k', 'top_p', 'min_p', 'typical_p', 'seed'] as const;

const contradiction = (what: string, culprit: string, cure: string) => new HeedError('ARGUMENT', `generate: ${what}`, { culprit, cure });

const listOf = (ids: TokenIds | undefined): readonly number[] =>
  ids === undefined ? [] : typeof ids === 'number' ? [ids] : [...new Set(ids)];

/** First tokens of a decoder with a source: its start token, and then the tokens that the call gave, unless one of its rows begins with the start token, as in transformers. */
export function startsOf(own: GenerationConfig, options: GenerationConfig, given: readonly (readonly number[])[]): (readonly number[])[] {
  const all = merged(own, options);
  const start = all.decoder_start_token_id ?? all.bos_token_id;
  if (start === undefined)
    throw contradiction('nothing says which token the decoder starts with', 'decoder_start_token_id', 'Give decoder_start_token_id');
  return given.every(([first]) => first !== start) ? given.map((row) => [start, ...row]) : [...given];
}

/** Options without undefined members, which would hide the model's own. */
const given = (options: GenerationConfig): GenerationConfig =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

const merged = (own: GenerationConfig, options: GenerationConfig): GenerationConfig => {
  checkGenerationValues(options);
  return { ...own, ...given(options) };
};

/**
 * `own`: the model's wishes; `prompts`: what each example's sequence starts with, rows of one length. Throws ARGUMENT for values and pairs of
 * options that cannot be.
 */
export function planOf(
  own: GenerationConfig,
  options: GenerationConfig,
  prompts: readonly (readonly number[])[],
  { V, positions }: Limits,
): Plan {
  const all = merged(own, options);
  checkPairs(all, options);
  checkDrafts(all, options, prompts.length);
  const prompt = prompts[0]?.length ?? 1;
  const eos_token_id = listOf(all.eos_token_id);
  const lists = {
    logit_bias: Object.keys(all.logit_bias ?? {}).map(Number),
    bad_words_ids: (all.bad_words_ids ?? []).flat(),
    forced_bos_token_id: listOf(all.forced_bos_token_id),
    forced_eos_token_id: listOf(all.forced_eos_token_id),
    suppress_tokens: all.suppress_tokens ?? [],
    begin_suppress_tokens: all.begin_suppress_tokens ?? [],
    eos_token_id,
    pad_token_id: listOf(all.pad_token_id),
    decoder_start_token_id: prompts.flat(),
  };
  for (const [name, ids] of Object.entries(lists)) {
    const strange = ids.find((id) => id >= V);
    if (strange !== undefined) throw contradiction(`${name} names token ${strange}`, name, `The model knows 0 to ${V - 1}`);
  }
  for (const name of ['forced_bos_token_id', 'forced_eos_token_id'] as const)
    if (lists[name].length && lists[name].every((id) => lists.suppress_tokens.includes(id)))
      throw contradiction(
        `${name} is also in suppress_tokens`,
        name,
        'Take it out of one of them; min_new_tokens keeps a text from ending early',
      );
  const max_length = maxLengthOf(all, options, prompt, positions);
  const min_length = all.min_new_tokens === undefined ? (all.min_length ?? 0) : all.min_new_tokens + prompt;
  if (min_length > max_length) {
    const name = all.min_new_tokens === undefined ? 'min_length' : 'min_new_tokens';
    const cure =
      options[name] === undefined
        ? `The model's files ask for it: give less ${name}, or more max_new_tokens`
        : 'Give less, or more max_new_tokens';
    throw contradiction(`${name} asks for sequences of ${min_length} tokens, and they end at ${max_length}`, name, cure);
  }
  const least = (all.num_beams ?? 1) > 1 ? Math.max(2, 1 + eos_token_id.length) : 1;
  const { do_sample, temperature = 1, top_k = 50, top_p = 1, min_p = 0, typical_p = 1, seed = Math.floor(Math.random() * 2 ** 32) } = all;
  return {
    prompts,
    prompt,
    ...{ max_length, min_length },
    num_beams: all.num_beams ?? 1,
    length_penalty: all.length_penalty ?? 1,
    early_stopping: all.early_stopping ?? false,
    num_return_sequences: all.num_return_sequences ?? 1,
    no_repeat_ngram_size: all.no_repeat_ngram_size ?? 0,
    encoder_no_repeat_ngram_size: all.encoder_no_repeat_ngram_size ?? 0,
    repetition_penalty: all.repetition_penalty ?? 1,
    presence_penalty: all.presence_penalty ?? 0,
    frequency_penalty: all.frequency_penalty ?? 0,
    logit_bias: Object.entries(all.logit_bias ?? {}).map(([id, bias]) => [Number(id), bias]),
    // A text that must not end is asked for in other ways.
    bad_words_ids: (all.bad_words_ids ?? []).filter(([first, ...more]) => more.length > 0 || !eos_token_id.includes(first as number)),
    forced_bos_token_id: all.forced_bos_token_id,
    forced_eos_token_id: lists.forced_eos_token_id,
    suppress_tokens: lists.suppress_tokens,
    begin_suppress_tokens: lists.begin_suppress_tokens,
    eos_token_id,
    stop_strings: [all.stop_strings ?? []].flat(),
    pad_token_id: all.pad_token_id ?? eos_token_id[0] ?? 0,
    renormalize_logits: all.renormalize_logits ?? false,
    mayDraft: mayDraft(all, prompts.length),
    lookUp: lookUpOf(all, prompts.length),
    sampling: do_sample ? { temperature, top_k, top_p, min_p, typical_p, seed, least } : undefined,
  };
}

/** The plan of a text that has so much less than the width of the batch, from which lengths are counted. */
export const narrowed = (plan: Plan, less: number): Plan => ({
  ...plan,
  prompt: plan.prompt - less,
  max_length: plan.max_length - less,
  min_length: Math.max(0, plan.min_length - less),
});

/** max_new_tokens prevails over a model's max_length; the call's max_length over a model's max_new_tokens. */
function maxLengthOf(all: GenerationConfig, options: GenerationConfig, prompt: number, most: number): number {
  const own = options.max_length !== undefined ? undefined : all.max_new_tokens;
  const asked = own === undefined ? all.max_length : own + prompt;
  const named = options.max_length === undefined ? 'max_new_tokens' : 'max_length';
  if (options[named] !== undefined && (asked as number) > most)
    throw contradiction(
      `${named} asks for sequences of ${asked} tokens, ${prompt} of them the text's`,
      named,
      `The model takes up to ${most}: ask for less, or shorten the text, as text-generation does with context_shift: true`,
    );
  const length = Math.min(asked ?? prompt + DEFAULT_NEW_TOKENS, most);
  if (length > prompt) return length;
  if (prompt >= most)
    throw contradiction(
      `the text has ${prompt} tokens, and the model takes ${most} with what it writes`,
      'input_ids',
      'Shorten it; text-generation leaves out the oldest of it with context_shift: true',
    );
  throw contradiction(
    `the decoder starts with ${prompt} tokens, and sequences end at ${length}`,
    'max_length',
    'Give more, or max_new_tokens',
  );
}

/** Options that exclude or need each other. A model's files may have options without effect; a call may not. */
function checkPairs(all: GenerationConfig, options: GenerationConfig): void {
  const { num_beams = 1, num_return_sequences = 1, do_sample = false } = all;
  if (num_beams > 1 && num_return_sequences > num_beams)
    throw contradiction(
      `${num_beams} beams cannot return ${num_return_sequences} sequences`,
      'num_return_sequences',
      'Give more num_beams',
    );
  if (num_beams === 1 && !do_sample && num_return_sequences > 1)
    throw contradiction('greedy search finds one sequence', 'num_return_sequences', 'Give num_beams, or do_sample: true');
  for (const [one, other] of [
    ['max_length', 'max_new_tokens'],
    ['min_length', 'min_new_tokens'],
  ] as const)
    if (options[one] !== undefined && options[other] !== undefined)
      throw contradiction(`${one} and ${other} say the same`, one, 'Give one of them');
  for (const [least, most] of [
    ['min_length', 'max_length'],
    ['min_new_tokens', 'max_new_tokens'],
  ] as const)
    if ((options[least] ?? 0) > (options[most] ?? Number.POSITIVE_INFINITY))
      throw contradiction(`${least} ${options[least]} is above ${most} ${options[most]}`, least, 'Give less');
  const idle = (names: readonly (keyof GenerationConfig)[], neutral: GenerationConfig, cure: string) => {
    for (const name of names)
      if (options[name] !== undefined && options[name] !== neutral[name]) throw contradiction(`${name} would have no effect`, name, cure);
  };
  if (!do_sample) idle(drawing, { temperature: 1, top_k: 50, top_p: 1, min_p: 0, typical_p: 1 }, 'Give do_sample: true');
  if (num_beams === 1) idle(['length_penalty', 'early_stopping'], { length_penalty: 1, early_stopping: false }, 'Give num_beams');
}

const mayDraft = ({ num_beams = 1, do_sample = false }: GenerationConfig, texts: number): boolean =>
  num_beams === 1 && !do_sample && texts === 1;

/** Throws ARGUMENT for options of drafts that would have no effect. */
function checkDrafts(all: GenerationConfig, options: GenerationConfig, texts: number): void {
  const name = 'prompt_lookup_num_tokens';
  if (options[name] !== undefined && !mayDraft(all, texts))
    throw contradiction(
      `${name} guesses what greedy search takes, of one text`,
      name,
      'Take it out, or give one text without do_sample and num_beams',
    );
  if (options.max_matching_ngram_size !== undefined && all[name] === undefined)
    throw contradiction('max_matching_ngram_size would have no effect', 'max_matching_ngram_size', `Give ${name}`);
}

function lookUpOf(all: GenerationConfig, texts: number): LookUp | undefined {
  const { prompt_lookup_num_tokens: tokens, max_matching_ngram_size: ngram = 2 } = all;
  return tokens !== undefined && mayDraft(all, texts) ? { tokens, ngram } : undefined;
}
