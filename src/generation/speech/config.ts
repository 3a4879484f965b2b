/** What generation_config.json says of a model that hears: tokens of languages, tasks and timestamps, and which heads follow the sound. Names are transformers'. */
import { HeedError } from '../../errors.js';
import { isObject, type JsonNode } from '../../io/json.js';
import { type GenerationConfig, readGenerationConfig } from '../config.js';

/** How speech is written, under transformers' names; what a model's files wish, and what calls say. */
export interface SpeechGenerationConfig extends GenerationConfig {
  /** Whether the model knows languages and tasks; an English one has no tokens for them. */
  is_multilingual?: boolean | undefined;
  /** The token of each language: `<|de|>`. */
  lang_to_id?: Readonly<Record<string, number>> | undefined;
  /** The token of each task: transcribe, translate. */
  task_to_id?: Readonly<Record<string, number>> | undefined;
  /** Says that there are none; those behind it are timestamps, 0.02 s apart. */
  no_timestamps_token_id?: number | undefined;
  /** Stands before the text of what was heard before. */
  prev_sot_token_id?: number | undefined;
  /** The latest timestamp that a window may begin with. */
  max_initial_timestamp_index?: number | undefined;
  /** Heads of the decoder whose attention follows the sound: [layer, head]. Words have times by them. */
  alignment_heads?: readonly (readonly [layer: number, head: number])[] | undefined;
  /** What the decoder starts with in files from before languages and tasks were options: [position, token]; null is detected. */
  forced_decoder_ids?: readonly (readonly [position: number, token: number | null])[] | undefined;
  /** Whether timestamps are written. Longer sounds than a window need them. */
  return_timestamps?: boolean | undefined;
  /** Whether what was heard before is told to the next window. */
  condition_on_prev_tokens?: boolean | undefined;
  /** A window is written again, with more temperature, where its tokens compress better than this: it repeats itself. */
  compression_ratio_threshold?: number | undefined;
  /** The same where its tokens' mean log-probability is less. */
  logprob_threshold?: number | undefined;
  /** A window is silence where this probability is exceeded, and the mean log-probability is below its threshold. */
  no_speech_threshold?: number | undefined;
}

type Own = Exclude<keyof SpeechGenerationConfig, keyof GenerationConfig>;
type Check = readonly [fits: (value: unknown) => boolean, what: string];

const isToken = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
const token: Check = [isToken, 'the id of a token'];
const flag: Check = [(value) => typeof value === 'boolean', 'true or false'];
const finite: Check = [Number.isFinite, 'a number'];
const tokensByName: Check = [(value) => isObject(value) && Object.values(value).every(isToken), 'ids of tokens by names'];
const isPair = (value: unknown, second: (value: unknown) => boolean) =>
  Array.isArray(value) && value.length === 2 && isToken(value[0]) && second(value[1]);
const pairs = (second: (value: unknown) => boolean, what: string): Check => [
  (value) => Array.isArray(value) && value.every((pair) => isPair(pair, second)),
  what,
];

// Marked as pure: bundles that hear nothing do without.
const checks = /* @__PURE__ */ ((): Readonly<Record<Own, Check>> => ({
  is_multilingual: flag,
  lang_to_id: tokensByName,
  task_to_id: tokensByName,
  no_timestamps_token_id: token,
  prev_sot_token_id: token,
  max_initial_timestamp_index: token,
  alignment_heads: pairs(isToken, 'a list of [layer, head]'),
  forced_decoder_ids: pairs((id) => id === null || isToken(id), 'a list of [position, token]'),
  return_timestamps: flag,
  condition_on_prev_tokens: flag,
  compression_ratio_threshold: finite,
  logprob_threshold: finite,
  no_speech_threshold: finite,
}))();

/** Options of a call that a model's files may wish, too. */
export const thresholdNames = [
  'compression_ratio_threshold',
  'logprob_threshold',
  'no_speech_threshold',
  'condition_on_prev_tokens',
] as const;

/** Throws ARGUMENT for a value of a call that cannot be. */
export function checkThresholds(options: Pick<SpeechGenerationConfig, (typeof thresholdNames)[number]>): void {
  for (const name of thresholdNames) {
    const [fits, what] = checks[name];
    if (options[name] === undefined || fits(options[name])) continue;
    throw new HeedError('ARGUMENT', `generate: ${name} is ${String(options[name])}`, { culprit: name, cure: `It must be ${what}` });
  }
}

/** A model's wishes, of V tokens and such layers. Throws FORMAT for what they cannot be. */
export function readSpeechConfig(
  config: JsonNode,
  generation: JsonNode | undefined,
  { V, decoder: { L, H } }: { V: number; decoder: { L: number; H: number } },
): SpeechGenerationConfig {
  const node = generation ?? config;
  const found: Record<string, unknown> = { ...readGenerationConfig(config, generation) };
  for (const [name, [fits, what]] of Object.entries(checks)) {
    const value = node.get(name);
    if (value === undefined) continue;
    if (!fits(value)) throw node.error(`must have ${what} for ${name}`);
    found[name] = value;
  }
  const all = found as SpeechGenerationConfig;
  if (all.alignment_heads?.some(([layer, head]) => layer >= L || head >= H))
    throw node.error(`names alignment_heads that ${L} layers of ${H} heads do not have`);
  // Files of small models have those of large ones.
  for (const name of ['suppress_tokens', 'begin_suppress_tokens'] as const) if (all[name]) found[name] = all[name].filter((id) => id < V);
  return found;
}
