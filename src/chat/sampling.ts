/** Wishes of how a text is written, under the names of OpenAI's API, and the generation options that they stand for. */
import type { GenerationConfig } from '../generation/config.js';
import type { TextGeneration } from '../pipelines/text_generation.js';

type Nullish<T> = T | null | undefined;

/** What may be wished. Null and undefined mean the default. */
export interface Sampling {
  /** 0 takes the most probable token. Default: as the model wishes, else 1. */
  readonly temperature?: Nullish<number>;
  readonly top_p?: Nullish<number>;
  /** 0: all tokens. */
  readonly top_k?: Nullish<number>;
  readonly min_p?: Nullish<number>;
  readonly repetition_penalty?: Nullish<number>;
  readonly presence_penalty?: Nullish<number>;
  readonly frequency_penalty?: Nullish<number>;
  /** By ids of tokens. */
  readonly logit_bias?: Nullish<Readonly<Record<string, number>>>;
  readonly seed?: Nullish<number>;
  readonly stop?: Nullish<string | readonly string[]>;
}

/** Most new tokens of a model that sets no limit, unless the request does. */
const UNBOUNDED = 4096;

/** Generation options of the index-th text. `prompt`: number of its first tokens. */
export function generationOf(
  given: Sampling,
  most: number | null | undefined,
  pipe: TextGeneration,
  prompt: number,
  index = 0,
): GenerationConfig {
  const { model } = pipe;
  const { generation_config: own, module } = model;
  const { positions } = module.dims;
  const room = Number.isFinite(positions) ? Math.max(1, positions - prompt) : UNBOUNDED;
  const { temperature = own.do_sample ? own.temperature : 1, top_p, top_k, min_p, seed } = defined(given);
  const stops = [given.stop ?? []].flat();
  const drawn = temperature !== 0 && top_p !== 0;
  return {
    max_new_tokens: most ?? room,
    ...(given.repetition_penalty != null && { repetition_penalty: given.repetition_penalty }),
    ...(given.presence_penalty != null && { presence_penalty: given.presence_penalty }),
    ...(given.frequency_penalty != null && { frequency_penalty: given.frequency_penalty }),
    ...(given.logit_bias != null && { logit_bias: given.logit_bias as Record<number, number> }),
    ...(stops.length > 0 && { stop_strings: stops }),
    do_sample: drawn,
    ...(drawn && {
      temperature: temperature ?? 1,
      top_p: top_p ?? own.top_p ?? 1,
      top_k: top_k ?? own.top_k ?? 0,
      min_p: min_p ?? own.min_p ?? 0,
      // Each text of a request draws numbers of its own.
      ...(seed !== undefined && { seed: index === 0 ? seed : (seed + index * 0x9e3779b1) % 2 ** 52 }),
    }),
  };
}

/** Fields without those that are null, which mean the default. */
export const defined = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], null> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as never;
