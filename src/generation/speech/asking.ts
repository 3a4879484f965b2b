/** What `generate` of a model that hears is asked, what it gives, and what of its options cannot be. */
import { HeedError, kindOf } from '../../errors.js';
import type { IntegerInput } from '../../models/inputs.js';
import { expectBooleans } from '../../ops/check.js';
import type { HostTensor } from '../../tensor.js';
import { checkGenerationValues, type GenerationConfig, generationOptionNames } from '../config.js';
import { type OwnOptions, ownNames } from '../own.js';
import type { Streamer } from '../sequence.js';
import { type SpeechGenerationConfig, thresholdNames } from './config.js';
import type { Segment } from './segments.js';

/** Numbers with a shape, as a feature extractor gives them. */
export interface FeatureTensor {
  /** The numbers, the last axis innermost. */
  readonly data: ArrayLike<number>;
  /** The length of each axis. */
  readonly dims: readonly number[];
}

/** A sound and the text that is heard in it. */
export interface SpeechInputs {
  /** The sound's features, float32 [B, channels, steps], of as many steps as the model hears at once. For Whisper. */
  input_features?: FeatureTensor | undefined;
  /** The sound's samples, float32 [B, samples]. For Moonshine. */
  input_values?: FeatureTensor | undefined;
  /** 1 for samples that are sound, [B, samples]. With `input_values`. */
  attention_mask?: IntegerInput | undefined;
  /** What the text begins with, [B, T]. */
  decoder_input_ids: IntegerInput;
}

/** Options of `model.generate`: the sound, how it is listened to, and how the text is written. */
export interface SpeechGenerateOptions extends Omit<SpeechGenerationConfig, 'temperature'>, OwnOptions {
  /** The sounds' features, float32 [B, channels, steps]. More steps than the model hears at once are heard window after window. For Whisper. */
  input_features?: FeatureTensor | undefined;
  /** The sounds' samples, float32 [B, samples]. For Moonshine, which has no languages, tasks and times, and else the options of models that write. */
  input_values?: FeatureTensor | undefined;
  /** 1 for steps, or samples, that are sound, [B, steps]. Several sounds that are longer than a window need it, and words' times are the better for it. */
  attention_mask?: IntegerInput | undefined;
  /** A code, 'de', or an English name, 'german'; one, or one for each sound. Default: detected. */
  language?: string | readonly string[] | undefined;
  /** 'transcribe', or 'translate' into English. Default 'transcribe'. */
  task?: string | undefined;
  /** Whether each token is given the time at which it was said. Default false. */
  return_token_timestamps?: boolean | undefined;
  /** Whether the result is an object with `segments`. Default false: it is its `sequences`. */
  return_segments?: boolean | undefined;
  /** The same under the general name. */
  return_dict_in_generate?: boolean | undefined;
  /** A text in whose spirit the model goes on: names, spellings. Tokens, <|startofprev|> first. */
  prompt_ids?: readonly number[] | undefined;
  /** Whether it stands before the first window, or before all of them; the latter with condition_on_prev_tokens. Default 'first-segment'. */
  prompt_condition_type?: 'first-segment' | 'all-segments' | undefined;
  /** Above 0 tokens are drawn. Of several the next is tried where a text is not to be trusted, by the thresholds. Default 0. */
  temperature?: number | readonly number[] | undefined;
  /** Hears of tokens as they come: a TextStreamer. For one sound, without beams. */
  streamer?: Streamer | undefined;
  /** Is told of steps that were heard, and of how many there are. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Is told of segments as they come, of the sound with this number. */
  onSegment?: ((segment: Segment, sound: number) => void) | undefined;
  /** Ends the generation, which rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** What was heard. */
export interface SpeechGenerateOutput {
  /** int32 [B, T], without what the decoder starts with and without the end; pad_token_id fills them up. */
  sequences: HostTensor;
  /** float32 [B, T], with return_token_timestamps: when each token was said, in seconds. */
  token_timestamps?: HostTensor;
  /** Of each sound, with return_segments. */
  segments?: Segment[][];
  /** The token of each sound's language, where the model has some. */
  languages?: number[];
}

/** What only a call without an object gives. */
export type SpeechGenerate = {
  /** With `return_segments`, `return_token_timestamps` or `return_dict_in_generate` the sequences and what was asked for beside them. */
  (
    options: SpeechGenerateOptions &
      (
        | {
            /** An object is given. */
            return_segments: true;
          }
        | {
            /** An object is given. */
            return_token_timestamps: true;
          }
        | {
            /** An object is given. */
            return_dict_in_generate: true;
          }
      ),
  ): Promise<SpeechGenerateOutput>;
  /** The sequences, int32 [B, T]. */
  (options: SpeechGenerateOptions): Promise<HostTensor>;
};

const callNames = [
  'input_features',
  'attention_mask',
  'language',
  'task',
  'return_timestamps',
  'return_token_timestamps',
  'return_segments',
  'return_dict_in_generate',
  'prompt_ids',
  'prompt_condition_type',
  'temperature',
  'streamer',
  'onProgress',
  'onSegment',
  'signal',
];
/** Names of all options. */
export const speechOptionNames: readonly string[] = /* @__PURE__ */ callNames.concat(thresholdNames, ownNames, generationOptionNames);

export const wrong = (name: string, value: unknown, cure: string) =>
  new HeedError('ARGUMENT', `generate: ${name} is ${kindOf(value)}`, { culprit: name, cure });

/** Options of the search. Throws ARGUMENT for values that cannot be. */
export function askedOf(given: SpeechGenerateOptions): GenerationConfig {
  const found = generationOptionNames.map((name) => [name, given[name]] as const);
  const { do_sample, temperature, ...asked } = Object.fromEntries(found.filter(([, value]) => value !== undefined)) as Record<
    string,
    unknown
  >;
  checkGenerationValues(asked);
  if (((asked as GenerationConfig).num_return_sequences ?? 1) > 1)
    throw new HeedError('UNSUPPORTED', 'generate: a sound has one text', { culprit: 'num_return_sequences', cure: 'Leave it out' });
  return asked;
}

/** What of a model's wishes the call says otherwise. */
export const said = (given: SpeechGenerateOptions): SpeechGenerationConfig =>
  Object.fromEntries(thresholdNames.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));

export function temperaturesOf({ temperature, do_sample }: SpeechGenerateOptions): readonly number[] {
  expectBooleans('generate', { do_sample });
  const all = [temperature ?? (do_sample ? 1 : 0)].flat();
  const strange = all.find((t) => !(typeof t === 'number' && t >= 0 && Number.isFinite(t)));
  if (all.length && strange === undefined) return all;
  throw wrong('temperature', strange, 'It is a number from 0 on, or a list of them');
}

export function languagesOf(language: SpeechGenerateOptions['language'], B: number): (string | undefined)[] {
  if (!Array.isArray(language)) return Array<string | undefined>(B).fill(language as string | undefined);
  if (language.length === B) return language as string[];
  throw wrong('language', language, `Give one, or ${B}: one for each sound`);
}

export function checkPrompt(
  { prompt_ids, prompt_condition_type: type = 'first-segment' }: SpeechGenerateOptions,
  wishes: SpeechGenerationConfig,
): void {
  if (prompt_ids !== undefined && !(Array.isArray(prompt_ids) && prompt_ids.every((id) => Number.isSafeInteger(id))))
    throw wrong('prompt_ids', prompt_ids, 'It is a list of ids of tokens');
  if (type !== 'first-segment' && type !== 'all-segments')
    throw wrong('prompt_condition_type', type, "It is 'first-segment' or 'all-segments'");
  if (type === 'all-segments' && !wishes.condition_on_prev_tokens)
    throw wrong('prompt_condition_type', type, 'Give condition_on_prev_tokens: true');
}
