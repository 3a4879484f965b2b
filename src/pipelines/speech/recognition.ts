/**
 * pipeline('automatic-speech-recognition'): what is said in a sound, as text, in stretches or words with their times. Sounds of any length are heard window after window by their timestamps,
 * or, with chunk_length_s, in pieces that overlap, side by side. Results have transformers.js's form.
 */
import { type Ears, heardBy, loadEars } from '../../audio/ears.js';
import type { AudioSource } from '../../audio/read.js';
import type { Engine } from '../../engine/engine.js';
import { checkOptions } from '../../errors.js';
import type { SpeechGenerateOptions } from '../../generation/speech/asking.js';
import { SpeechModel, type SpeechSeq2Seq } from '../../generation/speech/model.js';
import type { Segment } from '../../generation/speech/segments.js';
import { type Folder, folderOf } from '../../io/folder.js';
import { architectureOf } from '../../models/architecture.js';
import { callable } from '../../models/callable.js';
import { homeOf } from '../../models/home.js';
import { checkPretrained, type PretrainedOptions } from '../../models/options.js';
import { type CallableTokenizer, Tokenizer } from '../../text/tokenizer.js';
import { checkRunOptions } from '../rows.js';
import { loadAll, TextPipeline } from '../text.js';
import { type Asked, askedOf, generationNames, optionNames, type SpeechRecognitionOptions, TASK } from './asked.js';
import { loadCtc } from './ctc.js';
import { type Chunk, type Heard, merged, type Piece, type Span } from './merge.js';
import { sideBySide, startsOf } from './pieces.js';
import { SampleRecognitionPipeline } from './samples.js';
import { type SpeechChunk, wordsOf } from './words.js';

/** What is said in a sound. */
export interface Transcription {
  /** All of it. */
  text: string;
  /** With return_timestamps. */
  chunks?: SpeechChunk[];
  /** The code of its language, where the model tells languages apart. */
  language?: string;
}

/**
 * What is said in sounds.
 * @example
 * ```js
 * const transcribe = await pipeline('automatic-speech-recognition', 'openai/whisper-tiny');
 * const { text, chunks } = await transcribe('interview.wav', { return_timestamps: 'word' });
 * ```
 */
export class SpeechRecognitionPipeline extends TextPipeline<SpeechSeq2Seq> {
  /** Kind of its first argument: files may be given by addresses. */
  readonly reads = 'files';
  /** Tokens that are no words: of languages and tasks, beginnings and ends. */
  readonly #silent: ReadonlySet<number>;

  constructor(
    tokenizer: CallableTokenizer,
    model: SpeechSeq2Seq,
    /** What makes features of sounds. */
    readonly ears: Ears,
  ) {
    super(tokenizer, model);
    const { lang_to_id = {}, task_to_id = {}, ...own } = model.generation_config;
    const marks = [own.eos_token_id, own.bos_token_id, own.pad_token_id, own.decoder_start_token_id, own.prev_sot_token_id];
    const all = [...Object.values(lang_to_id), ...Object.values(task_to_id), own.no_timestamps_token_id, ...marks].flat();
    this.#silent = new Set(all.filter((id) => id !== undefined));
  }

  /** Loads a model's folder: its weights, tokenizer and preprocessor_config.json. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<SpeechRecognizer> {
    checkPretrained(options);
    const { runtime } = engine;
    const { signal } = options;
    const folder = folderOf(runtime, from);
    const [model, tokenizer, ears] = await loadAll(
      SpeechModel.load(engine, folder, options),
      Tokenizer.load(folder, { signal }, runtime),
      loadEars(runtime, folder, { signal }),
    );
    const Made = model.module.dims.waves ? SampleRecognitionPipeline : SpeechRecognitionPipeline;
    return callable(new Made(tokenizer, model, ears)) as unknown as SpeechRecognizer;
  }

  /** What is said in a sound, or in each of several. Rejects with ARGUMENT, UNSUPPORTED, what is wrong with a file, or `signal.reason`. */
  async call(
    sounds: AudioSource | readonly AudioSource[],
    options: SpeechRecognitionOptions = {},
  ): Promise<Transcription | Transcription[]> {
    checkOptions(options, optionNames, TASK);
    checkRunOptions(TASK, options);
    const { signal, onProgress, onChunk, sampling_rate } = options;
    const asks = askedOf(options, this.#window);
    const samples = await heardBy(this.ears, sounds, sampling_rate, signal);
    const done = samples.map(() => 0);
    const total = samples.reduce((sum, { length }) => sum + length, 0);
    const found: Transcription[] = [];
    await sideBySide(samples, async (one, i) => {
      const told = (share: number) => {
        done[i] = share * one.length;
        onProgress?.(Math.round(done.reduce((sum, n) => sum + n, 0)), total);
      };
      const tell = onChunk && ((chunk: SpeechChunk) => onChunk(chunk, i));
      found[i] = asks.chunk ? await this.#inPieces(one, asks, options, told) : await this.#inWindows(one, asks, options, told, tell);
    });
    return Array.isArray(sounds) ? found : (found[0] as Transcription);
  }

  /** Seconds of a window. */
  get #window(): number {
    return (this.model.module.dims.features?.steps ?? 0) * STEP;
  }

  /** One window after the other, each from where the one before ended. */
  async #inWindows(
    samples: Float32Array,
    asks: Asked,
    options: SpeechRecognitionOptions,
    told: (share: number) => void,
    tell: ((chunk: SpeechChunk) => void) | undefined,
  ): Promise<Transcription> {
    const { sampling_rate: rate } = this.ears;
    const isLong = samples.length > this.#window * rate;
    const input_features = await this.ears.features(samples, isLong);
    const steps = input_features.dims[2] as number;
    const sounding = Math.min(steps, Math.ceil(samples.length / rate / STEP));
    const { segments, languages } = await this.model.generate({
      ...this.#generation(options),
      ...{ input_features, attention_mask: maskOf(steps, sounding), return_segments: true, return_token_timestamps: asks.words },
      return_timestamps: asks.times || isLong,
      onProgress: (some: number, all: number) => told(some / all),
      ...(tell && {
        onSegment: (segment: Segment) => {
          if (segment.tokens.some((token) => this.#isWord(token))) tell(this.#chunkOf(segment));
        },
      }),
    });
    told(1);
    return this.#told(this.#stretches((segments as Segment[][])[0] as Segment[]), asks, samples.length / rate, languages?.[0]);
  }

  /** In pieces that overlap. */
  async #inPieces(
    samples: Float32Array,
    asks: Asked,
    options: SpeechRecognitionOptions,
    told: (share: number) => void,
  ): Promise<Transcription> {
    const { sampling_rate: rate } = this.ears;
    const [chunk, left, right] = [asks.chunk, asks.left, asks.right].map((seconds) => Math.round(seconds * rate)) as [
      number,
      number,
      number,
    ];
    const starts = startsOf(samples.length, chunk, left + right);
    const pieces: Piece[] = [];
    let [done, language] = [0, undefined as number | undefined];
    await sideBySide(starts, async (at, i) => {
      const piece = samples.subarray(at, at + chunk);
      const input_features = await this.ears.features(piece, false);
      const steps = input_features.dims[2] as number;
      const sounding = Math.min(steps, Math.ceil(piece.length / rate / STEP));
      const { segments, languages } = await this.model.generate({
        ...this.#generation(options),
        ...{ input_features, attention_mask: maskOf(steps, sounding), return_segments: true, return_token_timestamps: asks.words },
        return_timestamps: asks.times,
      });
      if (i === 0) language = languages?.[0];
      const isLast = i === starts.length - 1;
      const stride = { length: piece.length / rate, left: i > 0 ? left / rate : 0, right: isLast ? 0 : right / rate };
      pieces[i] = { heard: this.#heard((segments as Segment[][])[0] as Segment[], asks.times), stride };
      told(++done / starts.length);
    });
    return this.#told(merged(pieces), asks, samples.length / rate, language);
  }

  #generation(options: SpeechRecognitionOptions): Omit<SpeechGenerateOptions, 'input_features'> {
    const given = options as Record<string, unknown>;
    return Object.fromEntries(generationNames.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]));
  }

  /** The first timestamp. */
  get #begin(): number {
    return (this.model.generation_config.no_timestamps_token_id ?? this.model.module.dims.V) + 1;
  }

  /** A segment as a stretch of the text. */
  #stretches(segments: readonly Segment[]): Chunk[] {
    let before = 0;
    return segments.flatMap(({ start, end, tokens, token_timestamps: times }) => {
      const chunk: Chunk = { start: hundredths(start), end: hundredths(end), tokens: [], spans: [] };
      for (const [i, token] of tokens.entries()) {
        // A token lasts from the time of the one before to its own.
        const span = [hundredths(before), hundredths(times?.[i] ?? 0)] as const;
        before = times?.[i] ?? 0;
        if (!this.#isWord(token)) continue;
        chunk.tokens.push(token);
        chunk.spans.push(span);
      }
      return chunk.tokens.length ? [chunk] : [];
    });
  }

  /** Segments of a piece, with their timestamps where times are told. */
  #heard(segments: readonly Segment[], times: boolean): Heard[] {
    const marks = (token: number | undefined, time: number) => (times && token !== undefined && token >= this.#begin ? [{ time }] : []);
    return segments.flatMap((segment) => {
      const { start, end, tokens } = segment;
      const words = this.#stretches([segment]).flatMap((one) => one.tokens.map((token, i) => ({ token, span: one.spans[i] as Span })));
      return [...marks(tokens[0], start), ...words, ...marks(tokens.length > 1 ? tokens.at(-1) : undefined, end)];
    });
  }

  #isWord(token: number): boolean {
    return token < this.#begin && !this.#silent.has(token);
  }

  readonly #decode = (tokens: readonly number[]): string => this.tokenizer.decode(tokens);

  #chunkOf({ start, end, tokens }: Segment): SpeechChunk {
    return { text: this.#decode(tokens.filter((token) => this.#isWord(token))), timestamp: [hundredths(start), hundredths(end)] };
  }

  #told(chunks: readonly Chunk[], { times, words }: Asked, duration: number, languageToken: number | undefined): Transcription {
    const texts = chunks.map(({ tokens }) => this.#decode(tokens));
    const name = languageToken === undefined ? undefined : this.tokenizer.id_to_token(languageToken);
    const language = name?.slice(2, -2);
    // What is cut off in the middle of a text lasts to the end.
    const stretch = ({ start = 0, end = hundredths(duration) }: Chunk, i: number): SpeechChunk => ({
      text: texts[i] as string,
      timestamp: [start, Math.max(start, end)],
    });
    const each = () => chunks.flatMap(({ tokens, spans }): SpeechChunk[] => wordsOf(tokens, spans, this.#decode, language));
    return {
      text: texts.join(''),
      ...(times && { chunks: words ? each() : chunks.map(stretch) }),
      ...(language !== undefined && { language }),
    };
  }
}

/** Seconds of a step of features: Whisper's hop. */
const STEP = 0.01;

const hundredths = (seconds: number): number => Math.round(seconds * 100) / 100;

const maskOf = (steps: number, sounding: number) => ({ data: new Int32Array(steps).fill(1, 0, sounding), dims: [1, steps] });

/** For `registerTask`. */
export const automaticSpeechRecognition = {
  /** Name of the task, as `pipeline` takes it. */
  name: TASK,
  /** Its other name. */
  aliases: ['asr'],
  /** Where none is asked for: the smallest that hears all languages. */
  model: 'openai/whisper-tiny@169d4a4341b33bc18d8881c4b69c2e104e1cc0af',
  /** Loads a model's folder. `pipeline` does it. */
  async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<SpeechRecognizer> {
    const folder = folderOf(engine.runtime, from);
    const { config } = await homeOf(folder, { signal: options.signal });
    const scoresLetters = architectureOf(config).heads?.CTC !== undefined;
    return scoresLetters ? loadCtc(engine, folder, options) : SpeechRecognitionPipeline.load(engine, folder, options);
  },
};

/** A pipeline of this task. */
export type SpeechRecognizer = Omit<SpeechRecognitionPipeline, 'call'> &
  Recognize & {
    /** The same. */
    call: Recognize;
  };
/** One sound, or several. */
export type Recognize = {
  /** Of each sound what is said in it. */
  (sounds: readonly AudioSource[], options?: SpeechRecognitionOptions): Promise<Transcription[]>;
  /** What is said in a sound. */
  (sound: AudioSource, options?: SpeechRecognitionOptions): Promise<Transcription>;
};
