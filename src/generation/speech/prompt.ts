/** What the decoder starts with: a language, a task, whether timestamps are written; and before them what was heard before. */
import { HeedError, kindOf } from '../../errors.js';
import type { SpeechGenerationConfig } from './config.js';
import { languageCode } from './languages.js';
import type { Segment } from './segments.js';

/** What is asked of a sound. */
export interface Spoken {
  /** Its language: a code, or an English name. Default: it is detected. */
  language?: string | undefined;
  /** 'transcribe', or 'translate' into English. Default: as the model's files say, else transcribe. */
  task?: string | undefined;
  return_timestamps: boolean;
}

const refuse = (code: 'ARGUMENT' | 'UNSUPPORTED', what: string, culprit: string, cure: string) =>
  new HeedError(code, `generate: ${what}`, { culprit, cure });

/** The token of a language. Throws ARGUMENT for what is none, and for one that the model does not know. */
export function languageToken(language: unknown, { lang_to_id = {} }: SpeechGenerationConfig): number {
  const code = typeof language === 'string' ? languageCode(language) : undefined;
  const token = code === undefined ? undefined : lang_to_id[`<|${code}|>`];
  if (token !== undefined) return token;
  const known = Object.keys(lang_to_id).map((name) => name.slice(2, -2));
  throw refuse('ARGUMENT', `language is ${kindOf(language)}`, 'language', `The model knows ${known.join(', ') || 'none'}`);
}

/** Throws UNSUPPORTED for a language or a task of a model that has none, ARGUMENT for a task that is none. */
export function checkSpoken({ language, task }: Omit<Spoken, 'return_timestamps'>, own: SpeechGenerationConfig): void {
  const asked = language !== undefined ? 'language' : task !== undefined ? 'task' : undefined;
  if (asked && own.is_multilingual === false)
    throw refuse(
      'UNSUPPORTED',
      `this model hears English alone, and ${asked} was given`,
      asked,
      'Leave it out, or take a multilingual model',
    );
  const lacks = asked === 'language' ? !own.lang_to_id : asked === 'task' ? !own.task_to_id : false;
  if (asked && lacks)
    throw refuse(
      'UNSUPPORTED',
      `the model's generation_config.json names no tokens for ${asked}`,
      asked,
      'Leave it out, or take newer files',
    );
  if (language !== undefined) languageToken(language, own);
  if (task !== undefined && !Object.hasOwn(own.task_to_id ?? {}, task))
    throw refuse('ARGUMENT', `task is ${kindOf(task)}`, 'task', `Use ${Object.keys(own.task_to_id ?? {}).join(', ')}`);
}

/** Whether the language has to be detected first. */
export const detects = ({ language, task }: Spoken, own: SpeechGenerationConfig): boolean =>
  own.lang_to_id !== undefined && language === undefined && (task !== undefined || typeof forcedOf(own)[0] !== 'number');

/** Tokens that old files force behind the first, in order. */
function forcedOf({ forced_decoder_ids: forced = [] }: SpeechGenerationConfig): (number | null)[] {
  const found: (number | null)[] = [];
  for (const [position, token] of forced) if (position === found.length + 1) found.push(token);
  return found;
}

/** The decoder's first tokens. `detected` is the language's token where it was not given. */
export function startOf(start: number, spoken: Spoken, own: SpeechGenerationConfig, detected: number | undefined): number[] {
  const { language, task, return_timestamps } = spoken;
  const { task_to_id: tasks = {}, no_timestamps_token_id: none } = own;
  const isFree = language === undefined && task === undefined;
  const forced = isFree ? forcedOf(own) : [];
  const heard = language === undefined ? detected : languageToken(language, own);
  const named = task ?? (language === undefined ? undefined : 'transcribe');
  const asked = named === undefined ? undefined : tasks[named];
  const tokens = [heard ?? forced[0], ...(asked === undefined ? forced.slice(1) : [asked])];
  const known = tokens.filter((token): token is number => typeof token === 'number' && token !== none);
  return [start, ...known, ...(return_timestamps || none === undefined ? [] : [none])];
}

/** What stands before that: the texts of segments, of which as many of the last tokens as there is room for, behind what says that they were before. */
export function pastOf(segments: readonly Pick<Segment, 'tokens'>[], before: readonly number[], begin: number, most: number): number[] {
  const tokens = segments.flatMap(({ tokens: own }) =>
    // Of two timestamps at its end the second is the next one's.
    own.length > 2 && (own.at(-2) as number) >= begin ? own.slice(0, -1) : own,
  );
  return [...before, ...tokens.slice(-most)];
}
