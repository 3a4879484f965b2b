/**
 * A sound of any length, window after window (Radford et al., arXiv 2212.04356, §3.8; transformers' sequential algorithm): where the last timestamp of one stands the next begins. A window whose
 * text is not to be trusted is written again with more temperature, or left out as silence.
 */
import type { GenerationConfig } from '../config.js';
import type { Loop } from '../loop.js';
import { type OwnOptions, ownOf } from '../own.js';
import { planOf } from '../plan.js';
import type { Found, Streamer } from '../sequence.js';
import type { SpeechGenerationConfig } from './config.js';
import { detects, pastOf, type Spoken, startOf } from './prompt.js';
import { type Segment, segmentsOf } from './segments.js';
import { timestampRules } from './timestamps.js';
import { Confidence, compressionRatio } from './trust.js';
import { HeardWindow, type Run } from './window.js';

/** One sound: [channels, steps] numbers, of which the first `frames` are heard. */
export interface Sound {
  data: Float32Array;
  steps: number;
  frames: number;
  /** Steps that are sound and not padding, where that is known. */
  sounding: number | undefined;
}

/** How it is listened to. */
export interface Listening extends OwnOptions {
  wishes: SpeechGenerationConfig;
  /** Options of the call. */
  asked: GenerationConfig;
  spoken: Spoken;
  /** The temperatures that are tried, one after the other. */
  temperatures: readonly number[];
  promptIds: readonly number[] | undefined;
  /** Whether the prompt stands before every window, or before the first alone. */
  promptsAll: boolean;
  wantsTimes: boolean;
  /** Drawn numbers differ by it. */
  row: number;
  streamer?: Streamer | undefined;
  signal?: AbortSignal | undefined;
  /** Hears of steps that are done. */
  onFrames?(done: number): void;
  /** Hears of segments as they come. */
  onSegments?(segments: readonly Segment[]): void;
}

/** What was heard. */
export interface Heard {
  segments: Segment[];
  /** The token of the language, where the model has some. */
  language: number | undefined;
}

const drawing = ['top_k', 'top_p', 'min_p', 'typical_p', 'seed'] as const;
/** Options that temperatures stand for. */
const without = (asked: GenerationConfig, names: readonly (keyof GenerationConfig)[]): GenerationConfig =>
  Object.fromEntries(Object.entries(asked).filter(([name]) => !names.includes(name as keyof GenerationConfig)));

export class Listener {
  readonly #listening: Listening;
  readonly #segments: Pick<Segment, 'tokens'>[] = [];
  #conditions: boolean;
  #start: readonly number[] | undefined;
  #language: number | undefined;

  constructor(
    readonly loop: Loop,
    readonly run: Run,
    readonly module: HeardWindow['module'],
    listening: Listening,
  ) {
    this.#listening = listening;
    const { promptIds, promptsAll, wishes } = listening;
    this.#conditions = wishes.condition_on_prev_tokens ?? false;
    if (promptIds && !promptsAll) this.#segments.push({ tokens: promptIds.slice(promptIds[0] === wishes.prev_sot_token_id ? 1 : 0) });
  }

  async hear(sound: Sound): Promise<Heard> {
    const { onFrames, onSegments, signal } = this.#listening;
    const { features: { channels, steps } = { channels: 0, steps: 0 } } = this.module.dims;
    const all: Segment[] = [];
    for (let seek = 0; seek < sound.frames; ) {
      signal?.throwIfAborted();
      onFrames?.(seek);
      const frames = Math.min(steps, sound.frames - seek);
      const features = new Float32Array(channels * steps);
      for (let c = 0; c < channels; c++)
        features.set(sound.data.subarray(c * sound.steps + seek, c * sound.steps + seek + frames), c * steps);
      const window = await HeardWindow.of(this.module, this.run, { features, shape: [1, channels, steps] });
      try {
        const { segments, advance } = await this.#window(window, { seek, frames, sounding: sound.sounding });
        all.push(...segments);
        this.#segments.push(...segments);
        if (segments.length) onSegments?.(segments);
        // A window that gets nowhere would be heard for ever.
        seek += advance > 0 ? advance : frames;
      } finally {
        window.dispose();
      }
    }
    onFrames?.(sound.frames);
    return { segments: all, language: this.#language };
  }

  async #window(window: HeardWindow, { seek, frames, sounding }: { seek: number; frames: number; sounding: number | undefined }) {
    const { wishes, wantsTimes } = this.#listening;
    const start = await this.#startOf(window);
    const past = this.#past();
    const prompt = [...past, ...start];
    const silence = wishes.no_speech_threshold;
    const token = (wishes.no_timestamps_token_id ?? 0) - 1;
    const isSilent = silence !== undefined && (await window.probability(prompt.slice(0, past.length + 1), token)) > silence;
    const { tokens, skips } = await this.#written(window, prompt, isSilent);
    if (skips) return { segments: [], advance: frames };
    const { decoder, V, features } = this.module.dims;
    const stride = 2;
    const heads = wishes.alignment_heads ?? laterHeads(decoder);
    const positions = (sounding === undefined ? (features?.steps as number) : Math.max(0, sounding - seek)) / stride;
    const times = wantsTimes ? await window.times([...prompt, ...tokens], prompt.length, heads, Math.floor(positions)) : undefined;
    const words = this.#endless(tokens);
    const begin = wishes.no_timestamps_token_id === undefined ? V + 1 : wishes.no_timestamps_token_id + 1;
    return segmentsOf({ tokens: words, times: times?.slice(0, words.length), begin, seek, frames, stride });
  }

  async #startOf(window: HeardWindow): Promise<readonly number[]> {
    if (this.#start) return this.#start;
    const { wishes, asked, spoken } = this.#listening;
    const first = asked.decoder_start_token_id ?? wishes.decoder_start_token_id ?? wishes.bos_token_id ?? 0;
    const languages = Object.values(wishes.lang_to_id ?? {});
    const detected = detects(spoken, wishes) ? await window.likeliest(first, languages) : undefined;
    this.#start = startOf(first, spoken, wishes, detected);
    this.#language = this.#start.find((token) => languages.includes(token));
    return this.#start;
  }

  /** What stands before the first token of the decoder. */
  #past(): readonly number[] {
    const { promptIds, promptsAll, wishes } = this.#listening;
    const { prev_sot_token_id: before = wishes.suppress_tokens?.at(-2), no_timestamps_token_id: none = this.module.dims.V } = wishes;
    const most = Math.floor(this.module.dims.positions / 2) - 1;
    if (!this.#conditions || !this.#segments.length) return promptIds ?? [];
    return pastOf(this.#segments, promptsAll && promptIds ? promptIds : before === undefined ? [] : [before], none + 1, most);
  }

  /** Tokens behind the prompt, those of the last temperature if none is to be trusted. */
  async #written(window: HeardWindow, prompt: readonly number[], isSilent: boolean): Promise<{ tokens: number[]; skips: boolean }> {
    const { wishes, temperatures } = this.#listening;
    const { compression_ratio_threshold: ratio, logprob_threshold: least } = wishes;
    for (const [attempt, temperature] of temperatures.entries()) {
      const { found, mean } = await this.#attempt(window, prompt, temperature, attempt);
      const tokens = found.ids.slice(prompt.length);
      const isUnlikely = least !== undefined && (mean as number) < least;
      const skips = isSilent && (least === undefined || isUnlikely);
      const repeats = ratio !== undefined && (await compressionRatio(tokens, this.module.dims.V)) > ratio;
      this.#conditions = (wishes.condition_on_prev_tokens ?? false) && temperature < 0.5;
      if (skips || attempt === temperatures.length - 1 || !(repeats || isUnlikely)) return { tokens, skips };
    }
    return { tokens: [], skips: true };
  }

  async #attempt(window: HeardWindow, prompt: readonly number[], temperature: number, attempt: number) {
    const { wishes, asked, spoken, streamer, signal, row, temperatures } = this.#listening;
    const { positions } = this.module.dims;
    const draws = temperature > 0;
    const seed = asked.seed === undefined ? {} : { seed: asked.seed + 1000 * row + attempt };
    const given = draws ? { ...asked, do_sample: true, temperature, num_beams: 1, ...seed } : asked;
    // Options of draws belong to the temperatures that draw.
    const own = draws ? given : without(given, temperatures.some((t) => t > 0) ? drawing : []);
    const most = own.max_length ?? wishes.max_length;
    const length =
      own.max_new_tokens === undefined && wishes.max_new_tokens === undefined && most !== undefined
        ? { max_length: Math.min(positions, most + Math.min(Math.floor(positions / 2) - 1, prompt.length)) }
        : {};
    const plan = planOf(wishes, { ...own, ...length }, [prompt], this.module.dims);
    const none = wishes.no_timestamps_token_id;
    const { processors, ...rest } = ownOf(this.#listening, plan);
    const latest = wishes.max_initial_timestamp_index;
    const end = plan.eos_token_id[0] ?? plan.pad_token_id;
    const rules =
      spoken.return_timestamps && none !== undefined ? [(first: number) => timestampRules({ begin: none + 1, end, latest }, first)] : [];
    const confidence = wishes.logprob_threshold !== undefined && plan.num_beams === 1 ? new Confidence() : undefined;
    const listens = confidence ? [confidence.processor] : [];
    const [found] = await this.loop.add({
      engine: this.module.engine,
      prompts: [{ ids: prompt, source: [], plan }],
      start: () => window.start(),
      own: { ...rest, processors: [...rules, ...processors, ...listens] },
      streamer,
      signal,
    });
    const { ids, score } = found as Found;
    return { found: found as Found, mean: confidence ? confidence.mean(ids.at(-1) as number) : score };
  }

  /** Without what ends a text. */
  #endless(tokens: readonly number[]): readonly number[] {
    const { wishes, asked } = this.#listening;
    const ends = [asked.eos_token_id ?? wishes.eos_token_id ?? []].flat();
    return ends.includes(tokens.at(-1) as number) ? tokens.slice(0, -1) : tokens;
  }
}

/** Where nobody says which heads follow the sound: all of the later half (openai/whisper, model.py). */
const laterHeads = ({ L, H }: { L: number; H: number }): (readonly [number, number])[] =>
  Array.from({ length: (L - Math.floor(L / 2)) * H }, (_, i) => [Math.floor(L / 2) + Math.floor(i / H), i % H]);
