/** Fields of requests that say how a text is written. */
import * as z from 'zod';

/** Texts that may end a text, and characters of each. */
const [MOST_STOPS, LONGEST_STOP] = [16, 200];
/** Texts for one request. */
const MOST_CHOICES = 16;

const stop = z.string().min(1).max(LONGEST_STOP);
const bias = z.record(z.string().regex(/^\d{1,9}$/, 'Keys are ids of tokens'), z.number().min(-100).max(100));

export const samplingFields = {
  temperature: z.number().min(0).max(2).nullish().describe('0 takes the most probable token. Default: as the model wishes, else 1'),
  top_p: z.number().min(0).max(1).nullish().describe('Draws from tokens that together have this probability'),
  top_k: z.int().min(0).max(1_000_000).nullish().describe('Draws from so many tokens; 0: from all'),
  min_p: z.number().min(0).max(1).nullish().describe('Draws from tokens with at least this share of the best one’s probability'),
  repetition_penalty: z.number().gt(0).max(100).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: bias.nullish(),
  seed: z.int().nullish().describe('Equal seeds draw equal texts'),
};

export const writingFields = {
  ...samplingFields,
  n: z.int().min(1).max(MOST_CHOICES).nullish(),
  stop: z.union([stop, z.array(stop).max(MOST_STOPS)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() }).nullish(),
};

/** Fields that say nothing of the answer, and are accepted. */
export const harmlessFields = {
  user: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  service_tier: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.string().nullish(),
  store: z.boolean().nullish().describe('Nothing is stored'),
};

export const modelField = z.string().min(1).max(500).describe('Name of a model in /v1/models');
