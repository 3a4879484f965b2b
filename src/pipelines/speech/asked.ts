/** What a call of automatic-speech-recognition is asked, and what of it cannot be. */
import { type GenerationConfig, generationOptionNames } from '../../generation/config.js';
import type { SpeechGenerateOptions } from '../../generation/speech/asking.js';
import { thresholdNames } from '../../generation/speech/config.js';
import { type RunOptions, runOptionNames } from '../rows.js';
import { wrong } from '../text.js';
import type { SpeechChunk } from './words.js';

/** The task's name. */
export const TASK = 'automatic-speech-recognition';

/** Options of a call: how sounds are cut, what is told, and how the model writes. */
export interface SpeechRecognitionOptions
  extends Omit<GenerationConfig, 'temperature'>,
    RunOptions,
    Pick<
      SpeechGenerateOptions,
      'language' | 'task' | 'temperature' | 'prompt_ids' | 'prompt_condition_type' | (typeof thresholdNames)[number]
    > {
  /** `true` for stretches with their times, 'word' for words, 'char' for letters, where the model scores letters. Default false: the text alone. */
  return_timestamps?: boolean | 'word' | 'char' | undefined;
  /** Seconds of pieces that are heard side by side, up to a window of the model. Default 0: one window follows the other, which is more exact. */
  chunk_length_s?: number | undefined;
  /** Seconds at both ends of a piece that its neighbours tell of, too; or those at each end. Default a sixth of chunk_length_s. */
  stride_length_s?: number | readonly [left: number, right: number] | undefined;
  /** Samples a second of what is given as numbers. Default the model's, 16000. */
  sampling_rate?: number | undefined;
  /** Is told of stretches as they are heard, of the sound with this number. Not with chunk_length_s. */
  onChunk?: ((chunk: SpeechChunk, sound: number) => void) | undefined;
}

const spokenNames = ['language', 'task', 'temperature', 'prompt_ids', 'prompt_condition_type', 'signal'];
/** Of those, what is the model's. */
export const generationNames: readonly string[] = /* @__PURE__ */ spokenNames.concat(thresholdNames, generationOptionNames);
const ownNames = ['return_timestamps', 'chunk_length_s', 'stride_length_s', 'sampling_rate', 'onChunk'];
/** Names of all options. */
export const optionNames: readonly string[] = /* @__PURE__ */ ownNames.concat(generationNames, runOptionNames);

/** What is asked for; seconds of pieces are 0 where there are none. */
export interface Asked {
  times: boolean;
  words: boolean;
  chunk: number;
  left: number;
  right: number;
}

/** Seconds of the shortest piece, and the least by which one begins after the one before: with less a sound would have pieces without end. */
const [SHORTEST, LEAST_ADVANCE] = [0.02, 0.01];

/** Throws ARGUMENT for what cannot be. */
export function askedOf(
  { return_timestamps = false, chunk_length_s: chunk = 0, stride_length_s, onChunk }: SpeechRecognitionOptions,
  window: number,
): Asked {
  if (![true, false, 'word'].includes(return_timestamps))
    throw wrong(TASK, 'return_timestamps', return_timestamps, "It is true, false or 'word'");
  if (!(chunk === 0 || (Number.isFinite(chunk) && chunk >= SHORTEST && chunk <= window)))
    throw wrong(TASK, 'chunk_length_s', chunk, `It is 0, or a number of seconds from ${SHORTEST} to the model's window, ${window}`);
  const strides =
    stride_length_s === undefined
      ? [chunk / 6, chunk / 6]
      : typeof stride_length_s === 'number'
        ? [stride_length_s, stride_length_s]
        : stride_length_s;
  const [left, right] = Array.isArray(strides) && strides.length === 2 ? (strides as [number, number]) : [Number.NaN, 0];
  if (!(left >= 0 && right >= 0 && (chunk ? left + right <= chunk - LEAST_ADVANCE : stride_length_s === undefined)))
    throw wrong(
      TASK,
      'stride_length_s',
      stride_length_s,
      chunk ? `Both ends together are less than chunk_length_s, by ${LEAST_ADVANCE} seconds or more` : 'Give chunk_length_s beside it',
    );
  if (onChunk !== undefined && (typeof onChunk !== 'function' || chunk))
    throw wrong(TASK, 'onChunk', onChunk, 'It is a function, and hears of windows: leave chunk_length_s out');
  return { times: return_timestamps !== false, words: return_timestamps === 'word', chunk, left, right };
}
